"""The story: the opened events of one document or incoming transfer, as their leaves tell them.

The rows of openings also name event, subject and time in columns of their own, for searching. A leaf commits to none of
these columns, so nothing is taken from them that the leaf can say: kind, time, predecessor and number in the stream come
from the leaf, everything else from the private part under its commitment. The subject alone is the column's word; it is
held against the chain of predecessors and against the private part (`gateway.evidence.reconcile`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.audit import AuditError, parse_leaf
from gateway.core.clock import to_millis
from gateway.core.events import EventKind
from gateway.core.ids import OrganId
from gateway.core.limits import LOG_PAGE_LEAVES
from gateway.core.log import Log
from gateway.core.model import HistoryEvent
from gateway.evidence.problem import Problem

WITHOUT_ROW: Final = frozenset(
    {
        EventKind.FOREIGN_SENDER.value,
        EventKind.PASSED_OVER.value,
        EventKind.QUARANTINED.value,
        EventKind.RECEIVED_AGAIN.value,
        EventKind.RESEND_ASKED.value,
        EventKind.RESENT.value,
    }
)
"""Alarms, what is said of a transfer as a whole after a restore, and what was found in files: they happened to no row of
ours, and the key they stand under may be a stranger's word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedEvent:
    """One event as its leaf and its private part tell it."""

    kind: str
    """An `EventKind` value; a log of a later version may know more of them."""
    subject: str
    at_millis: int
    private: Mapping[str, str | int]
    leaf_hash: str
    previous: str
    """Leaf hash (hex) of the subject's previous event, or empty."""
    sequence: int
    index: int
    """Where the leaf stands in the log."""
    recipient: OrganId | None
    """By the column alone, as `organ`: whose feed tells of it."""
    organ: OrganId


class Story:
    """All events of one history, oldest first, and what of it could not be believed."""

    def __init__(self, *, events: Sequence[OpenedEvent], problems: Sequence[Problem] = ()) -> None:
        self.events: Final = tuple(events)
        self.problems: Final = tuple(problems)
        self._by_subject: dict[str, list[OpenedEvent]] = {}
        for event in events:
            self._by_subject.setdefault(event.subject, []).append(event)

    def of(self, subject: str) -> Sequence[OpenedEvent]:
        """The events that happened to one document, delivery or inbox entry, oldest first."""
        return self._by_subject.get(subject, ())


def read_story(log: Log, key: str) -> Story:
    """The story that the log tells under this key."""
    history = log.history(key)
    indexes = log.indexes([bytes.fromhex(event.leaf_hash) for event in history])
    leaves = dict(leaves_at(log, indexes.values()))
    events: list[OpenedEvent] = []
    problems: list[Problem] = []
    for event in history:
        index = indexes.get(bytes.fromhex(event.leaf_hash))
        opened = _open(event, index, leaves.get(index)) if index is not None else "its leaf is not in the log"
        if isinstance(opened, str):
            problems.append(Problem(what=f"event {event.event} of {event.subject}", why=opened))
        elif opened.kind not in WITHOUT_ROW:
            events.append(opened)
    return Story(events=events, problems=problems)


def _open(event: HistoryEvent, index: int, data: bytes | None) -> OpenedEvent | str:
    """The event as its leaf tells it, or why it cannot be believed."""
    try:
        fields = parse_leaf(data or b"")
        private = json.loads(event.detail)
    except (AuditError, ValueError, RecursionError) as error:
        return str(error)
    if not isinstance(private, dict):
        return "its private part is no object"
    if (event.event, to_millis(event.at)) != (fields.event, fields.at_millis):
        return f"its leaf says {fields.event} at {fields.at_millis}"
    return OpenedEvent(
        kind=fields.event,
        subject=event.subject,
        at_millis=fields.at_millis,
        private=private,
        leaf_hash=event.leaf_hash,
        previous=fields.previous.hex(),
        sequence=fields.sequence,
        index=index,
        recipient=event.recipient,
        organ=event.organ,
    )


def leaves_at(log: Log, indexes: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """The leaves at those indexes; neighbours are fetched together."""
    wanted = sorted(indexes)
    start = 0
    while start < len(wanted):
        first, end = wanted[start], start + 1
        while end < len(wanted) and wanted[end] == first + end - start and end - start < LOG_PAGE_LEAVES:
            end += 1
        yield from enumerate(log.leaves(first, end - start), first)
        start = end
