"""Back-off: bounded, doubling, jittered. Windows: grow by one, close to one, never below nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.limits import BACKOFF_CAP_SECONDS, BACKOFF_FIRST_SECONDS, WINDOW_MAX, WINDOW_START
from gateway.core.work import RoadReport
from gateway.delivery import Window, backoff


def lowest(count: int) -> bytes:
    return bytes(count)


def highest(count: int) -> bytes:
    return b"\xff" * count


@given(st.integers(min_value=0, max_value=10_000))
def test_back_off_stays_between_half_and_whole_of_its_ceiling(failures: int) -> None:
    low, high = backoff(failures, lowest), backoff(failures, highest)
    assert 0 < low < high <= BACKOFF_CAP_SECONDS
    assert high <= 2 * low


def test_back_off_doubles_until_the_cap() -> None:
    waits = [backoff(failures, highest) for failures in range(14)]
    assert waits[0] == pytest.approx(BACKOFF_FIRST_SECONDS, rel=1e-6)
    assert waits[3] == pytest.approx(8 * BACKOFF_FIRST_SECONDS, rel=1e-6)
    assert waits[-1] == pytest.approx(BACKOFF_CAP_SECONDS, rel=1e-6)


def test_a_window_grows_slowly_and_closes_at_once() -> None:
    window = Window()
    assert window.free == WINDOW_START
    for _ in range(40):
        window.started()
        window.ended(RoadReport.GOOD)
    assert window.size == WINDOW_MAX
    window.started()
    window.ended(RoadReport.NEUTRAL)
    assert window.size == WINDOW_MAX
    window.started()
    window.ended(RoadReport.BAD)
    assert (window.size, window.free) == (1, 1)


def test_what_is_in_flight_counts_even_after_the_window_has_closed() -> None:
    window = Window(size=4)
    for _ in range(4):
        window.started()
    assert window.free == 0
    window.ended(RoadReport.BAD)
    assert (window.in_flight, window.free) == (3, 0)
