"""Timestamps that are owed: whoever runs the gateway sees how many, and for how long."""

from collections.abc import Sequence
from typing import Final

from gateway.core.clock import seconds_since
from gateway.core.health import Check, Finding, found
from gateway.core.metrics import TIMESTAMPS_OWED, TIMESTAMPS_OWED_SECONDS, Reading
from gateway.core.owed import TimestampState, Unpaid
from gateway.core.ports import Clock, Store

LATE_SECONDS: Final = 3600.0
"""Authorities take seconds, at times minutes; after an hour somebody should look which of them is away."""


class OwedProbe:
    """What is owed: for `/readyz` and for `doctor`, and its gauges."""

    check: Final = Check.QUEUE

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        unpaid = await self._unpaid()
        findings = []
        age = self._age(unpaid)
        if unpaid.given_up:
            findings.append(found("probe.queue.timestamps_given_up", count=unpaid.given_up))
        if unpaid.waiting:
            code = "probe.queue.timestamps_late" if age > LATE_SECONDS else "probe.queue.timestamps"
            findings.append(found(code, count=unpaid.waiting, hours=round(age / 3600, 1)))
        return tuple(findings) or (found("probe.queue.nothing_owed"),)

    async def readings(self) -> Sequence[Reading]:
        """The gauges."""
        unpaid = await self._unpaid()
        return [
            Reading(TIMESTAMPS_OWED, unpaid.waiting, (TimestampState.WAITING.value,)),
            Reading(TIMESTAMPS_OWED, unpaid.given_up, (TimestampState.GIVEN_UP.value,)),
            Reading(TIMESTAMPS_OWED_SECONDS, self._age(unpaid)),
        ]

    async def _unpaid(self) -> Unpaid:
        return await self._store.read(lambda uow: uow.timestamps.unpaid())

    def _age(self, unpaid: Unpaid) -> float:
        return seconds_since(unpaid.oldest, self._clock.now())
