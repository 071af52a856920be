"""The keeper removes blobs that no row names: those of what was refused at once, those that a crash left once a day.

What leases give back is looked at a second after they end, all that came meanwhile in one question to the database. The sweep
walks the whole folder, some hundred files at a time with a pause between them, and looks at those that are older than
`ORPHAN_SECONDS_MIN`. Both end in `_remove`, one at a time; its order is what `lease` explains. Whenever the database does
not answer, everything stays for the next sweep.
"""

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.limits import ORPHAN_SECONDS_MIN, SWEEP_PAUSE_SECONDS, SWEEP_SECONDS
from gateway.core.metrics import BLOBS_REMOVED, BLOBS_REMOVED_BYTES
from gateway.core.ports import Clock, Meter, Store
from gateway.observe import UNMEASURED, logger
from gateway.storage.lease import Claims

GATHER_SECONDS: Final = 1.0
"""How long what is given back may lie there: a file that was refused is no hurry."""

_log = logger(__name__)


class Kept(Protocol):
    """A blob store as its keeper uses it: who holds what, what lies there, and how it goes."""

    @property
    def claims(self) -> Claims:
        """Who holds what."""
        ...

    def old(self, before: float) -> Iterator[Collection[Digest]]:
        """Every blob written before that time, some at a time. Drawn in a thread."""
        ...

    def unlink(self, digest: Digest) -> int:
        """Remove a blob, if it is there; how many bytes. Called in a thread."""
        ...


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed."""

    blobs: int = 0
    bytes: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(self.blobs + other.blobs, self.bytes + other.bytes)


class BlobKeeper:
    """Looks after one blob store; `store` is the database whose rows name its blobs."""

    def __init__(self, blobs: Kept, *, store: Store, clock: Clock, meter: Meter = UNMEASURED) -> None:
        self._blobs = blobs
        self._store = store
        self._clock = clock
        self._meter = meter
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Look at what leases give back, and sweep now and every day, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._clear_up())
            tasks.create_task(self._sweep_daily())

    async def _clear_up(self) -> None:
        while True:
            returned = await self._blobs.claims.returned()
            # What others give back meanwhile is asked about in the same read: under load one for each document else.
            await self._clock.sleep(GATHER_SECONDS)
            await self._look_at(returned | self._blobs.claims.take_returned())

    async def clear_once(self) -> Removed:
        """Look at what leases gave back so far."""
        return await self._look_at(self._blobs.claims.take_returned())

    async def _sweep_daily(self) -> None:
        while True:
            await self.sweep()
            await self._clock.sleep(SWEEP_SECONDS)

    async def sweep(self) -> Removed:
        """Remove what a crash, or an end that nobody knows, left behind long enough ago."""
        removed, before = Removed(), self._clock.now().timestamp() - ORPHAN_SECONDS_MIN
        try:
            batches = self._blobs.old(before)
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                removed += await self._remove(batch, why="left_behind")
                await self._clock.sleep(SWEEP_PAUSE_SECONDS)
        except (SiteError, OSError) as error:
            _log.warning("blobs.sweep_failed", why=str(error))
            return removed
        self._blobs.claims.swept()  # what is in doubt ages by whole sweeps only
        _log.info("blobs.swept", blobs=removed.blobs, bytes=removed.bytes)
        return removed

    async def _look_at(self, digests: Collection[Digest]) -> Removed:
        try:
            return await self._remove(digests, why="refused")
        except (SiteError, OSError) as error:
            _log.warning("blobs.left_for_the_sweep", blobs=len(digests), why=str(error))
            return Removed()

    async def _remove(self, digests: Collection[Digest], *, why: str) -> Removed:
        """Suspect, ask, remove: one at a time, so that nobody's suspects are taken for another's."""
        async with self._turn:
            suspects = self._blobs.claims.suspect(digests)
            if not suspects:
                return Removed()
            unnamed = suspects - await self._store.read(lambda uow: uow.blobs.named(suspects))
            removed = await asyncio.to_thread(self._unlink, unnamed) if unnamed else Removed()
        self._meter.add(BLOBS_REMOVED, why, by=removed.blobs)
        self._meter.add(BLOBS_REMOVED_BYTES, why, by=removed.bytes)
        return removed

    def _unlink(self, digests: Collection[Digest]) -> Removed:
        sizes = [self._blobs.claims.remove(digest, self._blobs.unlink) for digest in sorted(digests)]
        gone = [size for size in sizes if size is not None]
        return Removed(len(gone), sum(gone))
