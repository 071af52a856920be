"""The queue of documents' own steps, watched: who hands in faster than we judge and seal is put off before his body is read.

What waits here is on disk and costs no memory; but a queue that only grows delivers later and later, and a body that fills it
keeps the others waiting (reliability.md B2.5). What waits for a peer is no part of it: that is bounded by the disk.
"""

from typing import Final

from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import OrganId
from gateway.core.patience import STEPS_AGE_SECONDS_MAX, STEPS_WAITING_MAX, STEPS_WAITING_OF_ONE_MAX
from gateway.core.ports import Clock, Store
from gateway.observe import logger

LOOK_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 30
"""Who is put off is told to come back then: a tenth of a full queue has left by that time."""

_log = logger(__name__)


class StepsWatch:
    """Implements the port `Intake`, and is the task that feeds it."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._full = False
        self._crowding: frozenset[OrganId] = frozenset()

    def admit(self, *, document: bool, organs: frozenset[OrganId] = frozenset()) -> None:
        """See `Intake.admit`."""
        if not document:
            return
        if self._full:
            raise SiteError("queue.full", seconds=PATIENCE_SECONDS)
        if organs and organs <= self._crowding:
            raise SenderError("queue.share", seconds=PATIENCE_SECONDS)

    async def run(self) -> None:
        """Look every second until cancelled; a store that does not answer for a moment changes nothing."""
        while True:
            try:
                await self.measure()
            except SiteError as error:
                _log.warning("steps.unmeasured", why=str(error))
            await self._clock.sleep(LOOK_SECONDS)

    async def measure(self) -> None:
        """Look once."""
        now = self._clock.now()
        found = await self._store.read(lambda uow: uow.inspection.steps(now))
        count = sum(items for items, _ in found.values())
        ages = [(now - oldest).total_seconds() for _, oldest in found.values() if oldest is not None]
        full = count >= STEPS_WAITING_MAX or max(ages, default=0.0) > STEPS_AGE_SECONDS_MAX
        if full is not self._full:
            (_log.warning if full else _log.info)("steps.full" if full else "steps.room", waiting=count)
        self._full = full
        self._crowding = frozenset(organ for organ, (items, _) in found.items() if items >= STEPS_WAITING_OF_ONE_MAX)
