"""`gateway queue list`: what is due and what was given up, read from the database beside the running service."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from gateway.cli.exits import Exit
from gateway.cli.orders import QueueOrder
from gateway.cli.output import Column, Terminal
from gateway.core.clock import local_time, rfc3339
from gateway.core.errors import CATALOGUE, Turn
from gateway.core.ids import DocumentKey, TimestampKey, TransferKey
from gateway.core.interventions import Pause, Request
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import SECOND_PERSON_SECONDS_MAX
from gateway.core.model import Document
from gateway.core.ports import Clock
from gateway.core.states import is_final
from gateway.core.work import (
    ORDER_ROAD,
    SCANNER_ROAD,
    TIMESTAMP_ROAD,
    Backlog,
    DeadLetter,
    Destination,
    QueuedWork,
    WorkItem,
    WorkKind,
)
from gateway.observe import SystemClock
from gateway.outside import open_records

Json = dict[str, Any]

_REQUESTS_MAX: Final = 1_000
"""The newest that are looked through for those that can still be confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an item is about, as its own row tells it."""

    document: str
    document_id: str
    state: str
    attempts: int
    """Attempts of a transfer, or failures of a document's step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What there is, from one snapshot."""

    backlog: tuple[Backlog, ...]
    items: tuple[tuple[QueuedWork, Subject], ...]
    more: bool
    """Whether there are more items than were asked for."""
    dead: tuple[tuple[DeadLetter, Subject], ...]
    """The newest, as many as were asked for."""
    dead_count: int
    """All of them."""
    held: tuple[Document, ...]
    """Documents that are held, the oldest, as many as were asked for; they have no destination yet."""
    held_counts: tuple[int, int]
    """All held documents, and all held deliveries."""
    paused: tuple[Pause, ...] = ()
    """Roads on which an operator lets nothing go."""
    asked: tuple[Request, ...] = ()
    """What one operator asked for and a second one can still confirm, the newest, as many as were asked for."""


async def listing(terminal: Terminal, order: QueueOrder) -> int:
    """Print the queue.

    Raises:
        GatewayError: the records cannot be opened.
    """
    clock: Clock = SystemClock()
    async with open_records(order.config) as (config, _, store):
        queue = await store.read(lambda uow: read_queue(uow, order, clock.now()))
    if terminal.json:
        terminal.value(queue_json(queue, config.gateway.id, clock.now()))
    else:
        print_queue(terminal, queue, order, clock.now())
    return Exit.OK


def read_queue(uow: UnitOfWork, order: QueueOrder, now: datetime) -> Queue:
    """The part of the queue that was asked for."""
    items = () if order.dead else uow.work.queued(order.destination, order.limit + 1)
    return Queue(
        backlog=tuple(one for one in uow.work.backlog() if order.destination in (None, one.destination.name)),
        items=tuple((one, _subject(uow, one.item)) for one in items[: order.limit]),
        more=len(items) > order.limit,
        dead=tuple((one, _subject(uow, one.item)) for one in uow.work.dead(order.limit, order.destination)),
        dead_count=uow.work.count_dead(order.destination),
        held=() if order.dead or order.destination else uow.documents.held(None, order.limit),
        held_counts=uow.documents.count_held(),
        paused=tuple(one for one in uow.interventions.paused() if order.destination in (None, one.destination)),
        asked=() if order.dead or order.destination else _asked(uow, order, now),
    )


def _asked(uow: UnitOfWork, order: QueueOrder, now: datetime) -> tuple[Request, ...]:
    """Not what was asked too long ago, nor what has ended meanwhile without a second person."""
    since = now - timedelta(seconds=SECOND_PERSON_SECONDS_MAX)
    pending = (one for one in uow.interventions.pending(_REQUESTS_MAX) if one.at >= since)
    return tuple(islice((one for one in pending if _goes_on(uow, one)), order.limit))


def _goes_on(uow: UnitOfWork, request: Request) -> bool:
    transfer = uow.transfers.find(TransferKey(request.subject))
    return transfer is not None and not is_final(transfer.state)


def _subject(uow: UnitOfWork, item: WorkItem) -> Subject:
    if item.kind in {WorkKind.TRANSFER, WorkKind.GAPS, WorkKind.NON_DELIVERY, WorkKind.RESEND}:
        transfer = uow.transfers.find(TransferKey(item.subject))
        if transfer is not None:
            return Subject(
                document=transfer.document,
                document_id=transfer.slip.document_id,
                state=f"transfer.{transfer.state}",
                attempts=transfer.attempts,
            )
    if item.kind is WorkKind.TIMESTAMP:
        owed = uow.timestamps.find(TimestampKey(item.subject))
        document = uow.documents.find(owed.document) if owed else None
        if owed is not None and document is not None:
            return Subject(
                document=document.key,
                document_id=document.document_id,
                state=f"timestamp.{owed.state}",
                attempts=item.attempts,
            )
    document = uow.documents.find(DocumentKey(item.subject))
    return Subject(
        document=item.subject,
        document_id=document.document_id if document else "",
        state=f"document.{document.state}" if document else "",
        attempts=item.attempts,
    )


_ROADS: Final = {
    "open": "cli.road.open",
    "waiting": "cli.road.waiting",
    "half_open": "cli.road.half_open",
}


def road(destination: Destination, now: datetime) -> str:
    """`open`; `waiting` until its time; `half_open`: one attempt will show whether it is open again."""
    if destination.not_before is not None and destination.not_before > now:
        return "waiting"
    return "half_open" if destination.failures else "open"


# --- for programs ------------------------------------------------------------------------------------------------------


def queue_json(queue: Queue, gateway: str, now: datetime) -> Json:
    """The queue for programs."""
    return {
        "gateway": gateway,
        "at": rfc3339(now),
        "destinations": [_backlog_json(one, now) for one in queue.backlog],
        "items": [
            {
                **_item_json(work.item, subject),
                "due_at": rfc3339(work.item.due_at),
                "leased_until": _maybe(work.leased_until),
            }
            for work, subject in queue.items
        ],
        "more": queue.more,
        "dead": [
            {**_item_json(letter.item, subject), "reason": letter.reason, "at": rfc3339(letter.at)}
            for letter, subject in queue.dead
        ],
        "dead_count": queue.dead_count,
        "held": [_held_json(document) for document in queue.held],
        "held_documents": queue.held_counts[0],
        "held_deliveries": queue.held_counts[1],
        "paused": [
            {"destination": one.destination, "by": one.by, "reason": one.reason, "at": rfc3339(one.at)}
            for one in queue.paused
        ],
        "asked": [
            {"transfer": one.subject, "by": one.by, "reason": one.reason, "at": rfc3339(one.at)} for one in queue.asked
        ],
    }


def _held_json(document: Document) -> Json:
    return {
        "document": document.key,
        "document_id": document.document_id,
        "reason": document.reason,
        "since": rfc3339(document.changed_at),
        "turn": _turn(document).value,
    }


def _turn(document: Document) -> Turn:
    """Of a document that waits for a person it is the operator's, whatever the reason it was given up for."""
    facts = CATALOGUE.get(document.reason)
    return facts.turn if facts is not None and facts.turn is not Turn.GATEWAY else Turn.OPERATOR


def _backlog_json(one: Backlog, now: datetime) -> Json:
    return {
        "destination": one.destination.name,
        "waiting": one.waiting,
        "leased": one.leased,
        "next_due": _maybe(one.next_due),
        "road": road(one.destination, now),
        "failures": one.destination.failures,
        "not_before": _maybe(one.destination.not_before),
    }


def _item_json(item: WorkItem, subject: Subject) -> Json:
    return {
        "kind": item.kind.value,
        "subject": item.subject,
        "destination": item.destination,
        "document": subject.document,
        "document_id": subject.document_id,
        "state": subject.state.rpartition(".")[2],
        "urgency": item.urgency.name.lower(),
        "attempts": subject.attempts,
        "failures": item.attempts,
    }


def _maybe(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


# --- for people --------------------------------------------------------------------------------------------------------

_DESTINATION: Final = Column(heading="cli.column.destination", whole=True)
_WAITING: Final = Column(heading="cli.column.waiting", whole=True)
_LEASED: Final = Column(heading="cli.column.leased", whole=True)
_ROAD: Final = Column(heading="cli.column.road", widest=14)
_FAILURES: Final = Column(heading="cli.column.failures", whole=True)
_NOT_BEFORE: Final = Column(heading="cli.column.not_before", widest=10)
_DOCUMENT: Final = Column(heading="cli.column.document", whole=True)
_STATE: Final = Column(heading="cli.column.status", widest=12)
_ATTEMPTS: Final = Column(heading="cli.column.attempts", whole=True)
_DUE: Final = Column(heading="cli.column.due", widest=10)
_REASON: Final = Column(heading="cli.column.reason", whole=True)
_AT: Final = Column(heading="cli.column.time", widest=10)
_TURN: Final = Column(heading="cli.column.turn")
_BY: Final = Column(heading="cli.column.by")
_TRANSFER: Final = Column(heading="cli.column.transfer", whole=True)
_KEY: Final = Column(heading="cli.column.key", whole=True)
"""What `queue retry`, `reroute` and `void` are told."""


def print_queue(terminal: Terminal, queue: Queue, order: QueueOrder, now: datetime) -> None:
    """Destinations, items, dead letters; what there is nothing of is left out."""
    if queue.backlog and not order.dead:
        terminal.table(
            (_DESTINATION, _WAITING, _LEASED, _ROAD, _FAILURES, _NOT_BEFORE),
            [_backlog_row(terminal, one, queue, now) for one in queue.backlog],
        )
    if queue.items:
        terminal.table(
            (_DOCUMENT, _DESTINATION, _STATE, _ATTEMPTS, _DUE, _KEY),
            [_item_row(terminal, work, subject, now) for work, subject in queue.items],
        )
    if queue.paused and not order.dead:
        terminal.print(terminal.text("cli.queue.paused", count=len(queue.paused)), style="bold yellow")
        rows = [(_named(terminal, one.destination), one.by, local_time(one.at), one.reason) for one in queue.paused]
        terminal.table((_DESTINATION, _BY, _AT, _REASON), rows)
    if queue.asked:
        terminal.print(terminal.text("cli.queue.asked", count=len(queue.asked)), style="bold yellow")
        rows = [(one.subject, one.by, local_time(one.at), one.reason) for one in queue.asked]
        terminal.table((_TRANSFER, _BY, _AT, _REASON), rows)
    if any(queue.held_counts) and not order.dead:
        documents, deliveries = queue.held_counts
        terminal.print(terminal.text("cli.queue.held", documents=documents, deliveries=deliveries), style="bold yellow")
        terminal.table((_DOCUMENT, _AT, _TURN, _REASON, _KEY), [_held_row(terminal, one) for one in queue.held])
    if queue.dead:
        terminal.print(terminal.text("cli.queue.dead", count=queue.dead_count), style="bold red")
        terminal.table(
            (_DOCUMENT, _DESTINATION, _ATTEMPTS, _AT, _REASON, _KEY),
            [
                (
                    subject.document_id or subject.document,
                    _named(terminal, letter.item.destination),
                    subject.attempts,
                    local_time(letter.at),
                    letter.reason,
                    _key(letter.item, subject),
                )
                for letter, subject in queue.dead
            ],
        )
    if hidden := queue.dead_count - len(queue.dead):
        terminal.print(terminal.text("cli.queue.dead_more", count=hidden, limit=order.limit))
    if not (queue.items or queue.dead or queue.paused or any(queue.held_counts)):
        terminal.say("cli.queue.empty")
    elif queue.more:
        terminal.say("cli.queue.more", limit=order.limit)


def _held_row(terminal: Terminal, document: Document) -> tuple[object, ...]:
    turn = terminal.word(f"turn.{_turn(document)}")
    return (document.document_id, local_time(document.changed_at), turn, document.reason, document.key)


def _backlog_row(terminal: Terminal, one: Backlog, queue: Queue, now: datetime) -> tuple[object, ...]:
    until = one.destination.not_before
    paused = any(pause.destination == one.destination.name for pause in queue.paused)
    return (
        _named(terminal, one.destination.name),
        one.waiting,
        one.leased,
        terminal.text("cli.road.paused" if paused else _ROADS[road(one.destination, now)]),
        one.destination.failures,
        local_time(until, seconds=True) if until and until > now else "",
    )


def _item_row(terminal: Terminal, work: QueuedWork, subject: Subject, now: datetime) -> tuple[object, ...]:
    at_work = work.leased_until is not None and work.leased_until > now
    return (
        subject.document_id or subject.document,
        _named(terminal, work.item.destination),
        terminal.word(subject.state) if subject.state else "",
        subject.attempts,
        terminal.text("cli.queue.at_work") if at_work else local_time(work.item.due_at, seconds=True),
        _key(work.item, subject),
    )


def _key(item: WorkItem, subject: Subject) -> str:
    """The transfer's or the document's; of what is about neither there is nothing to name."""
    if item.kind is WorkKind.TIMESTAMP:
        return subject.document
    return item.subject if subject.document_id else ""


def _named(terminal: Terminal, destination: str) -> str:
    if destination == TIMESTAMP_ROAD:
        return terminal.text("cli.queue.timestamps")
    if destination == SCANNER_ROAD:
        return terminal.text("cli.queue.scanner")
    if destination == ORDER_ROAD:
        return terminal.text("cli.queue.order")
    return destination or terminal.text("cli.queue.here")
