"""A PDF on its way to a signature of any level: judges see the document, a key-holder the attributes, an authority a digest.

| step | who                                | for level | what                                                         |
|------|------------------------------------|-----------|--------------------------------------------------------------|
| 1    | judge: `prepare_seal_file`         | B-B       | field, appearance, room for signature (and timestamp)        |
| 2    | service, key-holder                | B-B       | digest computed again, attributes, their signature, checked  |
| 3    | authority; judge: `token_chain`    | B-T       | a timestamp over the signature                               |
| 4    | judge: `prepare_dss`               | B-LT      | certificates, CRLs, OCSP responses of signer and authority   |
| 5    | judge: `prepare_document_timestamp`| B-LTA     | room for a timestamp over all of it                          |
|      | authority; judge: `token_chain`    |           | that timestamp                                               |
| 6    | judge: `judge_pdf`                 | each      | a signature that does not pass is not given out              |

When no authority answers, the order decides: the signature is refused, or it stays at the level that was reached and the
answer says what is still owed. Later `PdfSigner.settle` pays it without any key: a timestamp inside the CMS would need the
file to be written again, so it is a document timestamp over the whole that proves the time then (EN 319 142-1 clause 6.3:
level B-T asks for either).
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from pathlib import Path

from gateway.core import limits
from gateway.core.errors import SenderError, SiteError
from gateway.core.ports import Clock, Judge, TimestampAuthority
from gateway.core.reasons import because
from gateway.core.sealed import SealedFile
from gateway.core.validation import Indication, Level
from gateway.core.verdict import FileVerdict
from gateway.crypto.cades.cms import assemble, room_for, seal_attributes
from gateway.crypto.keys.holders import KeyHolder
from gateway.crypto.keys.own_key import KeyRef, sign_with
from gateway.crypto.pades.appearance import Appearance
from gateway.crypto.pades.long_term import (
    bears_timestamp,
    chains_in,
    last_timestamp,
    prepare_dss,
    signer_chains,
    token_chain,
    token_time,
)
from gateway.crypto.pades.prepare import PreparedSeal, prepare_document_timestamp, prepare_seal
from gateway.crypto.pades.verify import judge_pdf
from gateway.crypto.paths.evidence import both, evidence_for, speaks_of_revocation
from gateway.crypto.paths.subject import certificate_digest
from gateway.crypto.paths.trust import Evidence, Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class SealOrder:
    """How a PDF is to be signed."""

    level: Level = Level.B_B
    insist: bool = False
    """Refuse rather than sign at a lower level, when no timestamp or no evidence is to be had."""
    appearance: Appearance | None = None
    field: str = ""
    """An empty signature field of the document; empty: a new one."""


class PdfSigner:
    """Signs PDFs with the keys of one key-holder."""

    def __init__(
        self, *, judge: Judge, holder: KeyHolder | None, clock: Clock, authority: TimestampAuthority | None = None
    ) -> None:
        self._judge = judge
        self._holder = holder
        self._clock = clock
        self._authority = authority

    async def sign(self, pdf: Path, key: KeyRef, order: SealOrder, *, trust: Trust | None) -> SealedFile:
        """The PDF with one more signature. The key's own certificate is the caller's to validate before.

        `trust`: whom what comes out is judged by, and where the evidence of B-LT comes from; None: it is not judged.

        Raises:
            SiteError: `key.missing`; where the order insists also `timestamp.unavailable`, `seal.evidence`.
            SenderError: `file.unreadable`, `seal.forbidden`, `seal.field`, `seal.appearance`, `worker.killed`.
        """
        moment = self._clock.now()
        prepared = await self._judge.run(
            prepare_seal_file,
            pdf,
            key.chain,
            timestamped=order.level is not Level.B_B,
            order=order,
            moment=moment,
        )
        await asyncio.to_thread(_check_untouched, pdf, prepared)
        digest = await asyncio.to_thread(_digest, prepared)
        attributes = seal_attributes(digest, key.chain[0])
        assert self._holder is not None, "signing takes a key-holder"
        signature = await sign_with(self._holder, key, attributes.to_sign)
        walk = _Walk(order=order, held=_held(trust), judge=self._judge, authority=self._authority)
        token = await walk.stamped(hashlib.sha256(signature).digest(), Level.B_T)
        sealed = await walk.lengthened(
            prepared.filled(assemble(attributes, signature, key.chain, timestamp=token)), (key.chain,), token
        )
        if trust is not None:
            verdict = await self._judge.run(judge_pdf, sealed.pdf, trust=trust, moment=moment)
            _check_seal(verdict, key)
        return sealed

    async def settle(self, pdf: Path, level: Level, *, trust: Trust) -> SealedFile:
        """The PDF raised to the level that is owed, by document timestamps and the evidence for its signers, without a key.

        What cannot be paid yet (evidence for B-LT, a second timestamp for B-LTA) is owed again.

        Raises:
            SiteError: `timestamp.unavailable`: not even level B-T was reached.
            SenderError: `file.unreadable`: no PDF, or without a signature; `worker.killed`.
        """
        assert level is not Level.B_B, "nothing is owed at level B-B"
        data = await asyncio.to_thread(_read, pdf)
        chains = await self._judge.run(signer_chains, data)
        order = SealOrder(level=level)
        walk = _Walk(order=order, held=_held(trust), judge=self._judge, authority=self._authority)
        stamped, token = await walk.document_stamped(data)
        return await walk.lengthened(stamped, chains, token)

    async def archive(self, pdf: Path, *, trust: Trust) -> SealedFile:
        """The signed PDF as it should lie in an archive: renewed where it bears a timestamp, else raised to level B-LTA.

        What comes out is judged, and what it lacks of B-LTA is owed: evidence for a signer that we do not hold, for one.

        Raises:
            SiteError: `timestamp.unavailable`.
            SenderError: `file.unreadable`: no PDF; `seal.unsigned`: nobody signed it; `worker.killed`.
        """
        if await self._judge.run(bears_timestamp, await asyncio.to_thread(_read, pdf)):
            archived = SealedFile(pdf=await self.renew(pdf, trust=trust), level=Level.B_LTA)
        else:
            archived = await self.settle(pdf, Level.B_LTA, trust=trust)
        verdict = await self._judge.run(judge_pdf, archived.pdf, trust=trust, moment=self._clock.now())
        levels = [one.details.level for one in verdict.signatures if one.details.level is not None]
        level = min([archived.level, *levels], key=_RANKS.__getitem__)
        return replace(archived, level=level, owed=None if level is Level.B_LTA else Level.B_LTA)

    async def renew(self, pdf: Path, *, trust: Trust) -> bytes:
        """The PDF with the evidence for its signers and last timestamp, and a new document timestamp over all of it.

        Raises:
            SiteError: `timestamp.unavailable`.
            SenderError: `file.unreadable`: no PDF, or without a timestamp; `worker.killed`.
        """
        data = await asyncio.to_thread(_read, pdf)
        order = SealOrder(level=Level.B_LTA, insist=True)
        walk = _Walk(order=order, held=_held(trust), judge=self._judge, authority=self._authority)
        token = await self._judge.run(last_timestamp, data)
        signers = [evidence_for(chain, walk.held) for chain in await self._judge.run(chains_in, data)]
        return await walk.archived(data, reduce(both, signers, await walk.evidence_of(token)))


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One file on its way beyond level B-B, and what stopped it."""

    order: SealOrder
    held: Evidence
    judge: Judge
    authority: TimestampAuthority | None
    stopped: SiteError | None = None
    stamped_at: datetime | None = None
    """Of the first timestamp."""

    async def stamped(self, digest: bytes, level: Level) -> bytes:
        """A token over a digest if the order asks for that level; empty when there is none and the order bears it."""
        if _RANKS[self.order.level] < _RANKS[level] or self.stopped:
            return b""
        try:
            return await self._stamp(digest)
        except SiteError as error:
            if error.code != "timestamp.unavailable" or self.order.insist:
                raise
            self.stopped = error
            return b""

    async def lengthened(self, pdf: bytes, chains: Sequence[tuple[bytes, ...]], token: bytes) -> SealedFile:
        """Steps 4 and 5, as far as the order asks for them and they can be gone; `chains`: of the signers."""
        if not token:
            return self._ended(pdf, Level.B_B)
        if _RANKS[self.order.level] < _RANKS[Level.B_LT]:
            return self._ended(pdf, Level.B_T)
        needed = [*(evidence_for(chain, self.held) for chain in chains), await self.evidence_of(token)]
        if not all(map(speaks_of_revocation, needed)):
            self.stopped = SiteError("seal.evidence", level=self.order.level.value)
            if self.order.insist:
                raise self.stopped
            return self._ended(pdf, Level.B_T)
        pdf = await self._stored(pdf, reduce(both, needed))
        if self.order.level is not Level.B_LTA:
            return self._ended(pdf, Level.B_LT)
        prepared = await self._room_after(pdf)
        last = await self.stamped(prepared.digest, Level.B_LTA)
        return self._ended(prepared.filled(last), Level.B_LTA) if last else self._ended(pdf, Level.B_LT)

    async def archived(self, pdf: bytes, evidence: Evidence) -> bytes:
        """The evidence, and a document timestamp behind it."""
        stamped, _ = await self.document_stamped(await self._stored(pdf, evidence))
        return stamped

    async def document_stamped(self, pdf: bytes) -> tuple[bytes, bytes]:
        """A document timestamp over all of it, and its token."""
        prepared = await self._room_after(pdf)
        token = await self._stamp(prepared.digest)
        return prepared.filled(token), token

    async def evidence_of(self, token: bytes) -> Evidence:
        """What we hold of the path of a token's authority."""
        return evidence_for(await self.judge.run(token_chain, token), self.held)

    async def _stamp(self, digest: bytes) -> bytes:
        if self.authority is None:
            raise SiteError("timestamp.unavailable", asked=0, said="no authority is configured")
        token = await self.authority.stamp(digest)
        stamped_at = await self.judge.run(token_time, token, digest)
        self.stamped_at = self.stamped_at or stamped_at
        return token

    async def _stored(self, pdf: bytes, evidence: Evidence) -> bytes:
        stored = await self.judge.run(prepare_dss, pdf, evidence)
        return _only_added(pdf, stored)

    async def _room_after(self, pdf: bytes) -> PreparedSeal:
        prepared = await self.judge.run(prepare_document_timestamp, pdf, room=limits.TIMESTAMP_ROOM_BYTES)
        _only_added(pdf, prepared.pdf)
        if prepared.start < len(pdf):
            raise SenderError("file.unreadable", reason=because("would_change"))
        await asyncio.to_thread(_digest, prepared)
        return prepared

    def _ended(self, pdf: bytes, level: Level) -> SealedFile:
        owed = self.order.level if level is not self.order.level else None
        return SealedFile(pdf=pdf, level=level, owed=owed, why=self.stopped, stamped_at=self.stamped_at)


_RANKS = {level: rank for rank, level in enumerate(Level)}


def _held(trust: Trust | None) -> Evidence:
    if trust is None:
        return Evidence()
    return Evidence(
        certificates=(*trust.anchors, *trust.people, *trust.authorities, *trust.intermediates),
        crls=trust.crls,
        ocsps=trust.ocsps,
    )


def prepare_seal_file(
    path: Path, chain: tuple[bytes, ...], *, timestamped: bool, order: SealOrder, moment: datetime
) -> PreparedSeal:
    """`prepare_seal` for a stored file; the judge's task.

    Raises:
        SenderError: `size.limit`, and what `prepare_seal` raises.
    """
    room = room_for(chain, timestamped=timestamped)
    return prepare_seal(_read(path), room=room, moment=moment, appearance=order.appearance, field=order.field)


def _read(path: Path) -> bytes:
    if path.stat().st_size > limits.FILE_BYTES_MAX:
        raise SenderError("size.limit", limit=limits.FILE_BYTES_MAX, what="file")
    return path.read_bytes()


def _digest(prepared: PreparedSeal) -> bytes:
    """The digest, computed again over the bytes that will be given out: a key never signs what only a judge has seen."""
    view = memoryview(prepared.pdf)
    digest = hashlib.sha256(view[: prepared.start])
    digest.update(view[prepared.end :])
    if digest.digest() != prepared.digest:
        raise SiteError("internal", reason="a judge returned another digest than the file has")
    return prepared.digest


def _check_untouched(pdf: Path, prepared: PreparedSeal) -> None:
    """An incremental update only adds (ISO 32000-2 clause 7.5.6): a judge that was taken over must not swap the document."""
    original = pdf.read_bytes()
    _only_added(original, prepared.pdf)
    if prepared.start < len(original):
        raise SenderError("file.unreadable", reason=because("would_change"))


def _only_added(before: bytes, after: bytes) -> bytes:
    if not after.startswith(before):
        raise SenderError("file.unreadable", reason=because("would_change"))
    return after


def _check_seal(verdict: FileVerdict, key: KeyRef) -> None:
    """Give no seal out that a judge does not find good: the document allowed none, or broke by it."""
    own = verdict.signatures[-1].certificate if verdict.signatures else None
    if verdict.indication is not Indication.TOTAL_PASSED or own != certificate_digest(key.chain[0]):
        raise SenderError("file.unreadable", reason=because("not_good_after", detail=verdict.reason))
