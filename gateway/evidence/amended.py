"""Amended: rows of recalls, updates and replacements against what the events of the document they speak of tell. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from gateway.core.amendments import Amendment, Side
from gateway.core.events import EventKind
from gateway.core.ledgers import UnitOfWork
from gateway.core.model import Delivery, InboxEntry
from gateway.core.states import AmendmentState
from gateway.evidence.problem import Problem
from gateway.evidence.story import OpenedEvent

_TELL: Final = frozenset(
    {
        EventKind.AMENDMENT_ASKED.value,
        EventKind.AMENDMENT_ARRIVED.value,
        EventKind.AMENDMENT_ANSWERED.value,
        EventKind.AMENDMENT_ANSWER_RECEIVED.value,
    }
)


def amended_problems(what: str, amendments: Sequence[Amendment], events: Sequence[OpenedEvent]) -> Iterator[Problem]:
    """Those that speak of one delivery or entry: each is in the state that its newest event tells, and none is missing."""
    told = {
        (e.private.get("amendment"), e.private.get("by")): e.private.get("state") for e in events if e.kind in _TELL
    }
    for one in amendments:
        state = told.pop((one.kind.value, one.by), None)
        if one.state is AmendmentState.STOPPED and state is None:  # it was given up; else who had refused it
            if all(event.kind != EventKind.DELIVERY_RECALLED for event in events):
                yield Problem(what=what, why="stopped, and the log does not tell that it was recalled")
            continue
        if state != one.state.value:
            yield Problem(what=what, why=f"{one.kind} {one.state}, the log tells {state or 'nothing'}")
    for kind, _ in told:
        yield Problem(what=what, why=f"the log tells of a {kind}, and there is no row of it")


def with_amendments(uow: UnitOfWork, deliveries: Sequence[Delivery]) -> tuple[Delivery, ...]:
    """The deliveries, each with the amendments that speak of it."""
    found = _of(uow, Side.SENT, [one.key for one in deliveries])
    return tuple(replace(one, amendments=tuple(a for a in found if a.subject == one.key)) for one in deliveries)


def entries_amended(uow: UnitOfWork, entries: Sequence[InboxEntry]) -> tuple[InboxEntry, ...]:
    """The entries, each with the amendments that speak of it."""
    found = _of(uow, Side.RECEIVED, [one.key for one in entries])
    return tuple(replace(one, amendments=tuple(a for a in found if a.subject == one.key)) for one in entries)


def _of(uow: UnitOfWork, side: Side, keys: Sequence[str]) -> list[Amendment]:
    return [one for one in uow.amendments.about(keys) if one.side is side]
