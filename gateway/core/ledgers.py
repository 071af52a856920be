"""The ledgers: what a unit of work may read and write, one Protocol per concern, three to fifteen verbs each.

Only `gateway.storage` implements them; conductors and instruments write no SQL. The promises are MUST words (RFC 2119)
and `tests/contract` holds every implementation to them. Why these: docs/adr/0001-ledgers-and-ports.md.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gateway.core.activation import Directories
from gateway.core.amendments import Amendments
from gateway.core.grants import Access
from gateway.core.ids import DeliveryKey, Digest, DocumentKey, EntryKey, GatewayId, OrganId, TransferKey
from gateway.core.inspection import Inspections
from gateway.core.interventions import Interventions
from gateway.core.log import Log
from gateway.core.model import Delivery, Document, InboxEntry, InboxPage, IncomingTransfer, Transfer
from gateway.core.named_blobs import NamedBlobs
from gateway.core.non_delivery import NonDeliveries
from gateway.core.order import Order
from gateway.core.owed import Timestamps
from gateway.core.resync import Resyncs
from gateway.core.states import BusinessStatus, DeliveryState, DocumentState, TransferState
from gateway.core.work import Work


class StaleStateError(Exception):
    """A compare-and-set found another state than expected: somebody else was faster. Nothing was written."""


class LeaseLostError(StaleStateError):
    """The claim is not ours any more: its work was done, or taken up, by somebody else."""


class Documents(Protocol):
    """Outgoing documents and status messages, and their deliveries."""

    def add(self, document: Document) -> None:
        """Store it. MUST refuse (`Conflict`) a second (sender, idempotency_key), and (sender, document_id) if not refused."""
        ...

    def find(self, key: DocumentKey) -> Document | None:
        """The document of a key."""
        ...

    def submitted(self, sender: OrganId, *, document_id: str, idempotency_key: str | None = None) -> Document | None:
        """What this sender handed in before: under this idempotency key, else (or with None) under this DocumentId.

        Of several under one DocumentId all but one are refused: MUST be that one, or else the newest of them.
        """
        ...

    def page(self, after: DocumentKey | None, limit: int) -> tuple[Document, ...]:
        """Outgoing rows whose key is greater than `after` (keys grow by time), oldest first, at most `limit`."""
        ...

    def held(self, after: DocumentKey | None, limit: int) -> tuple[Document, ...]:
        """Outgoing rows that are held and whose key is greater than `after`, oldest first, at most `limit`."""
        ...

    def count_held(self) -> tuple[int, int]:
        """How many outgoing rows are held, and how many deliveries."""
        ...

    def newest(
        self, senders: frozenset[OrganId], before: DocumentKey | None, limit: int, state: DocumentState | None
    ) -> tuple[Document, ...]:
        """Documents (no status messages) of these senders with a key less than `before`, newest first, at most `limit`.

        MUST cost about the same however many documents there are; `state` None is any.
        """
        ...

    def advance(self, document: Document, *, was: DocumentState) -> None:
        """Write the document's mutable fields (state, reason, attachments, envelope, changed_at, last_leaf).

        MUST be compare-and-set: raises `StaleStateError` and writes nothing when the stored state is not `was`.
        """
        ...

    def add_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Store new deliveries."""
        ...

    def deliveries(self, document: DocumentKey, transfer: TransferKey | None = None) -> tuple[Delivery, ...]:
        """All deliveries of a document, or those of one transfer, in the order in which they were added."""
        ...

    def deliveries_after(self, document: DocumentKey, after: DeliveryKey | None, limit: int) -> tuple[Delivery, ...]:
        """Its deliveries after one of them (None: from the first), at most `limit`; after another's key nothing follows."""
        ...

    def delivery_counts(self, documents: Sequence[DocumentKey]) -> Mapping[DocumentKey, Mapping[DeliveryState, int]]:
        """How many deliveries of each document are in each state; what there are none of is left out."""
        ...

    def delivery(self, document: DocumentKey, recipient: OrganId) -> Delivery | None:
        """The delivery of a document to one recipient that was not rerouted: one at most."""
        ...

    def find_delivery(self, key: DeliveryKey) -> Delivery | None:
        """The delivery of a key."""
        ...

    def advance_deliveries(self, deliveries: Sequence[Delivery], *, was: Mapping[DeliveryKey, DeliveryState]) -> None:
        """Write the mutable fields of deliveries; compare-and-set on `was` for each, all or nothing (`StaleStateError`)."""
        ...

    def move_deliveries(
        self, document: DocumentKey, transfer: TransferKey, *, moves: tuple[DeliveryState, DeliveryState], at: datetime
    ) -> None:
        """Move all deliveries of a transfer from one passing state to another at once; writes state and changed_at.

        MUST be all or nothing: `StaleStateError` when one of them is in neither of the two states.
        """
        ...

    def next_sequence(
        self, sender: OrganId, recipients: Sequence[OrganId], year: int, handle: Callable[[], bytes]
    ) -> Mapping[OrganId, tuple[int, bytes]]:
        """For each recipient the next number of the stream (sender, recipient), from 1 without gaps, and the stream's handle.

        `handle` makes 16 random bytes for a (sender, recipient, year) that has none yet. MUST be undone with the unit.
        """
        ...

    def direct_streams(
        self, sender: OrganId, destination: GatewayId, numbers: Mapping[OrganId, int]
    ) -> frozenset[OrganId]:
        """Remember that these numbers of the streams go to this gateway; whose smaller numbers went to another one."""
        ...

    def under_way(self, sender: OrganId, recipients: Sequence[OrganId], limit: int) -> tuple[TransferKey, ...]:
        """Transfers with letters of that sender to any of these that are on their way: of each stream the oldest.

        MAY leave out newer ones when they are more than `limit` together.
        """
        ...

    def stream_beginnings(
        self, sender: OrganId, destination: GatewayId, recipients: Sequence[OrganId]
    ) -> Mapping[OrganId, int]:
        """The first number that went to the gateway where the stream goes now, if that is this one and not the first."""
        ...


class Transfers(Protocol):
    """Transfers in both directions. Slips and answers never change once written."""

    def add(self, transfers: Sequence[Transfer]) -> None:
        """Store new outgoing transfers."""
        ...

    def find(self, key: TransferKey) -> Transfer | None:
        """The outgoing transfer of a key."""
        ...

    def of_document(self, document: DocumentKey) -> tuple[Transfer, ...]:
        """All outgoing transfers of a document."""
        ...

    def page(self, after: TransferKey | None, limit: int) -> tuple[Transfer, ...]:
        """Outgoing transfers whose key is greater than `after`, oldest first, at most `limit`."""
        ...

    def advance(self, transfer: Transfer, *, was: TransferState) -> None:
        """Write state, reason, attempts, answer, changed_at; compare-and-set on `was` (`StaleStateError`).

        MUST refuse to change an answer that is already there (AssertionError).
        """
        ...

    def receive(self, incoming: IncomingTransfer) -> None:
        """Store an incoming transfer with its outcomes, without an answer yet. The key MUST be unique (`Conflict`)."""
        ...

    def incoming(self, key: TransferKey) -> IncomingTransfer | None:
        """The incoming transfer of a key."""
        ...

    def incoming_page(self, after: TransferKey | None, limit: int) -> tuple[IncomingTransfer, ...]:
        """Incoming transfers whose key is greater than `after`, by key, at most `limit`."""
        ...

    def answer(self, key: TransferKey, answer: bytes) -> bytes:
        """Keep the answer of an incoming transfer, if it has none yet; return the one that is kept (the first wins)."""
        ...


class Inbox(Protocol):
    """Documents that arrived for our bodies."""

    def add(self, entries: Sequence[InboxEntry], *, staged: Sequence[InboxEntry] = ()) -> None:
        """Store new entries; `cursor` is given by the ledger (the one in the entry is ignored), and none to `staged` ones.

        (recipient, sender, document_id) MUST be unique (`Conflict`), staged or not: one effect per document and recipient.
        """
        ...

    def enter(self, entries: Sequence[tuple[EntryKey, str]], at: datetime) -> None:
        """Give staged entries their cursors, in this order, with their new last_leaf; changed at that time.

        MUST be all or nothing: `StaleStateError` when one of them is not staged.
        """
        ...

    def find(self, key: EntryKey) -> InboxEntry | None:
        """The entry of a key."""
        ...

    def several(self, keys: Sequence[EntryKey]) -> tuple[InboxEntry, ...]:
        """The entries of these keys, which are all there, in that order."""
        ...

    def seen(self, sender: OrganId, document_id: str) -> tuple[Digest, frozenset[OrganId]] | None:
        """Digest of the envelope in which (sender, document_id) first arrived, and for whom; None if never."""
        ...

    def page(self, organs: frozenset[OrganId], after: int, limit: int) -> InboxPage:
        """Entries of those bodies with a cursor greater than `after`, oldest first, at most `limit`; no staged ones."""
        ...

    def newest(self) -> int:
        """The last cursor that was given, to whomever; 0 when there is no entry."""
        ...

    def advance(self, entry: InboxEntry, *, was: BusinessStatus) -> None:
        """Write business status and description, opened_at, changed_at, last_leaf; compare-and-set on `was`."""
        ...


class UnitOfWork(Protocol):
    """One transaction. All ledgers of one unit see and change the same state, or nothing at all."""

    @property
    def documents(self) -> Documents:
        """Outgoing documents and deliveries."""
        ...

    @property
    def transfers(self) -> Transfers:
        """Transfers in both directions."""
        ...

    @property
    def inbox(self) -> Inbox:
        """Documents that arrived."""
        ...

    @property
    def order(self) -> Order:
        """How far each stream has come."""
        ...

    @property
    def timestamps(self) -> Timestamps:
        """Timestamps that are owed."""
        ...

    @property
    def non_deliveries(self) -> NonDeliveries:
        """Transfers that expired."""
        ...

    @property
    def blobs(self) -> NamedBlobs:
        """Which blobs rows name."""
        ...

    @property
    def work(self) -> Work:
        """What is due."""
        ...

    @property
    def log(self) -> Log:
        """The audit log."""
        ...

    @property
    def directory(self) -> Directories:
        """Registry editions in force."""
        ...

    @property
    def access(self) -> Access:
        """API keys and pinned client certificates."""
        ...

    @property
    def inspection(self) -> Inspections:
        """Looking across all of them."""
        ...

    @property
    def amendments(self) -> Amendments:
        """What senders say of documents afterwards."""
        ...

    @property
    def interventions(self) -> Interventions:
        """What people did by hand."""
        ...

    @property
    def resyncs(self) -> Resyncs:
        """Restores, and what follows from them."""
        ...
