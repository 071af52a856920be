"""How units get into a store with writer threads: the queue before the writers, the readers beside them, and the end.

The writers differ (`sqlite`: one thread, whole groups; `postgres`: a few, a unit each); what their callers meet does not.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from gateway.core.errors import SiteError
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import STORE_QUEUE_MAX
from gateway.observe import logger
from gateway.storage.group_commit import Settled
from gateway.storage.jobs import Job, tell
from gateway.storage.snapshot import SnapshotReaders
from gateway.storage.waiting import WaitingUnits

T = TypeVar("T")
OnFatal = Callable[[BaseException], None]
"""Told once, from a thread of the store, that the store is dead. The process must end at once and without ceremony
(`os._exit`): an orderly close would write to files that cannot be trusted; the next start recovers from the log."""

_log = logger(__name__)


class Entrance:
    """Takes units in until it is closed, or until the store has died."""

    def __init__(self, readers: SnapshotReaders, *, on_fatal: OnFatal) -> None:
        self._readers = readers
        self._on_fatal = on_fatal
        self._fatal: BaseException | None = None
        self._waiting: WaitingUnits[Job] = WaitingUnits(limit=STORE_QUEUE_MAX)

    # --- for callers -------------------------------------------------------------------------------------------------

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        """Queue a unit for the writers; returns once it is on disk."""
        loop = asyncio.get_running_loop()
        job = Job(work, loop.create_future(), loop)
        if not self._waiting.offer(job):
            raise self.refusal()
        return cast("T", await job.future)

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a reading unit on one snapshot, beside the writers."""
        if self.dead:
            raise self.refusal()
        return await self._readers.read(work)

    def check_room(self) -> None:
        """Look, without waiting, whether a unit handed in now would be taken in.

        Raises:
            SiteError: `store.busy`, `store.failing`, as `transact` would.
        """
        if not self._waiting.has_room():
            raise self.refusal()

    # --- for the store -----------------------------------------------------------------------------------------------

    @property
    def dead(self) -> bool:
        """Whether the store may not be trusted any more."""
        return self._fatal is not None

    def refusal(self) -> SiteError:
        """What whoever comes now is told."""
        if self._fatal is not None:
            return SiteError("store.failing", reason=str(self._fatal))
        return SiteError("store.busy")

    def take(self, count: int) -> list[Job]:
        """The next units, at most `count`; waits for the first. Empty when it is closed and everything was taken."""
        return self._waiting.take(count)

    def close(self) -> None:
        """Take nothing more in; what was taken in is still to be written."""
        self._waiting.close()

    async def close_readers(self) -> None:
        """Finish what is being read."""
        await self._readers.close()

    def die(self, error: BaseException, jobs: Sequence[Job] = ()) -> None:
        """Refuse everything from now on, `jobs` and what waits too, and have the process ended. The first error counts."""
        first, self._fatal = self._fatal is None, self._fatal or error
        self._waiting.close()
        left = [*jobs, *self._waiting.take(STORE_QUEUE_MAX)]
        tell(left, [Settled(error=self.refusal())] * len(left))
        if first:
            _log.critical("store.fatal", error=str(error), cause=type(error).__name__)
            self._on_fatal(error)
