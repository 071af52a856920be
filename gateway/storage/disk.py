"""The disk, watched: early word, then no new documents, then nothing that writes (reliability.md B2.5).

A full disk loses nothing that was acknowledged, but it stops everything at once, also what would make room: deliveries,
receipts, the log. So new documents are refused while there is still room for all that.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from gateway.core.errors import SiteError
from gateway.core.health import Check, Finding, found
from gateway.core.ids import OrganId
from gateway.core.metrics import DISK_USED, Reading
from gateway.core.ports import Clock
from gateway.observe import logger

LOOK_SECONDS: Final = 2.0
"""At 200 MB/s a disk takes in 0.4 GB in this time: less than the room between two thresholds of any disk that serves."""

_log = logger(__name__)
UsedShare = Callable[[Path], float]
"""The share of a folder's file system that is in use, 0 to 1."""


class DiskLevel(IntEnum):
    """How full it is."""

    ROOM = 0
    FILLING = 1
    FULL = 2
    """No new documents."""
    READ_ONLY = 3
    """Nothing that writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskThresholds:
    """From which share in use (0 to 1) each level begins."""

    filling: float
    full: float
    read_only: float

    def level(self, used: float) -> DiskLevel:
        """The level at that share."""
        return DiskLevel(sum(used >= bound for bound in (self.filling, self.full, self.read_only)))


_FINDINGS: Final = {
    DiskLevel.ROOM: "probe.disk.room",
    DiskLevel.FILLING: "probe.disk.filling",
    DiskLevel.FULL: "probe.disk.full",
    DiskLevel.READ_ONLY: "probe.disk.read_only",
}


def used_share(folder: Path) -> float:
    """Blocks or inodes, whichever is scarcer, as a user without privileges meets it (df counts the same way).

    One that is mounted read-only, by somebody or by a kernel that has found it broken, has no room at all.
    """
    found = os.statvfs(folder)
    if found.f_flag & os.ST_RDONLY:
        return 1.0
    blocks, inodes = found.f_blocks - found.f_bfree + found.f_bavail, found.f_files - found.f_ffree + found.f_favail
    shares = [1 - found.f_bavail / blocks if blocks else 0.0, 1 - found.f_favail / inodes if inodes else 0.0]
    return max(shares)


class DiskWatch:
    """A probe of the disk, the port `Intake`, and the task that feeds both."""

    check: Final = Check.DISK

    def __init__(
        self, folders: Sequence[Path], *, thresholds: DiskThresholds, clock: Clock, used: UsedShare = used_share
    ) -> None:
        self._folders = tuple(folders)
        self._thresholds = thresholds
        self._clock = clock
        self._used = used
        self._level = DiskLevel.ROOM

    @property
    def read_only(self) -> bool:
        """Whether nothing that writes should be begun."""
        return self._level is DiskLevel.READ_ONLY

    def admit(self, *, document: bool, organs: frozenset[OrganId] = frozenset()) -> None:
        """See `Intake.admit`. A disk is everybody's: whose document it is makes no difference."""
        del organs
        if self._level >= (DiskLevel.FULL if document else DiskLevel.READ_ONLY):
            raise SiteError("store.full")

    async def run(self) -> None:
        """Look every other second until cancelled."""
        while True:
            await self.measure()
            await self._clock.sleep(LOOK_SECONDS)

    async def measure(self) -> tuple[float, Path]:
        """Look once: the fullest of the file systems. One that cannot be asked counts as full."""
        shares = [(await asyncio.to_thread(self._share, folder), folder) for folder in self._folders]
        used, folder = max(shares)
        level = self._thresholds.level(used)
        if level is not self._level:
            tell = _log.warning if level > self._level else _log.info
            tell("disk.stage", stage=level.name.lower(), was=self._level.name.lower(), percent=_percent(used))
            self._level = level
        return used, folder

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        used, folder = await self.measure()
        return (found(_FINDINGS[self._level], percent=_percent(used), path=folder),)

    async def readings(self) -> Sequence[Reading]:
        """The gauges of the disk."""
        used, _ = await self.measure()
        return [Reading(DISK_USED, used)]

    def _share(self, folder: Path) -> float:
        try:
            return self._used(folder)
        except OSError as error:
            _log.error("disk.unreadable", path=folder, why=error.strerror)
            return 1.0


def _percent(used: float) -> str:
    return f"{used * 100:.1f}"
