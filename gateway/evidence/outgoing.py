"""Outgoing: rows of documents, deliveries and transfers against what the log and the receipts tell. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final

from gateway.core.clock import to_millis
from gateway.core.events import EventKind
from gateway.core.ids import OrganId
from gateway.core.model import Delivery, Document, ReceiptLine, Transfer, TransferSlip
from gateway.core.non_delivery import NonDelivery
from gateway.core.states import DeliveryState, DocumentState, Evidence, Outcome, TransferState
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

_E, _D, _V, _T = EventKind, DocumentState, DeliveryState, TransferState

WAITING: Final = frozenset({_V.QUEUED, _V.SENDING, _V.HANDED_OVER, _V.INDETERMINATE})
"""Between `delivery.queued` and the end an attempt's passing states write no leaf."""
_DOCUMENT_AFTER: Final[Mapping[str, DocumentState]] = {
    _E.ACCEPTED.value: _D.ACCEPTED,
    _E.SEALED.value: _D.SEALED,
    _E.WRAPPED.value: _D.WRAPPED,
    _E.ROUTED.value: _D.ROUTED,
    _E.HELD.value: _D.HELD,
    _E.RELEASED.value: _D.ACCEPTED,
    _E.REFUSED.value: _D.REFUSED,
}
_DELIVERY_AFTER: Final[Mapping[str, frozenset[DeliveryState]]] = {
    _E.QUEUED.value: WAITING,
    _E.RELEASED.value: WAITING,
    _E.HELD.value: frozenset({_V.HELD}),
    _E.DELIVERED.value: frozenset({_V.DELIVERED}),
    _E.DELIVERY_REFUSED.value: frozenset({_V.REFUSED}),
    _E.DELIVERY_EXPIRED.value: frozenset({_V.EXPIRED}),
    _E.VOID.value: frozenset({_V.VOID}),
    _E.REROUTED.value: frozenset({_V.REROUTED}),
    _E.DELIVERY_RECALLED.value: frozenset({_V.VOID}),
}
_DELIVERY_IN: Final[Mapping[TransferState, frozenset[DeliveryState]]] = {
    _T.RECEIPTED: frozenset({_V.DELIVERED, _V.REFUSED, _V.REROUTED}),
    _T.REFUSED: frozenset({_V.REFUSED, _V.REROUTED}),
    _T.EXPIRED: frozenset({_V.EXPIRED, _V.REROUTED}),
    _T.VOID: frozenset({_V.VOID}),
    _T.REROUTED: frozenset({_V.REROUTED}),
}
"""A transfer that has not ended has deliveries that have not ended either."""
_END_OF: Final = {Outcome.RECEIVED: _V.DELIVERED, Outcome.REFUSED: _V.REFUSED}


# --- documents ----------------------------------------------------------------------------------------------------


def document_problems(document: Document, story: Story) -> Iterator[Problem]:
    """A document's row against its events."""
    what = f"document {document.key}"
    events = story.of(document.key)
    yield from chain_problems(what, events, document.last_leaf, frozenset({""}))
    yield from whose_problems(what, events, None, document.sender)
    told = next((_DOCUMENT_AFTER[event.kind] for event in reversed(events) if event.kind in _DOCUMENT_AFTER), None)
    if document.state is not told:
        yield Problem(what=what, why=f"{document.state} is not what the log tells: {told or 'nothing'}")
    for event in events:
        yield from fact_problems(what, event, _document_facts(document, event))
    if events and events[0].at_millis != to_millis(document.accepted_at):
        yield Problem(what=what, why="the log tells another time of acceptance")
    yield from changed_problems(what, document.changed_at, events)
    if events and document.ready_made is not ("envelope" in events[0].private):
        yield Problem(what=what, why="the log tells otherwise whether it was handed in as an envelope")
    if _told_envelope(events) != (document.envelope.digest if document.envelope else ""):
        yield Problem(what=what, why="its envelope is not the one that the log tells")
    if events and document.state in {_D.HELD, _D.REFUSED}:
        yield from fact_problems(what, events[-1], {"code": document.reason})


def _told_envelope(events: Sequence[OpenedEvent]) -> str:
    """Digest of the envelope that the events leave behind.

    Released, a document begins again without one, unless the release says that it keeps the one it was handed in with.
    """
    envelope = ""
    for event in events:
        envelope = str(event.private.get("envelope", "" if event.kind == _E.RELEASED else envelope))
    return envelope


def _document_facts(document: Document, event: OpenedEvent) -> Facts:
    facts: dict[str, str | int] = {"document_id": document.document_id, "from": document.sender}
    if event.kind == _E.ACCEPTED:
        facts |= {
            "kind": document.kind.value,
            "principal": document.principal,
            "request": document.request_digest,
        }
    return facts


def company_problems(
    document: Document,
    deliveries: Sequence[Delivery],
    transfers: Sequence[Transfer],
    story: Story,
    *,
    others: frozenset[str] = frozenset(),
) -> Iterator[Problem]:
    """What belongs to a document: every recipient's delivery, every transfer's slip, and no event without a row.

    `others`: keys of further rows of the document.
    """
    what = f"document {document.key}"
    addressed = frozenset(_recipients(document)) if document.state is _D.ROUTED else frozenset()
    begun = frozenset(one.recipient for one in deliveries if not _follows(one, story))
    if begun != addressed:
        yield Problem(what=what, why="its deliveries are not those of its recipients")
    yield from _rerouted_problems(deliveries, story)
    known = {document.key, *(delivery.key for delivery in deliveries), *others}
    yield from stray_problems(event for event in story.events if event.subject not in known)
    for transfer in transfers:
        yield from _slip_problems(transfer.slip, document, deliveries)
        yield from _sending_problems(transfer.slip, deliveries, story)


def _follows(delivery: Delivery, story: Story) -> str:
    """The leaf of the rerouted delivery that this one took the place of, or an empty text."""
    first = next(iter(story.of(delivery.key)), None)
    return first.previous if first is not None and first.previous in _rerouted(story) else ""


def _rerouted(story: Story) -> frozenset[str]:
    return frozenset(event.leaf_hash for event in story.events if event.kind == _E.REROUTED)


def _rerouted_problems(deliveries: Sequence[Delivery], story: Story) -> Iterator[Problem]:
    """Each rerouted delivery is followed by one, to the body that its event names."""
    followers: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        followers.setdefault(_follows(delivery, story), []).append(delivery)
    for event in story.events:
        if event.kind == _E.REROUTED:
            found = [one.recipient for one in followers.get(event.leaf_hash, ())]
            if found != [event.private.get("successor")]:
                yield Problem(
                    what=f"delivery {event.subject}", why="rerouted, and not one delivery has taken its place"
                )


def _slip_problems(slip: TransferSlip, document: Document, deliveries: Sequence[Delivery]) -> Iterator[Problem]:
    carried = [(d.recipient, d.sequence) for d in deliveries if d.transfer == slip.transfer]
    if sorted((recipient.organ_id, recipient.sequence) for recipient in slip.recipients) != sorted(carried):
        yield Problem(what=f"transfer {slip.transfer}", why="its recipients are not those of its deliveries")
    said = (slip.kind, slip.sender, slip.document_id, slip.envelope)
    if said != (document.kind, document.sender, _wire_document_id(document), document.envelope):
        yield Problem(what=f"transfer {slip.transfer}", why="its slip speaks of another document than its row")


def _sending_problems(slip: TransferSlip, deliveries: Sequence[Delivery], story: Story) -> Iterator[Problem]:
    """When a slip was sent, by which edition of the registry: as its deliveries' first events tell, which came with it."""
    carried = [delivery for delivery in deliveries if delivery.transfer == slip.transfer]
    queued = [event for one in carried for event in story.of(one.key)[:1] if event.kind == _E.QUEUED]
    if {event.at_millis for event in queued} - {to_millis(slip.sent_at)}:
        yield Problem(what=f"transfer {slip.transfer}", why="the log tells another time of sending")
    for event in queued:
        yield from fact_problems(f"transfer {slip.transfer}", event, {"epoch": slip.registry_epoch})


def _recipients(document: Document) -> tuple[OrganId, ...]:
    if document.status is not None:
        return (document.status.response_for.organ_id,)
    return document.metadata.recipients if document.metadata else ()


def _wire_document_id(document: Document) -> str:
    """The DocumentId on the wire: a status message names the document it answers (facts 1.10)."""
    return document.status.response_for.document_id if document.status else document.document_id


# --- deliveries --------------------------------------------------------------------------------------------------------


def delivery_problems(
    delivery: Delivery, document: Document, transfer: Transfer | None, story: Story
) -> Iterator[Problem]:
    """A delivery's row against its events and its transfer."""
    what = f"delivery {delivery.key}"
    events = story.of(delivery.key)
    routed = frozenset(event.leaf_hash for event in story.of(document.key) if event.kind == _E.ROUTED)
    yield from chain_problems(what, events, delivery.last_leaf, routed | _rerouted(story))
    yield from whose_problems(what, events, delivery.recipient, document.sender)
    decisive = [event for event in events if event.kind in _DELIVERY_AFTER]
    if decisive and delivery.state not in _DELIVERY_AFTER[decisive[-1].kind]:
        yield Problem(what=what, why=f"{delivery.state} is not what the log tells: {decisive[-1].kind}")
    for event in events:
        yield from fact_problems(what, event, _delivery_facts(delivery, document, event))
    if events and events[0].sequence != delivery.sequence:
        yield Problem(what=what, why="the log tells another number in the stream")
    yield from _end_problems(delivery, transfer, decisive[-1] if decisive else None)
    told = told_status(events, _E.BUSINESS_STATUS_RECEIVED)
    if told != (delivery.business_status.value if delivery.business_status else None):
        yield Problem(what=what, why=f"business status {delivery.business_status}, the log tells {told}")
    yield from amended_problems(what, delivery.amendments, events)
    yield from _carried(delivery, transfer)


def _delivery_facts(delivery: Delivery, document: Document, event: OpenedEvent) -> Facts:
    if event.kind == _E.BUSINESS_STATUS_RECEIVED:
        return {"document_id": document.document_id, "from": delivery.recipient, "to": document.sender}
    facts: dict[str, str | int] = {
        "document_id": document.document_id,
        "from": document.sender,
        "to": delivery.recipient,
        "transfer": delivery.transfer or "",
    }
    return facts | {"epoch": delivery.registry_epoch} if event.kind in {_E.QUEUED, _E.DELIVERY_REFUSED} else facts


def _end_problems(delivery: Delivery, transfer: Transfer | None, end: OpenedEvent | None) -> Iterator[Problem]:
    """What the end of a delivery rests on: the receipt its event names is the one its transfer holds."""
    what = f"delivery {delivery.key}"
    receipt = str(end.private.get("receipt", "")) if end else ""
    if delivery.evidence is not (Evidence.RECEIPT if receipt else None):
        yield Problem(what=what, why=f"evidence {delivery.evidence}, the log tells {'receipt' if receipt else 'none'}")
    if delivery.state is _V.DELIVERED and not receipt:
        yield Problem(what=what, why="delivered without a receipt")
    answer = transfer.answer if transfer else None
    if receipt and (answer is None or sha256(answer).hexdigest() != receipt):
        yield Problem(what=what, why="the receipt that its event names is not the one of its transfer")
    if end is not None and delivery.state in {_V.REFUSED, _V.EXPIRED, _V.HELD, _V.VOID}:
        yield from fact_problems(what, end, {"code": delivery.reason})


def notice_problems(delivery: Delivery, made: NonDelivery | None, story: Story) -> Iterator[Problem]:
    """The notice about a delivery that expired is the one that was signed; `made`: what is kept of its transfer."""
    told = {event.private.get("notice") for event in story.of(delivery.key) if event.kind == _E.DELIVERY_NOTICE}
    kept = {sha256(made.notice).hexdigest()} if made is not None and made.notice is not None else set[str]()
    if told != kept:
        yield Problem(
            what=f"delivery {delivery.key}", why="its notice of non-delivery is not the one that the log tells"
        )


def _carried(delivery: Delivery, transfer: Transfer | None) -> Iterator[Problem]:
    what = f"delivery {delivery.key}"
    if delivery.transfer is None:
        if delivery.state not in {_V.REFUSED, _V.REROUTED}:
            yield Problem(what=what, why=f"{delivery.state} without a transfer")
    elif transfer is None:
        yield Problem(what=what, why=f"its transfer {delivery.transfer} is not there")
    elif delivery.destination != transfer.slip.destination:
        yield Problem(what=what, why=f"it goes to {delivery.destination}, its transfer to {transfer.slip.destination}")
    elif delivery.state not in _DELIVERY_IN.get(transfer.state, WAITING | {_V.HELD}):
        yield Problem(what=what, why=f"{delivery.state}, but its transfer is {transfer.state}")


# --- receipts ----------------------------------------------------------------------------------------------------------


def receipted_problems(transfer: Transfer) -> Iterator[Problem]:
    """A transfer is receipted when, and only when, it holds a receipt."""
    if (transfer.state is _T.RECEIPTED) != (transfer.answer is not None):
        why = f"{transfer.state} with a receipt" if transfer.answer is not None else "receipted without a receipt"
        yield Problem(what=f"transfer {transfer.slip.transfer}", why=why)


def line_problems(deliveries: Sequence[Delivery], lines: Sequence[ReceiptLine]) -> Iterator[Problem]:
    """Each delivery of a transfer says what the checked receipt says of its recipient."""
    outcomes = {line.organ_id: line.outcome for line in lines}
    for delivery in deliveries:
        outcome = outcomes.get(delivery.recipient)
        rerouted = delivery.state is _V.REROUTED and outcome is Outcome.REFUSED
        if outcome is None or not (rerouted or delivery.state is _END_OF[outcome]):
            yield Problem(what=f"delivery {delivery.key}", why=f"{delivery.state} is not what the receipt says")
