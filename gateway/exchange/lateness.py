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
        self._since = self._measured = clock.monotonic()
        self._offset = clock.now().timestamp() - self._measured

    def is_over(self, deadline: datetime) -> bool:
        """Whether it has passed, and the clock that says so has been going for a while."""
        now, passed = self._clock.now(), self._clock.monotonic()  # once: the clock may jump between two looks
        offset = now.timestamp() - passed
        if offset - self._offset > _FORWARD_SECONDS_MIN:
            self._since = self._measured = passed
            self._offset = offset
        elif (
            offset < self._offset or passed - self._measured >= LATENESS_GRACE_SECONDS
        ):  # until then small steps add up
            self._measured, self._offset = passed, offset
        return now >= deadline and passed - self._since >= LATENESS_GRACE_SECONDS
