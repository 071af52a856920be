"""Queries: how things stand. What is not the principal's is not there, whoever asks (security.md 11, 43)."""

import asyncio
from collections import Counter
from pathlib import Path

from gateway.core.directory import Body, Snapshot
from gateway.core.errors import NotFound
from gateway.core.ids import DocumentKey, EntryKey, OrganId
from gateway.core.ledgers import InboxPage, UnitOfWork
from gateway.core.limits import PAGE_ROWS_MAX
from gateway.core.model import Attachment, BlobRef, Delivery, HistoryEvent, InboxEntry
from gateway.core.principal import Principal, Scope
from gateway.core.states import DocumentState
from gateway.exchange.contract import DocumentPage, DocumentView
from gateway.exchange.desk import Desk
from gateway.exchange.permission import own_document, own_entry, require
from gateway.registry import BodyIndex


class Queries:
    """The query desk."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk
        self._indexed: tuple[Snapshot, asyncio.Future[BodyIndex]] | None = None

    async def document(self, principal: Principal, key: DocumentKey) -> DocumentView:
        """See `QueryDesk.document`."""
        require(principal, Scope.READ)

        def unit(uow: UnitOfWork) -> DocumentView:
            document = own_document(uow, principal, key)
            counts = Counter(delivery.state for delivery in uow.documents.deliveries(key))
            return DocumentView(document=document, counts=dict(counts), total=counts.total())

        return await self._desk.store.read(unit)

    async def documents(
        self, principal: Principal, *, before: DocumentKey | None, limit: int, state: DocumentState | None
    ) -> DocumentPage:
        """See `QueryDesk.documents`. Status messages are no documents: they are told by the entry they speak of."""
        require(principal, Scope.READ)
        rows = max(1, min(limit, PAGE_ROWS_MAX))
        found = await self._desk.store.read(lambda uow: uow.documents.newest(principal.organs, before, rows + 1, state))
        return DocumentPage(documents=found[:rows], more=len(found) > rows)

    async def deliveries(self, principal: Principal, key: DocumentKey) -> tuple[Delivery, ...]:
        """See `QueryDesk.deliveries`."""
        require(principal, Scope.READ)

        def unit(uow: UnitOfWork) -> tuple[Delivery, ...]:
            own_document(uow, principal, key)
            return uow.documents.deliveries(key)

        return await self._desk.store.read(unit)

    async def history(self, principal: Principal, key: DocumentKey) -> tuple[HistoryEvent, ...]:
        """See `QueryDesk.history`."""
        require(principal, Scope.READ)

        def unit(uow: UnitOfWork) -> tuple[HistoryEvent, ...]:
            own_document(uow, principal, key)
            return uow.log.history(key)

        return await self._desk.store.read(unit)

    async def inbox(self, principal: Principal, after: int, limit: int) -> InboxPage:
        """See `QueryDesk.inbox`."""
        require(principal, Scope.READ)
        rows = max(1, min(limit, PAGE_ROWS_MAX))
        return await self._desk.store.read(lambda uow: uow.inbox.page(principal.organs, after, rows))

    async def entry(self, principal: Principal, key: EntryKey) -> InboxEntry:
        """See `QueryDesk.entry`."""
        require(principal, Scope.READ)
        return await self._desk.store.read(lambda uow: own_entry(uow, principal, key))

    async def entry_history(self, principal: Principal, key: EntryKey) -> tuple[HistoryEvent, ...]:
        """See `QueryDesk.entry_history`. A transfer's history speaks of many recipients: only this entry's lines are told."""
        require(principal, Scope.READ)

        def unit(uow: UnitOfWork) -> tuple[HistoryEvent, ...]:
            entry = own_entry(uow, principal, key)
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
        require(principal, Scope.READ)
        body = self._desk.directory.current().body(organ_id)
        if body is None:
            raise NotFound("not_found")
        return body

    async def organs(self, principal: Principal, *, text: str, after: OrganId | None, limit: int) -> tuple[Body, ...]:
        """See `QueryDesk.organs`."""
        require(principal, Scope.READ)
        index = await self._index()
        return index.search(text, after=after, limit=max(1, min(limit, PAGE_ROWS_MAX)))

    async def _index(self) -> BodyIndex:
        """The index of the edition in force, built once, in a thread, by whoever asks first."""
        snapshot = self._desk.directory.current()
        if self._indexed is None or self._indexed[0] is not snapshot:
            self._indexed = snapshot, asyncio.ensure_future(asyncio.to_thread(BodyIndex, snapshot))
        return await asyncio.shield(self._indexed[1])
