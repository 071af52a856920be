"""Examination: one file, whatever it is, and what its signatures say. No service and no database is needed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Final

from gateway.core.directory import Snapshot
from gateway.core.errors import SenderError
from gateway.core.findings import Finding
from gateway.core.ids import Digest, OrganId
from gateway.core.limits import ENVELOPE_BYTES_MAX, KIB
from gateway.core.magic import OTHER
from gateway.core.model import PDF
from gateway.core.ports import Clock, Judge, Records
from gateway.core.validation import Indication
from gateway.core.verdict import EnvelopeReading, FileVerdict, ForeignReading, SignatureVerdict
from gateway.evidence.certificate_bodies import known_signers
from gateway.evidence.speaker import Speaker, compared, unread

_CHANGED: Final = frozenset({"digest", "label", "missing", "extra", "duplicate", "base64", "empty"})
"""Reasons of `envelope.attachments` that say: these are not the files whose manifest was signed."""
_XML_STARTS: Final = (b"<", b"\xef\xbb\xbf<")
_XML_AFTER_JUNK: Final = (b"<?xml", b"<edXML")
"""What an envelope begins with that has something before its beginning (facts 1.11)."""
_HEAD_BYTES: Final = KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedPart:
    """A file, one attachment of an envelope, or (by its own name) a signature that lies beside the file."""

    name: str
    verdict: FileVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What an examination found, in the order of experience.md section 2.4."""

    name: str
    size: int
    digest: Digest
    examined_at: datetime
    judged_at: datetime
    """The moment of judgement: that of examination, unless whoever asked chose another one."""
    kind: str
    """`pdf`, `edxml` or `other`."""
    indication: Indication | None
    """The worst of all signatures; None when nothing is signed."""
    envelope: SignatureVerdict | None
    parts: tuple[ExaminedPart, ...]
    signers: tuple[tuple[Digest, OrganId], ...]
    """Certificates that the registry names for a body."""
    bound: bool = True
    """Whether the envelope's signature covers the digest of every file in it."""
    trouble: SenderError | None = None
    """Why an envelope's files could not be read, and were not examined."""
    repaired: bool = False
    """An envelope had to be repaired to be read: of its own signature nothing is said, for nobody signed these bytes."""
    findings: tuple[Finding, ...] = ()
    """What was noticed of an envelope that the exchange would not take."""
    speaker: Speaker | None = None
    """In whose name a signed envelope speaks, and whose signature it bears."""


class FileExamination:
    """Examines files in a judge process."""

    def __init__(
        self,
        *,
        judge: Judge,
        records: Records,
        clock: Clock,
        snapshot: Snapshot | None = None,
        moment: datetime | None = None,
    ) -> None:
        """`moment`: of judgement; None: that of examination."""
        self._judge = judge
        self._records = records
        self._clock = clock
        self._snapshot = snapshot
        self._moment = moment

    async def examine(self, path: Path) -> FileReport:
        """Examine one file.

        Raises:
            SenderError: `file.empty`, `size.limit`, `worker.killed`.
            OSError: the file cannot be read.
        """
        now = self._clock.now()
        report = await self._examine(path, self._moment or now)
        return replace(report, examined_at=now)

    async def _examine(self, path: Path, moment: datetime) -> FileReport:
        head, size, digest = await asyncio.to_thread(_look, path)
        if head.startswith(_XML_STARTS):
            return await self._examine_envelope(path, (size, digest), moment)
        verdict = await self._judge.run(self._records.judge_file, path, moment)
        if verdict.media_type == OTHER and any(start in head for start in _XML_AFTER_JUNK):
            return await self._examine_envelope(path, (size, digest), moment)
        kind = "pdf" if verdict.media_type == PDF else "other"
        part = ExaminedPart(name=path.name, verdict=verdict)
        return FileReport(
            name=path.name,
            size=size,
            digest=digest,
            examined_at=moment,
            judged_at=moment,
            kind=kind,
            indication=verdict.indication,
            envelope=None,
            parts=(part,),
            signers=self._signers(verdict.signatures),
        )

    async def _examine_envelope(self, path: Path, identity: tuple[int, Digest], moment: datetime) -> FileReport:
        try:
            reading = await self._judge.run(self._records.read_envelope, path, moment)
        except SenderError as error:
            if not error.code.startswith("envelope."):
                raise
            foreign = await self._read_foreign(path, moment)
            if foreign and foreign.repaired:
                return self._repaired(path, identity, moment, foreign)
            report = await self._unread(path, identity, moment, error)
            return replace(report, findings=foreign.findings) if foreign else report
        return self._envelope(path, identity, moment, reading)

    async def _read_foreign(self, path: Path, moment: datetime) -> ForeignReading | None:
        """A second look, tolerantly; where that finds nothing either, the first one's trouble is what is told."""
        try:
            return await self._judge.run(self._records.read_foreign, path, moment)
        except SenderError:
            return None

    def _repaired(
        self, path: Path, identity: tuple[int, Digest], moment: datetime, reading: ForeignReading
    ) -> FileReport:
        """Never better than INDETERMINATE, and worse where a file in it is."""
        verdicts = tuple(file.verdict for file in reading.files)
        failed = _worst(verdicts) is Indication.TOTAL_FAILED
        return FileReport(
            name=path.name,
            size=identity[0],
            digest=identity[1],
            examined_at=moment,
            judged_at=moment,
            kind="edxml",
            indication=Indication.TOTAL_FAILED if failed else Indication.INDETERMINATE,
            envelope=None,
            parts=tuple(ExaminedPart(name=file.name, verdict=file.verdict) for file in reading.files),
            signers=self._signers(tuple(signature for verdict in verdicts for signature in verdict.signatures)),
            bound=False,
            repaired=True,
            findings=reading.findings,
        )

    async def _unread(
        self, path: Path, identity: tuple[int, Digest], moment: datetime, trouble: SenderError
    ) -> FileReport:
        """An envelope whose files are not those that its header names, or that is none: who signed what is left of it."""
        try:
            signature = await self._judge.run(self._records.judge_signature, path, moment)
        except SenderError as error:
            if not error.code.startswith("envelope."):
                raise
            signature = None
        signature, speaker = unread(signature) if signature else (None, None)
        changed = signature is not None and trouble.params.get("reason") in _CHANGED
        return FileReport(
            name=path.name,
            size=identity[0],
            digest=identity[1],
            examined_at=moment,
            judged_at=moment,
            kind="edxml",
            indication=Indication.TOTAL_FAILED if changed else Indication.INDETERMINATE,
            envelope=signature,
            parts=(),
            signers=self._signers((signature,) if signature else ()),
            bound=False,
            trouble=trouble,
            speaker=speaker,
        )

    def _envelope(
        self, path: Path, identity: tuple[int, Digest], moment: datetime, reading: EnvelopeReading
    ) -> FileReport:
        parts = tuple(ExaminedPart(name=file.name, verdict=file.verdict) for file in reading.files)
        signatures = tuple(signature for part in parts for signature in part.verdict.signatures)
        signature, speaker = reading.signature, None
        if signature is not None:
            signature, speaker = compared(signature, reading.message.sender, self._snapshot)
            signatures = (signature, *signatures)
        indication = _worst((*signatures, *(part.verdict for part in parts)))
        if not reading.bound and indication is Indication.TOTAL_PASSED:
            # the header's signature says nothing of attachments whose digests it does not cover
            indication = Indication.INDETERMINATE
        return FileReport(
            name=path.name,
            size=identity[0],
            digest=identity[1],
            examined_at=moment,
            judged_at=moment,
            kind="edxml",
            indication=indication,
            envelope=signature,
            parts=parts,
            signers=self._signers(signatures),
            bound=reading.bound,
            speaker=speaker,
        )

    def _signers(self, signatures: tuple[SignatureVerdict, ...]) -> tuple[tuple[Digest, OrganId], ...]:
        return known_signers(self._snapshot, signatures)


def _worst(verdicts: Sequence[SignatureVerdict | FileVerdict]) -> Indication | None:
    """The worst of them; a file that cannot be read has a verdict, too, and no signature."""
    found = {verdict.indication for verdict in verdicts}
    order = (Indication.TOTAL_FAILED, Indication.INDETERMINATE, Indication.TOTAL_PASSED)
    return next((indication for indication in order if indication in found), None)


def _look(path: Path) -> tuple[bytes, int, Digest]:
    size = path.stat().st_size
    if size == 0:
        raise SenderError("file.empty", file=path.name)
    if size > ENVELOPE_BYTES_MAX:
        raise SenderError("size.limit", limit=ENVELOPE_BYTES_MAX, what=path.name)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        file.seek(0)
        return head, size, Digest(file_digest(file, "sha256").hexdigest())
