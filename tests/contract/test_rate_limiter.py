"""The promises of the port `RateLimiter`."""

import pytest

from gateway.access import Rate
from gateway.core.ports import Allowance, RateLimiter
from tests.kit.clock import ManualClock
from tests.kit.rate_limits import narrow


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def rate_limiter(clock: ManualClock) -> RateLimiter:
    return narrow(
        clock,
        principal=Rate(per_minute=60, burst=3),
        address=Rate(per_minute=60, burst=5),
        failures=Rate(per_minute=60, burst=2),
        at_once=2,
    )


def passed(allowance: Allowance) -> bool:
    return allowance.wait_seconds == 0


def test_a_principal_an_address_and_its_failures_are_counted_apart(rate_limiter: RateLimiter) -> None:
    assert [passed(rate_limiter.pass_principal("k")) for _ in range(4)] == [True] * 3 + [False]
    assert [passed(rate_limiter.pass_address("10.0.0.1")) for _ in range(6)] == [True] * 5 + [False]
    assert [passed(rate_limiter.fail_address("10.0.0.1")) for _ in range(3)] == [True] * 2 + [False]
    assert passed(rate_limiter.pass_principal("other"))
    assert passed(rate_limiter.pass_address("10.0.0.2"))
    assert passed(rate_limiter.fail_address("10.0.0.2"))


def test_everybody_is_told_which_bucket_it_was(rate_limiter: RateLimiter) -> None:
    policies = [
        rate_limiter.pass_principal("k").policy,
        rate_limiter.pass_address("10.0.0.1").policy,
        rate_limiter.fail_address("10.0.0.1").policy,
    ]
    assert policies == ["key", "address", "failures"]


def test_time_lets_in_again(rate_limiter: RateLimiter, clock: ManualClock) -> None:
    while passed(allowance := rate_limiter.pass_principal("k")):
        pass
    clock.advance(allowance.wait_seconds)
    assert passed(rate_limiter.pass_principal("k"))
    assert not passed(rate_limiter.pass_principal("k"))


def test_many_addresses_of_one_ipv6_network_are_one_caller(rate_limiter: RateLimiter) -> None:
    found = [passed(rate_limiter.pass_address(f"2001:db8::{n:x}")) for n in range(100)]
    assert found.count(True) == 5
    assert passed(rate_limiter.pass_address("2001:db8:0:1::1"))
    assert [passed(rate_limiter.pass_address(f"::ffff:10.0.0.{n}")) for n in range(50)] == [True] * 50


def test_so_many_at_once_and_a_place_is_given_back_whatever_happens(rate_limiter: RateLimiter) -> None:
    with rate_limiter.at_once("k") as first, rate_limiter.at_once("k") as second:
        assert first
        assert second
        with rate_limiter.at_once("k") as third, rate_limiter.at_once("other") as other:
            assert not third
            assert other
        with rate_limiter.at_once("k") as still:
            assert not still, "a place that was not had is not given back"
    with pytest.raises(ZeroDivisionError), rate_limiter.at_once("k"):
        raise ZeroDivisionError
    with rate_limiter.at_once("k") as first, rate_limiter.at_once("k") as second:
        assert first
        assert second
