"""The rate limiter of the office API: how much one address and one principal may ask for."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from gateway.access.buckets import Buckets, Rate
from gateway.core import limits
from gateway.core.addresses import share_of
from gateway.core.ports import Allowance, Clock

_PRINCIPAL: Final = Rate(per_minute=limits.REQUESTS_PER_MINUTE, burst=limits.REQUESTS_BURST)
_ADDRESS: Final = Rate(per_minute=limits.ADDRESS_REQUESTS_PER_MINUTE, burst=limits.ADDRESS_REQUESTS_BURST)
_FAILURES: Final = Rate(per_minute=limits.FAILURES_PER_MINUTE, burst=limits.FAILURES_BURST)

MINUTES_PER_DAY: Final = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How much is let through."""

    principal: Rate = _PRINCIPAL
    """Of one key or certificate."""
    address: Rate = _ADDRESS
    """Of one address (a /64 with IPv6), all strangers there together."""
    failures: Rate = _FAILURES
    """Failed authentications from one address."""
    gib_per_day: int = limits.GIB_PER_DAY
    """What one key or certificate hands in, refused or not."""
    at_once: int = limits.REQUESTS_AT_ONCE
    """Requests of one key or certificate being served at the same time."""


class TokenBucketLimiter:
    """The `RateLimiter` port over token buckets."""

    def __init__(self, rates: Rates, *, clock: Clock) -> None:
        self._principals = Buckets("key", rates.principal, clock=clock)
        self._addresses = Buckets("address", rates.address, clock=clock)
        self._failures = Buckets("failures", rates.failures, clock=clock)
        self._bytes = Buckets("bytes", _volume(rates.gib_per_day), clock=clock)
        self._at_once = rates.at_once
        self._inside: Counter[str] = Counter()

    def pass_address(self, address: str) -> Allowance:
        """One request from an address."""
        return self._addresses.take(share_of(address))

    def fail_address(self, address: str) -> Allowance:
        """One failed authentication from an address."""
        return self._failures.take(share_of(address))

    def pass_principal(self, key_id: str) -> Allowance:
        """One request of a principal."""
        return self._principals.take(key_id)

    def hand_in(self, key_id: str, size: int) -> Allowance:
        """So many bytes of a principal."""
        return self._bytes.take(key_id, size)

    @contextmanager
    def at_once(self, key_id: str) -> Iterator[bool]:
        """A request of a principal while it is being served."""
        admitted = self._inside[key_id] < self._at_once
        self._inside[key_id] += admitted
        try:
            yield admitted
        finally:
            self._inside[key_id] -= admitted
            if not self._inside[key_id]:
                del self._inside[key_id]


def _volume(gib_per_day: int) -> Rate:
    """A full bucket is a day's worth, and it takes a day to fill."""
    return Rate(per_minute=gib_per_day * limits.GIB // MINUTES_PER_DAY, burst=gib_per_day * limits.GIB)
