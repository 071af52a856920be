"""Envelopes and blobs as they lie on the disk: bytes by digest, signature, binding, seals; each looked at once.

An envelope that 168 inbox entries name is judged once. What is kept of it is a digest of each thing that its rows say too
(sender, DocumentId, recipients, subject, status, files ...), so that a row which says something else is found.

A field that came with a later version is compared where the row says something of it: an older row reads back with the
field's default, which is not what its envelope says. How bodies are called is the registry's word, not the envelope's.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, astuple, fields, is_dataclass
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final

from gateway.core.clock import to_millis
from gateway.core.directory import Snapshot
from gateway.core.errors import GatewayError, SiteError
from gateway.core.ids import DIGEST, Digest, OrganId
from gateway.core.message import DocumentMessage, Message, Organ, StatusMessage
from gateway.core.model import PDF, Attachment, BlobRef, Delivery, Document, InboxEntry, Metadata, TransferSlip
from gateway.core.ports import Blobs, Judge, Records
from gateway.core.states import BusinessStatus
from gateway.core.validation import Indication
from gateway.core.verdict import EnvelopeReading, FileVerdict, JudgedFile
from gateway.evidence.findings import Findings
from gateway.evidence.problem import Problem

Said = Mapping[str, bytes]
"""What an envelope or a row says: a digest of each part by its name."""
_Parts = dict[str, object]
_File = tuple[int, str, str, Digest, int]
"""Position, name, type, SHA-256, size."""
_LATER: Final = {
    field.name.replace("_", " "): field
    for field in fields(DocumentMessage)
    if field.default is not MISSING and field.name != "claims"
}
"""What messages did not have from the first version on; claims are what was noted beside the message when it arrived."""


class EnvelopeCheck:
    """Looks at blobs and envelopes, and remembers what it saw."""

    def __init__(self, *, blobs: Blobs, snapshot: Snapshot, records: Records, judge: Judge, found: Findings) -> None:
        self._blobs = blobs
        self._snapshot = snapshot
        self._records = records
        self._judge = judge
        self._found = found
        self._bytes: dict[BlobRef, bool] = {}
        self._said: dict[Digest, Said | None] = {}

    @property
    def seen(self) -> frozenset[Digest]:
        """Digests of the envelopes that were looked at."""
        return frozenset(self._said)

    async def check_bytes(self, blob: BlobRef) -> bool:
        """Whether a blob is there and is what its digest says, looked at once however many rows name it."""
        if blob not in self._bytes:
            problem = await self._blob_problem(blob)
            self._bytes[blob] = not problem
            if problem:
                self._found.problem(f"blob {blob.digest}", problem)
        return self._bytes[blob]

    async def _blob_problem(self, blob: BlobRef) -> str:
        if not DIGEST.fullmatch(blob.digest):
            return "its row names no digest"
        found = await asyncio.to_thread(_digest_of_file, self._blobs.path(blob), blob.size)
        return "" if found == blob.digest else str(SiteError("blob.damaged", digest=blob.digest))

    async def check(self, envelope: BlobRef, sender: OrganId, moment: datetime) -> Said | None:
        """Bytes, signature and files of one envelope, once however many rows name it; what it says, if it can be read."""
        whole = await self.check_bytes(envelope)
        if envelope.digest not in self._said:
            self._said[envelope.digest] = await self._judged(envelope, sender, moment) if whole else None
        return self._said[envelope.digest]

    async def _judged(self, envelope: BlobRef, sender: OrganId, moment: datetime) -> Said | None:
        try:
            path = self._blobs.path(envelope)
            reading = await self._judge.run(self._records.read_envelope, path, moment)
        except GatewayError as error:
            self._found.problem(f"envelope {envelope.digest}", str(error))
            return None
        self._found.note(self._reading_problems(f"envelope {envelope.digest}", reading, sender))
        return message_said(reading.message, reading.files)

    def _reading_problems(self, what: str, reading: EnvelopeReading, sender: OrganId) -> Iterator[Problem]:
        body = self._snapshot.body(sender)
        pinned = {sha256(der).digest() for der in body.transport_certificates} if body else set()
        if reading.signature is None or reading.signature.indication is not Indication.TOTAL_PASSED:
            yield Problem(what=what, why=f"signature: {reading.signature.reason if reading.signature else 'none'}")
        elif reading.certificate is None or sha256(reading.certificate).digest() not in pinned:
            yield Problem(what=what, why="signed by another certificate than the registry's")
        if not reading.bound:
            yield Problem(what=what, why="an attachment is not bound by its digest")
        seals = frozenset(body.seal_certificates) if body else frozenset()
        for file in reading.files:
            yield from self._seal_problems(file.name, file.verdict, seals)

    def _seal_problems(self, name: str, verdict: FileVerdict, seals: frozenset[Digest]) -> Iterator[Problem]:
        if verdict.media_type != PDF:
            return
        good = [signature.certificate for signature in verdict.signatures if signature.certificate in seals]
        if verdict.indication is not Indication.TOTAL_PASSED or not good:
            yield Problem(what=f"file {name}", why=f"seal: {verdict.reason or verdict.indication}")
            return
        self._found.seals.update(certificate for certificate in good if certificate)


def said_problems(what: str, row: Said, envelope: Said | None) -> Iterator[Problem]:
    """Where a row says something else than its envelope; nothing of an envelope that could not be read."""
    if envelope is None:
        return
    for name, value in row.items():
        if envelope.get(name) != value:
            yield Problem(
                what=what,
                why=f"its {name} is not what its envelope says",
            )


def document_said(document: Document) -> Said:
    """What the row of an outgoing document or status message says."""
    files = _files(document.attachments)
    if document.status is not None:
        return _digests(_status_parts(document.status) | {"sender": document.sender}, files)
    metadata = document.metadata
    assert metadata is not None, "a row is a document or a status message"
    parts: _Parts = {
        "sender": document.sender,
        "document id": document.document_id,
        "list of recipients": metadata.recipients,
    }
    business = {} if metadata.business is None else {"business": _settled(metadata.business)}
    return _digests(parts | _header_parts(metadata) | business, files)


def entry_said(entry: InboxEntry) -> Said:
    """What an inbox entry says: the message that it shows, under its own sender and DocumentId."""
    own: _Parts = {"sender": entry.sender, "document id": entry.document_id}
    unsaid = {name for name, field in _LATER.items() if getattr(entry.message, field.name) == field.default}
    parts = {name: part for name, part in (_message_parts(entry.message) | own).items() if name not in unsaid}
    return _digests(parts, _files(entry.attachments))


def word_of(status: Said) -> bytes:
    """What a body said of a document, and when: one digest for the envelope, the status message and the rows."""
    return b"".join(
        status[name] for name in ("sender", "document id", "list of recipients", "status", "description", "time")
    )


def delivery_word(delivery: Delivery, document: Document) -> bytes:
    """What the row of a delivery keeps of its recipient's word."""
    assert delivery.business_status is not None, "a delivery of which nothing was said"
    said = (delivery.business_status, delivery.business_description, delivery.business_at)
    return _row_word(delivery.recipient, document.document_id, document.sender, said)


def entry_word(entry: InboxEntry) -> bytes:
    """What an inbox entry keeps of its own body's word: the status message was written in the same second."""
    said = (entry.business_status, entry.business_description, entry.changed_at.replace(microsecond=0))
    return _row_word(entry.recipient, entry.document_id, entry.sender, said)


def _row_word(
    sender: OrganId, document_id: str, recipient: OrganId, said: tuple[BusinessStatus, str, datetime | None]
) -> bytes:
    parts = _word_parts(sender, document_id, recipient, said)
    return word_of({name: _digest(value) for name, value in parts.items()})


def slip_said(slip: TransferSlip) -> Said:
    """What the slip of a transfer says of its envelope."""
    return {name: _digest(value) for name, value in (("sender", slip.sender), ("document id", slip.document_id))}


def message_said(message: Message, files: Sequence[JudgedFile]) -> Said:
    """What a message says with its files."""
    parts = _status_parts(message) if isinstance(message, StatusMessage) else _message_parts(message)
    return _digests(parts, [(file.position, file.name, file.content_type, file.digest, file.size) for file in files])


def _message_parts(message: DocumentMessage) -> _Parts:
    own: _Parts = {
        "sender": message.sender.organ_id,
        "document id": message.document_id,
        "list of recipients": tuple(organ.organ_id for organ in message.recipients),
        "time of writing": to_millis(message.created_at),
        "addresses of bodies": [_addresses(organ) for organ in (message.sender, *message.recipients)],
    }
    later = {name: _settled(getattr(message, field.name)) for name, field in _LATER.items()}
    return own | _header_parts(message) | later


def _header_parts(header: DocumentMessage | Metadata) -> _Parts:
    """What an envelope and the office that handed it in call the same."""
    return {
        "code": header.code.text(),
        "place": plain(header.promulgation_place),
        "date": header.promulgation_date,
        "type": plain(header.type_name),
        "numbers of the type": (header.document_type, header.type_detail),
        "subject": plain(header.subject),
        "content": plain(header.content),
        "signer": _settled(header.signer),
        "priority": int(header.priority),
        "number of pages": header.page_amount,
        "answered documents": _settled(header.response_for),
    }


def _addresses(organ: Organ) -> object:
    return _settled((organ.address, organ.email, organ.telephone, organ.fax, organ.website))


def _settled(value: object) -> object:
    """A value without what writing and reading XML does to it: white space, and which kind of number or sequence it is."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, datetime):
        return to_millis(value)
    if isinstance(value, tuple | list):
        return [_settled(one) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        return _settled(astuple(value))
    return int(value) if isinstance(value, int) else value


def _status_parts(message: StatusMessage) -> _Parts:
    answered = message.response_for
    said = (message.status, message.description, message.timestamp)
    more: _Parts = {
        "sender's block": _settled(message.sender),
        "answered document": _settled(answered),
        "whom to ask": _settled(message.staff),
    }
    return _word_parts(message.sender.organ_id, answered.document_id, answered.organ_id, said) | more


def _word_parts(
    sender: OrganId, document_id: str, recipient: OrganId, said: tuple[BusinessStatus, str, datetime | None]
) -> _Parts:
    status, description, moment = said
    return {
        "sender": sender,
        "document id": document_id,
        "list of recipients": (recipient,),
        "status": status.value,
        "description": plain(description),
        "time": to_millis(moment) if moment else None,
    }


def _digests(parts: _Parts, files: Sequence[_File]) -> Said:
    named = parts | {
        "list of files": [(plain(name), digest) for _, name, _, digest, _ in files],
        "order of files": [position for position, *_ in files],
        "types of files": [plain(content_type) for _, _, content_type, _, _ in files],
        "sizes of files": [size for *_, size in files],
    }
    return {name: _digest(value) for name, value in named.items()}


def _digest(value: object) -> bytes:
    return sha256(repr(value).encode()).digest()


def _digest_of_file(path: Path, size: int) -> str:
    """SHA-256 of a file in pieces; nothing when it is not there, or not that large."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest() if os.fstat(file.fileno()).st_size == size else ""
    except OSError:
        return ""


def _files(attachments: Sequence[Attachment]) -> list[_File]:
    return [(one.position, one.name, one.content_type, one.blob.digest, one.blob.size) for one in attachments]


def plain(text: str) -> str:
    """One space for any white space: not every writer and reader of XML keeps it."""
    return " ".join(text.split())
