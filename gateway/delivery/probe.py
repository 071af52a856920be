"""How much there is to do, and whether it is being done. What waits for a peer is no fault of ours and never late."""

from collections.abc import Sequence
from typing import Final

from gateway.core.clock import seconds_since
from gateway.core.health import Check, Finding, found
from gateway.core.metrics import (
    DEAD_LETTERS,
    QUEUE_AGE_SECONDS,
    QUEUE_ITEMS,
    ROADS_CLOSED,
    Reading,
)
from gateway.core.ports import Clock, Store
from gateway.core.work import WorkKind, Workload

WAITING_SECONDS: Final = 60.0
STUCK_SECONDS: Final = 600.0
"""Steps of documents take well under a second; after ten minutes in the queue something does not work."""


class QueueProbe:
    """A probe of the documents' own steps, and the gauges of all work."""

    check: Final = Check.QUEUE

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`: only items of kind `document`, for a transfer may wait for its peer."""
        workload = await self._workload()
        findings = []
        age = self._age(workload, WorkKind.DOCUMENT)
        if age > WAITING_SECONDS:
            code = "probe.queue.stuck" if age > STUCK_SECONDS else "probe.queue.waiting"
            findings.append(found(code, seconds=round(age)))
        if workload.dead:
            findings.append(found("probe.queue.dead", count=workload.dead))
        return tuple(findings) or (found("probe.queue.good", count=sum(workload.items.values())),)

    async def readings(self) -> Sequence[Reading]:
        """The gauges of the queue."""
        workload = await self._workload()
        return [
            *(Reading(QUEUE_ITEMS, count, (kind.value,)) for kind, count in workload.items.items()),
            *(Reading(QUEUE_AGE_SECONDS, self._age(workload, kind), (kind.value,)) for kind in WorkKind),
            Reading(ROADS_CLOSED, workload.closed),
            Reading(DEAD_LETTERS, workload.dead),
        ]

    async def _workload(self) -> Workload:
        now = self._clock.now()
        return await self._store.read(lambda uow: uow.work.workload(now))

    def _age(self, workload: Workload, kind: WorkKind) -> float:
        return seconds_since(workload.oldest.get(kind), self._clock.now())
