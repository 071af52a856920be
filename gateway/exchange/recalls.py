"""Recalls: an office takes back what it sent.

A document that is not routed is refused with that reason: it never leaves. Of one that is, each transfer that nothing is done
with at this moment is given up, and its deliveries are void. Where not a byte of it had left, that is the end: which a database
that was put back cannot say of what is older than its restore. Everybody else is asked: by a status message 13 of its own,
which walks like any other. So is who may have the document though its transfer was given up (it was tried before), and who is
being sent it just now. The answers are `exchange.amending`'s.

Asking many is more than one unit may do: they are asked a few at a time, each with the row, its leaf and its message in one
transaction. A power cut between two of them leaves some unasked; the office, without an answer, asks again, and nobody is asked
twice but where the first question ended without having arrived.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from gateway.core.amendments import Amendment, AmendmentKind, Side
from gateway.core.errors import Conflict
from gateway.core.events import EventKind
from gateway.core.ids import AmendmentKey, DeliveryKey, DocumentKey
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.core.limits import RECALLS_PER_UNIT
from gateway.core.message import ResponseFor, StatusMessage
from gateway.core.model import Delivery, Document, Transfer
from gateway.core.principal import Principal, Scope
from gateway.core.states import (
    AmendmentState,
    BusinessStatus,
    DeliveryState,
    DocumentState,
    MessageKind,
    TransferState,
    advance,
)
from gateway.exchange.amending import ask, ask_again
from gateway.exchange.contract import RecallView
from gateway.exchange.desk import Desk
from gateway.exchange.due import attempt_of, step_of
from gateway.exchange.gaps import owe_notice
from gateway.exchange.messages import organ_block
from gateway.exchange.permission import own_document, require
from gateway.exchange.possession import may_have, may_have_left, possession
from gateway.exchange.said_again import NOT_ARRIVED
from gateway.exchange.saying import Speaker, said_words, status_row
from gateway.exchange.scanning import forget_scan
from gateway.exchange.subjects import of_delivery, of_document
from gateway.exchange.submit import store_new
from gateway.observe import logger

_log = logger(__name__)

RECALLED: Final = "document.recalled"
GIVEN_UP: Final = "delivery.recalled"
_STANDING: Final = frozenset({DocumentState.HELD, DocumentState.REFUSED})
"""Not on its way to be routed, so that nobody is asked by waiting."""
STOPPABLE: Final = frozenset({TransferState.QUEUED, TransferState.HELD})
"""Nobody works on it. What is indeterminate may be with its recipient: it is asked for, as ever, and recalled there."""


class Recalls:
    """The recall desk."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def recall(self, principal: Principal, key: DocumentKey, reason: str, *, trace_id: str) -> RecallView:
        """See `RecallDesk.recall`."""
        require(principal, Scope.SEND)
        words, who = said_words(reason), Speaker(principal=principal.key_id, trace_id=trace_id)
        store = self._desk.store
        document = await store.transact(lambda uow: self._stop_document(uow, own_document(uow, principal, key), who))
        if document.state is DocumentState.ROUTED:
            for transfer in await store.read(lambda uow: uow.transfers.of_document(key)):
                await store.transact(partial(self._stop_transfer, document, transfer, words))
            while await store.transact(lambda uow: self._ask_some(uow, document, words, who)):
                pass
        _log.info("document.recalled", document=key, state=document.state.value)
        return await store.read(lambda uow: _view(uow, document))

    def _stop_document(self, uow: UnitOfWork, document: Document, who: Speaker) -> Document:
        """Refused, if it is not routed yet; a step that is at work on it finds that out when it writes."""
        if document.kind is not MessageKind.DOCUMENT:
            raise Conflict("conflict.state", state=document.kind.value)
        if document.state is DocumentState.ROUTED or document.reason == RECALLED:
            return document
        is_lost = may_have_left(
            uow, document
        )  # it may have been delivered, and who got it is not known before it is routed
        if is_lost and document.state in _STANDING:
            raise Conflict("conflict.restored", state=document.state.value)
        if document.state is DocumentState.REFUSED:
            raise Conflict("conflict.state", state=document.state.value)
        if is_lost:
            raise Conflict("conflict.at_work")
        now = self._desk.clock.now()
        private = {
            "document_id": document.document_id,
            "code": RECALLED,
            "envelope": document.envelope.digest if document.envelope else "",
            "from": document.sender,
            "principal": who.principal,
        }
        leaf = self._desk.journal.record(uow, of_document(EventKind.REFUSED, document, at=now, private=private))
        stopped = replace(
            document,
            state=advance(document.state, DocumentState.REFUSED),
            reason=RECALLED,
            reason_params=(),
            changed_at=now,
            last_leaf=leaf,
        )
        uow.documents.advance(stopped, was=document.state)
        _withdrawn(uow, stopped, None, now)
        forget_scan(uow, stopped, now)
        return stopped

    def _stop_transfer(self, document: Document, seen: Transfer, reason: str, uow: UnitOfWork) -> None:
        """Give up what is still queued; where nothing has ever left, nobody has to be asked."""
        transfer, now = uow.transfers.find(seen.slip.transfer), self._desk.clock.now()
        if transfer is None or transfer.state not in STOPPABLE or not _withdrawn(uow, document, transfer, now):
            return
        is_new = transfer.state is TransferState.QUEUED and not transfer.attempts
        untouched = is_new and not may_have_left(uow, document)
        state = advance(transfer.state, TransferState.VOID)
        uow.transfers.advance(replace(transfer, state=state, reason=GIVEN_UP, changed_at=now), was=transfer.state)
        deliveries = uow.documents.deliveries(document.key, transfer.slip.transfer)
        stopped = [self._given_up(uow, one, document, now) for one in deliveries]
        uow.documents.advance_deliveries(stopped, was={one.key: one.state for one in deliveries})
        owe_notice(uow, transfer.slip, now)
        if untouched:
            asked = [self._amendment(document, one, reason, AmendmentState.STOPPED) for one in deliveries]
            uow.amendments.add([one for one in asked if uow.amendments.find(one) is None])

    def _given_up(self, uow: UnitOfWork, delivery: Delivery, document: Document, now: datetime) -> Delivery:
        private = {"code": GIVEN_UP, "to": delivery.recipient, "transfer": delivery.transfer or ""}
        event = of_delivery(EventKind.DELIVERY_RECALLED, delivery, document.sender, at=now, private=private)
        leaf = self._desk.journal.record(uow, event)
        state = advance(delivery.state, DeliveryState.VOID)
        return replace(delivery, state=state, reason=GIVEN_UP, changed_at=now, last_leaf=leaf)

    def _ask_some(self, uow: UnitOfWork, document: Document, reason: str, who: Speaker) -> bool:
        """Ask some of those who have, or may have, the document and were not asked; whether there may be more.

        Of who has refused it there is a row, too: what was taken back goes nowhere else (`exchange.rerouting`).
        """
        deliveries = uow.documents.deliveries(document.key)  # first of all, for another recall may be at them
        known = {one.recipient for one in _recalls_of(uow, document)}
        left = [one for one in deliveries if one.recipient not in known and one.state is not DeliveryState.REROUTED]
        unheard = _unheard(uow, deliveries)
        new = left[:RECALLS_PER_UNIT]
        again = unheard[: RECALLS_PER_UNIT - len(new)]
        may_be_there = possession(uow, document)  # all others have nothing to give back, and will not have it
        states = [AmendmentState.ASKED if may_be_there(one) else AmendmentState.STOPPED for one in new]
        said = [self._amendment(document, one, reason, state) for one, state in zip(new, states, strict=True)]
        is_asked = AmendmentState.ASKED
        carried = [self._carried(uow, document, one, who) if one.state is is_asked else one for one in said]
        ask(uow, document, list(zip(carried, new, strict=True)), self._desk)
        ask_again(
            uow, document, [(self._carried(uow, document, one, who), delivery) for one, delivery in again], self._desk
        )
        return len(left) + len(unheard) > len(new) + len(again)

    def _carried(self, uow: UnitOfWork, document: Document, amendment: Amendment, who: Speaker) -> Amendment:
        """With the message that asks, which is stored: the first one, or another than that which never arrived."""
        message = self._message(document, amendment, who)
        store_new(uow, message, self._desk)
        return replace(amendment, carrier=message.key, changed_at=self._desk.clock.now())

    def _amendment(self, document: Document, delivery: Delivery, reason: str, state: AmendmentState) -> Amendment:
        now = self._desk.clock.now()
        return Amendment(
            key=AmendmentKey(self._desk.new_key()),
            side=Side.SENT,
            kind=AmendmentKind.RECALL,
            sender=document.sender,
            recipient=delivery.recipient,
            document_id=document.document_id,
            by="",
            subject=delivery.key,
            carrier="",
            state=state,
            reason=reason,
            asked_at=now.replace(microsecond=0),
            changed_at=now,
        )

    def _message(self, document: Document, amendment: Amendment, who: Speaker) -> Document:
        """The 13: `From` is the sender, and `ResponseFor.OrganId` the recipient (facts 1.10)."""
        assert document.metadata is not None, "a status message is not recalled"
        status = StatusMessage(
            sender=organ_block(document.sender, self._desk.directory.current()),
            response_for=ResponseFor(
                organ_id=amendment.recipient,
                document_id=document.document_id,
                code=document.metadata.code.text(),
                promulgation_date=document.metadata.promulgation_date,
            ),
            status=BusinessStatus.RECALL_ASKED,
            description=amendment.reason,
            timestamp=amendment.asked_at,
        )
        assert document.envelope is not None, "a routed document has an envelope"
        return status_row(status, about=document.envelope.digest, by=who, desk=self._desk, part=amendment.carrier)


def is_recalled(uow: UnitOfWork, deliveries: Sequence[Delivery]) -> bool:
    """Whether its sender has recalled the document of these, by a word of its own and not by another document."""
    said = uow.amendments.about([one.key for one in deliveries])
    return any(one.kind is AmendmentKind.RECALL and not one.by for one in said)


def _withdrawn(uow: UnitOfWork, document: Document, transfer: Transfer | None, now: datetime) -> bool:
    """Whether the work item is gone: nobody is at work on it at this moment."""
    try:
        uow.work.withdraw(attempt_of(transfer, document) if transfer else step_of(document, now), now)
    except StaleStateError:
        return False
    return True


def _unheard(uow: UnitOfWork, deliveries: Sequence[Delivery]) -> list[tuple[Amendment, Delivery]]:
    """Who was asked by a message that ended without having arrived."""
    about = {one.key: one for one in deliveries}
    said = [
        one for one in uow.amendments.about(list(about)) if one.state is AmendmentState.ASKED and one.subject in about
    ]
    asked = [one for one in said if one.kind is AmendmentKind.RECALL and not one.by]
    return [(one, about[DeliveryKey(one.subject)]) for one in asked if one.reached in NOT_ARRIVED]


def _recalls_of(uow: UnitOfWork, document: Document) -> list[Amendment]:
    """What was said by status messages, and not by documents."""
    said = uow.amendments.of(Side.SENT, document.sender, document.document_id)
    return [one for one in said if one.kind is AmendmentKind.RECALL and not one.by]


def _view(uow: UnitOfWork, document: Document) -> RecallView:
    never = {one.recipient for one in uow.documents.deliveries(document.key) if _never_taken(one)}
    found = _recalls_of(uow, document)
    said = [one for one in found if one.state is not AmendmentState.STOPPED or one.recipient not in never]
    counts = {state: sum(one.state is state for one in said) for state in AmendmentState}
    return RecallView(
        document=uow.documents.find(document.key) or document,
        counts={state: count for state, count in counts.items() if count},
        untouched=len(found) - len(said),
    )


def _never_taken(delivery: Delivery) -> bool:
    return delivery.state is DeliveryState.REFUSED and not may_have(delivery)
