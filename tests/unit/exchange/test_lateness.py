"""Deadlines, judged by a clock that may be wrong."""

from datetime import datetime, timedelta

from gateway.core.ids import TransferKey
from gateway.core.patience import LAST_WORD_SECONDS, LAST_WORDS_MAX, LATENESS_GRACE_SECONDS
from gateway.exchange.lateness import LastWords, Lateness
from tests.kit.clock import ManualClock

YEARS = 3650 * 86_400.0


class Jumpy(ManualClock):
    """Jumps right after it was looked at, once it is armed."""

    armed = False

    def now(self) -> datetime:
        found = super().now()
        if self.armed:
            self.armed = False
            self.jump(YEARS)
        return found


def test_a_deadline_that_has_passed_is_over_once_the_clock_has_been_going_for_a_while() -> None:
    clock = ManualClock()
    lateness, deadline = Lateness(clock), clock.now() + timedelta(days=1)
    assert not lateness.is_over(clock.now())
    clock.advance(LATENESS_GRACE_SECONDS)
    assert lateness.is_over(clock.now())
    assert not lateness.is_over(deadline)
    clock.jump(YEARS)
    assert not lateness.is_over(deadline)
    clock.advance(LATENESS_GRACE_SECONDS)
    assert lateness.is_over(deadline)


def test_a_clock_that_jumps_while_it_is_looked_at_ends_nothing() -> None:
    clock = Jumpy()
    lateness, deadline = Lateness(clock), clock.now() + timedelta(days=14)
    clock.advance(2 * LATENESS_GRACE_SECONDS)
    clock.armed = True
    assert not lateness.is_over(deadline)
    assert not lateness.is_over(deadline)


def test_many_small_steps_are_a_jump() -> None:
    """Each less than a minute, they went unseen: the clock gained a day, and what had a day left was over."""
    clock = ManualClock()
    lateness, deadline = Lateness(clock), clock.now() + timedelta(days=1)
    clock.advance(2 * LATENESS_GRACE_SECONDS)
    for _ in range(1_500):
        clock.jump(59)
        clock.advance(0.1)
        assert not lateness.is_over(deadline)


def test_a_clock_that_is_set_a_little_each_hour_is_right() -> None:
    clock = ManualClock()
    lateness, deadline = Lateness(clock), clock.now()
    for _ in range(5):
        clock.advance(2 * LATENESS_GRACE_SECONDS)
        clock.jump(59)
        lateness.is_over(deadline)
    clock.advance(1)
    assert lateness.is_over(deadline)


def test_what_is_remembered_of_last_words_is_bounded() -> None:
    clock = ManualClock()
    words = LastWords(clock)
    keys = [TransferKey(f"{number:032x}") for number in range(LAST_WORDS_MAX + 1)]
    assert not any(words.is_over(key) for key in keys)
    clock.advance(LAST_WORD_SECONDS)
    assert all(words.is_over(key) for key in keys[1:])
    assert not words.is_over(keys[0])  # it makes room for itself again
    assert len(words._first) == LAST_WORDS_MAX
    for key in keys:
        words.forget(key)
    assert not words._first
