"""What the doors ask of the conductors for offices: a desk for each kind of wish that one can have.

A door is handed objects that keep these promises and never learns which class stands behind them. All verbs are
coroutines and raise the families of `gateway.core.errors`; none returns half of an answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.core.directory import Body, Snapshot
from gateway.core.ids import DeliveryKey, DocumentKey, EntryKey, OrganId, TransferKey
from gateway.core.log import HistoryPage
from gateway.core.model import (
    Attachment,
    BlobRef,
    Delivery,
    Document,
    FeedEvent,
    InboxEntry,
    InboxPage,
    Metadata,
    Transfer,
)
from gateway.core.non_delivery import NonDelivery
from gateway.core.owed import OwedTimestamp
from gateway.core.principal import Principal
from gateway.core.states import AmendmentState, DeliveryState, DocumentState


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """One file as an office handed it in: already durable in the blob store, not yet judged."""

    name: str
    content_type: str
    blob: BlobRef
    head: bytes | None = None
    """Its first `MAGIC_BYTES`, where they were seen on their way: the file is not opened for them then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Metadata that were found without a fault, and the edition of the registry by which they were."""

    metadata: Metadata
    snapshot: Snapshot

    def speaks_of(self, metadata: Metadata, snapshot: Snapshot) -> bool:
        """Whether these very metadata were looked at, by this very edition."""
        return self.metadata is metadata and self.snapshot is snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionOrder:
    """Everything an office says when it hands a document in. The door has checked shapes and sizes, nothing else."""

    metadata: Metadata
    files: tuple[UploadedFile, ...]
    """In the order given: position 1 is the document itself."""
    idempotency_key: str
    admitted: Admitted | None = None
    """What `admit` said of these metadata: what it has looked at is not looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """A document and how its deliveries stand."""

    document: Document
    counts: Mapping[DeliveryState, int]
    """Deliveries by state; a state without any is left out."""
    total: int
    """All deliveries; 0 until the document is routed."""
    timestamps: tuple[OwedTimestamp, ...] = ()
    """What is or was owed to its files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallView:
    """How a recall stands."""

    document: Document
    counts: Mapping[AmendmentState, int]
    """Recipients by state; a state without any is left out."""
    untouched: int
    """Recipients of whom it is certain that they do not have the document, and who are not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """Events after a position, and where to go on: `next_after` moves on even when nothing concerned the asker."""

    events: tuple[FeedEvent, ...]
    next_after: int
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPage:
    """Outgoing documents, newest first, and whether older ones follow."""

    documents: tuple[DocumentView, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """Deliveries of one document, in the order of its recipients, and whether more follow."""

    deliveries: tuple[Delivery, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A non-delivery notice, and the transfer that it is about."""

    made: NonDelivery
    transfer: Transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticePage:
    """Non-delivery notices of one document, by transfer, and whether more follow."""

    notices: tuple[Notice, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeOrder:
    """A finished edXML file, signed by the sender's transport key, to be carried as it is."""

    envelope: BlobRef
    idempotency_key: str


class SubmissionDesk(Protocol):
    """Takes documents in."""

    async def admit(self, principal: Principal, metadata: Metadata, *, idempotency_key: str) -> Admitted | None:
        """Refuse by the metadata alone, before a byte of the files is stored: who sends, marks of secrecy, the fields.

        What was found without a fault is said so, for the order; None: `submit` has to look again.

        Recipients whom nothing could be sent to are field errors too, unless the key says that the order may be a repeated
        one: it was good when it came first.

        Raises:
            AccessError: `access.scope`, `access.organ`.
            SenderError: `secrecy.marked`, `sender.unknown`, `sender.closed`, `request.field` with all that is wrong.
        """
        ...

    async def submit(self, principal: Principal, order: SubmissionOrder, *, trace_id: str) -> tuple[Document, bool]:
        """The stored document, and whether it is new: False when the same order was handed in before.

        MUST NOT return before the document is durable. The same key with another order is a conflict; another key with
        the number of a document that is not refused, too.

        Raises:
            AccessError: `access.organ` when the principal may not act for the sender.
            SenderError: `secrecy.marked`, `sender.unknown`, `sender.closed`, `file.empty` ...
            Conflict: `conflict.idempotency`, `conflict.document_id`.
            SiteError: `store.busy`.
        """
        ...

    async def submit_envelope(
        self, principal: Principal, order: EnvelopeOrder, *, trace_id: str
    ) -> tuple[Document, bool]:
        """Take in a finished edXML file; its bytes are carried as they are. Otherwise as `submit`.

        Raises:
            AccessError: `access.organ` when the principal may not act for the `From` body.
            SenderError: `envelope.*`, `secrecy.marked`, `sender.unknown`, `sender.closed` ...
            Conflict: `conflict.idempotency`, `conflict.document_id`.
        """
        ...


class ReleaseDesk(Protocol):
    """Lets go on what was held."""

    async def release(self, principal: Principal, key: DocumentKey) -> Document:
        """The document, on its way again: from its first step, or its held transfers.

        Raises:
            AccessError: `access.scope`.
            NotFound: there is no such document for this principal.
            Conflict: `conflict.state` when nothing of it is held.
        """
        ...


class QueryDesk(Protocol):
    """Says how things stand. What is not the principal's is not there: `NotFound` either way (security.md 43).

    Every list comes in pages of at most `limit`, and of `PAGE_ROWS_MAX`, whatever was asked for.
    """

    async def document(self, principal: Principal, key: DocumentKey) -> DocumentView:
        """An outgoing document with the count of its deliveries by state."""
        ...

    async def documents(
        self, principal: Principal, *, before: DocumentKey | None, limit: int, state: DocumentState | None
    ) -> DocumentPage:
        """Outgoing documents of all bodies of the principal with a key less than `before`, newest first."""
        ...

    async def deliveries(
        self, principal: Principal, key: DocumentKey, *, after: DeliveryKey | None, limit: int
    ) -> DeliveryPage:
        """Deliveries of an outgoing document that stand after one of them (None: from the first).

        Raises:
            SenderError: `request.field` when `after` is no delivery of this document.
        """
        ...

    async def notices(
        self, principal: Principal, key: DocumentKey, *, after: TransferKey | None, limit: int
    ) -> NoticePage:
        """Signed notices of what of an outgoing document did not arrive in time; those that are not signed yet, later."""
        ...

    async def history(self, principal: Principal, key: DocumentKey, *, after: int, limit: int) -> HistoryPage:
        """The story of an outgoing document after a position (0: from the beginning), oldest first."""
        ...

    async def inbox(self, principal: Principal, after: int, limit: int) -> InboxPage:
        """Entries of all bodies of the principal that arrived after a cursor, oldest first.

        Raises:
            SenderError: `request.field` when no cursor that high was ever given.
        """
        ...

    async def entry(self, principal: Principal, key: EntryKey) -> InboxEntry:
        """One document that arrived."""
        ...

    async def entry_history(self, principal: Principal, key: EntryKey, *, after: int, limit: int) -> HistoryPage:
        """The story of a document that arrived, as far as this entry's recipient is concerned; otherwise as `history`."""
        ...

    async def content(self, principal: Principal, key: EntryKey, *, opens: bool = True) -> tuple[Path, BlobRef]:
        """The edXML file of a document that arrived, exactly as it was signed.

        `opens`: it is going to be handed out, which its sender may be told. Who asks only what there is has read nothing.
        """
        ...

    async def sent_attachment(
        self, principal: Principal, key: DocumentKey, position: int, *, archive: bool
    ) -> tuple[Path, Attachment]:
        """One file of an outgoing document as it stands: handed in, then sealed. Positions count from 1.

        `archive`: with the document timestamp that was owed to it instead; not there as long as it is owed.

        Raises:
            SenderError: `file.infected`: nothing of a document that holds malware is handed out.
        """
        ...

    async def attachment(
        self, principal: Principal, key: EntryKey, position: int, *, opens: bool = True
    ) -> tuple[Path, Attachment]:
        """One attached file of a document that arrived; positions count from 1. `opens`: as with `content`."""
        ...

    async def organ(self, principal: Principal, organ_id: OrganId) -> Body:
        """A body of the registry in force; every principal may look up every body."""
        ...

    async def organs(self, principal: Principal, *, text: str, after: OrganId | None, limit: int) -> tuple[Body, ...]:
        """Bodies whose code or name holds the text (marks and case of letters do not matter), by code, after a code."""
        ...


class EventDesk(Protocol):
    """Tells what happened, gap-free and again and again (change feed)."""

    async def events(self, principal: Principal, *, after: int, limit: int, wait: float) -> FeedPage:
        """Events of all bodies of the principal at positions greater than `after` (-1: from the beginning), oldest first.

        When there is none, MUST wait up to `wait` seconds for one, and MUST NOT skip an event that is committed later.

        Raises:
            SenderError: `rate.limit` when it would have to wait and too many do already; `request.field` when the log has
                not reached `after`, which this log therefore never gave.
        """
        ...

    def close(self) -> None:
        """Nobody waits any longer: whoever does is answered with what there is. The one way in which waiting ends early."""
        ...


class StatusDesk(Protocol):
    """Takes what a receiving body says of a document: the answer travels to the sender as a status message."""

    async def accept(self, principal: Principal, key: EntryKey, *, trace_id: str) -> InboxEntry:
        """Tiếp nhận (03). Saying it again changes nothing and is no error.

        Raises:
            NotFound: there is no such entry for this principal.
            Conflict: `conflict.state` when it was refused before.
        """
        ...

    async def refuse(self, principal: Principal, key: EntryKey, reason: str, *, trace_id: str) -> InboxEntry:
        """Từ chối tiếp nhận (02), with the reason the sender will read.

        Raises:
            NotFound: there is no such entry for this principal.
            SenderError: `reason.missing` when the reason is blank.
            Conflict: `conflict.state` when it was accepted before.
        """
        ...


class RecallDesk(Protocol):
    """Takes back what an office sent."""

    async def recall(self, principal: Principal, key: DocumentKey, reason: str, *, trace_id: str) -> RecallView:
        """Stop what has not left, ask everybody else (13). Saying it again asks nobody twice.

        Raises:
            NotFound: there is no such document for this principal.
            SenderError: `reason.missing` when the reason is blank.
            Conflict: `conflict.state` when it was refused, and never left; of what is older than a restore, `conflict.at_work`
                as long as it is on its way to be routed again, and `conflict.restored` when it is held, or refused since.
        """
        ...


class AmendmentDesk(Protocol):
    """Takes what a receiving body says to a recall or an update."""

    async def agree(self, principal: Principal, key: EntryKey, *, forwarded: bool, trace_id: str) -> InboxEntry:
        """Đồng ý (15). Saying it again changes nothing; who has refused may still agree.

        Raises:
            NotFound: there is no such entry for this principal.
            Conflict: `amendment.none` when nobody asks anything of it.
        """
        ...

    async def decline(
        self, principal: Principal, key: EntryKey, reason: str, *, forwarded: bool, trace_id: str
    ) -> InboxEntry:
        """Từ chối (16), with the reason that the sender will read.

        Raises:
            NotFound: there is no such entry for this principal.
            SenderError: `reason.missing` when the reason is blank.
            Conflict: `amendment.none`; `conflict.state` when it was agreed before.
        """
        ...
