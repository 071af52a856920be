"""Submit: take a document in, and say yes only when it is durable (house.md, step 1).

Whatever can be said at once is said at once, all field errors together: who may send, secrecy, lengths, files that are
not what they claim, recipients whom nothing could be sent to. What needs a judge (signatures), or changes in the registry
afterwards, is found by the steps that follow and stands in the document's state.

What was handed in before is answered before that: a repeated order is not judged by a registry that is newer than it. A
refused document never left this house, so it does not keep its number: a new order under it is a new document.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from gateway.core.directory import BodyStatus, Snapshot
from gateway.core.errors import AccessError, Conflict, SenderError
from gateway.core.events import AuditEvent, EventKind
from gateway.core.fields import FieldFault, wrong_fields
from gateway.core.filename import is_file_name
from gateway.core.free_texts import free_texts
from gateway.core.ids import Digest, DocumentKey, OrganId
from gateway.core.large_limits import PDF_BYTES_MAX
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import FILE_NAME_CHARS_MAX, FILES_MAX, RECIPIENTS_MAX
from gateway.core.magic import MAGIC_BYTES
from gateway.core.model import PDF, Attachment, BlobRef, Document, Metadata
from gateway.core.ports import NO_UNIT
from gateway.core.principal import Principal, Scope
from gateway.core.secrecy import find_mark
from gateway.core.sizes import Sizes
from gateway.core.states import DocumentState, MessageKind
from gateway.crypto import judged_type
from gateway.exchange.amending import check_amending, check_known
from gateway.exchange.asked import envelope_digest, request_digest
from gateway.exchange.contract import Admitted, EnvelopeOrder, SubmissionOrder, UploadedFile
from gateway.exchange.desk import Desk
from gateway.exchange.due import step_of
from gateway.exchange.fields import (
    amending_faults,
    attachment_faults,
    check_fields,
    document_faults,
    finished_faults,
    recipient_faults,
)
from gateway.exchange.files import keep_file
from gateway.exchange.judging import claims_pdf, read_envelope_file
from gateway.exchange.messages import document_message, metadata_message
from gateway.exchange.permission import require
from gateway.exchange.ready_made import check_reading, document_in, files_in, metadata_of


class Submission:
    """The submission desk."""

    def __init__(self, *, desk: Desk) -> None:
        self._desk = desk

    async def admit(self, principal: Principal, metadata: Metadata, *, idempotency_key: str) -> Admitted | None:
        """See `SubmissionDesk.admit`."""
        snapshot, now = self._desk.directory.current(), self._desk.clock.now()
        _check_principal(principal, metadata.sender, snapshot, self._desk)
        _check_secrecy(metadata, ())
        message = metadata_message(metadata, snapshot, moment=now)
        check_fields(amending_faults(message))
        check_amending(message)
        found = document_faults(message, (), moment=now)
        unserved = recipient_faults(metadata.recipients, snapshot, moment=now)
        if unserved and not found and await self._is_repeated(metadata, idempotency_key):
            return None  # the files will tell whether it is the same order
        check_fields(found, unserved)
        return Admitted(metadata=metadata, snapshot=snapshot)

    async def submit(self, principal: Principal, order: SubmissionOrder, *, trace_id: str) -> tuple[Document, bool]:
        """See `SubmissionDesk.submit`."""
        desk = self._desk
        snapshot = desk.directory.current()
        _check_principal(principal, order.metadata.sender, snapshot, desk)
        admitted = order.admitted is not None and order.admitted.speaks_of(order.metadata, snapshot)
        _check_secrecy(None if admitted else order.metadata, order.files)
        _check_counts(order, desk.sizes)
        if all(file.head is not None for file in order.files):
            attachments = self._attachments(order.files)
        else:
            attachments = await asyncio.to_thread(self._attachments, order.files)
        document = self._document(principal, order, attachments, trace_id)
        if admitted:
            check_fields(attachment_faults(attachments))
            return await desk.store.transact(lambda uow: self._accept(uow, document))
        message = document_message(document, snapshot)
        check_fields(amending_faults(message))
        check_amending(message)
        found = document_faults(message, attachments, moment=document.accepted_at)
        unserved = recipient_faults(order.metadata.recipients, snapshot, moment=document.accepted_at)
        key, digest = order.idempotency_key, document.request_digest
        if unserved and (known := await self._known(document.sender, document.document_id, key=key, digest=digest)):
            return known, False
        check_fields(found, unserved)
        return await desk.store.transact(lambda uow: self._accept(uow, document))

    async def submit_envelope(
        self, principal: Principal, order: EnvelopeOrder, *, trace_id: str
    ) -> tuple[Document, bool]:
        """See `SubmissionDesk.submit_envelope`. What the rules of `submit` say of metadata and files holds here too."""
        require(principal, Scope.SEND)
        desk = self._desk
        path = desk.blobs.path(order.envelope)
        judge, trust = desk.judge.on_behalf(principal.key_id), desk.trust.current()
        try:
            now, sizes = desk.clock.now(), desk.sizes
            reading = await judge.run(read_envelope_file, path, trust=trust, moment=now, sizes=sizes)
        except asyncio.CancelledError as given_up:
            given_up.add_note(NO_UNIT)  # what was uploaded goes at once, not after a day of doubt
            raise
        snapshot = desk.directory.current()
        message = document_in(reading)
        _check_principal(principal, message.sender.organ_id, snapshot, desk)
        digest = envelope_digest(order.envelope)
        key = order.idempotency_key
        if known := await self._known(message.sender.organ_id, message.document_id, key=key, digest=digest):
            return known, False
        check_reading(reading, message, snapshot)
        now = desk.clock.now()
        check_fields(
            document_faults(message, (), moment=now),
            finished_faults(message, snapshot, moment=now),
            recipient_faults([organ.organ_id for organ in message.recipients], snapshot, moment=now),
        )
        files = files_in(reading)
        said = SubmissionOrder(metadata=metadata_of(message), files=files, idempotency_key=order.idempotency_key)
        _check_secrecy(said.metadata, files, found=reading.secrecy)
        _check_counts(said, desk.sizes)
        with desk.blobs.lease() as lease:
            for file in reading.files:
                await keep_file(file, path, lease, sizes=desk.sizes)
            attachments = await asyncio.to_thread(self._attachments, files)
            check_fields(document_faults(message, attachments, moment=desk.clock.now()))
            document = replace(
                self._document(principal, said, attachments, trace_id),
                document_id=message.document_id,
                may_seal=False,
                request_digest=digest,
                envelope=order.envelope,
                ready_made=True,
            )
            return await desk.store.transact(lambda uow: self._accept(uow, document))

    async def _is_repeated(self, metadata: Metadata, idempotency_key: str) -> bool:
        """Whether an order came under this key before."""
        sender, document_id = metadata.sender, metadata.document_id()
        known = await self._desk.store.read(
            lambda uow: uow.documents.submitted(sender, document_id=document_id, idempotency_key=idempotency_key)
        )
        return known is not None and known.idempotency_key == idempotency_key

    async def _known(self, sender: OrganId, document_id: str, *, key: str, digest: Digest) -> Document | None:
        """What this very order became when it was handed in before: a signing key may have been replaced since then."""
        known = await self._desk.store.read(
            lambda uow: _earlier(uow, sender, document_id=document_id, idempotency_key=key)
        )
        return known if known and known.request_digest == digest else None

    def _attachments(self, files: Sequence[UploadedFile]) -> tuple[Attachment, ...]:
        return tuple(self._attachment(position, file) for position, file in enumerate(files, 1))

    def _attachment(self, position: int, file: UploadedFile) -> Attachment:
        """The file with its type by the magic of its bytes: a name or a declared type decides nothing."""
        if file.blob.size == 0:
            raise SenderError("file.empty", file=file.name)
        if file.blob.size > self._desk.sizes.file_bytes:
            raise SenderError("size.limit", limit=self._desk.sizes.file_bytes, what=file.name)
        head = self._head(file.blob) if file.head is None else file.head
        is_pdf = judged_type(head) == PDF
        if is_pdf and file.blob.size > PDF_BYTES_MAX:
            raise SenderError("size.limit", limit=PDF_BYTES_MAX, what=file.name)
        if claims_pdf(file.name, file.content_type) and not is_pdf:
            raise SenderError("file.not_pdf", file=file.name)
        content_type = PDF if is_pdf else file.content_type or "application/octet-stream"
        return Attachment(position=position, name=file.name, content_type=content_type, blob=file.blob)

    def _head(self, blob: BlobRef) -> bytes:
        with self._desk.blobs.path(blob).open("rb") as opened:
            return opened.read(MAGIC_BYTES)

    def _document(
        self, principal: Principal, order: SubmissionOrder, attachments: tuple[Attachment, ...], trace_id: str
    ) -> Document:
        now = self._desk.clock.now()
        return Document(
            key=DocumentKey(self._desk.new_key()),
            kind=MessageKind.DOCUMENT,
            sender=order.metadata.sender,
            document_id=order.metadata.document_id(),
            state=DocumentState.ACCEPTED,
            reason="",
            reason_params=(),
            metadata=order.metadata,
            status=None,
            attachments=attachments,
            may_seal=principal.may(Scope.SEAL),
            principal=principal.key_id,
            idempotency_key=order.idempotency_key,
            request_digest=request_digest(order.metadata, attachments),
            envelope=None,
            accepted_at=now,
            changed_at=now,
            trace_id=trace_id,
            last_leaf="",
        )

    def _accept(self, uow: UnitOfWork, document: Document) -> tuple[Document, bool]:
        """The unit of work: a repeated order gives back the first document, another one under its name is a conflict."""
        known = _earlier(
            uow, document.sender, document_id=document.document_id, idempotency_key=document.idempotency_key
        )
        if known is None:
            check_known(uow, document)
            return store_new(uow, document, self._desk), True
        if known.request_digest == document.request_digest:
            return known, False
        if known.idempotency_key == document.idempotency_key:
            raise Conflict("conflict.idempotency", document=known.key)
        raise Conflict("conflict.document_id", document_id=document.document_id)


def _earlier(uow: UnitOfWork, sender: OrganId, *, document_id: str, idempotency_key: str) -> Document | None:
    """What stands in the way of an order, or is its answer; a refused document is only the answer of its own key."""
    known = uow.documents.submitted(sender, document_id=document_id, idempotency_key=idempotency_key)
    if known and known.state is DocumentState.REFUSED and known.idempotency_key != idempotency_key:
        return None
    return known


def store_new(uow: UnitOfWork, document: Document, desk: Desk) -> Document:
    """Store an accepted document, its first work item and its first leaf: one transaction with whatever caused it."""
    envelope = {"envelope": document.envelope.digest} if document.envelope else {}
    leaf = desk.journal.record(
        uow,
        AuditEvent(
            kind=EventKind.ACCEPTED,
            at=document.accepted_at,
            subject=document.key,
            document=document.key,
            organ=document.sender,
            private={
                "document_id": document.document_id,
                "kind": document.kind.value,
                "principal": document.principal,
                "request": document.request_digest,
                "from": document.sender,
                **envelope,
            },
        ),
    )
    stored = replace(document, last_leaf=leaf)
    uow.documents.add(stored)
    uow.work.add(step_of(document, document.accepted_at))
    return stored


def _check_principal(principal: Principal, sender: OrganId, snapshot: Snapshot, desk: Desk) -> None:
    require(principal, Scope.SEND)
    if sender not in principal.organs:
        raise AccessError("access.organ", organ=sender)
    body = snapshot.body(sender)
    if body is None or body.gateway != desk.own:
        raise SenderError("sender.unknown", organ=sender)
    if body.status is not BodyStatus.ACTIVE:
        raise SenderError("sender.closed", organ=sender)


def _check_secrecy(metadata: Metadata | None, files: Sequence[UploadedFile], *, found: str = "") -> None:
    """Anything marked Mật or above is refused: the format and this channel are not for state secrets (QCVN scope).

    `metadata`: None where they were looked through.
    """
    texts = (text for _, text in free_texts(replace(metadata, secrecy=""))) if metadata else ()
    said = metadata.secrecy if metadata else ""
    if mark := said or found or find_mark(*texts, *(file.name for file in files)):
        raise SenderError("secrecy.marked", mark=mark)


def _check_counts(order: SubmissionOrder, sizes: Sizes) -> None:
    for what, count, limit in (
        ("files", len(order.files), FILES_MAX),
        ("recipients", len(order.metadata.recipients), RECIPIENTS_MAX),
    ):
        if not 1 <= count <= limit:
            raise SenderError("count.limit", what=what, count=count, limit=limit)
    total = sum(file.blob.size for file in order.files)
    if total > sizes.document_bytes:
        raise SenderError("size.limit", limit=sizes.document_bytes, what="files")
    if len(set(order.metadata.recipients)) != len(order.metadata.recipients):
        raise wrong_fields([FieldFault(path="recipients", code="field.duplicate")])
    check_fields(
        FieldFault(path=f"files[{index}].name", code="field.file_name", params={"limit": FILE_NAME_CHARS_MAX})
        for index, file in enumerate(order.files)
        if not is_file_name(file.name)
    )
