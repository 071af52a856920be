"""A verifier's numbered duties: where a judgement ends, and every step as a `Check` that a report can tell.

A duty that is not met raises `UnmetDuty` with the words of EN 319 102-1 (clause 5); what a library throws on the way is
INDETERMINATE (`edge`). Once one is not met, those after it are `not_made`: nothing is concluded from what was not established.
Where later duties stand by themselves (a file that was changed still says who signed it, and when) a duty is not `vital`, and
the walk goes on; the first that is not met decides. PDF, XML and detached signatures are all walked through here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from pyhanko.sign.ades.report import AdESFailure
from pyhanko.sign.validation.errors import SignatureValidationError

from gateway.core.validation import Check, Indication, Outcome, SubIndication
from gateway.crypto.edge import Trouble, attempt

T = TypeVar("T")
_OUTCOMES: Final = {Indication.TOTAL_FAILED: Outcome.FAILED, Indication.INDETERMINATE: Outcome.UNDECIDED}


class UnmetDuty(Exception):  # noqa: N818 - not an error: the way a judgement ends early
    """A duty was not met: the judgement of this signature ends here."""

    def __init__(self, indication: Indication, sub_indication: SubIndication, reason: str) -> None:
        super().__init__(reason)
        self.indication = indication
        self.sub_indication = sub_indication


def undecided(sub_indication: SubIndication, reason: str) -> UnmetDuty:
    """Nobody can say from what is here."""
    return UnmetDuty(Indication.INDETERMINATE, sub_indication, reason)


def failed(sub_indication: SubIndication, reason: str) -> UnmetDuty:
    """Forged or broken."""
    return UnmetDuty(Indication.TOTAL_FAILED, sub_indication, reason)


def of_library(error: SignatureValidationError) -> UnmetDuty:
    """What pyHanko concluded, in our words: its failures are failures, everything else is undecided."""
    found = error.ades_subindication
    indication = Indication.TOTAL_FAILED if isinstance(found, AdESFailure) else Indication.INDETERMINATE
    known = {member.name: member for member in SubIndication}
    sub_indication = known.get(found.standard_name, SubIndication.SIG_CONSTRAINTS_FAILURE)
    return UnmetDuty(indication, sub_indication, error.failure_message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty(Generic[T]):
    """One numbered duty; `do` takes the case, raises `UnmetDuty`, and may return a detail for the report."""

    number: int
    name: str
    """Its text is `check.<name>` of the catalogue."""
    clause: str
    do: Callable[[T], "str | LeftOpen | NothingToDo | None"]
    vital: bool = True
    """Whether nothing can be concluded after it, when it is not met."""
    stumble: Callable[[SubIndication, str], UnmetDuty] = undecided
    """What it means when a library fails over it: that nobody can say, or (`failed`) that the form is broken."""


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """What a duty returns that is not met by itself, where a later one decides what follows from that."""

    detail: str


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """What a duty returns that found nothing to look at: it was not made, and nothing follows from that."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """How far a case came; `unmet` is None when every duty was met."""

    checks: tuple[Check, ...]
    unmet: UnmetDuty | None


def walk(duties: Sequence[Duty[T]], case: T) -> Walked:
    """Take a case through its duties in their order; never raises for hostile bytes."""
    checks: list[Check] = []
    first: UnmetDuty | None = None
    stopped = False
    for duty in duties:
        outcome, detail = Outcome.NOT_MADE, ""
        if not stopped:
            found = attempt(_one, duty, case)
            if isinstance(found, Trouble):
                found = duty.stumble(SubIndication.FORMAT_FAILURE, found.reason)
            match found:
                case UnmetDuty():
                    outcome, detail = _OUTCOMES[found.indication], str(found)
                    first, stopped = first or found, duty.vital
                case LeftOpen(words):
                    outcome, detail = Outcome.UNDECIDED, words
                case NothingToDo(words):
                    detail = words
                case words:
                    outcome, detail = Outcome.MET, words
        checks.append(Check(duty=duty.number, name=duty.name, clause=duty.clause, outcome=outcome, detail=detail))
    return Walked(checks=tuple(checks), unmet=first)


def _one(duty: Duty[T], case: T) -> str | LeftOpen | NothingToDo | UnmetDuty:
    try:
        return duty.do(case) or ""
    except UnmetDuty as unmet:
        return unmet
    except SignatureValidationError as error:
        return of_library(error)
