"""Reconcile: rows held against what the log and the receipts tell. Pure: rows and opened events in, problems out.

A row is what anybody with the database can write; a leaf is not. So every row answers four questions:

1. *Chain.* Do its events follow one another, each naming the one before it, and is the newest the one the row names?
2. *State.* Is the row's state the one that the newest event which speaks of a state leaves behind?
3. *Facts.* Does the row say what the private parts say (who, to whom, which envelope, which receipt)?
4. *Company.* Is everything there that must be there with it: transfers, deliveries, lines, inbox entries?

`gateway.evidence.outgoing` and `gateway.evidence.incoming` ask them of each kind of row, with the rules of this file. The
other direction is `count_problems`: every leaf belongs to a row that was found, so that rows are missed even when every
trace of them in the tables is gone. A leaf can be lost only together with the signed checkpoint.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from gateway.core.activation import Activation
from gateway.core.clock import to_millis
from gateway.core.events import NOBODY, EventKind
from gateway.core.ids import OrganId
from gateway.evidence.problem import Problem
from gateway.evidence.story import WITHOUT_ROW, OpenedEvent, Story

Facts = Mapping[str, str | int]
"""Names and values of a private part that the row knows too."""


def chain_problems(
    what: str, events: Sequence[OpenedEvent], last_leaf: str, first: frozenset[str]
) -> Iterator[Problem]:
    """Each event names the one before it (`first`: what the first may name), and the row names the newest."""
    if not events:
        yield Problem(what=what, why="the log tells nothing of it")
        return
    allowed = first
    for event in events:
        if event.previous not in allowed:
            yield Problem(what=what, why=f"{event.kind} does not follow the event before it")
        allowed = frozenset({event.leaf_hash})
    if last_leaf != events[-1].leaf_hash:
        yield Problem(
            what=what, why=f"its last leaf is not the newest event that the log tells of it: {events[-1].kind}"
        )


def whose_problems(
    what: str, events: Sequence[OpenedEvent], recipient: OrganId | None, told: OrganId
) -> Iterator[Problem]:
    """By columns that no leaf commits to: each event is of the row's own recipient, and in no other body's feed.

    It may be in none: some never are, and those of the first version were not.
    """
    for event in events:
        if event.recipient != recipient:
            yield Problem(what=what, why=f"{event.kind} is kept under another recipient than the row's")
        if event.organ not in {told, NOBODY}:
            yield Problem(what=what, why=f"{event.kind} is told to another body than the row's")


def changed_problems(what: str, changed_at: datetime, events: Sequence[OpenedEvent]) -> Iterator[Problem]:
    """A row that changes by events alone was last changed at one of them (some events leave it as it is)."""
    if events and to_millis(changed_at) not in {event.at_millis for event in events}:
        yield Problem(what=what, why="the log tells of nothing that changed it at that time")


def fact_problems(what: str, event: OpenedEvent, expected: Facts) -> Iterator[Problem]:
    """An event carries the facts that it can know: those it carries are the row's."""
    for name, value in expected.items():
        if event.private.get(name, value) != value:
            yield Problem(what=what, why=f"{name} is not what {event.kind} says")


def told_status(events: Sequence[OpenedEvent], kind: EventKind) -> str | None:
    """The business status of the newest event of a kind."""
    said = [event.private.get("status") for event in events if event.kind == kind]
    return str(said[-1]) if said else None


def stray_problems(events: Iterable[OpenedEvent]) -> Iterator[Problem]:
    """Events of subjects that have no row."""
    for event in events:
        yield Problem(what=f"event {event.kind} of {event.subject}", why="there is no row that it happened to")


def registry_problems(own: str, activations: Sequence[Activation], story: Story) -> Iterator[Problem]:
    """The editions of the registry that were in force here, against the log's own events."""
    told = [
        (event.private.get("epoch"), event.private.get("registry"), event.at_millis)
        for event in story.of(own)
        if event.kind == EventKind.REGISTRY_ACTIVATED
    ]
    if told != [(activation.epoch, activation.digest, to_millis(activation.at)) for activation in activations]:
        yield Problem(what="registry", why="the editions that were in force are not those that the log tells")


def count_problems(logged: Mapping[str, int], met: Mapping[str, int]) -> Iterator[Problem]:
    """Leaves by event in the log, against those that were met with a row; alarms have none."""
    for kind in sorted({*logged, *met} - WITHOUT_ROW):
        if logged.get(kind, 0) != met.get(kind, 0):
            why = f"{logged.get(kind, 0)} in the log, {met.get(kind, 0)} with a row: rows are missing or were changed"
            yield Problem(what=f"events {kind}", why=why)
