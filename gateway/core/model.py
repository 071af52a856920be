"""The nouns of a document's walk: what an office hands in, what an envelope says, what travels and what arrives.

Field names follow QCVN 102:2016/BTTTT where the regulation has the field (facts 1.2-1.10). All values are frozen.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from gateway.core.amendments import Amendment
from gateway.core.ids import DeliveryKey, Digest, DocumentKey, EntryKey, GatewayId, OrganId, TransferKey
from gateway.core.message import (
    UNNAMED,
    Business,
    Code,
    DocumentMessage,
    Priority,
    ResponseFor,
    SignerInfo,
    StatusMessage,
    regular_document_id,
)
from gateway.core.states import (
    BusinessStatus,
    DeliveryState,
    DocumentState,
    Evidence,
    MessageKind,
    Outcome,
    TransferState,
)
from gateway.core.validation import Level

PDF: Final = "application/pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobRef:
    """Bytes in the blob store: found by SHA-256, never addressable by it through a door."""

    digest: Digest
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What an office says of a document when it hands it in: the header of the later envelope."""

    sender: OrganId
    recipients: tuple[OrganId, ...]
    """In the order given, no code twice, 1 to `RECIPIENTS_MAX`."""
    code: Code
    promulgation_place: str
    promulgation_date: date
    subject: str
    type_name: str = "Công văn"
    document_type: int = 2
    """1 legal normative document, 2 administrative document."""
    type_detail: int = 18
    """Number in that group's table; 18 is Công văn (QCVN SĐ1:2022, table B)."""
    content: str = ""
    signer: SignerInfo = UNNAMED
    priority: Priority = Priority.NORMAL
    page_amount: int | None = None
    response_for: tuple[ResponseFor, ...] = ()
    secrecy: str = ""
    """A mark of secrecy; anything but an empty text is refused: this channel is not for state secrets (QCVN scope)."""
    business: Business | None = None
    """What it does to earlier documents of its sender; None: it is a new one."""

    def document_id(self) -> str:
        """Unique per sender by regulation."""
        return regular_document_id(self.sender, self.promulgation_date, self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSeal:
    """What the seal that we put upon a file was worth when the file left; it never changes."""

    level: Level
    stamped_at: datetime | None
    """The authority's own time in the signature's timestamp; None: there is none."""
    owed: Level | None
    """The level that was asked for and not reached: what became of it is told by the timestamps ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One attached file; `blob` is the file decoded. `position` counts from 1."""

    position: int
    name: str
    content_type: str
    blob: BlobRef
    seal: OwnSeal | None = None
    """None: not sealed here, or where no timestamps are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A row of the outgoing side: a document or a status message that one of our bodies sends."""

    key: DocumentKey
    kind: MessageKind
    sender: OrganId
    document_id: str
    state: DocumentState
    reason: str
    """Stable error code when refused or held, else empty."""
    reason_params: tuple[tuple[str, str], ...]
    """What fills the texts of that code: which file, which body."""
    metadata: Metadata | None
    """None for a status message."""
    status: StatusMessage | None
    """None for a document."""
    attachments: tuple[Attachment, ...]
    may_seal: bool
    """The principal held the `seal` scope when it was submitted."""
    principal: str
    """Id of the API key that submitted it."""
    idempotency_key: str
    request_digest: Digest
    """SHA-256 over the canonical metadata and the files' digests: a repeated key with another body is a conflict."""
    envelope: BlobRef | None
    accepted_at: datetime
    changed_at: datetime
    trace_id: str
    last_leaf: str
    """Leaf hash (hex) of this document's newest audit event: the next event names it."""
    ready_made: bool = False
    """It was handed in as a finished envelope, which is carried as it is: never made again, not even after a release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One document to one recipient."""

    key: DeliveryKey
    document: DocumentKey
    transfer: TransferKey | None
    """None when the plan refused it: nothing travels."""
    recipient: OrganId
    destination: GatewayId | None
    sequence: int
    """Per (sender, recipient), from 1, without gaps; 0 when refused by the plan."""
    state: DeliveryState
    reason: str
    evidence: Evidence | None
    business_status: BusinessStatus | None
    business_description: str
    business_at: datetime | None
    """When the recipient said so, by its own signed timestamp (whole seconds): an older word never replaces a newer."""
    registry_epoch: int
    route_reason: str
    changed_at: datetime
    last_leaf: str
    amendments: tuple[Amendment, ...] = ()
    """What the sender has said of it since; filled in for whoever looks (`exchange.queries`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipRecipient:
    """One recipient of a transfer and its number in the stream (sender, recipient)."""

    organ_id: OrganId
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferSlip:
    """The first line of a transfer: everything the receiving gateway is asked to do with the envelope that follows."""

    transfer: TransferKey
    origin: GatewayId
    destination: GatewayId
    kind: MessageKind
    sender: OrganId
    document_id: str
    envelope: BlobRef
    registry_epoch: int
    sent_at: datetime
    recipients: tuple[SlipRecipient, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """An outgoing transfer: one envelope to one gateway for all of its recipients there. The slip never changes."""

    slip: TransferSlip
    document: DocumentKey
    state: TransferState
    reason: str
    attempts: int
    answer: bytes | None
    """The receipt (JWS compact) exactly as it came, once verified."""
    deadline: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingRecipient:
    """What became of one recipient of an incoming transfer; the material of one line of the receipt."""

    organ_id: OrganId
    sequence: int
    outcome: Outcome
    code: str
    """Error code of the refusal, else empty."""
    leaf: bytes
    """Canonical bytes of the audit leaf."""
    salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """One recipient of a checked receipt: its claim holds, and its leaf stands in the peer's log."""

    organ_id: OrganId
    outcome: Outcome
    code: str
    leaf_hash: bytes
    index: int
    received_at: datetime
    """When the envelope had arrived, as the receipt says of all its lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingTransfer:
    """A transfer that reached us: the slip, the outcomes, and the answer once it has left (its bytes never change)."""

    slip: TransferSlip
    received_at: datetime
    recipients: tuple[IncomingRecipient, ...]
    answer: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEntry:
    """One document that arrived for one of our bodies."""

    key: EntryKey
    cursor: int
    """Position in the inbox: grows by arrival, never reused; 0 as long as the entry is staged (`gateway.core.order`)."""
    recipient: OrganId
    sender: OrganId
    document_id: str
    transfer: TransferKey
    message: DocumentMessage
    envelope: BlobRef
    attachments: tuple[Attachment, ...]
    verdicts: tuple[str, ...]
    """Indication of each attachment in order; an empty text where a file carries no signature."""
    sequence: int
    business_status: BusinessStatus
    business_description: str
    received_at: datetime
    changed_at: datetime
    last_leaf: str
    opened_at: datetime | None = None
    """When a file of it was first fetched."""
    amendments: tuple[Amendment, ...] = ()
    """Those that speak of it, and those that it brought; filled in for whoever looks (`exchange.queries`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPage:
    """Rows after a cursor, in the order of arrival, and whether more follow."""

    entries: tuple[InboxEntry, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEvent:
    """One line of a document's story (Hành trình): an opened audit leaf."""

    at: datetime
    event: str
    subject: str
    """Key of the document, delivery or inbox entry it happened to."""
    recipient: OrganId | None
    organ: OrganId
    """The body whose feed tells of it; empty: nobody's."""
    detail: str
    leaf_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """One event of the change feed: an opened audit leaf that concerns one of our bodies."""

    position: int
    """Index of the leaf in the audit log: grows, never reused; between two events of one body numbers may be missing."""
    at: datetime
    event: str
    organ_id: OrganId
    """The body of this gateway whom it concerns: the sender of an outgoing document, the recipient of one that arrived."""
    subject: str
    """Key of the document, delivery or inbox entry it happened to."""
    document: str
    """Key of the outgoing document, or of the incoming transfer."""
    recipient: OrganId | None
    leaf_hash: str
