"""Queries: how things stand. What is not the principal's is not there, whoever asks (security.md 11, 43)."""

from collections import Counter
from pathlib import Path

from gateway.core.directory import Body
from gateway.core.errors import AccessError, NotFound
from gateway.core.ids import DocumentKey, EntryKey, OrganId
from gateway.core.ledgers import InboxPage, UnitOfWork
from gateway.core.limits import PAGE_ROWS_MAX
from gateway.core.model import Attachment, BlobRef, Delivery, Document, HistoryEvent, InboxEntry, Principal, Scope
from gateway.exchange.contract import DocumentView
from gateway.exchange.desk import Desk


class Queries:
    """The query desk."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def document(self, principal: Principal, key: DocumentKey) -> DocumentView:
        """See `QueryDesk.document`."""
        _may_read(principal)

        def unit(uow: UnitOfWork) -> DocumentView:
            document = _own_document(uow, principal, key)
            counts = Counter(delivery.state for delivery in uow.documents.deliveries(key))
            return DocumentView(document=document, counts=dict(counts), total=counts.total())

        return await self._desk.store.read(unit)

    async def deliveries(self, principal: Principal, key: DocumentKey) -> tuple[Delivery, ...]:
        """See `QueryDesk.deliveries`."""
        _may_read(principal)

        def unit(uow: UnitOfWork) -> tuple[Delivery, ...]:
            _own_document(uow, principal, key)
            return uow.documents.deliveries(key)

        return await self._desk.store.read(unit)

    async def history(self, principal: Principal, key: DocumentKey) -> tuple[HistoryEvent, ...]:
        """See `QueryDesk.history`."""
        _may_read(principal)

        def unit(uow: UnitOfWork) -> tuple[HistoryEvent, ...]:
            _own_document(uow, principal, key)
            return uow.log.history(key)

        return await self._desk.store.read(unit)

    async def inbox(self, principal: Principal, after: int, limit: int) -> InboxPage:
        """See `QueryDesk.inbox`."""
        _may_read(principal)
        rows = max(1, min(limit, PAGE_ROWS_MAX))
        return await self._desk.store.read(lambda uow: uow.inbox.page(principal.organs, after, rows))

    async def entry(self, principal: Principal, key: EntryKey) -> InboxEntry:
        """See `QueryDesk.entry`."""
        _may_read(principal)
        return await self._desk.store.read(lambda uow: _own_entry(uow, principal, key))

    async def entry_history(self, principal: Principal, key: EntryKey) -> tuple[HistoryEvent, ...]:
        """See `QueryDesk.entry_history`. A transfer's history speaks of many recipients: only this entry's lines are told."""
        _may_read(principal)

        def unit(uow: UnitOfWork) -> tuple[HistoryEvent, ...]:
            entry = _own_entry(uow, principal, key)
            return tuple(event for event in uow.log.history(entry.transfer) if event.subject == entry.key)

        return await self._desk.store.read(unit)

    async def content(self, principal: Principal, key: EntryKey) -> tuple[Path, BlobRef]:
        """See `QueryDesk.content`."""
        entry = await self.entry(principal, key)
        return self._desk.blobs.path(entry.envelope), entry.envelope

    async def attachment(self, principal: Principal, key: EntryKey, position: int) -> tuple[Path, Attachment]:
        """See `QueryDesk.attachment`."""
        entry = await self.entry(principal, key)
        for attachment in entry.attachments:
            if attachment.position == position:
                return self._desk.blobs.path(attachment.blob), attachment
        raise NotFound("not_found")

    async def organ(self, principal: Principal, organ_id: OrganId) -> Body:
        """See `QueryDesk.organ`."""
        _may_read(principal)
        body = self._desk.directory.current().body(organ_id)
        if body is None:
            raise NotFound("not_found")
        return body


def _may_read(principal: Principal) -> None:
    if not principal.may(Scope.READ):
        raise AccessError("access.scope", scope=Scope.READ)


def _own_document(uow: UnitOfWork, principal: Principal, key: DocumentKey) -> Document:
    document = uow.documents.find(key)
    if document is None or document.sender not in principal.organs:
        raise NotFound("not_found")
    return document


def _own_entry(uow: UnitOfWork, principal: Principal, key: EntryKey) -> InboxEntry:
    entry = uow.inbox.find(key)
    if entry is None or entry.recipient not in principal.organs:
        raise NotFound("not_found")
    return entry
