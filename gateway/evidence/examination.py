"""Examination: one file, whatever it is, and what its signatures say. No service and no database is needed."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final

from gateway.core.directory import Snapshot
from gateway.core.errors import SenderError
from gateway.core.ids import Digest, OrganId
from gateway.core.limits import ENVELOPE_BYTES_MAX
from gateway.core.ports import Clock, Judge, Records
from gateway.core.verdict import EnvelopeReading, FileVerdict, Indication, SignatureVerdict, SubIndication, worst

_XML_STARTS: Final = (b"<", b"\xef\xbb\xbf<")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedPart:
    """A file, or one attachment of an envelope."""

    name: str
    verdict: FileVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What an examination found, in the order of experience.md section 2.4."""

    name: str
    size: int
    digest: Digest
    examined_at: datetime
    kind: str
    """`pdf`, `edxml` or `other`."""
    indication: Indication | None
    """The worst of all signatures; None when nothing is signed."""
    envelope: SignatureVerdict | None
    parts: tuple[ExaminedPart, ...]
    signers: tuple[tuple[Digest, OrganId], ...]
    """Certificates that the registry names for a body."""


class FileExamination:
    """Examines files in a judge process."""

    def __init__(self, *, judge: Judge, records: Records, clock: Clock, snapshot: Snapshot | None = None) -> None:
        self._judge = judge
        self._records = records
        self._clock = clock
        self._snapshot = snapshot

    async def examine(self, path: Path) -> FileReport:
        """Examine one file.

        Raises:
            SenderError: `file.empty`, `file.unreadable`, `size.limit`, `envelope.malformed`, `worker.killed`.
            OSError: the file cannot be read.
        """
        start, size, digest = await asyncio.to_thread(_look, path)
        moment = self._clock.now()
        if start.startswith(_XML_STARTS):
            reading = await self._judge.run(self._records.read_envelope, path, moment)
            return self._envelope(path, (size, digest), moment, reading)
        verdict = await self._judge.run(self._records.judge_file, path, moment)
        if verdict.sub_indication is SubIndication.FORMAT_FAILURE and not verdict.signatures:
            # not "undecided": nothing in it can be judged, today or with other evidence
            raise SenderError("file.unreadable", file=path.name, reason=verdict.reason)
        kind = "pdf" if verdict.media_type == "application/pdf" else "other"
        part = ExaminedPart(name=path.name, verdict=verdict)
        return FileReport(
            name=path.name,
            size=size,
            digest=digest,
            examined_at=moment,
            kind=kind,
            indication=verdict.indication,
            envelope=None,
            parts=(part,),
            signers=self._signers(verdict.signatures),
        )

    def _envelope(
        self, path: Path, identity: tuple[int, Digest], moment: datetime, reading: EnvelopeReading
    ) -> FileReport:
        parts = tuple(ExaminedPart(name=file.name, verdict=file.verdict) for file in reading.files)
        signatures = tuple(signature for part in parts for signature in part.verdict.signatures)
        if reading.signature is not None:
            signatures = (reading.signature, *signatures)
        decisive = worst(signatures)
        indication = decisive.indication if decisive else None
        if not reading.bound and indication is Indication.TOTAL_PASSED:
            # the header's signature says nothing of attachments whose digests it does not cover
            indication = Indication.INDETERMINATE
        return FileReport(
            name=path.name,
            size=identity[0],
            digest=identity[1],
            examined_at=moment,
            kind="edxml",
            indication=indication,
            envelope=reading.signature,
            parts=parts,
            signers=self._signers(signatures),
        )

    def _signers(self, signatures: tuple[SignatureVerdict, ...]) -> tuple[tuple[Digest, OrganId], ...]:
        if self._snapshot is None:
            return ()
        known = {
            certificate: body.organ_id
            for body in self._snapshot.bodies.values()
            for certificate in (
                *body.seal_certificates,
                *(Digest(sha256(der).hexdigest()) for der in body.transport_certificates),
            )
        }
        found = {signature.certificate for signature in signatures if signature.certificate in known}
        return tuple((certificate, known[certificate]) for certificate in sorted(filter(None, found)))


def _look(path: Path) -> tuple[bytes, int, Digest]:
    size = path.stat().st_size
    if size == 0:
        raise SenderError("file.empty", file=path.name)
    if size > ENVELOPE_BYTES_MAX:
        raise SenderError("size.limit", limit=ENVELOPE_BYTES_MAX, what=path.name)
    with path.open("rb") as file:
        start = file.read(16)
        file.seek(0)
        return start, size, Digest(file_digest(file, "sha256").hexdigest())
