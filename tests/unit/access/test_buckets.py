"""Token buckets: exact to the request, bounded, and not to be emptied of their memory by making others."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Buckets, Rate
from gateway.core.ports import Allowance
from tests.kit.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def admitted(allowance: Allowance) -> bool:
    return not allowance.wait_seconds


def test_a_burst_and_not_one_more(clock: ManualClock) -> None:
    buckets = Buckets("key", Rate(per_minute=60, burst=3), clock=clock)
    found = [buckets.take("a") for _ in range(4)]
    assert [admitted(one) for one in found] == [True, True, True, False]
    assert [one.remaining for one in found] == [2, 1, 0, 0]
    assert [one.reset_seconds for one in found] == [1, 2, 3, 3]
    assert found[3] == Allowance(policy="key", quota=3, window_seconds=3, remaining=0, reset_seconds=3, wait_seconds=1)


def test_it_fills_up_at_its_rate_and_not_a_moment_earlier(clock: ManualClock) -> None:
    buckets = Buckets("key", Rate(per_minute=60, burst=2), clock=clock)
    assert [admitted(buckets.take("a")) for _ in range(3)] == [True, True, False]
    clock.advance(0.999)
    assert not admitted(buckets.take("a"))
    clock.advance(0.001)
    assert [admitted(buckets.take("a")) for _ in range(2)] == [True, False]
    clock.advance(1_000_000)
    assert [admitted(buckets.take("a")) for _ in range(3)] == [True, True, False], "it never holds more than the burst"


def test_a_refused_request_costs_nothing_and_one_bucket_is_not_another(clock: ManualClock) -> None:
    buckets = Buckets("key", Rate(per_minute=1, burst=1), clock=clock)
    assert admitted(buckets.take("a"))
    assert [buckets.take("a").wait_seconds for _ in range(50)] == [60] * 50
    assert admitted(buckets.take("b"))
    clock.advance(60)
    assert admitted(buckets.take("a"))


def test_who_waits_as_long_as_he_was_told_is_let_in(clock: ManualClock) -> None:
    buckets = Buckets("key", Rate(per_minute=7, burst=1), clock=clock)
    for _ in range(20):
        while (allowance := buckets.take("a")).wait_seconds == 0:
            pass
        clock.advance(allowance.wait_seconds)
        assert admitted(buckets.take("a"))


def test_making_other_buckets_gives_nobody_his_own_back(clock: ManualClock) -> None:
    """The eviction attack: use yours up, then ask under so many other names that yours is forgotten."""
    buckets = Buckets("address", Rate(per_minute=1, burst=2), clock=clock, limit=100)
    assert [admitted(buckets.take("attacker")) for _ in range(3)] == [True, True, False]
    for number in range(10_000):
        buckets.take(f"other {number}")
        if number % 100 == 0:
            clock.advance(0.01)
    assert len(buckets) == 100
    assert not admitted(buckets.take("attacker"))


def test_newcomers_share_one_bucket_while_the_table_is_full_and_have_their_own_afterwards(clock: ManualClock) -> None:
    buckets = Buckets("address", Rate(per_minute=60, burst=3), clock=clock, limit=2)
    for name in ("a", "b"):
        assert admitted(buckets.take(name))
    assert [admitted(buckets.take(name)) for name in ("c", "d", "e", "f", "c")] == [True, True, True, False, False]
    assert admitted(buckets.take("a")), "who has a bucket keeps it"
    clock.advance(3)
    assert [admitted(buckets.take("c")) for _ in range(4)] == [True, True, True, False]
    assert [admitted(buckets.take("d")) for _ in range(4)] == [True, True, True, False]
    assert len(buckets) == 2


def test_a_full_table_is_not_searched_for_every_newcomer(clock: ManualClock) -> None:
    buckets = Buckets("address", Rate(per_minute=1, burst=1), clock=clock, limit=1)
    buckets.take("a")
    buckets.take("b")
    table = buckets._full_at
    clock.advance(0.9)
    for number in range(50):
        buckets.take(f"c{number}")
    assert buckets._full_at is table
    clock.advance(0.2)
    buckets.take("d")
    assert buckets._full_at is not table


@given(
    per_minute=st.integers(1, 100_000),
    burst=st.integers(1, 50),
    pauses=st.lists(st.integers(0, 5_000_000), min_size=1, max_size=150),
)
def test_over_any_time_no_more_than_the_burst_and_the_rate(per_minute: int, burst: int, pauses: list[int]) -> None:
    clock = ManualClock()
    buckets = Buckets("key", Rate(per_minute=per_minute, burst=burst), clock=clock)
    let_in, passed = 0, Fraction(0)
    for microseconds in pauses:
        clock.advance(microseconds / 1_000_000)
        passed += Fraction(microseconds, 1_000_000)
        allowance = buckets.take("a")
        assert 0 <= allowance.remaining < burst
        assert allowance.reset_seconds <= allowance.window_seconds
        let_in += admitted(allowance)
        # Whole nanoseconds per request: the rate is at most one part in 60,000 above the one that was asked for.
        assert let_in <= burst + passed * per_minute / 60 * Fraction(60_001, 60_000) + Fraction(1, 1000)


@pytest.mark.parametrize("rate", [Rate(per_minute=0, burst=1), Rate(per_minute=1, burst=0)])
def test_a_bucket_that_lets_nobody_through_is_our_mistake(rate: Rate, clock: ManualClock) -> None:
    with pytest.raises(AssertionError):
        Buckets("key", rate, clock=clock)
