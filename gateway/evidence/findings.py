"""Findings: what gathers while an installation is checked; counters, problems, nothing of the documents themselves."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from gateway.core.ids import Digest, OrganId
from gateway.core.states import DeliveryState
from gateway.evidence.problem import Problem
from gateway.evidence.story import Story

PROBLEMS_MAX: Final = 200
"""A report names this many problems of one kind of thing: a lost table needs no line for each row, and hides no other."""


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
    words_sent: set[bytes] = field(default_factory=set)
    """What our bodies said of documents, as the envelopes of their status messages have it."""
    words_received: set[bytes] = field(default_factory=set)
    """What others said of ours, likewise."""
    words_kept: dict[bytes, str] = field(default_factory=dict)
    """What deliveries keep of it, and which."""
    seals: set[Digest] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    """All problems by the first word of what they are about, those beyond `PROBLEMS_MAX` too."""

    def problem(self, what: str, why: str) -> None:
        """Note one problem."""
        self.note([Problem(what=what, why=why)])

    def note(self, problems: Iterable[Problem]) -> None:
        """Note problems, as many of each kind as a report can name."""
        for problem in problems:
            kind = problem.what.partition(" ")[0]
            self.kinds[kind] += 1
            if self.kinds[kind] <= PROBLEMS_MAX:
                self.problems.append(problem)

    def met(self, story: Story) -> None:
        """Note a story whose document or transfer is there."""
        self.note(story.problems)
        self.events.update(event.kind for event in story.events if event.index < self.leaves)

    def all_problems(self) -> tuple[Problem, ...]:
        """The problems, and how many more of each kind there are."""
        more = [
            Problem(what=kind, why=f"{count - PROBLEMS_MAX} more problems")
            for kind, count in self.kinds.items()
            if count > PROBLEMS_MAX
        ]
        return (*self.problems, *more)
