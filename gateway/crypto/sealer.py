"""The port `Sealer` over key files: judges see documents, key-holders see attributes, the service carries between them.

Own certificates are judged before they are used, at most a minute apart: pyHanko, like any signer, signs with a revoked
or expired certificate as gladly as with a good one (signing.md 0.7). Each signature is checked against the certificate
it will be shown with, so a key file in the wrong place is found here and not by a recipient.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.core import limits
from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import OrganId
from gateway.core.ports import Clock, Judge
from gateway.core.reasons import because, of_os
from gateway.core.validation import Indication
from gateway.core.verdict import FileVerdict
from gateway.crypto.cades.cms import assemble, room_for, seal_attributes
from gateway.crypto.cades.content import hash_file
from gateway.crypto.cades.verify import judge_detached
from gateway.crypto.keys.holders import KeyHolder
from gateway.crypto.pades.prepare import PreparedSeal, prepare_seal
from gateway.crypto.pades.verify import judge_pdf
from gateway.crypto.paths.certificates import CertificateVerdict, Trust, certificate_digest, judge_certificate
from gateway.crypto.xades.prepare import prepare_envelope

CERTIFICATE_JUDGED_SECONDS: Final = 60.0
"""How long the verdict on an own certificate is used again."""
_TRIAL: Final = b"gateway: a trial of this key, which says nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRef:
    """A private key by name, and the certificates that go with it."""

    key_id: str
    chain: tuple[bytes, ...]
    """DER, the key's own certificate first."""


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
    ) -> None:
        self._judge = judge
        self._keys = SealingKeys(holder=holder, seals=seals, transports=transports, trust=trust)
        self._clock = clock
        self._judged: dict[str, tuple[float, CertificateVerdict]] = {}

    def replace(self, keys: SealingKeys) -> None:
        """Use these from now on; what is being sealed is finished with the keys it was begun with."""
        self._keys = keys
        self._judged.clear()

    def entrusted(self, organ: OrganId) -> bool:
        """See `Sealer.entrusted`."""
        return organ in self._keys.seals

    async def seal(self, pdf: Path, organ: OrganId) -> bytes:
        """See `Sealer.seal`; what is given out has been judged TOTAL-PASSED as a whole."""
        keys = self._keys
        key = self._key(keys.seals, organ, "seal")
        judge, moment = self._judge.on_behalf(organ), self._clock.now()
        await self._check_certificate(key, keys.trust)
        prepared = await judge.run(prepare_seal_file, pdf, room=room_for(key.chain), moment=moment)
        await asyncio.to_thread(_check_untouched, pdf, prepared)
        digest = await asyncio.to_thread(_digest, prepared)
        attributes = seal_attributes(digest, key.chain[0])
        signature = await _sign(keys.holder, key, attributes.to_sign)
        sealed = prepared.filled(assemble(attributes, signature, key.chain))
        verdict = await judge.run(judge_pdf, sealed, trust=keys.trust, moment=moment)
        _check_seal(verdict, key)
        return sealed

    async def sign_detached(self, path: Path, organ: OrganId) -> bytes:
        """See `Sealer.sign_detached`; what is given out has been judged TOTAL-PASSED over that file."""
        keys = self._keys
        key = self._key(keys.seals, organ, "seal")
        judge, moment = self._judge.on_behalf(organ), self._clock.now()
        await self._check_certificate(key, keys.trust)
        digests = await asyncio.to_thread(_hash_file, path)
        attributes = seal_attributes(digests["sha256"], key.chain[0], signed_at=moment)
        signature = await _sign(keys.holder, key, attributes.to_sign)
        signed = assemble(attributes, signature, key.chain)
        verdict = await judge.run(judge_detached, signed, digests=digests, trust=keys.trust, moment=moment)
        _check_seal(verdict, key)
        return signed

    async def sign_envelope(self, skeleton: bytes, organ: OrganId) -> bytes:
        """See `Sealer.sign_envelope`."""
        keys = self._keys
        key = self._key(keys.transports, organ, "transport")
        await self._check_certificate(key, keys.trust)
        judge = self._judge.on_behalf(organ)
        prepared = await judge.run(prepare_envelope, skeleton, chain=key.chain, moment=self._clock.now())
        return prepared.filled(await _sign(keys.holder, key, prepared.to_sign))

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
                judge_certificate, key.chain[0], trust=trust, moment=self._clock.now(), chain=key.chain[1:]
            )
            self._judged[key.key_id] = (self._clock.monotonic(), verdict)
        if verdict.indication is not Indication.TOTAL_PASSED:
            reason = f"certificate: {verdict.sub_indication}: {verdict.reason}"
            raise SiteError("key.missing", key=key.key_id, reason=reason)


async def try_key(holder: KeyHolder, key: KeyRef) -> None:
    """Sign something with a key before it is put to use.

    Raises:
        SiteError: `key.missing`: it cannot be loaded, or it is not the key of its certificate.
    """
    await _sign(holder, key, _TRIAL)


async def _sign(holder: KeyHolder, key: KeyRef, data: bytes) -> bytes:
    signature = await holder.sign(key.key_id, data)
    if not _belongs(signature, data, key.chain[0]):
        raise SiteError("key.missing", key=key.key_id, reason=because("no_pair"))
    return signature


def prepare_seal_file(path: Path, *, room: int, moment: datetime) -> PreparedSeal:
    """`prepare_seal` for a stored file; the judge's task.

    Raises:
        SenderError: `size.limit`, `file.unreadable`.
    """
    if path.stat().st_size > limits.FILE_BYTES_MAX:
        raise SenderError("size.limit", limit=limits.FILE_BYTES_MAX, what="file")
    return prepare_seal(path.read_bytes(), room=room, moment=moment)


def _hash_file(path: Path) -> Mapping[str, bytes]:
    """The digest of a file of any kind, which nobody here opens for more than that.

    Raises:
        SenderError: `size.limit`, `file.unreadable`.
    """
    try:
        if path.stat().st_size > limits.DETACHED_CONTENT_BYTES_MAX:
            raise SenderError("size.limit", limit=limits.DETACHED_CONTENT_BYTES_MAX, what="file")
        return hash_file(path, {"sha256"})
    except OSError as error:
        raise SenderError("file.unreadable", reason=of_os(error)) from error


def _digest(prepared: PreparedSeal) -> bytes:
    """The digest, computed again over the bytes that will be given out: a key never signs what only a judge has seen."""
    view = memoryview(prepared.pdf)
    digest = hashlib.sha256(view[: prepared.start])
    digest.update(view[prepared.end :])
    if digest.digest() != prepared.digest:
        raise SiteError("internal", reason="a judge returned another digest than the file has")
    return prepared.digest


def _belongs(signature: bytes, data: bytes, leaf: bytes) -> bool:
    public_key = x509.load_der_x509_certificate(leaf).public_key()
    try:
        if isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, data, padding.PKCS1v15(), SHA256())
        elif isinstance(public_key, ec.EllipticCurvePublicKey):
            public_key.verify(signature, data, ec.ECDSA(SHA256()))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _check_untouched(pdf: Path, prepared: PreparedSeal) -> None:
    """An incremental update only adds (ISO 32000-2 clause 7.5.6): a judge that was taken over must not swap the document."""
    original = pdf.read_bytes()
    if not prepared.pdf.startswith(original) or prepared.start < len(original):
        raise SenderError("file.unreadable", reason="cannot be sealed: it would not stay as it was handed in")


def _check_seal(verdict: FileVerdict, key: KeyRef) -> None:
    """Give no seal out that a judge does not find good: the document allowed none, or broke by it."""
    own = verdict.signatures[-1].certificate if verdict.signatures else None
    if verdict.indication is not Indication.TOTAL_PASSED or own != certificate_digest(key.chain[0]):
        raise SenderError("file.unreadable", reason=f"cannot be sealed: {verdict.reason}")
