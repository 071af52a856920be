"""Timestamps that are or were owed: their rows against what the log tells. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from gateway.core.events import EventKind
from gateway.core.model import Document
from gateway.core.owed import OwedTimestamp, TimestampState
from gateway.evidence.problem import Problem
from gateway.evidence.reconcile import chain_problems, fact_problems
from gateway.evidence.story import Story

_E, _S = EventKind, TimestampState

_AFTER: Final[Mapping[str, frozenset[TimestampState]]] = {
    _E.TIMESTAMP_OWED.value: frozenset({_S.WAITING}),
    _E.TIMESTAMP_ADDED.value: frozenset({_S.WAITING, _S.STAMPED}),
    _E.TIMESTAMP_GIVEN_UP.value: frozenset({_S.GIVEN_UP}),
    _E.RELEASED.value: frozenset({_S.WAITING}),
}


def owed_problems(owed: OwedTimestamp, document: Document, story: Story) -> Iterator[Problem]:
    """A timestamp's row against its events; its first follows the document's `sealed`."""
    what = f"timestamp {owed.key}"
    events = story.of(owed.key)
    sealed = frozenset(event.leaf_hash for event in story.of(document.key) if event.kind == _E.SEALED)
    yield from chain_problems(what, events, owed.last_leaf, sealed)
    for event in events:
        facts = {"document_id": document.document_id, "from": document.sender}
        yield from fact_problems(what, event, facts | {"file": owed.sealed.digest, "owed": owed.owed.value})
    if not events:
        return
    newest = events[-1]
    if owed.state not in _AFTER.get(newest.kind, frozenset()):
        yield Problem(what=what, why=f"{owed.state} is not what the log tells: {newest.kind}")
    copy = {"level": owed.level.value, "archive": owed.archive.digest if owed.archive else ""}
    yield from fact_problems(what, newest, copy)
