"""A signature's walk through its duties: every step becomes a `Check` that a report can tell; the first not met decides.

After a *vital* duty that is not met nothing can be concluded, so what comes after it is not made. After any other the walk goes
on: a file that was changed still says who signed it and when, and the report tells both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from pyhanko.sign.validation.errors import SignatureValidationError

from gateway.core.validation import Check, Indication, Outcome, SubIndication
from gateway.crypto.duty import UnmetDuty, of_library, undecided
from gateway.crypto.edge import Trouble, attempt

T = TypeVar("T")
_OUTCOMES: Final = {Indication.TOTAL_FAILED: Outcome.FAILED, Indication.INDETERMINATE: Outcome.UNDECIDED}


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """A duty that is not met by itself; a later one decides what follows from that."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty(Generic[T]):
    """One numbered duty; `do` raises `UnmetDuty`, or may return a detail for the report."""

    number: int
    name: str
    """Its text is `check.<name>` of the catalogue."""
    clause: str
    do: Callable[[T], str | LeftOpen | None]
    vital: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """How a walk ended; `unmet` is None when every duty was met."""

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
                found = undecided(SubIndication.FORMAT_FAILURE, found.reason)
            match found:
                case UnmetDuty():
                    outcome, detail = _OUTCOMES[found.indication], f"{found.sub_indication}: {found}"
                    first, stopped = first or found, duty.vital
                case LeftOpen(words):
                    outcome, detail = Outcome.UNDECIDED, words
                case words:
                    outcome, detail = Outcome.MET, words
        checks.append(Check(duty=duty.number, name=duty.name, clause=duty.clause, outcome=outcome, detail=detail))
    return Walked(checks=tuple(checks), unmet=first)


def _one(duty: Duty[T], case: T) -> str | LeftOpen | UnmetDuty:
    try:
        return duty.do(case) or ""
    except UnmetDuty as unmet:
        return unmet
    except SignatureValidationError as error:
        return of_library(error)
