"""The audit log as a unit of work sees it: leaves, tree, openings, feed, checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.events import Leaf, TreeHead
from gateway.core.ids import OrganId
from gateway.core.model import FeedEvent, HistoryEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLook:
    """Events of the feed after a position, how far the log was looked through for them, and whether more is there."""

    events: tuple[FeedEvent, ...]
    looked: int
    """Position of the last leaf that was looked at, at most that of the newest leaf; -1 when the log is empty."""
    more: bool
    """There are leaves after `looked`, among which there may be more events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """Lines of one story, where to go on, and whether more follow."""

    events: tuple[HistoryEvent, ...]
    next_after: int
    more: bool


class Log(Protocol):
    """The audit log's rows: pending leaves, the tree, the openings, the checkpoint. Leaves are never changed."""

    def append(self, leaf: Leaf) -> None:
        """Keep a leaf (pending until the sequencer has given it an index) together with its opening."""
        ...

    def pending(self, limit: int) -> tuple[bytes, ...]:
        """Take the oldest pending leaves out of the pending table, in the order in which they were appended."""
        ...

    def unsequenced(self) -> int:
        """How many leaves are pending; none is taken."""
        ...

    def newest_at(self) -> datetime | None:
        """When the newest event happened that is here; None where there is none."""
        ...

    def head(self) -> TreeHead:
        """The tree as sequenced so far; size 0 for a new log."""
        ...

    def extend(
        self, old_size: int, head: TreeHead, leaves: Sequence[bytes], nodes: Mapping[tuple[int, int], bytes]
    ) -> None:
        """Append leaves (from index `old_size`) and completed tree nodes {(level, index): hash}, and move the head.

        Level 0 is the leaf hashes. MUST be compare-and-set on `old_size` (`StaleStateError`).
        """
        ...

    def nodes(self, positions: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], bytes]:
        """The stored nodes at those positions; KeyError when one is missing."""
        ...

    def indexes(self, leaf_hashes: Sequence[bytes]) -> Mapping[bytes, int]:
        """Index of each sequenced leaf; leaves still pending are left out."""
        ...

    def leaves(self, first: int, count: int) -> tuple[bytes, ...]:
        """Leaf bytes from an index on."""
        ...

    def history(self, document: str) -> tuple[HistoryEvent, ...]:
        """The opened events of one document (or incoming transfer), oldest first: all of them, for whoever verifies."""
        ...

    def history_after(self, document: str, after: int, limit: int, *, subject: str | None = None) -> HistoryPage:
        """The same page by page (from 0), and of one subject alone where one is named.

        Whoever goes on with `next_after` hears every event once that was there when he began. What is appended meanwhile
        MUST NOT shift the pages; on an engine with several writers, it may be heard only by whoever begins again.
        """
        ...

    def feed(self, organs: frozenset[OrganId], after: int, limit: int) -> FeedLook:
        """Events of these bodies at positions (indexes of leaves) greater than `after`, oldest first, at most `limit`.

        Only sequenced leaves have a position, so what is seen is a prefix of what will ever be: MUST NOT look beyond the
        head of the same snapshot, and an event at a position up to `looked` MUST NOT become visible later. Bounded
        work: it may stop looking before it has found `limit` events, and then says so (`more`).
        """
        ...

    def openings(self, after: int, limit: int) -> tuple[tuple[int, bytes, bytes, bytes], ...]:
        """(row, leaf hash, salt, private) in the order of appending, for whoever checks rows against leaves."""
        ...

    def salts(self, leaf_hashes: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """The salt of each of these leaves, pending or not: with the private part it opens the commitment."""
        ...

    def checkpoint(self) -> tuple[int, str] | None:
        """Size and text of the newest published checkpoint (C2SP signed note)."""
        ...

    def checkpoints(self, after: int, limit: int) -> tuple[tuple[int, str], ...]:
        """Size and text of the published checkpoints of more leaves than `after`, the smallest first, at most `limit`."""
        ...

    def publish(self, size: int, note: str) -> None:
        """Keep a newer checkpoint. MUST refuse one that is not newer than the stored one (AssertionError)."""
        ...
