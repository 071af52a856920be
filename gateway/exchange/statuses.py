"""Business status: what the receiving office says of a document (02 refused, 03 accepted ...), and how it travels back.

Saying it is one transaction: the entry's status, an outgoing status message with its work item, and the leaves. Saying it again
changes nothing, but where the message ended without having arrived it is sent once more (`exchange.said_again`). It takes the
way of every envelope (wrap, route, deliver). On arrival at the original sender `apply_status` writes it into the delivery it
speaks of, in the unit of work that stores the transfer. Recalls and the answers to them (13, 15, 16) travel as status messages,
too, and are no business status: they are handed on to `exchange.amending`.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from gateway.core.errors import Conflict
from gateway.core.events import EventKind
from gateway.core.ids import EntryKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import ANSWERED_CODE_CHARS_MAX, SENT_AHEAD_SECONDS_MAX
from gateway.core.message import DocumentMessage, ResponseFor, StatusMessage
from gateway.core.model import Document, InboxEntry
from gateway.core.plain_text import first_unseen
from gateway.core.principal import Principal, Scope
from gateway.core.states import BusinessStatus
from gateway.exchange.amending import answer_arrived
from gateway.exchange.answering import recall_arrived, refuse_recalled
from gateway.exchange.desk import Desk
from gateway.exchange.messages import organ_block
from gateway.exchange.permission import own_entry, require
from gateway.exchange.said_again import say_again
from gateway.exchange.saying import Speaker, said_words, status_row
from gateway.exchange.subjects import of_delivery, of_entry
from gateway.exchange.submit import store_new
from gateway.observe import logger

_log = logger(__name__)

DESCRIPTIONS: Final = {BusinessStatus.ACCEPTED: "Đã tiếp nhận", BusinessStatus.REFUSED: "Từ chối tiếp nhận"}
"""The regulation's own words (QCVN 102:2016, StatusCode): data on the wire, not texts of a screen."""


class BusinessStatuses:
    """The status desk."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def accept(self, principal: Principal, key: EntryKey, *, trace_id: str) -> InboxEntry:
        """See `StatusDesk.accept`."""
        description = DESCRIPTIONS[BusinessStatus.ACCEPTED]
        return await self._say(principal, key, BusinessStatus.ACCEPTED, description, trace_id)

    async def refuse(self, principal: Principal, key: EntryKey, reason: str, *, trace_id: str) -> InboxEntry:
        """See `StatusDesk.refuse`."""
        return await self._say(principal, key, BusinessStatus.REFUSED, said_words(reason), trace_id)

    async def _say(
        self, principal: Principal, key: EntryKey, status: BusinessStatus, description: str, trace_id: str
    ) -> InboxEntry:
        require(principal, Scope.ACT)
        by = Speaker(principal=principal.key_id, trace_id=trace_id)

        def unit(uow: UnitOfWork) -> InboxEntry:
            entry = own_entry(uow, principal, key)
            if entry.business_status is status:
                say_again(uow, self._message(entry, by), self._desk)
                return entry
            refuse_recalled(uow, entry)
            if entry.business_status is not BusinessStatus.ARRIVED:
                raise Conflict("conflict.state", state=entry.business_status.value)
            return self._write(uow, entry, status, description, by)

        entry = await self._desk.store.transact(unit)
        _log.info("entry.status", entry=key, status=status.value)
        return entry

    def _write(
        self, uow: UnitOfWork, entry: InboxEntry, status: BusinessStatus, description: str, by: Speaker
    ) -> InboxEntry:
        now = self._desk.clock.now()
        private = {
            "document_id": entry.document_id,
            "principal": by.principal,
            "status": status.value,
            "from": entry.recipient,
            "to": entry.sender,
        }
        leaf = self._desk.journal.record(uow, of_entry(EventKind.BUSINESS_STATUS, entry, at=now, private=private))
        said = replace(entry, business_status=status, business_description=description, changed_at=now, last_leaf=leaf)
        uow.inbox.advance(said, was=entry.business_status)
        store_new(uow, self._message(said, by), self._desk)
        return said

    def _message(self, entry: InboxEntry, by: Speaker) -> Document:
        """The outgoing row of the status message."""
        message = entry.message
        status = StatusMessage(
            sender=organ_block(entry.recipient, self._desk.directory.current()),
            response_for=ResponseFor(
                organ_id=entry.sender,
                document_id=entry.document_id,
                code=_code_of(message),
                promulgation_date=message.promulgation_date,
            ),
            status=entry.business_status,
            description=entry.business_description,
            timestamp=entry.changed_at.replace(microsecond=0),
        )
        return status_row(status, about=entry.envelope.digest, by=by, desk=self._desk)


def _code_of(message: DocumentMessage) -> str:
    """Số, ký hiệu of the answered document, unless it is one that no message can hold: the answer goes out without it."""
    code = message.code.text()
    return code if len(code) <= ANSWERED_CODE_CHARS_MAX and first_unseen(code) is None else ""


APART: Final = {
    BusinessStatus.RECALL_ASKED: recall_arrived,
    BusinessStatus.RECALL_AGREED: answer_arrived,
    BusinessStatus.RECALL_REFUSED: answer_arrived,
}
"""What speaks of a recall or an update, and is no business status."""


def apply_status(uow: UnitOfWork, message: StatusMessage, *, desk: Desk) -> str:
    """Write a status that arrived into the delivery it speaks of; the code of a refusal, or an empty text.

    Saying the same twice changes nothing, and a word older than the last one (by the signed timestamps) comes too late:
    a retry that arrives late, or one that is played again, never takes back what was said after it. A status for a
    document we did not send to that body is refused, and so is one from the future: it would silence all later ones.
    """
    now = desk.clock.now()
    if message.timestamp - now > timedelta(seconds=SENT_AHEAD_SECONDS_MAX):
        return "status.timestamp"
    if message.status in APART:
        return APART[message.status](uow, message, desk, now)
    answered = message.response_for
    document = uow.documents.submitted(answered.organ_id, document_id=answered.document_id)
    delivery = uow.documents.delivery(document.key, message.sender.organ_id) if document else None
    if document is None or delivery is None:
        return "status.unknown_document"
    known = (delivery.business_status, delivery.business_description)
    older = delivery.business_at is not None and message.timestamp < delivery.business_at
    if older or known == (message.status, message.description):
        return ""
    private = {
        "document_id": document.document_id,
        "status": message.status.value,
        "from": message.sender.organ_id,
        "to": document.sender,
    }
    event = of_delivery(EventKind.BUSINESS_STATUS_RECEIVED, delivery, document.sender, at=now, private=private)
    leaf = desk.journal.record(uow, event)
    said = replace(
        delivery,
        business_status=message.status,
        business_description=message.description,
        business_at=message.timestamp,
        changed_at=now,
        last_leaf=leaf,
    )
    uow.documents.advance_deliveries([said], was={delivery.key: delivery.state})
    return ""
