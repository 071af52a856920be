"""Whether a deadline has passed that ends something for good, by a clock that may be wrong.

A machine whose clock was set, or comes up, years ahead would let everything expire that is on its way, and nothing brings that
back when the clock is right again. So nothing is late in the first hour after a start, nor after the clock went forward: its
jump is an alarm for as long (`gateway.observe.ClockWatch`), and what waited while the gateway was off is tried once more. And a
peer that is there, and busy when it is asked for the last time, is asked again for a while.
"""

from datetime import datetime
from typing import Final, TypeVar

from gateway.core.ids import GatewayId, TransferKey
from gateway.core.patience import LAST_WORD_SECONDS, LAST_WORDS_MAX, LATENESS_GRACE_SECONDS, PUT_OFF_SECONDS_MAX
from gateway.core.ports import Clock

_FORWARD_SECONDS_MIN: Final = 60.0
"""Less decides about no deadline of days."""
_Said = tuple[float, float]
"""Since when, and when last; on the clock that never steps."""
_Name = TypeVar("_Name", GatewayId, TransferKey)


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
    """For how long "later" has been said to what was asked after its deadline. A start forgets it, as `Lateness` does.

    By the peer, which may have thousands to be asked for and is asked for one at a time while it says so; and by the transfer,
    for a peer that says it of one and answers others.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._peers: dict[GatewayId, _Said] = {}
        self._transfers: dict[TransferKey, _Said] = {}

    def is_over(self, peer: GatewayId, transfer: TransferKey) -> bool:
        """Whether it has been said for so long that it is an answer no more. That it was said now is remembered."""
        now = self._clock.monotonic()
        _forget_the_unheard(self._transfers, now)
        longest = max(_seconds(self._peers, peer, now), _seconds(self._transfers, transfer, now))
        return longest >= LAST_WORD_SECONDS

    def answered(self, peer: GatewayId) -> None:
        """It has said something else, be it by being silent."""
        self._peers.pop(peer, None)

    def forget(self, transfer: TransferKey) -> None:
        """It has ended."""
        self._transfers.pop(transfer, None)


def _seconds(said: dict[_Name, _Said], name: _Name, now: float) -> float:
    """For how long. Who has not been asked for longer than anybody is put off (a road was paused) begins anew."""
    first, last = said.get(name, (now, now))
    if now - last > PUT_OFF_SECONDS_MAX:
        first = now
    if name in said or len(said) < LAST_WORDS_MAX:
        said[name] = (first, now)
    return now - first


def _forget_the_unheard(said: dict[TransferKey, _Said], now: float) -> None:
    """Those that others ended, when there is no more room."""
    if len(said) >= LAST_WORDS_MAX:
        for transfer in [transfer for transfer, (_, last) in said.items() if now - last > PUT_OFF_SECONDS_MAX]:
            del said[transfer]
