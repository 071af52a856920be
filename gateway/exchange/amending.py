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

from gateway.core.amendments import Amendment, AmendmentAnswer, AmendmentKind, Side, read_answer
from gateway.core.errors import SenderError
from gateway.core.events import EventKind
from gateway.core.ids import AmendmentKey, OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import AMENDED_DOCUMENTS_MAX
from gateway.core.message import Business, BusinessKind, DocumentMessage, ResponseFor, StatusMessage
from gateway.core.model import Delivery, Document, InboxEntry
from gateway.core.states import AMENDMENT_MOVES, AmendmentState, BusinessStatus, DocumentState, advance
from gateway.exchange.desk import Desk
from gateway.exchange.messages import recipients_of
from gateway.exchange.possession import possession
from gateway.exchange.subjects import of_delivery, of_entry

_S = AmendmentState
KINDS: Final = {
    BusinessKind.REVOKE: AmendmentKind.RECALL,
    BusinessKind.UPDATE: AmendmentKind.UPDATE,
    BusinessKind.REPLACE: AmendmentKind.REPLACE,
}


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
    """In the unit that routes it: what a document does to earlier ones stands in the deliveries of these.

    One that is not routed yet has none: what is said of it waits until it is (`amended_before`).
    """
    for name in _named_by(document):
        known = uow.documents.submitted(document.sender, document_id=name)
        earlier = uow.documents.find(known.key) if known else None  # nobody routes it before this unit ends
        if earlier is None:
            continue
        if earlier.state is not DocumentState.ROUTED:
            both = frozenset(recipients_of(earlier)).intersection(recipients_of(document))
            uow.amendments.add([_said_by(document, name, recipient, desk) for recipient in sorted(both)])
            continue
        is_there = possession(uow, earlier)
        reached = {one.recipient: one for one in uow.documents.deliveries(earlier.key) if is_there(one)}
        taken = [reached[recipient] for recipient in recipients_of(document) if recipient in reached]
        said = [_said_by(document, name, delivery.recipient, desk) for delivery in taken]
        begun = [_begun(one, delivery, document.changed_at) for one, delivery in zip(said, taken, strict=True)]
        ask(uow, earlier, list(zip(begun, taken, strict=True)), desk)


def amended_before(uow: UnitOfWork, document: Document, desk: Desk) -> None:
    """In the unit that routes it: what was said of it while it was held stands in its deliveries from now on."""
    said = uow.amendments.of(Side.SENT, document.sender, document.document_id)
    waiting = [one for one in said if one.state is _S.WAITING]
    if not waiting:
        return
    is_there = possession(uow, document)
    reached = {one.recipient: one for one in uow.documents.deliveries(document.key) if is_there(one)}
    for one in waiting:
        if delivery := reached.get(one.recipient):
            begun = _begun(one, delivery, document.changed_at)
            uow.amendments.advance(begun, was=one.state)
            told = told_of_delivery(uow, EventKind.AMENDMENT_ASKED, begun, (document, delivery), desk)
            uow.documents.advance_deliveries([told], was={told.key: told.state})
            reached[one.recipient] = told


def amendment_rerouted(uow: UnitOfWork, document: Document, recipients: Sequence[OrganId], desk: Desk) -> None:
    """In the unit that reroutes it to these bodies: what it does to earlier ones, and later ones to it, stands there, too.

    Who took over a closed code has both documents once the second of them was rerouted, and answers for itself.
    """
    for name in _named_by(document):
        _stand_at(uow, _routed(uow, document.sender, name), document, recipients, desk)
    said = uow.amendments.of(Side.SENT, document.sender, document.document_id)
    for by in dict.fromkeys(one.by for one in said if one.by):
        if later := uow.documents.submitted(document.sender, document_id=by):
            _stand_at(uow, document, later, recipients, desk)


def _routed(uow: UnitOfWork, sender: OrganId, document_id: str) -> Document | None:
    known = uow.documents.submitted(sender, document_id=document_id)
    found = uow.documents.find(known.key) if known else None
    return found if found is not None and found.state is DocumentState.ROUTED else None


def _stand_at(
    uow: UnitOfWork, earlier: Document | None, later: Document, recipients: Sequence[OrganId], desk: Desk
) -> None:
    """What the later one does to the earlier one, at those of these bodies that are sent both and have no row of it."""
    if earlier is None:
        return
    has_one, has_other = possession(uow, earlier), possession(uow, later)
    for recipient in recipients:
        reached, carried = (uow.documents.delivery(one.key, recipient) for one in (earlier, later))
        if reached is None or carried is None or not (has_one(reached) and has_other(carried)):
            continue
        said, now = _said_by(later, earlier.document_id, recipient, desk), desk.clock.now()
        if uow.amendments.find(said) is None:
            ask(uow, earlier, [(_begun(said, reached, now), reached)], desk)


def _said_by(document: Document, document_id: str, recipient: OrganId, desk: Desk) -> Amendment:
    """What a document says of an earlier one, for one recipient."""
    assert document.metadata is not None, "a status message amends nothing by itself"
    business = document.metadata.business
    assert business is not None, "it names another document"
    return Amendment(
        key=AmendmentKey(desk.new_key()),
        side=Side.SENT,
        kind=KINDS[business.kind],
        sender=document.sender,
        recipient=recipient,
        document_id=document_id,
        by=document.document_id,
        subject="",
        carrier=document.key,
        state=_S.WAITING,
        reason=business.reason,
        asked_at=document.accepted_at.replace(microsecond=0),
        changed_at=document.changed_at,
    )


def _begun(waiting: Amendment, delivery: Delivery, at: datetime) -> Amendment:
    """The document that it speaks of is on its way, or was: its recipient is asked, or a replacement is in effect."""
    return replace(waiting, subject=delivery.key, state=advance(waiting.state, _begins_as(waiting)), changed_at=at)


def _begins_as(waiting: Amendment) -> AmendmentState:
    """How it stands once the document that it speaks of is there."""
    return _S.IN_EFFECT if waiting.kind is AmendmentKind.REPLACE else _S.ASKED


def ask(uow: UnitOfWork, earlier: Document, asked: Sequence[tuple[Amendment, Delivery]], desk: Desk) -> None:
    """Store new amendments of the sender's side, each with a leaf at the delivery that it speaks of."""
    uow.amendments.add([one for one, _ in asked])
    _told_asked(uow, earlier, asked, desk)


def ask_again(uow: UnitOfWork, earlier: Document, asked: Sequence[tuple[Amendment, Delivery]], desk: Desk) -> None:
    """The same for amendments whose asking never arrived, and that something else carries now."""
    for one, _ in asked:
        uow.amendments.advance(one, was=one.state)
    _told_asked(uow, earlier, asked, desk)


def _told_asked(uow: UnitOfWork, earlier: Document, asked: Sequence[tuple[Amendment, Delivery]], desk: Desk) -> None:
    told = [told_of_delivery(uow, EventKind.AMENDMENT_ASKED, one, (earlier, delivery), desk) for one, delivery in asked]
    uow.documents.advance_deliveries(told, was={one.key: one.state for one in told})


def told_of_delivery(
    uow: UnitOfWork, kind: EventKind, amendment: Amendment, of: tuple[Document, Delivery], desk: Desk
) -> Delivery:
    """The delivery with its newest leaf, which the caller stores. `of`: the earlier document and its delivery."""
    document, delivery = of
    event = of_delivery(kind, delivery, document.sender, at=amendment.changed_at, private=_private(amendment))
    return replace(delivery, last_leaf=desk.journal.record(uow, event))


def answer_arrived(uow: UnitOfWork, message: StatusMessage, desk: Desk, now: datetime) -> str:
    """A recipient's 15 or 16; the code of a refusal, or an empty text."""
    said = read_answer(message.description)
    asked = _asked(uow, message, said, desk)
    document = uow.documents.submitted(asked.sender, document_id=asked.document_id) if asked else None
    delivery = _spoken_of(uow, document, asked) if document and asked else None
    if asked is None or document is None or delivery is None:
        return "status.not_asked"
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


def _spoken_of(uow: UnitOfWork, document: Document, asked: Amendment) -> Delivery | None:
    """The delivery that was asked about, also when it was rerouted since: there the question stands, and its leaves."""
    found = uow.documents.delivery(document.key, asked.recipient)
    if found is not None and found.key == asked.subject:
        return found
    return next((one for one in uow.documents.deliveries(document.key) if one.key == asked.subject), None)


def _asked(uow: UnitOfWork, message: StatusMessage, said: AmendmentAnswer, desk: Desk) -> Amendment | None:
    """What an answer answers: the document that asked, by its name; or the 13 that spoke of this document.

    Of a document that asks and is itself recalled both have its name: then the answer says of which it is. Of two that were
    rerouted, the later one first, nobody knew until now that they belong together.
    """
    sender, name, recipient = message.response_for.organ_id, message.response_for.document_id, message.sender.organ_id
    recalled = [
        one
        for one in uow.amendments.of(Side.SENT, sender, name)
        if one.recipient == recipient and not one.by and one.state is not _S.STOPPED
    ]
    if recalled and said.about is None:
        return recalled[0]
    carrier = uow.documents.submitted(sender, document_id=name)
    if carrier is None:
        return None
    asked = _asked_by(uow, carrier, recipient)
    if asked is None:
        for earlier in _named_by(carrier):
            _stand_at(uow, _routed(uow, sender, earlier), carrier, [recipient], desk)
        asked = _asked_by(uow, carrier, recipient)
    return asked


def _asked_by(uow: UnitOfWork, carrier: Document, recipient: OrganId) -> Amendment | None:
    for earlier in _named_by(carrier):
        for one in uow.amendments.of(Side.SENT, carrier.sender, earlier):
            same = one.recipient == recipient and one.by == carrier.document_id
            if same and one.kind is not AmendmentKind.REPLACE:
                return one
    return None


def answered_state(status: BusinessStatus, *, late: bool) -> AmendmentState:
    """Where an answer leads; `late`: the recipient had acted upon the document by then."""
    if status is BusinessStatus.RECALL_AGREED:
        return _S.AGREED
    return _S.LATE if late else _S.REFUSED


# --- at the recipient's gateway ----------------------------------------------------------------------------------------


def recall_in(message: StatusMessage, desk: Desk, now: datetime) -> Amendment:
    """What a sender's 13 says, also of a document that is not here (yet)."""
    return Amendment(
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
    )


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
            amend(uow, _of_entry(entry, name, desk), desk)


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


def amend(uow: UnitOfWork, new: Amendment, desk: Desk) -> None:
    """Store what is said of a document, unless it was said before; in force, if the document is in the inbox."""
    if uow.amendments.find(new) is not None:
        return
    key = uow.amendments.entry(new.recipient, new.sender, new.document_id)
    entry = uow.inbox.find(key) if key else None
    uow.amendments.add([new])
    if entry is not None and entry.cursor:
        _in_force(uow, new, entry, desk)


def _in_force(uow: UnitOfWork, waiting: Amendment, entry: InboxEntry, desk: Desk) -> InboxEntry:
    """The document that it speaks of is in the inbox: its recipient is asked, or a replacement is in effect."""
    moved = replace(waiting, subject=entry.key, state=advance(waiting.state, _begins_as(waiting)))
    uow.amendments.advance(moved, was=waiting.state)
    told = told_of_entry(uow, moved, entry, desk)
    uow.inbox.advance(told, was=entry.business_status)
    return told


def told_of_entry(uow: UnitOfWork, amendment: Amendment, entry: InboxEntry, desk: Desk, *, by: str = "") -> InboxEntry:
    """The entry with its newest leaf, which the caller stores: it arrived, or was answered (`by`: the principal)."""
    kind = EventKind.AMENDMENT_ANSWERED if by else EventKind.AMENDMENT_ARRIVED
    private = _private(amendment) | ({"principal": by} if by else {})
    leaf = desk.journal.record(uow, of_entry(kind, entry, at=amendment.changed_at, private=private))
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
