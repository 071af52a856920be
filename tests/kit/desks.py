"""The three desks of `gateway.exchange.contract` in memory: they keep state and refuse what the real ones refuse."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gateway.core.directory import Body, BodyStatus
from gateway.core.errors import AccessError, Conflict, NotFound, SenderError
from gateway.core.ids import DeliveryKey, Digest, DocumentKey, EntryKey, GatewayId, OrganId, TransferKey
from gateway.core.ledgers import InboxPage
from gateway.core.model import (
    Attachment,
    BlobRef,
    Code,
    Delivery,
    Document,
    DocumentMessage,
    HistoryEvent,
    InboxEntry,
    Metadata,
    Organ,
    Principal,
    Priority,
    Scope,
    SignerInfo,
)
from gateway.core.ports import Blobs
from gateway.core.states import BusinessStatus, DeliveryState, DocumentState, MessageKind
from gateway.exchange.contract import DocumentView, SubmissionOrder

NOW = datetime(2026, 11, 21, 6, 5, 9, 123_000, tzinfo=UTC)
_NOWHERE = GatewayId("government.gw.example")


class MemoryDesks:
    """All three desks over one memory. `deliver` makes a document arrive, `bodies` is the registry."""

    def __init__(self, *, blobs: Blobs) -> None:
        self.blobs = blobs
        self.documents: dict[DocumentKey, Document] = {}
        self.orders: dict[DocumentKey, SubmissionOrder] = {}
        self.entries: dict[EntryKey, InboxEntry] = {}
        self.bodies: dict[OrganId, Body] = {}
        self.events: dict[str, list[HistoryEvent]] = {}
        self._numbers = itertools.count(1)

    # --- ReleaseDesk -------------------------------------------------------------------------------------------------

    async def release(self, principal: Principal, key: DocumentKey) -> Document:
        if not principal.may(Scope.SEND):
            raise AccessError("access.scope", scope=Scope.SEND)
        document = self.documents.get(key)
        if document is None or document.sender not in principal.organs:
            raise NotFound("not_found")
        if document.state is not DocumentState.HELD:
            raise Conflict("conflict.state", state=document.state.value)
        self.documents[key] = replace(document, state=DocumentState.ACCEPTED, reason="", reason_params=())
        return self.documents[key]

    # --- SubmissionDesk

    async def admit(self, principal: Principal, metadata: Metadata) -> None:
        if metadata.sender not in principal.organs:
            raise AccessError("access.organ", organ=metadata.sender)
        if metadata.secrecy:
            raise SenderError("secrecy.marked", mark=metadata.secrecy)

    async def submit(self, principal: Principal, order: SubmissionOrder, *, trace_id: str) -> tuple[Document, bool]:
        sender = order.metadata.sender
        await self.admit(principal, order.metadata)
        if empty := next((file.name for file in order.files if not file.blob.size), None):
            raise SenderError("file.empty", file=empty)
        for document in self.documents.values():
            if (document.sender, document.idempotency_key) == (sender, order.idempotency_key):
                if self.orders[document.key] != order:
                    raise Conflict("conflict.idempotency", document=document.key)
                return document, False
        document = self._document(principal, order, trace_id)
        self.documents[document.key], self.orders[document.key] = document, order
        self._tell("accepted", document.key)
        return document, True

    # --- QueryDesk

    async def document(self, principal: Principal, key: DocumentKey) -> DocumentView:
        document = self._own(principal, key)
        counts = Counter(delivery.state for delivery in self._deliveries(document))
        return DocumentView(document=document, counts=counts, total=counts.total())

    async def deliveries(self, principal: Principal, key: DocumentKey) -> tuple[Delivery, ...]:
        return self._deliveries(self._own(principal, key))

    async def history(self, principal: Principal, key: DocumentKey) -> tuple[HistoryEvent, ...]:
        return tuple(self.events[self._own(principal, key).key])

    async def inbox(self, principal: Principal, after: int, limit: int) -> InboxPage:
        rows = [row for row in self.entries.values() if row.recipient in principal.organs and row.cursor > after]
        return InboxPage(entries=tuple(rows[:limit]), more=len(rows) > limit)

    async def entry(self, principal: Principal, key: EntryKey) -> InboxEntry:
        entry = self.entries.get(key)
        if entry is None or entry.recipient not in principal.organs:
            raise NotFound("not_found")
        return entry

    async def entry_history(self, principal: Principal, key: EntryKey) -> tuple[HistoryEvent, ...]:
        return tuple(self.events[(await self.entry(principal, key)).key])

    async def content(self, principal: Principal, key: EntryKey) -> tuple[Path, BlobRef]:
        entry = await self.entry(principal, key)
        return self.blobs.path(entry.envelope), entry.envelope

    async def attachment(self, principal: Principal, key: EntryKey, position: int) -> tuple[Path, Attachment]:
        entry = await self.entry(principal, key)
        for attachment in entry.attachments:
            if attachment.position == position:
                return self.blobs.path(attachment.blob), attachment
        raise NotFound("not_found")

    async def organ(self, principal: Principal, organ_id: OrganId) -> Body:
        if organ_id not in self.bodies:
            raise NotFound("not_found")
        return self.bodies[organ_id]

    # --- StatusDesk

    async def accept(self, principal: Principal, key: EntryKey, *, trace_id: str) -> InboxEntry:
        return await self._say(principal, key, BusinessStatus.ACCEPTED, "Đã tiếp nhận")

    async def refuse(self, principal: Principal, key: EntryKey, reason: str, *, trace_id: str) -> InboxEntry:
        if not reason.strip():
            raise SenderError("reason.missing")
        return await self._say(principal, key, BusinessStatus.REFUSED, reason)

    # --- what tests do to them

    async def deliver(self, recipient: OrganId, *files: tuple[str, str, bytes], sender: OrganId) -> InboxEntry:
        """A document arrives: (name, content type, bytes) of each file."""
        number = next(self._numbers)
        attachments = [
            Attachment(position=position, name=name, content_type=kind, blob=await self.blobs.put_bytes(data))
            for position, (name, kind, data) in enumerate(files, start=1)
        ]
        entry = InboxEntry(
            key=EntryKey(_key(number)),
            cursor=number,
            recipient=recipient,
            sender=sender,
            document_id=f"{sender},2026/11/21,{number}/CV/VPTU",
            transfer=TransferKey(_key(900_000 + number)),
            message=_message(sender, recipient, number),
            envelope=await self.blobs.put_bytes(b"<edXML>%d</edXML>" % number),
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
        self._tell("received", entry.key)
        return entry

    def register(self, organ_id: OrganId, name: str) -> None:
        """The registry knows this body."""
        self.bodies[organ_id] = Body(
            organ_id=organ_id,
            name=name,
            in_charge="",
            gateway=_NOWHERE,
            status=BodyStatus.ACTIVE,
            successor=None,
            transport_certificates=(),
            seal_certificates=(),
        )

    # --- inside

    def _own(self, principal: Principal, key: DocumentKey) -> Document:
        document = self.documents.get(key)
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
        self._tell("business.status", key)
        return self.entries[key]

    def _tell(self, event: str, subject: str) -> None:
        line = HistoryEvent(at=NOW, event=event, subject=subject, recipient=None, detail="", leaf_hash="ab" * 32)
        self.events.setdefault(subject, []).append(line)

    def _document(self, principal: Principal, order: SubmissionOrder, trace_id: str) -> Document:
        return Document(
            key=DocumentKey(_key(next(self._numbers))),
            kind=MessageKind.DOCUMENT,
            sender=order.metadata.sender,
            document_id=order.metadata.document_id(),
            state=DocumentState.ACCEPTED,
            reason="",
            reason_params=(),
            metadata=order.metadata,
            status=None,
            attachments=tuple(
                Attachment(position=position, name=file.name, content_type=file.content_type, blob=file.blob)
                for position, file in enumerate(order.files, start=1)
            ),
            may_seal=principal.may("seal"),
            principal=principal.key_id,
            idempotency_key=order.idempotency_key,
            request_digest=Digest("0" * 64),
            envelope=None,
            accepted_at=NOW,
            changed_at=NOW,
            trace_id=trace_id,
            last_leaf="",
        )

    def _deliveries(self, document: Document) -> tuple[Delivery, ...]:
        assert document.metadata is not None
        return tuple(
            Delivery(
                key=DeliveryKey(_key(800_000 + sequence)),
                document=document.key,
                transfer=None,
                recipient=recipient,
                destination=_NOWHERE if recipient in self.bodies else None,
                sequence=sequence,
                state=DeliveryState.QUEUED if recipient in self.bodies else DeliveryState.REFUSED,
                reason="" if recipient in self.bodies else "recipient.unknown",
                evidence=None,
                business_status=None,
                business_description="",
                business_at=None,
                registry_epoch=1,
                route_reason="",
                changed_at=NOW,
                last_leaf="",
            )
            for sequence, recipient in enumerate(document.metadata.recipients, start=1)
        )


def _key(number: int) -> str:
    return f"01900000-0000-7000-8000-{number:012x}"


def _message(sender: OrganId, recipient: OrganId, number: int) -> DocumentMessage:
    return DocumentMessage(
        sender=Organ(organ_id=sender, name="Văn phòng Thành ủy"),
        recipients=(Organ(organ_id=recipient, name="Đảng ủy phường"),),
        document_id=f"{sender},2026/11/21,{number}/CV/VPTU",
        code=Code(number=str(number), notation="CV/VPTU"),
        promulgation_place="Thành phố Hồ Chí Minh",
        promulgation_date=NOW.date(),
        document_type=2,
        type_detail=18,
        type_name="Công văn",
        subject="Về việc chuẩn bị hội nghị",
        content="",
        signer=SignerInfo(competence="TM.", position="Chánh Văn phòng", full_name="Nguyễn Văn A"),
        priority=Priority.URGENT,
        page_amount=2,
        response_for=(),
        created_at=NOW,
    )
