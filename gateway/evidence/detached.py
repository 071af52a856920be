"""A file and the signature that lies beside it (CAdES), examined. No service and no database is needed.

The file may be of any kind and size: a judge only ever sees the signature, and the digests that the service makes of the file.
"""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.core.directory import Snapshot
from gateway.core.errors import SenderError
from gateway.core.ids import Digest
from gateway.core.limits import DETACHED_CONTENT_BYTES_MAX
from gateway.core.ports import Clock, Judge
from gateway.crypto import Trust, digests_named_by_file, hash_file, judge_detached_file
from gateway.evidence.certificate_bodies import known_signers
from gateway.evidence.examination import ExaminedPart, FileReport

SIGNATURE_SUFFIX: Final = ".p7s"
"""RFC 8551 section 3.2.1: a detached signature. A `.p7m` holds its content."""
ATTACHED_SUFFIX: Final = ".p7m"
_REPORTED: Final = "sha256"
"""What a report calls a file by, whatever its signature hashed it by."""


def signature_beside(path: Path) -> Path | None:
    """The signature that lies beside a file under its name (`minutes.docx.p7s`), if one does."""
    beside = path.with_name(path.name + SIGNATURE_SUFFIX)
    return beside if beside.is_file() else None


def _look(path: Path, beside: Path) -> int:
    if beside.stat().st_size == 0:
        raise SenderError("file.empty", file=beside.name)
    size = path.stat().st_size
    if size > DETACHED_CONTENT_BYTES_MAX:
        raise SenderError("size.limit", limit=DETACHED_CONTENT_BYTES_MAX, what=path.name)
    return size


class DetachedExamination:
    """Examines files by the signatures beside them."""

    def __init__(
        self,
        *,
        judge: Judge,
        trust: Trust,
        clock: Clock,
        snapshot: Snapshot | None = None,
        moment: datetime | None = None,
    ) -> None:
        """`moment`: of judgement; None: that of examination."""
        self._judge = judge
        self._trust = trust
        self._clock = clock
        self._snapshot = snapshot
        self._moment = moment

    async def examine(self, path: Path, signature: Path | None) -> FileReport:
        """Examine a file by its signature; without one, `path` is a signature that holds what it signs (.p7m).

        Raises:
            SenderError: `file.empty`, `size.limit`, `worker.killed`.
            OSError: one of them cannot be read.
        """
        beside = path if signature is None else signature
        now = self._clock.now()
        moment = self._moment or now
        size = await asyncio.to_thread(_look, path, beside)
        named = await self._judge.run(digests_named_by_file, beside)
        digests = await asyncio.to_thread(hash_file, path, {*named, _REPORTED})
        verdict = await self._judge.run(
            judge_detached_file,
            beside,
            digests=None if signature is None else digests,
            trust=self._trust,
            moment=moment,
        )
        return FileReport(
            name=path.name,
            size=size,
            digest=Digest(digests[_REPORTED].hex()),
            examined_at=now,
            judged_at=moment,
            kind="other",
            indication=verdict.indication,
            envelope=None,
            parts=(ExaminedPart(name=beside.name, verdict=verdict),),
            signers=known_signers(self._snapshot, verdict.signatures),
        )
