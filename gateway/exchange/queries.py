"""Queries: how things stand. What is not the principal's is not there, whoever asks (security.md 11, 43)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gateway.core.directory import Body, Snapshot
from gateway.core.errors import NotFound, SenderError, SiteError
from gateway.core.events import NOBODY, EventKind
from gateway.core.fields import beyond
from gateway.core.ids import DeliveryKey, DocumentKey, EntryKey, OrganId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import PAGE_ROWS_MAX
from gateway.core.log import HistoryPage
from gateway.core.model import Attachment, BlobRef, Delivery, Document, InboxEntry, InboxPage
from gateway.core.non_delivery import NonDelivery
from gateway.core.owed import OwedTimestamp
from gateway.core.principal import Principal, Scope
from gateway.core.states import DeliveryState, DocumentState
from gateway.exchange.answering import is_recalled, refuse_recalled, with_amendments
from gateway.exchange.contract import DeliveryPage, DocumentPage, DocumentView, Notice, NoticePage
from gateway.exchange.desk import Desk
from gateway.exchange.permission import own_document, own_entry, require
from gateway.exchange.scanning import INFECTED
from gateway.exchange.subjects import of_entry
from gateway.observe import logger
from gateway.registry import BodyIndex

_log = logger(__name__)


class Queries:
    """The query desk."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk
        self._indexed: tuple[Snapshot, asyncio.Future[BodyIndex]] | None = None

    async def document(self, principal: Principal, key: DocumentKey) -> DocumentView:
        """See `QueryDesk.document`."""
        require(principal, Scope.READ)

        def unit(uow: UnitOfWork) -> DocumentView:
            return _views(uow, [own_document(uow, principal, key)])[0]

        return await self._desk.store.read(unit)

    async def sent_attachment(
        self, principal: Principal, key: DocumentKey, position: int, *, archive: bool
    ) -> tuple[Path, Attachment]:
        """See `QueryDesk.sent_attachment`."""
        view = await self.document(principal, key)
        if view.document.reason == INFECTED:
            raise SenderError(INFECTED, **dict(view.document.reason_params))
        for attachment in view.document.attachments:
            if attachment.position == position:
                found = archived(attachment, view.timestamps) if archive else attachment
                if found is not None:
                    return self._desk.blobs.path(found.blob), found
        raise NotFound("not_found")

    async def documents(
        self, principal: Principal, *, before: DocumentKey | None, limit: int, state: DocumentState | None
    ) -> DocumentPage:
        """See `QueryDesk.documents`. Status messages are no documents: they are told by the entry they speak of."""
        require(principal, Scope.READ)
        rows = _rows(limit)

        def unit(uow: UnitOfWork) -> DocumentPage:
            found = uow.documents.newest(principal.organs, before, rows + 1, state)
            return DocumentPage(documents=_views(uow, found[:rows]), more=len(found) > rows)

        return await self._desk.store.read(unit)

    async def deliveries(
        self, principal: Principal, key: DocumentKey, *, after: DeliveryKey | None, limit: int
    ) -> DeliveryPage:
        """See `QueryDesk.deliveries`."""
        require(principal, Scope.READ)
        rows = _rows(limit)

        def unit(uow: UnitOfWork) -> DeliveryPage:
            own_document(uow, principal, key)
            last = None if after is None else uow.documents.find_delivery(after)
            if after is not None and (last is None or last.document != key):
                raise SenderError("request.field", field="query.cursor")
            found = uow.documents.deliveries_after(key, after, rows + 1)
            return DeliveryPage(deliveries=_with_amendments(uow, found[:rows]), more=len(found) > rows)

        return await self._desk.store.read(unit)

    async def notices(
        self, principal: Principal, key: DocumentKey, *, after: TransferKey | None, limit: int
    ) -> NoticePage:
        """See `QueryDesk.notices`."""
        require(principal, Scope.READ)
        rows = _rows(limit)

        def unit(uow: UnitOfWork) -> NoticePage:
            own_document(uow, principal, key)
            found = uow.non_deliveries.after(key, after, rows + 1)
            notices = tuple(_notice(uow, made) for made in found[:rows])
            return NoticePage(notices=notices, more=len(found) > rows)

        return await self._desk.store.read(unit)

    async def history(self, principal: Principal, key: DocumentKey, *, after: int, limit: int) -> HistoryPage:
        """See `QueryDesk.history`."""
        require(principal, Scope.READ)

        def unit(uow: UnitOfWork) -> HistoryPage:
            own_document(uow, principal, key)
            return uow.log.history_after(key, after, _rows(limit))

        return await self._desk.store.read(unit)

    async def inbox(self, principal: Principal, after: int, limit: int) -> InboxPage:
        """See `QueryDesk.inbox`."""
        require(principal, Scope.READ)

        def unit(uow: UnitOfWork) -> InboxPage:
            page = uow.inbox.page(principal.organs, after, _rows(limit))
            if not page.entries and after > (newest := uow.inbox.newest()):
                raise beyond(newest)
            return replace(page, entries=with_amendments(uow, page.entries))

        return await self._desk.store.read(unit)

    async def entry(self, principal: Principal, key: EntryKey) -> InboxEntry:
        """See `QueryDesk.entry`."""
        require(principal, Scope.READ)
        return await self._desk.store.read(lambda uow: with_amendments(uow, [own_entry(uow, principal, key)])[0])

    async def entry_history(self, principal: Principal, key: EntryKey, *, after: int, limit: int) -> HistoryPage:
        """See `QueryDesk.entry_history`. A transfer's history speaks of many recipients: only this entry's lines are told."""
        require(principal, Scope.READ)

        def unit(uow: UnitOfWork) -> HistoryPage:
            entry = own_entry(uow, principal, key)
            return uow.log.history_after(entry.transfer, after, _rows(limit), subject=entry.key)

        return await self._desk.store.read(unit)

    async def content(self, principal: Principal, key: EntryKey, *, opens: bool = True) -> tuple[Path, BlobRef]:
        """See `QueryDesk.content`."""
        entry = await self._handed_out(principal, key, opens=opens)
        return self._desk.blobs.path(entry.envelope), entry.envelope

    async def attachment(
        self, principal: Principal, key: EntryKey, position: int, *, opens: bool = True
    ) -> tuple[Path, Attachment]:
        """See `QueryDesk.attachment`."""
        entry = await self._handed_out(principal, key, position, opens=opens)
        for attachment in entry.attachments:
            if attachment.position == position:
                return self._desk.blobs.path(attachment.blob), attachment
        raise NotFound("not_found")

    async def _handed_out(
        self, principal: Principal, key: EntryKey, position: int | None = None, *, opens: bool
    ) -> InboxEntry:
        """The entry of which a file is fetched, which was written down before the first byte leaves.

        Where nothing can be written (a full disk) files are handed out all the same: to be told later that nobody had opened
        it is the smaller evil.

        Raises:
            SenderError: `entry.recalled`.
        """
        entry = await self.entry(principal, key)
        if is_recalled(entry):
            raise SenderError("entry.recalled")
        there = position is None or any(one.position == position for one in entry.attachments)
        if opens and entry.opened_at is None and there:
            try:
                await self._desk.store.transact(lambda uow: note_opening(uow, principal, key, self._desk))
            except SiteError as error:
                _log.warning("entry.opening_not_noted", entry=key, code=error.code)
        return entry

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
        return index.search(text, after=after, limit=_rows(limit))

    async def _index(self) -> BodyIndex:
        """The index of the edition in force, built once, in a thread, by whoever asks first."""
        snapshot = self._desk.directory.current()
        if self._indexed is None or self._indexed[0] is not snapshot:
            self._indexed = snapshot, asyncio.ensure_future(asyncio.to_thread(BodyIndex, snapshot))
        return await asyncio.shield(self._indexed[1])


def _rows(limit: int) -> int:
    """Rows of a page, whoever asks."""
    return max(1, min(limit, PAGE_ROWS_MAX))


def _notice(uow: UnitOfWork, made: NonDelivery) -> Notice:
    transfer = uow.transfers.find(made.transfer)
    if transfer is None:
        raise SiteError("store.damaged", reason=f"transfer {made.transfer}")
    return Notice(made=made, transfer=transfer)


def note_opening(uow: UnitOfWork, principal: Principal, key: EntryKey, desk: Desk) -> None:
    """In a unit: a file of the entry is fetched, and was not before. Whoever fetches it knows that: no feed tells it.

    Raises:
        SenderError: `entry.recalled`.
    """
    entry = own_entry(uow, principal, key)
    refuse_recalled(uow, entry)
    if entry.opened_at is not None:
        return
    now = desk.clock.now()
    private = {"document_id": entry.document_id, "principal": principal.key_id}
    event = replace(of_entry(EventKind.OPENED, entry, at=now, private=private), organ=NOBODY)
    leaf = desk.journal.record(uow, event)
    uow.inbox.advance(replace(entry, opened_at=now, last_leaf=leaf), was=entry.business_status)


def _with_amendments(uow: UnitOfWork, deliveries: Sequence[Delivery]) -> tuple[Delivery, ...]:
    """The deliveries with what was said of them since."""
    found = uow.amendments.about([one.key for one in deliveries])
    return tuple(replace(one, amendments=tuple(a for a in found if a.subject == one.key)) for one in deliveries)


def _views(uow: UnitOfWork, documents: Sequence[Document]) -> tuple[DocumentView, ...]:
    counts = uow.documents.delivery_counts([one.key for one in documents])
    return tuple(_view(one, counts.get(one.key, {}), _owed(uow, one)) for one in documents)


def _view(
    document: Document, counts: Mapping[DeliveryState, int], timestamps: tuple[OwedTimestamp, ...]
) -> DocumentView:
    return DocumentView(document=document, counts=counts, total=sum(counts.values()), timestamps=timestamps)


def _owed(uow: UnitOfWork, document: Document) -> tuple[OwedTimestamp, ...]:
    """Asked for only where something is or was owed: most documents have nothing of the kind."""
    if any(file.seal is not None and file.seal.owed is not None for file in document.attachments):
        return uow.timestamps.of_document(document.key)
    return ()


def archived(attachment: Attachment, timestamps: Sequence[OwedTimestamp]) -> Attachment | None:
    """The copy to keep: the file itself where nothing was owed to it; None: it is still owed."""
    if attachment.seal is None or attachment.seal.owed is None:
        return attachment
    for one in timestamps:
        if one.sealed == attachment.blob and one.archive is not None:
            return replace(attachment, blob=one.archive)
    return None
