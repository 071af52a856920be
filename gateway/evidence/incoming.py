"""Incoming: rows of transfers that reached us and of inboxes against what the log and the receipts tell. Pure."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from gateway.audit import AuditError, leaf_hash, open_leaf, private_bytes
from gateway.core.clock import to_millis
from gateway.core.events import EventKind
from gateway.core.ids import OrganId
from gateway.core.model import PDF, InboxEntry, IncomingRecipient, IncomingTransfer, ReceiptLine, TransferSlip
from gateway.core.states import BusinessStatus, MessageKind, Outcome
from gateway.core.validation import Indication
from gateway.evidence.amended import amended_problems
from gateway.evidence.problem import Problem
from gateway.evidence.reconcile import (
    Facts,
    chain_problems,
    changed_problems,
    fact_problems,
    stray_problems,
    told_status,
    whose_problems,
)
from gateway.evidence.story import OpenedEvent, Story

_EVENT_OF: Final = {Outcome.RECEIVED: EventKind.RECEIVED.value, Outcome.REFUSED: EventKind.RECEIVE_REFUSED.value}
_LINES: Final = frozenset(_EVENT_OF.values())


def answer_problems(incoming: IncomingTransfer, lines: Sequence[ReceiptLine]) -> Iterator[Problem]:
    """The receipt we gave says what the rows say."""
    stored = [(line.organ_id, line.outcome, line.code, leaf_hash(line.leaf)) for line in incoming.recipients]
    if stored != [(line.organ_id, line.outcome, line.code, line.leaf_hash) for line in lines]:
        yield Problem(
            what=f"incoming transfer {incoming.slip.transfer}", why="its lines are not those of the receipt given"
        )
    if any(to_millis(line.received_at) != to_millis(incoming.received_at) for line in lines):
        yield Problem(
            what=f"incoming transfer {incoming.slip.transfer}", why="the receipt given tells another time of arrival"
        )


def incoming_problems(incoming: IncomingTransfer, story: Story, arrived: frozenset[OrganId]) -> Iterator[Problem]:
    """An incoming transfer's lines against their leaves; `arrived`: who has an inbox entry of this document."""
    slip = incoming.slip
    what = f"incoming transfer {slip.transfer}"
    lines = [(line.organ_id, line.sequence) for line in incoming.recipients]
    if lines != [(recipient.organ_id, recipient.sequence) for recipient in slip.recipients]:
        yield Problem(what=what, why="its lines are not those of its slip")
    events = {event.leaf_hash: event for event in story.events if event.kind in _LINES}
    taken: set[str] = set()
    for line in incoming.recipients:
        event = events.pop(leaf_hash(line.leaf).hex(), None)
        if event is None:
            yield Problem(what=what, why=f"the leaf of {line.organ_id} is not in the log")
            continue
        yield from whose_problems(what, [event], line.organ_id, line.organ_id)
        taken.add(event.subject)
        yield from _line_problems(what, slip, line, event)
        if line.outcome is Outcome.RECEIVED and slip.kind is MessageKind.DOCUMENT and line.organ_id not in arrived:
            yield Problem(what=what, why=f"received for {line.organ_id}, whose inbox has no such document")
    yield from stray_problems(events.values())
    others = (event for event in story.events if event.kind not in _LINES)
    yield from stray_problems(event for event in others if event.subject not in taken)


def _line_problems(what: str, slip: TransferSlip, line: IncomingRecipient, event: OpenedEvent) -> Iterator[Problem]:
    if (event.kind, event.sequence, event.previous) != (_EVENT_OF[line.outcome], line.sequence, ""):
        yield Problem(what=what, why=f"the leaf of {line.organ_id} says otherwise: {event.kind} {event.sequence}")
    yield from fact_problems(
        what, event, _slip_facts(slip, line.organ_id) | {"outcome": line.outcome.value, "code": line.code}
    )
    try:
        open_leaf(line.leaf, line.salt, private_bytes(event.private))
    except AuditError as error:
        yield Problem(what=what, why=f"the line of {line.organ_id}: {error}")


def _slip_facts(slip: TransferSlip, recipient: OrganId) -> dict[str, str | int]:
    return {
        "destination": slip.destination,
        "document_id": slip.document_id,
        "envelope": slip.envelope.digest,
        "origin": slip.origin,
        "recipient": recipient,
        "registry_epoch": slip.registry_epoch,
        "sender": slip.sender,
        "transfer": slip.transfer,
    }


def entry_problems(entry: InboxEntry, incoming: IncomingTransfer | None, story: Story) -> Iterator[Problem]:
    """An inbox entry's row against its events and the line it was received by."""
    what = f"inbox entry {entry.key}"
    events = story.of(entry.key)
    yield from chain_problems(what, events, entry.last_leaf, frozenset({""}))
    yield from whose_problems(what, events, entry.recipient, entry.recipient)
    received = {
        leaf_hash(line.leaf).hex()
        for line in (incoming.recipients if incoming else ())
        if line.outcome is Outcome.RECEIVED and line.organ_id == entry.recipient
    }
    if not events or events[0].leaf_hash not in received:
        yield Problem(what=what, why=f"no line of transfer {entry.transfer} received it")
    for event in events:
        yield from fact_problems(what, event, _entry_facts(entry, event))
    if events and (events[0].sequence, events[0].at_millis) != (entry.sequence, to_millis(entry.received_at)):
        yield Problem(what=what, why="the log tells another number in the stream, or another time")
    yield from changed_problems(what, entry.changed_at, events)
    opened = [event.at_millis for event in events if event.kind == EventKind.OPENED]
    if opened[-1:] != ([to_millis(entry.opened_at)] if entry.opened_at else []):
        yield Problem(what=what, why="the log tells another time at which it was opened")
    told = told_status(events, EventKind.BUSINESS_STATUS) or BusinessStatus.ARRIVED.value
    if told != entry.business_status.value:
        yield Problem(what=what, why=f"business status {entry.business_status}, the log tells {told}")
    yield from amended_problems(what, entry.amendments, events)
    for attached, verdict in zip_longest(entry.attachments, entry.verdicts):
        # by duty 8 nothing else is ever received: a PDF whose seal is good, or a file that is bound by digest alone
        pdf = attached is not None and attached.content_type == PDF
        if verdict not in ({Indication.TOTAL_PASSED} if pdf else {Indication.TOTAL_PASSED, ""}):
            yield Problem(what=what, why=f"verdict {verdict or 'missing'} of a file that was received")


def _entry_facts(entry: InboxEntry, event: OpenedEvent) -> Facts:
    if event.kind == EventKind.BUSINESS_STATUS:
        return {"document_id": entry.document_id, "from": entry.recipient, "to": entry.sender}
    return {
        "document_id": entry.document_id,
        "envelope": entry.envelope.digest,
        "recipient": entry.recipient,
        "sender": entry.sender,
        "transfer": entry.transfer,
    }
