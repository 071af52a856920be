"""Whether a deadline has passed that ends something for good, by a clock that may be wrong.

A machine whose clock was set, or comes up, years ahead would let everything expire that is on its way, and nothing brings that
back when the clock is right again. So nothing is late in the first hour after a start, nor after the clock went forward: its
jump is an alarm for as long (`gateway.observe.ClockWatch`), and what waited while the gateway was off is tried once more. And a
peer that is there, and busy when it is asked for the last time, is asked again for a while.
"""

from datetime import datetime
from typing import Final

from gateway.core.ids import TransferKey
from gateway.core.patience import LAST_WORD_SECONDS, LAST_WORDS_MAX, LATENESS_GRACE_SECONDS
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


class LastWords:
    """For how long each peer has said "later" to what it was asked after a deadline. A start forgets it, as `Lateness` does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._first: dict[TransferKey, float] = {}

    def is_over(self, transfer: TransferKey) -> bool:
        """Whether it was first said so long ago that it is an answer no more. What is asked for is remembered."""
        now = self._clock.monotonic()
        if transfer not in self._first and len(self._first) >= LAST_WORDS_MAX:
            del self._first[next(iter(self._first))]
        return now - self._first.setdefault(transfer, now) >= LAST_WORD_SECONDS

    def forget(self, transfer: TransferKey) -> None:
        """It has ended."""
        self._first.pop(transfer, None)
