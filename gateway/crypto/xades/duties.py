"""The duties of a verifier while it goes through them: which one it is at, and what became of each for the report."""

from dataclasses import dataclass
from typing import Final

from gateway.core.validation import Check, Indication, Outcome

_OUTCOMES: Final = {
    Indication.TOTAL_PASSED: Outcome.MET,
    Indication.INDETERMINATE: Outcome.UNDECIDED,
    Indication.TOTAL_FAILED: Outcome.FAILED,
}


@dataclass(frozen=True, slots=True)
class Duty:
    """One numbered duty: its name (`check.<name>` in the catalogue) and the clause that asks for it."""

    name: str
    clause: str


class DutyList:
    """Gone through from the first to the last; the one that is not met is as a rule the last that is begun."""

    def __init__(self, duties: tuple[Duty, ...]) -> None:
        self._duties = duties
        self._ended: dict[int, tuple[Outcome, str]] = {}
        self._at = 0

    def begin(self, number: int) -> None:
        """Take up the duty of that number, counted from 1; the one before it is met."""
        assert number == self._at + 1, "duties are gone through in their order"
        self._ended.setdefault(self._at, (Outcome.MET, ""))
        self._at = number

    def end(self, outcome: Outcome, detail: str = "") -> None:
        """Say how the duty at hand ended, where it did not simply meet what it asks for."""
        self._ended[self._at] = outcome, detail

    def decide(self, indication: Indication, reason: str) -> None:
        """The duty at hand decided the verdict."""
        self.end(_OUTCOMES[indication], "" if indication is Indication.TOTAL_PASSED else reason)

    def checks(self) -> tuple[Check, ...]:
        """Every duty, in order; those that were not reached were not made."""
        return tuple(
            Check(duty=number, name=duty.name, clause=duty.clause, outcome=outcome, detail=detail)
            for number, duty in enumerate(self._duties, 1)
            for outcome, detail in (self._ended.get(number, (Outcome.NOT_MADE, "")),)
        )
