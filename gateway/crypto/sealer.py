"""The port `Sealer` over key-holders: judges see documents, key-holders see attributes, the service carries between them.

Own certificates are judged before they are used, at most a minute apart: pyHanko, like any signer, signs with a revoked
or expired certificate as gladly as with a good one (signing.md 0.7). Each signature is checked against the certificate
it will be shown with (`own_key`). What a sealed PDF walks through is in `pades.signing`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import OrganId
from gateway.core.ports import Clock, Judge, TimestampAuthority
from gateway.core.reasons import because
from gateway.core.sealed import SealedFile
from gateway.core.validation import Indication, Level
from gateway.core.verdict import SignatureVerdict
from gateway.crypto.cades.signing import sign_beside
from gateway.crypto.keys.holders import KeyHolder
from gateway.crypto.keys.own_certificate import insist_on_own
from gateway.crypto.keys.own_key import KeyRef, sign_with, try_key
from gateway.crypto.pades.signing import PdfSigner, SealOrder
from gateway.crypto.paths.certificates import CertificateVerdict, judge_certificate
from gateway.crypto.paths.trust import Evidence, Trust
from gateway.crypto.stamping import SignatureOrder, SignedFile, at_level
from gateway.crypto.xades.prepare import PreparedSignature, prepare_envelope
from gateway.crypto.xades.signing import (
    judge_signed_envelope,
    judge_signed_slip,
    markup_of_file,
    put_into_file,
    stamped_inside,
)
from gateway.crypto.xades.slip import prepare_slip

__all__ = ["CERTIFICATE_JUDGED_SECONDS", "FileSealer", "KeyRef", "SealingKeys", "try_key"]  # others find keys here, too

PLAIN: Final = SealOrder()
"""Level B-B: nothing is stamped, nothing is owed."""
SIGNED: Final = SignatureOrder()
"""The same for what is no PDF."""
CERTIFICATE_JUDGED_SECONDS: Final = 60.0
"""How long the verdict on an own certificate is used again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKeys:
    """Whose keys there are, who holds them, and whom own certificates are judged by: exchanged all at once."""

    holder: KeyHolder
    seals: Mapping[OrganId, KeyRef]
    transports: Mapping[OrganId, KeyRef]
    trust: Trust


class FileSealer:
    """Seals and signs for the bodies whose keys this installation holds."""

    def __init__(  # noqa: PLR0913 - what the composition root hands over, each once
        self,
        *,
        judge: Judge,
        holder: KeyHolder,
        seals: Mapping[OrganId, KeyRef],
        transports: Mapping[OrganId, KeyRef],
        trust: Trust,
        clock: Clock,
        authority: TimestampAuthority | None = None,
        later: TimestampAuthority | None = None,
        order: SealOrder = PLAIN,
    ) -> None:
        """`order`: how `seal` seals; `authority` stamps while a document waits, `later` what was owed (default: the same)."""
        self._judge = judge
        self._keys = SealingKeys(holder=holder, seals=seals, transports=transports, trust=trust)
        self._clock = clock
        self._authority = authority
        self._later = later or authority
        self._order = order
        self._judged: dict[str, tuple[float, CertificateVerdict]] = {}

    def replace(self, keys: SealingKeys) -> None:
        """Use these from now on; what is being sealed is finished with the keys it was begun with."""
        self._keys = keys
        self._judged.clear()

    def entrusted(self, organ: OrganId) -> bool:
        """See `Sealer.entrusted`."""
        return organ in self._keys.seals

    async def seal(self, pdf: Path, organ: OrganId) -> SealedFile:
        """See `Sealer.seal`; what is given out has been judged TOTAL-PASSED as a whole."""
        return await self.seal_as(pdf, organ, self._order)

    async def settle(self, pdf: Path, organ: OrganId, level: Level) -> SealedFile:
        """See `Sealer.settle`; whatever the seal's certificate is worth by now: what is added only speaks of the time."""
        signer = PdfSigner(judge=self._judge.on_behalf(organ), holder=None, clock=self._clock, authority=self._later)
        return await signer.settle(pdf, level, trust=self._keys.trust)

    async def seal_as(self, pdf: Path, organ: OrganId, order: SealOrder) -> SealedFile:
        """The PDF with the body's seal at the level and with the appearance that are asked for; see `PdfSigner.sign`.

        Raises:
            SiteError: `key.missing`; where the order insists also `timestamp.unavailable`, `seal.evidence`.
            SenderError: `file.unreadable`, `seal.forbidden`, `seal.field`, `seal.appearance`, `worker.killed`.
        """
        keys = self._keys
        key = self._key(keys.seals, organ, "seal")
        await self._check_certificate(key, keys.trust)
        signer = PdfSigner(
            judge=self._judge.on_behalf(organ), holder=keys.holder, clock=self._clock, authority=self._authority
        )
        return await signer.sign(pdf, key, order, trust=keys.trust)

    async def sign_detached(self, path: Path, organ: OrganId) -> bytes:
        """See `Sealer.sign_detached`; what is given out has been judged TOTAL-PASSED over that file."""
        return (await self.sign_detached_as(path, organ, SIGNED)).data

    async def sign_detached_as(self, path: Path, organ: OrganId, order: SignatureOrder) -> SignedFile:
        """`sign_detached` at the level that is asked for.

        Raises:
            SenderError: `size.limit`, `file.unreadable`, `worker.killed`.
            SiteError: `key.missing`, `key.certificate`; where the order insists also `timestamp.unavailable`.
        """
        keys = self._keys
        key = self._key(keys.seals, organ, "seal")
        await self._check_certificate(key, keys.trust)
        return await sign_beside(
            path,
            key,
            order,
            holder=keys.holder,
            judge=self._judge.on_behalf(organ),
            trust=keys.trust,
            clock=self._clock,
            authority=self._authority,
        )

    async def sign_envelope(self, skeleton: bytes, organ: OrganId) -> bytes:
        """See `Sealer.sign_envelope`."""
        return await self._signed_inside(prepare_envelope, skeleton, organ)

    async def sign_envelope_as(self, skeleton: bytes, organ: OrganId, order: SignatureOrder) -> SignedFile:
        """`sign_envelope` at the level that is asked for, judged TOTAL-PASSED.

        Raises:
            SenderError: `envelope.malformed`, `worker.killed`.
            SiteError: `key.missing`, `key.certificate`; where the order insists also `timestamp.unavailable`.
        """
        signed = await self._signed_inside(prepare_envelope, skeleton, organ)
        return await self._judged_at_level(signed, judge_signed_envelope, organ, order)

    async def sign_envelope_file(self, path: Path, organ: OrganId, order: SignatureOrder) -> SignedFile:
        """An envelope with its attachments, signed: every byte of it as it was; see `sign_envelope_as`.

        Raises:
            SenderError: `file.unreadable`, `size.limit`, too.
        """
        markup = await self._judge.on_behalf(organ).run(markup_of_file, path)
        signed = await self.sign_envelope_as(markup, organ, order)
        return replace(signed, data=await asyncio.to_thread(put_into_file, path, markup, signed.data))

    async def sign_slip_as(self, slip: bytes, organ: OrganId, order: SignatureOrder) -> SignedFile:
        """A seal slip with the body's signature, by the key that signs its envelopes; see `sign_envelope_as`."""
        signed = await self._signed_inside(prepare_slip, slip, organ)
        return await self._judged_at_level(signed, judge_signed_slip, organ, order)

    async def _signed_inside(self, prepare: Callable[..., PreparedSignature], data: bytes, organ: OrganId) -> bytes:
        keys = self._keys
        key = self._key(keys.transports, organ, "transport")
        await self._check_certificate(key, keys.trust)
        judge = self._judge.on_behalf(organ)
        prepared = await judge.run(prepare, data, chain=key.chain, moment=self._clock.now())
        return prepared.filled(await sign_with(keys.holder, key, prepared.to_sign))

    async def _judged_at_level(
        self, signed: bytes, judged: Callable[..., SignatureVerdict], organ: OrganId, order: SignatureOrder
    ) -> SignedFile:
        judge = self._judge.on_behalf(organ)
        found = await at_level(signed, order, partial(stamped_inside, judge=judge), authority=self._authority)
        verdict = await judge.run(judged, found.data, trust=self._keys.trust, moment=self._clock.now())
        if verdict.indication is not Indication.TOTAL_PASSED:
            raise SenderError("file.unreadable", reason=because("not_good_after", detail=verdict.reason))
        return found

    @staticmethod
    def _key(keys: Mapping[OrganId, KeyRef], organ: OrganId, purpose: str) -> KeyRef:
        try:
            return keys[organ]
        except KeyError:
            raise SiteError("key.missing", key=f"{purpose} of {organ}", reason=because("not_configured")) from None

    async def _check_certificate(self, key: KeyRef, trust: Trust) -> None:
        """Judge the own certificate, or remember that it was judged a moment ago."""
        judged, verdict = self._judged.get(key.key_id, (0.0, None))
        if verdict is None or self._clock.monotonic() - judged > CERTIFICATE_JUDGED_SECONDS:
            verdict = await self._judge.run(
                judge_certificate,
                key.chain[0],
                trust=trust,
                moment=self._clock.now(),
                evidence=Evidence(certificates=key.chain[1:]),
            )
            self._judged[key.key_id] = (self._clock.monotonic(), verdict)
        insist_on_own(verdict, key.chain[0], key_id=key.key_id, moment=self._clock.now())
