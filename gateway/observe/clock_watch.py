"""Watches the wall clock against the one that never steps: a jump is noticed, told, and shown for an hour.

Nothing of ours hangs on it for long (`gateway.delivery`: items become due early, or late by some hours;
`gateway.exchange.lateness`: nothing expires in the hour after it), but what is signed carries the time, and people compare it.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gateway.core.clock import rfc3339
from gateway.core.errors import GatewayError
from gateway.core.health import Check, Finding, found
from gateway.core.ports import Clock
from gateway.observe.logs import logger

STEP_SECONDS_MIN: Final = 2.0
"""Below this it is the time service at work, or a slow machine (reliability.md B2.5)."""
LOOK_SECONDS: Final = 1.0
SHOWN_SECONDS: Final = 3_600.0
BEHIND_SECONDS_MAX: Final = 300.0
"""As much as two gateways' clocks may differ."""

_log = logger(__name__)
OnStep = Callable[[float, datetime], Awaitable[None]]
"""Told by how many seconds the clock jumped (negative: back), and the moment after it."""


class ClockWatch:
    """A probe of the clock, and the task that feeds it."""

    check: Final = Check.CLOCK

    def __init__(self, *, clock: Clock, on_step: OnStep) -> None:
        self._clock = clock
        self._on_step = on_step
        self._offset = self._measure()
        self._step: tuple[float, float] | None = None

    async def run(self) -> None:
        """Look every second until cancelled."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            await self.compare()

    async def compare(self) -> float:
        """Look once; by how many seconds the clock has jumped since the last look, 0 for not worth a word."""
        offset = self._measure()
        step, self._offset = offset - self._offset, offset
        if abs(step) <= STEP_SECONDS_MIN:
            return 0.0
        self._step = (step, self._clock.monotonic())
        _log.warning("clock.step", seconds=round(step, 3))
        try:
            await self._on_step(step, self._clock.now())
        except GatewayError as error:
            _log.error("clock.step_not_recorded", why=str(error))
        return step

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        if self._step is not None and self._clock.monotonic() - self._step[1] < SHOWN_SECONDS:
            return (found("probe.clock.stepped", seconds=f"{self._step[0]:+.1f}"),)
        return (found("probe.clock.good"),)

    def _measure(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()


class FileTimesProbe:
    """For `doctor`: the clock against the times of files that the gateway wrote; it cannot be earlier than they are."""

    check: Final = Check.CLOCK

    def __init__(self, files: Sequence[Path], *, clock: Clock) -> None:
        self._files = files
        self._clock = clock

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        newest = max((path.stat().st_mtime for path in self._files if path.exists()), default=0.0)
        behind = newest - self._clock.now().timestamp()
        if behind > BEHIND_SECONDS_MAX:
            until = rfc3339(datetime.fromtimestamp(newest, UTC))
            return (found("probe.clock.behind", seconds=round(behind), until=until),)
        return (found("probe.clock.good"),)
