"""Back-off: bounded, doubling, jittered. Windows: grow by one, close to one, never below nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.limits import (
    BACKOFF_CAP_SECONDS,
    BACKOFF_FIRST_SECONDS,
    PLACES_KEPT,
    WINDOW_MAX,
    WINDOW_START,
    WORK_RUNNING_MAX,
)
from gateway.core.work import RoadReport
from gateway.delivery import Window, backoff
from gateway.delivery.engine import DOCUMENTS_IN_FLIGHT_MAX


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
    assert window.room(WORK_RUNNING_MAX) == WINDOW_START
    for _ in range(40):
        window.started()
        window.ended(RoadReport.GOOD)
    assert window.size == WINDOW_MAX
    window.started()
    window.ended(RoadReport.NEUTRAL)
    assert window.size == WINDOW_MAX
    window.started()
    window.ended(RoadReport.BAD)
    assert (window.size, window.room(WORK_RUNNING_MAX)) == (1, 1)


def test_what_is_in_flight_counts_even_after_the_window_has_closed() -> None:
    window = Window(size=4)
    for _ in range(4):
        window.started()
    assert window.room(WORK_RUNNING_MAX) == 0
    window.ended(RoadReport.BAD)
    assert (window.in_flight, window.room(WORK_RUNNING_MAX)) == (3, 0)


def full_window() -> Window:
    window = Window()
    for _ in range(WINDOW_MAX):
        window.started()
        window.ended(RoadReport.GOOD)
    return window


def test_a_destination_that_is_alone_has_its_whole_window_beside_the_steps_of_documents() -> None:
    window = full_window()
    while window.room(WORK_RUNNING_MAX - DOCUMENTS_IN_FLIGHT_MAX - window.in_flight):
        window.started()
    assert window.in_flight == WINDOW_MAX


@pytest.mark.parametrize("count", [2, 3, 10, WORK_RUNNING_MAX - PLACES_KEPT, 100])
def test_however_many_take_all_that_they_may_one_that_answers_finds_a_place(count: int) -> None:
    windows = [Window() for _ in range(count)]
    for window in windows:
        window.size = WINDOW_MAX
        window.started()
        window.ended(RoadReport.SILENT)
    places = WORK_RUNNING_MAX
    while taker := next((window for window in windows if window.room(places)), None):
        taker.started()
        places -= 1
    assert places >= PLACES_KEPT
    assert full_window().room(places) > 0
    assert Window(ours=True).room(1) == 1
