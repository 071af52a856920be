"""Turns: the most urgent goes first, and whatever the rhythm of claims, the oldest has its share of every destination."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.work import Turn
from gateway.delivery import turn_of

numbers = st.integers(min_value=0, max_value=10**9)


def test_a_quarter_of_the_claims_are_the_oldests() -> None:
    turns = [turn_of(number) for number in range(4_000)]
    assert 995 <= turns.count(Turn.AGE) <= 1_005


@given(start=numbers)
def test_nobody_waits_longer_than_four_claims_for_a_turn_of_age(start: int) -> None:
    turns = [turn_of(number) for number in range(start, start + 5)]
    assert Turn.AGE in turns
    assert turns.count(Turn.URGENCY) >= 3


@given(start=numbers, stride=st.integers(min_value=1, max_value=32))
def test_every_destination_has_its_turns_in_whatever_rhythm_its_places_become_free(start: int, stride: int) -> None:
    """Of every `stride`-th claim about a quarter are of age: a plain counter modulo four gives all or none for stride 4."""
    turns = [turn_of(start + stride * n) for n in range(400)]
    assert 60 <= turns.count(Turn.AGE) <= 140


@given(
    places=st.integers(min_value=1, max_value=16),
    backlog=st.integers(min_value=1, max_value=60),
    start=numbers,
)
def test_an_ordinary_letter_goes_though_urgent_ones_never_stop(places: int, backlog: int, start: int) -> None:
    """A road with more urgent letters than places, for ever: the ordinary ones before it go all the same, in order."""
    waiting = list(range(backlog))
    claims = 0
    while waiting:
        if turn_of(start + claims) is Turn.AGE:
            del waiting[:places]
        claims += 1
        assert claims <= 5 * (backlog // places + 1), "starved"
