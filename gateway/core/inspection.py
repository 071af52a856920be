"""Looking across the ledgers: what nobody needs for a document's walk, and an inspection of all of them does."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.ids import Digest, DocumentKey, EntryKey, OrganId, TransferKey
from gateway.core.model import InboxEntry
from gateway.core.work import WorkKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A stream of numbers at its sender's gateway."""

    sender: OrganId
    recipient: OrganId
    next_number: int
    """The number that was not given yet."""
    since: int = 1
    """Smaller numbers were given before the last restore: of those some are not here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What tells one document that arrived for a body from another."""

    recipient: OrganId
    sender: OrganId
    document_id: str
    sequence: int
    envelope: Digest
    key: EntryKey
    transfer: TransferKey
    cursor: int
    """0 of a staged entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arriving:
    """A stream of numbers at its recipient's gateway."""

    expected: int = 1
    waiting: int = 0
    """Numbers beyond the expected one that it counts."""
    kept_from: int = 1
    """Smaller numbers came before this gateway kept any order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """Transfers that are still being tried."""

    count: int
    """Those that are older than was asked for."""
    oldest: datetime | None
    """When the oldest of all was sent first; None when there is none."""


class Inspections(Protocol):
    """Reads only. Every verb MUST cost about the same however many rows there are, but `holds_number`."""

    def newest_documents(self, limit: int) -> tuple[DocumentKey, ...]:
        """The newest keys of the outgoing side, newest first."""
        ...

    def of_the_same_name(self, sender: OrganId, document_id: str) -> tuple[DocumentKey, ...]:
        """Outgoing rows of that sender and DocumentId that are not refused: one, where all is well."""
        ...

    def entries_after(self, after: int, limit: int) -> tuple[InboxEntry, ...]:
        """Inbox entries, whoever's, with a cursor greater than `after`, in that order."""
        ...

    def arrivals_of(self, sender: OrganId, document_id: str) -> tuple[Arrival, ...]:
        """Every inbox row of that sender and DocumentId."""
        ...

    def newest_arrivals(self, recipient: OrganId, limit: int) -> tuple[Arrival, ...]:
        """The newest inbox rows of a body, newest first; staged ones stand at the end."""
        ...

    def arriving(self, recipient: OrganId, senders: Collection[OrganId]) -> Mapping[OrganId, Arriving]:
        """The streams from these senders to a body; only those that it has."""
        ...

    def waiting_pairs(self, limit: int) -> tuple[tuple[OrganId, OrganId], ...]:
        """Streams (sender, recipient) in which something waits for a smaller number."""
        ...

    def staged(self, keys: Collection[EntryKey]) -> frozenset[EntryKey]:
        """Those of the entries that are staged."""
        ...

    def unheld(self, limit: int) -> tuple[Arrival, ...]:
        """Staged entries for whose number nothing waits: none, where all is well."""
        ...

    def blobs_after(self, after: Digest, limit: int) -> tuple[Digest, ...]:
        """Digests, greater than `after`, that a row names or ever named, in their order."""
        ...

    def standing(self, kind: WorkKind, subjects: Collection[str]) -> frozenset[str]:
        """Those of the subjects that have a work item, or a dead letter that waits for a person."""
        ...

    def overdue(self, before: datetime, ahead: datetime, *, urgent: bool) -> Overdue:
        """Transfers with a work item whose keys were made before that time; the urgent ones (Khẩn and above), or all.

        Those made after `ahead` count as well: a clock that was ahead made them, and they would wait for that time.
        """
        ...

    def steps(self, now: datetime) -> Mapping[OrganId, tuple[int, datetime | None]]:
        """For each sender with documents that are not routed yet: how many, and since when the oldest is due and not begun.

        MAY cost what there is of them.
        """
        ...

    def fences(self) -> tuple[int, int]:
        """The last fence that was given, and the greatest one that an item bears; 0 where there is none."""
        ...

    def streams_after(self, after: tuple[OrganId, OrganId], limit: int) -> tuple[Stream, ...]:
        """Streams whose (sender, recipient) is greater than `after`, in that order; ("", "") is before the first."""
        ...

    def stream(self, sender: OrganId, recipient: OrganId) -> Stream | None:
        """The stream of that pair."""
        ...

    def numbers(self, sender: OrganId, recipient: OrganId, limit: int) -> tuple[int, ...]:
        """Numbers of that stream borne by deliveries of the sender's newest `limit` rows of each kind, a doubled one twice."""
        ...

    def holds_number(self, sender: OrganId, recipient: OrganId, number: int) -> bool:
        """Whether any delivery bears that number of the stream: MAY walk through all that the sender sent."""
        ...
