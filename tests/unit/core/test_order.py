"""How a stream walks on: pure, so every arrival in every order can be tried."""

from datetime import UTC, datetime
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ids import EntryKey, OrganId, TransferKey
from gateway.core.order import Advance, Covered, StagedEntry, Waiting, advance_stream

WARD = OrganId("Z79.1")


def staged(number: int) -> Waiting:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    entry = StagedEntry(key=EntryKey(f"e{number}"), transfer=TransferKey("t"), leaf="", since=at, ends_at=at)
    return Waiting(recipient=WARD, first=number, last=number, entry=entry)


def passed(first: int, last: int) -> Waiting:
    return Waiting(recipient=WARD, first=first, last=last)


def numbers(walked: Advance) -> list[int]:
    return [step.number for step in walked.steps]


def test_it_goes_on_as_far_as_nothing_is_missing() -> None:
    walked = advance_stream(3, [staged(3), staged(4), passed(5, 7), staged(8), staged(10)])
    assert (walked.expected, walked.taken, numbers(walked)) == (9, 4, [3, 4, 8])
    assert not any(step.missing for step in walked.steps)


def test_what_is_missing_at_the_beginning_holds_everything() -> None:
    assert advance_stream(2, [staged(3), staged(4)]) == Advance(expected=2, taken=0, steps=())


def test_up_to_a_number_nothing_is_waited_for_and_what_is_missing_is_named() -> None:
    walked = advance_stream(2, [staged(4), passed(6, 6), staged(8), staged(9), staged(11)], until=8)
    assert (walked.expected, numbers(walked)) == (10, [4, 8, 9])
    assert [step.missing for step in walked.steps] == [(2, 3), (5, 7), None]


def test_numbers_that_were_passed_over_twice_or_lie_behind_change_nothing() -> None:
    walked = advance_stream(5, [passed(1, 9), passed(2, 3), staged(6), staged(10)])
    assert (walked.expected, numbers(walked)) == (11, [6, 10])


def test_in_whatever_order_they_arrive_they_come_in_by_number() -> None:
    for order in permutations(range(1, 6)):
        expected = 1
        waiting: dict[int, Waiting] = {}
        entered: list[int] = []
        for number in order:
            waiting[number] = staged(number)
            walked = advance_stream(expected, [waiting[n] for n in sorted(waiting)])
            expected = walked.expected
            entered += numbers(walked)
            waiting = {n: row for n, row in waiting.items() if n >= expected}
        assert entered == [1, 2, 3, 4, 5]


@given(st.sets(st.integers(1, 40)), st.integers(1, 40), st.integers(0, 40))
def test_nothing_is_forgotten_and_nothing_turns_back(known: set[int], expected: int, until: int) -> None:
    rows = [staged(n) for n in sorted(known)]
    walked = advance_stream(expected, rows, until=until)
    assert walked.expected >= expected
    assert numbers(walked) == sorted(known)[: walked.taken]
    assert all(n > max(expected, until) for n in sorted(known)[walked.taken : walked.taken + 1])
    jumped = {n for step in walked.steps if step.missing for n in range(step.missing[0], step.missing[1] + 1)}
    assert not jumped & known


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 8)), max_size=20), st.integers(1, 60))
def test_what_waits_is_known_as_spans(rows: list[tuple[int, int]], asked: int) -> None:
    covered = Covered([])
    for first, more in rows:
        covered.add(first, first + more)
    waits = {number for first, more in rows for number in range(first, first + more + 1)}
    assert covered.free_from(asked) == next(number for number in range(asked, 200) if number not in waits)
    assert Covered(passed(first, first + more) for first, more in sorted(rows)).free_from(asked) == covered.free_from(
        asked
    )
