"""Amending: what a body says of a document it has sent reaches the row of it at both gateways, in whatever order things arrive.

    sender's gateway                              recipient's gateway
    recall ── 13 ───────────────────────────────> waiting, until the document is there ──> asked
    update, replace, recall by a document ──────> the same; a replacement is in effect without being asked
    agreed, refused, late <──────── 15, 16 ────── agreed, refused

Whatever is said twice changes nothing, and the moves (`core.states`) lead one way: so no message has to arrive before another.
An amendment speaks of documents of its own sender only, because they are looked up under the signed `From`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from gateway.core.amendments import Amendment, AmendmentKind, Side, read_answer
from gateway.core.errors import SenderError
from gateway.core.events import AuditEvent, EventKind
from gateway.core.ids import AmendmentKey, OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import AMENDED_DOCUMENTS_MAX
from gateway.core.message import Business, BusinessKind, DocumentMessage, ResponseFor, StatusMessage
from gateway.core.model import Delivery, Document, InboxEntry
from gateway.core.states import AMENDMENT_MOVES, AmendmentState, BusinessStatus, DeliveryState, advance
from gateway.exchange.desk import Desk

_S = AmendmentState
KINDS: Final = {
    BusinessKind.REVOKE: AmendmentKind.RECALL,
    BusinessKind.UPDATE: AmendmentKind.UPDATE,
    BusinessKind.REPLACE: AmendmentKind.REPLACE,
}
NEVER_TAKEN: Final = frozenset({DeliveryState.REFUSED, DeliveryState.REROUTED})
"""Deliveries whose recipient does not have the document, for certain."""


# --- what a document says of earlier ones ------------------------------------------------------------------------------


def amended(business: Business, sender: OrganId, answered: Iterable[ResponseFor]) -> tuple[str, ...]:
    """DocumentIds of the sender's own documents that one with this business speaks of, each once.

    A revocation names them as what it answers, or as an update does (facts 1.8): both places are read.
    """
    named = [one.document_id for one in business.replacements] + [business.document_id]
    if business.kind is BusinessKind.REVOKE:
        named += [one.document_id for one in answered if one.organ_id == sender]
    return tuple(dict.fromkeys(name for name in named if name)) if business.kind in KINDS else ()


def check_amending(message: DocumentMessage) -> None:
    """A document that recalls or updates says which one, one that replaces which few; and none speaks of itself.

    Raises:
        SenderError: `envelope.malformed`.
    """
    if message.business.kind is BusinessKind.NEW:
        return
    named = amended(message.business, message.sender.organ_id, message.response_for)
    most = AMENDED_DOCUMENTS_MAX if message.business.kind is BusinessKind.REPLACE else 1
    if not 1 <= len(named) <= most or message.document_id in named:
        raise SenderError("envelope.malformed", reason="business_document")


def check_known(uow: UnitOfWork, document: Document) -> None:
    """What a body recalls, updates or replaces it has sent through this gateway: else it has mistyped its name.

    Raises:
        SenderError: `amendment.unknown`.
    """
    for name in _named_by(document):
        if uow.documents.submitted(document.sender, document_id=name) is None:
            raise SenderError("amendment.unknown", document_id=name)


def _named_by(document: Document) -> tuple[str, ...]:
    said = document.metadata
    return amended(said.business, document.sender, said.response_for) if said and said.business else ()


# --- at the sender's gateway -------------------------------------------------------------------------------------------


def amendment_sent(uow: UnitOfWork, document: Document, desk: Desk) -> None:
    """In the unit that routes it: what a document does to earlier ones stands in the deliveries of these."""
    business = document.metadata.business if document.metadata else None
    if business is None or document.metadata is None:
        return
    kind = KINDS[business.kind]
    state = _S.IN_EFFECT if kind is AmendmentKind.REPLACE else _S.ASKED
    for name in _named_by(document):
        earlier = uow.documents.submitted(document.sender, document_id=name)
        if earlier is None:
            continue
        reached = {one.recipient: one for one in uow.documents.deliveries(earlier.key)}
        asked = [
            Amendment(
                key=AmendmentKey(desk.new_key()),
                side=Side.SENT,
                kind=kind,
                sender=document.sender,
                recipient=recipient,
                document_id=name,
                by=document.document_id,
                subject=reached[recipient].key,
                carrier=document.key,
                state=state,
                reason=business.reason,
                asked_at=document.accepted_at.replace(microsecond=0),
                changed_at=document.changed_at,
            )
            for recipient in document.metadata.recipients
            if recipient in reached and reached[recipient].state not in NEVER_TAKEN
        ]
        ask(uow, earlier, [(one, reached[one.recipient]) for one in asked], desk)


def ask(uow: UnitOfWork, earlier: Document, asked: Sequence[tuple[Amendment, Delivery]], desk: Desk) -> None:
    """Store new amendments of the sender's side, each with a leaf at the delivery that it speaks of."""
    uow.amendments.add([one for one, _ in asked])
    told = [told_of_delivery(uow, EventKind.AMENDMENT_ASKED, one, (earlier, delivery), desk) for one, delivery in asked]
    uow.documents.advance_deliveries(told, was={one.key: one.state for one in told})


def told_of_delivery(
    uow: UnitOfWork, kind: EventKind, amendment: Amendment, of: tuple[Document, Delivery], desk: Desk
) -> Delivery:
    """The delivery with its newest leaf, which the caller stores. `of`: the earlier document and its delivery."""
    document, delivery = of
    leaf = desk.journal.record(
        uow,
        AuditEvent(
            kind=kind,
            at=amendment.changed_at,
            subject=delivery.key,
            document=document.key,
            previous=delivery.last_leaf,
            sequence=delivery.sequence,
            recipient=delivery.recipient,
            organ=document.sender,
            private=_private(amendment),
        ),
    )
    return replace(delivery, last_leaf=leaf)


def answer_arrived(uow: UnitOfWork, message: StatusMessage, desk: Desk, now: datetime) -> str:
    """A recipient's 15 or 16; the code of a refusal, or an empty text."""
    asked = _asked(uow, message)
    document = uow.documents.submitted(asked.sender, document_id=asked.document_id) if asked else None
    delivery = uow.documents.delivery(document.key, asked.recipient) if document and asked else None
    if asked is None or document is None or delivery is None:
        return "status.not_asked"
    said = read_answer(message.description)
    state = answered_state(message.status, late=said.handling is not None and said.handling.taken_up)
    if state not in AMENDMENT_MOVES[asked.state]:
        return ""  # said before, or taken back: who has agreed has agreed
    answered = replace(
        asked,
        state=advance(asked.state, state),
        words=said.words,
        handling=said.handling,
        answered_at=message.timestamp,
        changed_at=now,
    )
    uow.amendments.advance(answered, was=asked.state)
    kind = EventKind.AMENDMENT_ANSWER_RECEIVED
    told = replace(told_of_delivery(uow, kind, answered, (document, delivery), desk), changed_at=now)
    uow.documents.advance_deliveries([told], was={delivery.key: delivery.state})
    return ""


def _asked(uow: UnitOfWork, message: StatusMessage) -> Amendment | None:
    """What an answer answers: the document that asked, by its name; or the 13 that spoke of this document."""
    sender, name, recipient = message.response_for.organ_id, message.response_for.document_id, message.sender.organ_id
    recalled = [
        one
        for one in uow.amendments.of(Side.SENT, sender, name)
        if one.recipient == recipient and not one.by and one.state is not _S.STOPPED
    ]
    if recalled:
        return recalled[0]
    carrier = uow.documents.submitted(sender, document_id=name)
    for earlier in _named_by(carrier) if carrier else ():
        for one in uow.amendments.of(Side.SENT, sender, earlier):
            if one.recipient == recipient and one.by == name and one.kind is not AmendmentKind.REPLACE:
                return one
    return None


def answered_state(status: BusinessStatus, *, late: bool) -> AmendmentState:
    """Where an answer leads; `late`: the recipient had acted upon the document by then."""
    if status is BusinessStatus.RECALL_AGREED:
        return _S.AGREED
    return _S.LATE if late else _S.REFUSED


# --- at the recipient's gateway ----------------------------------------------------------------------------------------


def recall_arrived(uow: UnitOfWork, message: StatusMessage, desk: Desk, now: datetime) -> str:
    """A sender's 13, also for a document that is not here (yet); never a refusal."""
    _amend(
        uow,
        Amendment(
            key=AmendmentKey(desk.new_key()),
            side=Side.RECEIVED,
            kind=AmendmentKind.RECALL,
            sender=message.sender.organ_id,
            recipient=message.response_for.organ_id,
            document_id=message.response_for.document_id,
            by="",
            subject="",
            carrier="",
            state=_S.WAITING,
            reason=message.description,
            asked_at=message.timestamp,
            changed_at=now,
        ),
        desk,
    )
    return ""


def entries_arrived(uow: UnitOfWork, entries: Sequence[InboxEntry], desk: Desk) -> None:
    """In the unit that lets them in: what new entries say of earlier ones, and what had been said of them before they came.

    An entry that is staged (`exchange.ordering`) has not arrived: what is said of it waits, and what it says, too.
    """
    for sender, name in dict.fromkeys((entry.sender, entry.document_id) for entry in entries):
        of_it = {one.recipient: one for one in entries if (one.sender, one.document_id) == (sender, name)}
        for waiting in uow.amendments.of(Side.RECEIVED, sender, name):
            if waiting.state is _S.WAITING and (came := of_it.get(waiting.recipient)):
                of_it[waiting.recipient] = _in_force(uow, replace(waiting, changed_at=desk.clock.now()), came, desk)
    for entry in entries:  # only now, for one of them may speak of another
        for name in amended(entry.message.business, entry.sender, entry.message.response_for):
            _amend(uow, _of_entry(entry, name, desk), desk)


def _of_entry(entry: InboxEntry, document_id: str, desk: Desk) -> Amendment:
    business = entry.message.business
    return Amendment(
        key=AmendmentKey(desk.new_key()),
        side=Side.RECEIVED,
        kind=KINDS[business.kind],
        sender=entry.sender,
        recipient=entry.recipient,
        document_id=document_id,
        by=entry.document_id,
        subject="",
        carrier=entry.key,
        state=_S.WAITING,
        reason=business.reason,
        asked_at=entry.message.created_at,
        changed_at=entry.received_at,
    )


def _amend(uow: UnitOfWork, new: Amendment, desk: Desk) -> None:
    if uow.amendments.find(new) is not None:
        return
    key = uow.amendments.entry(new.recipient, new.sender, new.document_id)
    entry = uow.inbox.find(key) if key else None
    uow.amendments.add([new])
    if entry is not None and entry.cursor:
        _in_force(uow, new, entry, desk)


def _in_force(uow: UnitOfWork, waiting: Amendment, entry: InboxEntry, desk: Desk) -> InboxEntry:
    """The document that it speaks of is in the inbox: its recipient is asked, or a replacement is in effect."""
    target = _S.IN_EFFECT if waiting.kind is AmendmentKind.REPLACE else _S.ASKED
    moved = replace(waiting, subject=entry.key, state=advance(waiting.state, target))
    uow.amendments.advance(moved, was=waiting.state)
    told = told_of_entry(uow, moved, entry, desk)
    uow.inbox.advance(told, was=entry.business_status)
    return told


def told_of_entry(uow: UnitOfWork, amendment: Amendment, entry: InboxEntry, desk: Desk, *, by: str = "") -> InboxEntry:
    """The entry with its newest leaf, which the caller stores: it arrived, or was answered (`by`: the principal)."""
    leaf = desk.journal.record(
        uow,
        AuditEvent(
            kind=EventKind.AMENDMENT_ANSWERED if by else EventKind.AMENDMENT_ARRIVED,
            at=amendment.changed_at,
            subject=entry.key,
            document=entry.transfer,
            previous=entry.last_leaf,
            sequence=entry.sequence,
            recipient=entry.recipient,
            organ=entry.recipient,
            private=_private(amendment) | ({"principal": by} if by else {}),
        ),
    )
    return replace(entry, last_leaf=leaf)  # not `changed_at`: that is when its business status was said


def _private(amendment: Amendment) -> dict[str, str | int]:
    """`from` and `to` are those of the earlier document, whoever speaks."""
    return {
        "amendment": amendment.kind.value,
        "by": amendment.by,
        "document_id": amendment.document_id,
        "from": amendment.sender,
        "state": amendment.state.value,
        "to": amendment.recipient,
    }
