"""Deliveries that have no receipt after a while: an alarm by age, earlier for what is urgent (reliability.md B2.4).

Whose fault it is makes no difference here: the peer's time is not ours, but somebody should know that a letter is not there.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from gateway.core.clock import seconds_since
from gateway.core.health import Check, Finding, found
from gateway.core.inspection import Overdue
from gateway.core.metrics import TRANSFERS_LATE, TRANSFERS_OLDEST_SECONDS, Reading
from gateway.core.patience import LATE_SECONDS_MAX, LATE_URGENT_SECONDS_MAX, PUT_OFF_SECONDS_MAX
from gateway.core.ports import Clock, Store

_ALL: Final = "all"
_URGENT: Final = "urgent"


class LateProbe:
    """What is not delivered yet and should be: for `/readyz` and for `doctor`, and its gauges."""

    check: Final = Check.QUEUE

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        urgent, every = await self._overdue()
        findings = []
        if urgent.count:
            minutes = round(self._age(urgent) / 60)
            findings.append(found("probe.queue.late_urgent", count=urgent.count, minutes=minutes))
        if every.count:
            findings.append(found("probe.queue.late", count=every.count, hours=round(self._age(every) / 3600, 1)))
        return tuple(findings) or (found("probe.queue.in_time"),)

    async def readings(self) -> Sequence[Reading]:
        """The gauges."""
        classes = zip((_URGENT, _ALL), await self._overdue(), strict=True)
        return [
            reading
            for name, overdue in classes
            for reading in (
                Reading(TRANSFERS_LATE, overdue.count, (name,)),
                Reading(TRANSFERS_OLDEST_SECONDS, self._age(overdue), (name,)),
            )
        ]

    async def _overdue(self) -> tuple[Overdue, Overdue]:
        """The urgent ones, and all."""
        now = self._clock.now()
        urgent, every = (now - timedelta(seconds=bound) for bound in (LATE_URGENT_SECONDS_MAX, LATE_SECONDS_MAX))
        ahead = now + timedelta(seconds=PUT_OFF_SECONDS_MAX)
        return await self._store.read(
            lambda uow: (
                uow.inspection.overdue(urgent, ahead, urgent=True),
                uow.inspection.overdue(every, ahead, urgent=False),
            )
        )

    def _age(self, overdue: Overdue) -> float:
        return seconds_since(overdue.oldest, self._clock.now())
