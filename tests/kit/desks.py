"""The desks of `gateway.exchange.contract` in memory: they keep state and refuse what the real ones refuse."""

import asyncio
import itertools
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path

from gateway.core.amendments import Amendment, Handling, Side
from gateway.core.directory import Body, BodyStatus
from gateway.core.errors import AccessError, Conflict, NotFound, SenderError
from gateway.core.events import NOBODY
from gateway.core.fields import beyond
from gateway.core.ids import DeliveryKey, Digest, DocumentKey, EntryKey, OrganId, TransferKey
from gateway.core.limits import PAGE_ROWS_MAX
from gateway.core.log import HistoryPage
from gateway.core.message import Code
from gateway.core.model import (
    Attachment,
    BlobRef,
    Document,
    FeedEvent,
    HistoryEvent,
    InboxEntry,
    InboxPage,
    Metadata,
)
from gateway.core.ports import Blobs
from gateway.core.principal import Principal, Scope
from gateway.core.states import (
    AmendmentState,
    BusinessStatus,
    DocumentState,
)
from gateway.exchange.contract import (
    DeliveryPage,
    DocumentPage,
    DocumentView,
    EnvelopeOrder,
    FeedPage,
    Notice,
    NoticePage,
    RecallView,
    SubmissionOrder,
    UploadedFile,
)
from tests.kit import desk_rows
from tests.kit.blobs import stored
from tests.kit.desk_rows import NOW, NOWHERE, key_of


class MemoryDesks:
    """All desks over one memory. `deliver` makes a document arrive, `bodies` is the registry."""

    def __init__(self, *, blobs: Blobs) -> None:
        self.blobs = blobs
        self.kept: dict[DocumentKey, Document] = {}
        self.orders: dict[DocumentKey, SubmissionOrder] = {}
        self.entries: dict[EntryKey, InboxEntry] = {}
        self.opened = Counter[EntryKey]()
        """How often a file of an entry was handed out."""
        self.bodies: dict[OrganId, Body] = {}
        self.envelopes: dict[Digest, Metadata] = {}
        """What a judge would read out of a finished envelope; one that is not here is malformed."""
        self.feed: list[FeedEvent] = []
        self.amendments: list[Amendment] = []
        self._told = asyncio.Condition()
        self._closed = False
        self.stories: dict[str, list[HistoryEvent]] = {}
        self.notices_of: dict[DocumentKey, list[Notice]] = {}
        self._numbers = itertools.count(1)

    # --- ReleaseDesk -------------------------------------------------------------------------------------------------

    async def release(self, principal: Principal, key: DocumentKey) -> Document:
        if not principal.may(Scope.SEND):
            raise AccessError("access.scope", scope=Scope.SEND)
        document = self.kept.get(key)
        if document is None or document.sender not in principal.organs:
            raise NotFound("not_found")
        if document.state is not DocumentState.HELD:
            raise Conflict("conflict.state", state=document.state.value)
        self.kept[key] = replace(document, state=DocumentState.ACCEPTED, reason="", reason_params=())
        return self.kept[key]

    # --- SubmissionDesk

    async def admit(self, principal: Principal, metadata: Metadata, *, idempotency_key: str) -> None:
        if metadata.sender not in principal.organs:
            raise AccessError("access.organ", organ=metadata.sender)
        if metadata.secrecy:
            raise SenderError("secrecy.marked", mark=metadata.secrecy)
        body = self.bodies.get(metadata.sender)
        if body is None:
            raise SenderError("sender.unknown", organ=metadata.sender)
        if body.status is not BodyStatus.ACTIVE:
            raise SenderError("sender.closed", organ=metadata.sender)

    async def submit(self, principal: Principal, order: SubmissionOrder, *, trace_id: str) -> tuple[Document, bool]:
        sender = order.metadata.sender
        await self.admit(principal, order.metadata, idempotency_key=order.idempotency_key)
        if empty := next((file.name for file in order.files if not file.blob.size), None):
            raise SenderError("file.empty", file=empty)
        for document in self.kept.values():
            if (document.sender, document.idempotency_key) == (sender, order.idempotency_key):
                if self.orders[document.key] != order:
                    raise Conflict("conflict.idempotency", document=document.key)
                return document, False
        document = desk_rows.document(principal, order, trace_id, number=next(self._numbers))
        if any(other.document_id == document.document_id for other in self.kept.values()):
            raise Conflict("conflict.document_id", document_id=document.document_id)
        self.kept[document.key], self.orders[document.key] = document, order
        await self._tell("accepted", document.key, organ=sender, document=document.key)
        return document, True

    async def submit_envelope(
        self, principal: Principal, order: EnvelopeOrder, *, trace_id: str
    ) -> tuple[Document, bool]:
        metadata = self.envelopes.get(order.envelope.digest)
        if metadata is None:
            raise SenderError("envelope.malformed", path="/", reason="not edXML")
        file = UploadedFile(name="envelope.edxml", content_type="application/xml", blob=order.envelope)
        inside = SubmissionOrder(metadata=metadata, files=(file,), idempotency_key=order.idempotency_key)
        document, new = await self.submit(principal, inside, trace_id=trace_id)
        if new:
            document = self.kept[document.key] = replace(document, envelope=order.envelope)
        return document, new

    # --- QueryDesk

    async def document(self, principal: Principal, key: DocumentKey) -> DocumentView:
        return self._view(self._own(principal, key))

    def _view(self, document: Document) -> DocumentView:
        counts = Counter(delivery.state for delivery in desk_rows.deliveries(document, self.bodies, self.amendments))
        return DocumentView(document=document, counts=counts, total=counts.total())

    async def documents(
        self, principal: Principal, *, before: DocumentKey | None, limit: int, state: DocumentState | None
    ) -> DocumentPage:
        rows = [
            row
            for key, row in sorted(self.kept.items(), reverse=True)
            if row.sender in principal.organs and (before is None or key < before) and state in (None, row.state)
        ]
        return DocumentPage(documents=tuple(map(self._view, rows[:limit])), more=len(rows) > limit)

    async def deliveries(
        self, principal: Principal, key: DocumentKey, *, after: DeliveryKey | None, limit: int
    ) -> DeliveryPage:
        found = desk_rows.deliveries(self._own(principal, key), self.bodies, self.amendments)
        keys = [delivery.key for delivery in found]
        if after is not None and after not in keys:
            raise SenderError("request.field", field="query.cursor")
        rest = found[0 if after is None else keys.index(after) + 1 :]
        return DeliveryPage(deliveries=rest[:limit], more=len(rest) > limit)

    async def notices(
        self, principal: Principal, key: DocumentKey, *, after: TransferKey | None, limit: int
    ) -> NoticePage:
        known = self.notices_of.get(self._own(principal, key).key, [])
        found = [one for one in known if one.made.transfer > (after or "")]
        return NoticePage(notices=tuple(found[:limit]), more=len(found) > limit)

    async def history(self, principal: Principal, key: DocumentKey, *, after: int, limit: int) -> HistoryPage:
        return self._story(self._own(principal, key).key, after, limit)

    def _story(self, key: str, after: int, limit: int) -> HistoryPage:
        rows = self.stories[key][after:]
        return HistoryPage(events=tuple(rows[:limit]), next_after=after + len(rows[:limit]), more=len(rows) > limit)

    async def inbox(self, principal: Principal, after: int, limit: int) -> InboxPage:
        rows = [row for row in self.entries.values() if row.recipient in principal.organs and row.cursor > after]
        if not rows and after > (newest := max((row.cursor for row in self.entries.values()), default=0)):
            raise beyond(newest)
        return InboxPage(entries=tuple(rows[:limit]), more=len(rows) > limit)

    async def entry(self, principal: Principal, key: EntryKey) -> InboxEntry:
        entry = self.entries.get(key)
        if entry is None or entry.recipient not in principal.organs:
            raise NotFound("not_found")
        return entry

    async def entry_history(self, principal: Principal, key: EntryKey, *, after: int, limit: int) -> HistoryPage:
        return self._story((await self.entry(principal, key)).key, after, limit)

    async def sent_attachment(
        self, principal: Principal, key: DocumentKey, position: int, *, archive: bool
    ) -> tuple[Path, Attachment]:
        for attachment in self._own(principal, key).attachments:
            if attachment.position == position and not (archive and attachment.seal):
                return self.blobs.path(attachment.blob), attachment
        raise NotFound("not_found")

    async def content(self, principal: Principal, key: EntryKey, *, opens: bool = True) -> tuple[Path, BlobRef]:
        self.opened[key] += opens
        entry = await self.entry(principal, key)
        if any(one.state is AmendmentState.AGREED for one in entry.amendments):
            raise SenderError("entry.recalled")
        return self.blobs.path(entry.envelope), entry.envelope

    async def attachment(
        self, principal: Principal, key: EntryKey, position: int, *, opens: bool = True
    ) -> tuple[Path, Attachment]:
        self.opened[key] += opens
        entry = await self.entry(principal, key)
        for attachment in entry.attachments:
            if attachment.position == position:
                return self.blobs.path(attachment.blob), attachment
        raise NotFound("not_found")

    async def organ(self, principal: Principal, organ_id: OrganId) -> Body:
        if organ_id not in self.bodies:
            raise NotFound("not_found")
        return self.bodies[organ_id]

    async def organs(self, principal: Principal, *, text: str, after: OrganId | None, limit: int) -> tuple[Body, ...]:
        found = [
            body
            for organ_id, body in sorted(self.bodies.items())
            if (after is None or organ_id > after) and _folded(text) in _folded(f"{organ_id}\n{body.name}")
        ]
        return tuple(found[: min(limit, PAGE_ROWS_MAX)])

    # --- EventDesk

    async def events(self, principal: Principal, *, after: int, limit: int, wait: float) -> FeedPage:
        if after > (newest := len(self.feed) - 1):
            raise beyond(newest)
        try:
            async with asyncio.timeout(wait), self._told:
                await self._told.wait_for(lambda: self._closed or self._concerning(principal, after))
        except TimeoutError:
            pass
        rows = self._concerning(principal, after)
        more = len(rows) > limit
        reached = rows[limit - 1].position if more else len(self.feed) - 1
        return FeedPage(events=tuple(rows[:limit]), next_after=reached, more=more)

    def close(self) -> None:
        self._closed = True
        self._closing = asyncio.ensure_future(self._wake())

    async def _wake(self) -> None:
        async with self._told:
            self._told.notify_all()

    def _concerning(self, principal: Principal, after: int) -> list[FeedEvent]:
        return [event for event in self.feed if event.position > after and event.organ_id in principal.organs]

    # --- StatusDesk

    async def accept(self, principal: Principal, key: EntryKey, *, trace_id: str) -> InboxEntry:
        return await self._say(principal, key, BusinessStatus.ACCEPTED, "Đã tiếp nhận")

    async def refuse(self, principal: Principal, key: EntryKey, reason: str, *, trace_id: str) -> InboxEntry:
        if not reason.strip():
            raise SenderError("reason.missing")
        return await self._say(principal, key, BusinessStatus.REFUSED, reason)

    # --- RecallDesk, AmendmentDesk

    async def recall(self, principal: Principal, key: DocumentKey, reason: str, *, trace_id: str) -> RecallView:
        document = self._own(principal, key)
        if not reason.strip():
            raise SenderError("reason.missing")
        known = [one for one in self.amendments if one.document_id == document.document_id]
        if not known:
            assert document.metadata is not None
            for number, recipient in enumerate(document.metadata.recipients):
                self.amendments.append(desk_rows.asked(document, recipient, reason, key=number))
            await self._tell("amendment.asked", key, organ=document.sender, document=key)
        counts = Counter(one.state for one in self.amendments if one.document_id == document.document_id)
        return RecallView(document=document, counts=counts, untouched=0)

    async def agree(self, principal: Principal, key: EntryKey, *, forwarded: bool, trace_id: str) -> InboxEntry:
        return await self._answer(principal, key, AmendmentState.AGREED, ("Đồng ý", forwarded))

    async def decline(
        self, principal: Principal, key: EntryKey, reason: str, *, forwarded: bool, trace_id: str
    ) -> InboxEntry:
        if not reason.strip():
            raise SenderError("reason.missing")
        state = AmendmentState.LATE if forwarded else AmendmentState.REFUSED
        return await self._answer(principal, key, state, (reason, forwarded))

    async def _answer(
        self, principal: Principal, key: EntryKey, state: AmendmentState, said: tuple[str, bool]
    ) -> InboxEntry:
        entry = await self.entry(principal, key)
        if not entry.amendments:
            raise Conflict("amendment.none")
        (asked,) = entry.amendments
        if asked.state is not state and asked.state is AmendmentState.AGREED:
            raise Conflict("conflict.state", state=asked.state.value)
        handling = Handling(opened_at=entry.opened_at, standing=entry.business_status, forwarded=said[1])
        answered = replace(asked, state=state, words=said[0], handling=handling, answered_at=NOW)
        self.entries[key] = replace(entry, amendments=(answered,))
        await self._tell("amendment.answered", key, organ=entry.recipient, document=entry.transfer)
        return self.entries[key]

    async def ask_back(self, entry: InboxEntry, reason: str) -> InboxEntry:
        """The sender of a document that arrived asks for it."""
        asked = replace(desk_rows.asked(entry, entry.recipient, reason, key=entry.cursor), side=Side.RECEIVED)
        self.entries[entry.key] = replace(entry, amendments=(asked,))
        await self._tell("amendment.arrived", entry.key, organ=entry.recipient, document=entry.transfer)
        return self.entries[entry.key]

    # --- what tests do to them

    async def deliver(self, recipient: OrganId, *files: tuple[str, str, bytes], sender: OrganId) -> InboxEntry:
        """A document arrives: (name, content type, bytes) of each file."""
        number = next(self._numbers)
        attachments = [
            Attachment(position=position, name=name, content_type=kind, blob=await stored(self.blobs, data))
            for position, (name, kind, data) in enumerate(files, start=1)
        ]
        entry = InboxEntry(
            key=EntryKey(key_of(number)),
            cursor=number,
            recipient=recipient,
            sender=sender,
            document_id=f"{sender},2026/11/21,{number}/CV/VPTU",
            transfer=TransferKey(key_of(900_000 + number)),
            message=desk_rows.message(sender, recipient, number),
            envelope=await stored(self.blobs, b"<edXML>%d</edXML>" % number),
            attachments=tuple(attachments),
            verdicts=("TOTAL-PASSED", *("" for _ in attachments[1:])),
            sequence=number,
            business_status=BusinessStatus.ARRIVED,
            business_description="",
            received_at=NOW,
            changed_at=NOW,
            last_leaf="",
        )
        self.entries[entry.key] = entry
        await self._tell("received", entry.key, organ=recipient, document=entry.transfer)
        return entry

    async def hold(self, *, sender: OrganId, recipient: OrganId) -> Document:
        """A document of that body was handed in before, and is held."""
        number = next(self._numbers)
        metadata = Metadata(
            sender=sender,
            recipients=(recipient,),
            code=Code(number=str(900 + number), notation="CV/VPTU"),
            promulgation_place="Thành phố Hồ Chí Minh",
            promulgation_date=NOW.date(),
            subject="Về việc kiểm tra",
        )
        file = UploadedFile(name="a.pdf", content_type="application/pdf", blob=await stored(self.blobs, b"%PDF-1.7"))
        order = SubmissionOrder(metadata=metadata, files=(file,), idempotency_key=f"held-{number}")
        principal = Principal(key_id="city", name="", organs=frozenset({sender}), scopes=frozenset(Scope))
        document = desk_rows.document(principal, order, "ab" * 16, number=number)
        held = replace(document, state=DocumentState.HELD, reason="seal.undecided", reason_params=(("file", "a.pdf"),))
        self.kept[held.key], self.orders[held.key] = held, order
        await self._tell("held", held.key, organ=sender, document=held.key)
        return held

    def expire(self, document: Document) -> None:
        """A transfer of that document did not arrive in time."""
        self.notices_of[document.key] = [desk_rows.notice(document)]

    def register(self, organ_id: OrganId, name: str) -> None:
        """The registry knows this body."""
        self.bodies[organ_id] = Body(
            organ_id=organ_id,
            name=name,
            in_charge="",
            gateway=NOWHERE,
            status=BodyStatus.ACTIVE,
            successor=None,
            transport_certificates=(),
            seal_certificates=(),
        )

    # --- inside

    def _own(self, principal: Principal, key: DocumentKey) -> Document:
        document = self.kept.get(key)
        if document is None or document.sender not in principal.organs:
            raise NotFound("not_found")
        return document

    async def _say(self, principal: Principal, key: EntryKey, status: BusinessStatus, words: str) -> InboxEntry:
        entry = await self.entry(principal, key)
        if entry.business_status is status:
            return entry
        if entry.business_status is not BusinessStatus.ARRIVED:
            raise Conflict("conflict.state", state=entry.business_status.value)
        self.entries[key] = replace(entry, business_status=status, business_description=words)
        await self._tell("business.status", key, organ=entry.recipient, document=entry.transfer)
        return self.entries[key]

    async def _tell(self, event: str, subject: str, *, organ: OrganId, document: str) -> None:
        line = HistoryEvent(
            at=NOW, event=event, subject=subject, recipient=None, organ=NOBODY, detail="", leaf_hash="ab" * 32
        )
        self.stories.setdefault(subject, []).append(line)
        self.feed.append(
            FeedEvent(
                position=len(self.feed),
                at=NOW,
                event=event,
                organ_id=organ,
                subject=subject,
                document=document,
                recipient=None,
                leaf_hash="ab" * 32,
            )
        )
        await self._wake()


def _folded(text: str) -> str:
    """Without marks, in one case."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D")).casefold()
    return "".join(letter for letter in plain if not unicodedata.combining(letter))
