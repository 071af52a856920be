"""Whether a deadline has passed that ends something for good, by a clock that may be wrong.

A machine whose clock was set, or comes up, years ahead would let everything expire that is on its way, and nothing brings that
back when the clock is right again. So nothing is late in the first hour after a start, nor after the clock went forward: its
jump is an alarm for as long (`gateway.observe.ClockWatch`), and what waited while the gateway was off is tried once more.
"""

from datetime import datetime
from typing import Final

from gateway.core.patience import LATENESS_GRACE_SECONDS
from gateway.core.ports import Clock

_FORWARD_SECONDS_MIN: Final = 60.0
"""Less decides about no deadline of days."""


class Lateness:
    """Judges deadlines. It compares the wall clock with the one that never steps whenever it is asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = self._measure()
        self._since = clock.monotonic()

    def is_over(self, deadline: datetime) -> bool:
        """Whether it has passed, and the clock that says so has been going for a while."""
        offset = self._measure()
        if offset - self._offset > _FORWARD_SECONDS_MIN:
            self._since = self._clock.monotonic()
        self._offset = offset
        return self._clock.now() >= deadline and self._clock.monotonic() - self._since >= LATENESS_GRACE_SECONDS

    def _measure(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()
