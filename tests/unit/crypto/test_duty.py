"""The walk through numbered duties: what decides, what is told, and what a library's failure means."""

from collections.abc import Callable

from gateway.core.validation import Indication, Outcome, SubIndication
from gateway.crypto.duty import Duty, LeftOpen, NothingToDo, UnmetDuty, Walked, failed, undecided, walk

MET, OPEN, BAD, NOT = Outcome.MET, Outcome.UNDECIDED, Outcome.FAILED, Outcome.NOT_MADE


def does(*returned: object) -> Callable[[list[int]], None]:
    def do(case: list[int]) -> object:
        case.append(1)
        for one in returned:
            if isinstance(one, Exception):
                raise one
            return one
        return None

    return do  # type: ignore[return-value]  # whatever a duty returns


def walked(*duties: tuple[Callable[[list[int]], None], dict[str, object]]) -> tuple[Walked, int]:
    case: list[int] = []
    listed = [
        Duty(number=at, name=f"duty{at}", clause="1", do=do, **rest)  # type: ignore[arg-type]  # options of a test
        for at, (do, rest) in enumerate(duties, 1)
    ]
    return walk(listed, case), len(case)


def told(found: Walked) -> list[tuple[Outcome, str]]:
    return [(check.outcome, check.detail) for check in found.checks]


def test_after_a_vital_one_that_is_not_met_none_is_made() -> None:
    no = failed(SubIndication.HASH_FAILURE, "no")
    found, made = walked((does("so"), {}), (does(no), {}), (does(), {}))
    assert (told(found), made, found.unmet) == ([(MET, "so"), (BAD, "no"), (NOT, "")], 2, no)


def test_after_another_one_the_walk_goes_on_and_the_first_decides() -> None:
    first, second = undecided(SubIndication.TRY_LATER, "first"), failed(SubIndication.HASH_FAILURE, "second")
    found, made = walked((does(first), {"vital": False}), (does(), {}), (does(second), {}))
    assert (told(found), made, found.unmet) == ([(OPEN, "first"), (MET, ""), (BAD, "second")], 3, first)


def test_what_is_left_open_or_found_nothing_to_look_at_decides_nothing() -> None:
    found, made = walked((does(LeftOpen("later")), {}), (does(NothingToDo("there is none")), {}), (does(), {}))
    assert (told(found), made, found.unmet) == ([(OPEN, "later"), (NOT, "there is none"), (MET, "")], 3, None)


def test_a_library_that_fails_leaves_it_undecided_where_the_duty_does_not_say_otherwise() -> None:
    for rest, expected in (({}, Indication.INDETERMINATE), ({"stumble": failed}, Indication.TOTAL_FAILED)):
        found, _ = walked((does(KeyError("depths")), dict(rest)), (does(), {}))
        unmet = found.unmet
        assert isinstance(unmet, UnmetDuty)
        assert (unmet.indication, unmet.sub_indication) == (expected, SubIndication.FORMAT_FAILURE)
        assert str(unmet) == "KeyError: 'depths'"
        assert found.checks[1].outcome is NOT
