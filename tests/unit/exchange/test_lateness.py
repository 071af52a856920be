"""Deadlines, judged by a clock that may be wrong."""

from datetime import datetime, timedelta

from gateway.core.ids import GatewayId, TransferKey
from gateway.core.patience import LAST_WORD_SECONDS, LAST_WORDS_MAX, LATENESS_GRACE_SECONDS, PUT_OFF_SECONDS_MAX
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


PEER, OTHER = GatewayId("party"), GatewayId("government")
KEYS = [TransferKey(f"{number:032x}") for number in range(LAST_WORDS_MAX + 1)]


def test_a_peer_that_says_later_to_each_in_turn_has_one_hour_for_all() -> None:
    """Its road is narrow meanwhile: with an hour for each, those behind it would be asked for for weeks."""
    clock = ManualClock()
    words = LastWords(clock)
    for key in KEYS[:5]:
        assert not words.is_over(PEER, key)
        clock.advance(LAST_WORD_SECONDS / 5)
    assert words.is_over(PEER, KEYS[5])
    assert not words.is_over(OTHER, KEYS[6])


def test_a_peer_that_answers_others_has_an_hour_for_each() -> None:
    clock = ManualClock()
    words = LastWords(clock)
    for _ in range(5):
        assert not words.is_over(PEER, KEYS[0])
        clock.advance(LAST_WORD_SECONDS / 5)
        words.answered(PEER)
    assert words.is_over(PEER, KEYS[0])
    assert not words.is_over(OTHER, KEYS[1])


def test_what_was_said_before_a_long_pause_does_not_count() -> None:
    clock = ManualClock()
    words = LastWords(clock)
    assert not words.is_over(PEER, KEYS[0])
    clock.advance(PUT_OFF_SECONDS_MAX + 1)
    assert not words.is_over(PEER, KEYS[0])


def test_what_is_remembered_of_last_words_is_bounded_and_what_finds_no_room_ends_too() -> None:
    clock = ManualClock()
    words = LastWords(clock)

    def over(key: TransferKey) -> bool:
        words.answered(PEER)
        return words.is_over(PEER, key)

    assert not any(over(key) for key in KEYS)
    clock.advance(LAST_WORD_SECONDS)
    assert [over(key) for key in KEYS] == [True] * LAST_WORDS_MAX + [False]
    assert len(words._transfers) == LAST_WORDS_MAX
    words.forget(KEYS[0])
    assert not over(KEYS[-1])
    clock.advance(LAST_WORD_SECONDS)
    assert over(KEYS[-1])


def test_those_that_others_ended_make_room() -> None:
    clock = ManualClock()
    words = LastWords(clock)
    for key in KEYS[:-1]:
        words.is_over(PEER, key)
    clock.advance(PUT_OFF_SECONDS_MAX + 1)
    words.is_over(PEER, KEYS[-1])
    assert words._transfers.keys() == {KEYS[-1]}
