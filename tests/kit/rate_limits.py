"""Rate limiters for tests: the real one, turned wide open or almost shut."""

from gateway.access import Rate, Rates, TokenBucketLimiter
from gateway.core.ports import Clock
from tests.kit.clock import ManualClock

WIDE = Rate(per_minute=1_000_000, burst=1_000_000)


def wide_open() -> TokenBucketLimiter:
    """Holds back nobody whom a test could bring about."""
    return TokenBucketLimiter(Rates(principal=WIDE, address=WIDE, failures=WIDE, at_once=10_000), clock=ManualClock())


def narrow(
    clock: Clock, *, principal: Rate = WIDE, address: Rate = WIDE, failures: Rate = WIDE, at_once: int = 10_000
) -> TokenBucketLimiter:
    """Narrow where it is said, else wide open."""
    rates = Rates(principal=principal, address=address, failures=failures, at_once=at_once)
    return TokenBucketLimiter(rates, clock=clock)
