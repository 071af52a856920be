"""Findings: what gathers while an installation is checked; counters, problems, nothing of the documents themselves."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from gateway.core.ids import Digest, OrganId
from gateway.core.states import DeliveryState
from gateway.evidence.problem import Problem
from gateway.evidence.story import Story

PROBLEMS_MAX: Final = 1_000
"""A report names this many problems; who lost a whole table needs no line for each row."""


@dataclass(slots=True)
class Findings:
    """Filled by the walks of `gateway.evidence.installation`."""

    leaves: int
    """Size of the log when it was checked: what was appended since is not counted."""
    documents: int = 0
    deliveries: Counter[DeliveryState] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    inbox: Counter[OrganId] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    """Events that were met in the story of a row that is there."""
    seals: set[Digest] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    unnamed: int = 0
    """Problems beyond `PROBLEMS_MAX`."""

    def problem(self, what: str, why: str) -> None:
        """Note one problem."""
        self.note([Problem(what=what, why=why)])

    def note(self, problems: Iterable[Problem]) -> None:
        """Note problems, as many as a report can name."""
        for problem in problems:
            if len(self.problems) < PROBLEMS_MAX:
                self.problems.append(problem)
            else:
                self.unnamed += 1

    def met(self, story: Story) -> None:
        """Note a story whose document or transfer is there."""
        self.note(story.problems)
        self.events.update(event.kind for event in story.events if event.index < self.leaves)

    def all_problems(self) -> tuple[Problem, ...]:
        """The problems, and how many more there are."""
        more = Problem(what="report", why=f"{self.unnamed} more problems")
        return (*self.problems, more) if self.unnamed else tuple(self.problems)
