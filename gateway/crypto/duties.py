"""A verifier's walk through its numbered duties: where it ends, and every step as a `Check` that a report can tell.

A duty that is not met raises `Unmet` with the words of EN 319 102-1; what a library throws on the way is INDETERMINATE
(`edge`). Once one is not met, those after it are `not_made`: nothing is concluded from what was not established.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from gateway.core.validation import Check, Indication, Outcome, SubIndication
from gateway.crypto.edge import Trouble, attempt

T = TypeVar("T")
_OUTCOMES: Final = {Indication.TOTAL_FAILED: Outcome.FAILED, Indication.INDETERMINATE: Outcome.UNDECIDED}


class Unmet(Exception):  # noqa: N818 - not an error: the way a judgement ends early
    """A duty was not met: the judgement ends here."""

    def __init__(self, indication: Indication, sub_indication: SubIndication, reason: str) -> None:
        super().__init__(reason)
        self.indication = indication
        self.sub_indication = sub_indication


def undecided(sub_indication: SubIndication, reason: str) -> Unmet:
    """Nobody can say from what is here."""
    return Unmet(Indication.INDETERMINATE, sub_indication, reason)


def failed(sub_indication: SubIndication, reason: str) -> Unmet:
    """It is forged or broken, and that is proven."""
    return Unmet(Indication.TOTAL_FAILED, sub_indication, reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty(Generic[T]):
    """One numbered duty; `do` takes the case, raises `Unmet`, and may return a detail for the report."""

    number: int
    name: str
    """Its text is `check.<name>` of the catalogue."""
    clause: str
    do: Callable[[T], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """How far a case came; `unmet` is None when every duty was met."""

    checks: tuple[Check, ...]
    unmet: Unmet | None


def walk(duties: Sequence[Duty[T]], case: T) -> Walked:
    """Take a case through its duties in their order; never raises for hostile bytes."""
    checks: list[Check] = []
    unmet: Unmet | None = None
    for duty in duties:
        outcome, detail = Outcome.NOT_MADE, ""
        if unmet is None:
            found = attempt(_one, duty, case)
            if isinstance(found, Trouble):
                found = undecided(SubIndication.FORMAT_FAILURE, found.reason)
            if isinstance(found, Unmet):
                unmet, outcome, detail = found, _OUTCOMES[found.indication], str(found)
            else:
                outcome, detail = Outcome.MET, found
        checks.append(Check(duty=duty.number, name=duty.name, clause=duty.clause, outcome=outcome, detail=detail))
    return Walked(checks=tuple(checks), unmet=unmet)


def _one(duty: Duty[T], case: T) -> str | Unmet:
    try:
        return duty.do(case) or ""
    except Unmet as unmet:
        return unmet
