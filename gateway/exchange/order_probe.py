"""Entries that wait for smaller numbers of their streams: whoever runs the gateway sees how many, and for how long."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from gateway.core.clock import seconds_since
from gateway.core.health import Check, Finding, found
from gateway.core.limits import BACKOFF_CAP_SECONDS
from gateway.core.metrics import ENTRIES_STAGED, ENTRIES_STAGED_SECONDS, STREAMS_OVERDUE, Reading
from gateway.core.order import Standing
from gateway.core.ports import Clock, Store

LATE_SECONDS: Final = BACKOFF_CAP_SECONDS
"""What is only repeated comes within one back-off; what is missing for longer, somebody may want to ask the sender about."""
LATELY: Final = timedelta(days=1)


class OrderProbe:
    """What is staged: for `/readyz` and for `doctor`, and its gauges."""

    check: Final = Check.QUEUE

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        standing = await self._standing()
        findings = []
        if standing.overdue:
            findings.append(found("probe.queue.order_overdue", count=standing.overdue))
        if standing.staged:
            age = self._age(standing)
            code = "probe.queue.staged_late" if age > LATE_SECONDS else "probe.queue.staged"
            findings.append(found(code, count=standing.staged, minutes=round(age / 60)))
        return tuple(findings) or (found("probe.queue.in_order"),)

    async def readings(self) -> Sequence[Reading]:
        """The gauges."""
        standing = await self._standing()
        return [
            Reading(ENTRIES_STAGED, standing.staged),
            Reading(ENTRIES_STAGED_SECONDS, self._age(standing)),
            Reading(STREAMS_OVERDUE, standing.overdue),
        ]

    async def _standing(self) -> Standing:
        since = self._clock.now() - LATELY
        return await self._store.read(lambda uow: uow.order.standing(since))

    def _age(self, standing: Standing) -> float:
        return seconds_since(standing.oldest, self._clock.now())
