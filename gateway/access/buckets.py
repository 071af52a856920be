"""Token buckets: each holds `burst` requests and is refilled at `per_minute`; who finds his empty is told how long to wait.

What is counted may also be bytes.

A bucket is kept as one number, the instant at which it will be full again (the "theoretical arrival time" of the generic
cell rate algorithm, ITU-T I.371), in whole nanoseconds: nothing is rounded, and nothing has to be refilled by a timer.

**Memory is bounded, and forgetting cannot be provoked.** A full bucket is the same as none, so only full ones are ever
forgotten. When `BUCKETS_MAX` others are there, newcomers share one bucket until some have filled up; nobody gets back what
he has used by making room. Keeping that many buckets from filling up costs each one's refill rate in requests.
"""

from dataclasses import dataclass
from typing import Final

from gateway.core.limits import BUCKETS_MAX
from gateway.core.ports import Allowance, Clock

_SECOND: Final = 1_000_000_000
_SWEEP_SECONDS: Final = 1
"""A table that is full is searched for full buckets at most this often (20,000 take about 2 ms)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How fast and how much at once."""

    per_minute: int
    burst: int


class Buckets:
    """The buckets of one policy, by name."""

    def __init__(self, policy: str, rate: Rate, *, clock: Clock, limit: int = BUCKETS_MAX) -> None:
        assert min(rate.per_minute, rate.burst, limit) > 0, "a bucket that never lets anybody through"
        self._policy = policy
        self._burst = rate.burst
        self._interval = 60 * _SECOND // rate.per_minute
        self._window = rate.burst * self._interval
        self._clock = clock
        self._limit = limit
        self._full_at: dict[str, int] = {}
        self._shared_full_at = 0
        self._swept_at = -_SWEEP_SECONDS * _SECOND

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, name: str, amount: int = 1) -> Allowance:
        """So much out of the bucket of a name, if there is as much in it. More than a full bucket holds, nobody ever gets."""
        now = round(self._clock.monotonic() * _SECOND)
        own = name in self._full_at or self._has_room(now)
        full_at = max(self._full_at.get(name, now) if own else self._shared_full_at, now)
        taken = amount * self._interval
        wait = full_at + taken - self._window - now
        if wait > 0:
            return self._allowance(full_at - now, wait)
        full_at += taken
        if own:
            self._full_at[name] = full_at
        else:
            self._shared_full_at = full_at
        return self._allowance(full_at - now, 0)

    def _has_room(self, now: int) -> bool:
        if len(self._full_at) >= self._limit and now - self._swept_at >= _SWEEP_SECONDS * _SECOND:
            self._swept_at = now
            self._full_at = {name: full_at for name, full_at in self._full_at.items() if full_at > now}
        return len(self._full_at) < self._limit

    def _allowance(self, missing: int, wait: int) -> Allowance:
        return Allowance(
            policy=self._policy,
            quota=self._burst,
            window_seconds=_ceil(self._window),
            remaining=(self._window - missing) // self._interval,
            reset_seconds=_ceil(missing),
            wait_seconds=_ceil(wait),
        )


def _ceil(nanoseconds: int) -> int:
    return -(-nanoseconds // _SECOND)
