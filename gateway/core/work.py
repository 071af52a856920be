"""The nouns of the work engine: what is due, who holds it, where it goes, and their ledger. It knows no documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from gateway.core.message import Priority

TIMESTAMP_ROAD: Final = ":timestamps"
"""Destination of work that waits for a timestamp authority: one window and one back-off for all. No gateway has that id."""
ORDER_ROAD: Final = ":order"
"""Destination of work that lets staged entries in: it asks nobody, and waits behind no document's step."""

SCANNER_ROAD: Final = ":scanner"
"""The same of work that waits for the malware scanner."""


class WorkKind(StrEnum):
    """Which conductor takes the item up."""

    DOCUMENT = "document"
    """Next step of an outgoing document: judge and seal, wrap, or route, by its state."""
    TRANSFER = "transfer"
    """Next attempt of an outgoing transfer."""
    TIMESTAMP = "timestamp"
    """Next attempt to get a timestamp that is owed."""
    SCAN = "scan"
    """Next attempt to have the files of a held document scanned."""
    ORDER = "order"
    """Entries of one sender that wait for smaller numbers: those that can come in, or have waited long enough."""
    GAPS = "gaps"
    """Tell the destination of an outgoing transfer which of its numbers will not come in order."""
    NON_DELIVERY = "non_delivery"
    """Sign the notice to the sender of a transfer that expired."""
    SKIPPED = "skipped"
    """Tell a destination which numbers of our streams were skipped when the database was restored."""
    RESYNC = "resync"
    """Ask a peer, after a restore, what it believes delivered here, and for what is missing of it."""
    RESEND = "resend"
    """Hand a transfer over once more to a destination that was restored and asked for it."""


class RoadReport(StrEnum):
    """What a conductor tells the work engine of the road to the destination; of documents it says nothing."""

    GOOD = "good"
    """The peer answered: the window may grow."""
    BAD = "bad"
    """The peer could not be reached, or was silent: the window closes to one."""
    SILENT = "silent"
    """No answer was heard to this one item: that is its own matter, but others that answer are served before."""
    NEUTRAL = "neutral"
    """Nothing was learnt of the road."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """Something due: `subject` is the key of what it is about, at most one item per (kind, subject)."""

    kind: WorkKind
    subject: str
    destination: str
    """Windows and back-off are per destination: gateway id for transfers, a road of the above, empty for documents."""
    due_at: datetime
    attempts: int = 0
    """Failures of its own so far; failures of the road are the destination's."""
    urgency: Priority = Priority.NORMAL
    """Of the document it is about: what is more urgent is claimed first, in most turns (`Turn`)."""


class Turn(StrEnum):
    """Who is claimed first when more is due than fits."""

    URGENCY = "urgency"
    """The most urgent, and of equally urgent ones the oldest."""
    AGE = "age"
    """The oldest of all, however urgent the others are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A leased item. `fence` grows with every claim of the item: whoever holds an older one has lost it."""

    item: WorkItem
    fence: int
    begun: object = field(default=None, compare=False, repr=False)
    """What its conductor found and wrote in the very unit that leased it (`gateway.delivery.Begins`), or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """How a destination gateway has been behaving; kept in the database, so a restart remembers."""

    name: str
    failures: int = 0
    """In a row, of the road (not of one document)."""
    not_before: datetime | None = None
    """No attempt earlier than this; None when the road is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An item that was given up: kept with its reason until somebody lets it go on."""

    item: WorkItem
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedWork:
    """An item as somebody sees it who only looks."""

    item: WorkItem
    leased_until: datetime | None
    """Until then somebody works on it; None: nobody does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits for one destination, and how the road there is."""

    destination: Destination
    waiting: int
    leased: int
    next_due: datetime | None
    """When the earliest item that nobody works on is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How much there is to do. What waits for a closed road is counted, but makes nothing late: that is the peer's time."""

    items: Mapping[WorkKind, int]
    """Items that are not done, leased ones included; every kind is there."""
    oldest: Mapping[WorkKind, datetime]
    """Since when the oldest unleased item of an open road has been due; kinds without one are left out."""
    closed: int
    """Destinations that are not asked before some later moment."""
    dead: int
    """Dead letters."""


class Work(Protocol):
    """What is due. A claim is a lease with a fence: finishing with a stale claim MUST raise `LeaseLostError`."""

    def add(self, item: WorkItem) -> None:
        """Make it due; if (kind, subject) is there already, at the earlier time, and as urgent as the more urgent of both."""
        ...

    def hurry(self, kind: WorkKind, subjects: Sequence[str], urgency: Priority) -> None:
        """Make those of these items that are there at least so urgent; when they are due stays."""
        ...

    def claim(
        self,
        now: datetime,
        *,
        lease: float,
        windows: Mapping[str, int],
        limit: int,
        turn: Turn = Turn.URGENCY,
    ) -> tuple[Claim, ...]:
        """Lease due items: in a turn of urgency the most urgent first, then (and in a turn of age) the oldest first.

        `windows` says how many more items each destination may have in flight (a destination that is not named may
        have any number). Items of a destination that is paused, or whose `not_before` is in the future, are
        left. Leased items whose lease (seconds) has run out are due again.
        """
        ...

    def renew(self, claim: Claim, until: datetime) -> None:
        """The claim is still ours and its lease runs until then; for a conductor between two steps of one item."""
        ...

    def finish(self, claim: Claim) -> None:
        """The item is done and leaves the table."""
        ...

    def postpone(self, claim: Claim, due_at: datetime, *, failed: bool = False) -> None:
        """Give the lease back; due again then, with one attempt more if it failed by itself (and not by its peer)."""
        ...

    def bury(self, claim: Claim, reason: str, at: datetime) -> None:
        """Give the item up: it becomes a dead letter."""
        ...

    def redrive(self, item: WorkItem) -> None:
        """Make due again what was given up: its dead letters leave the table, its history stays in the audit log."""
        ...

    def withdraw(self, item: WorkItem, now: datetime) -> None:
        """Drop the item and its dead letters, if they are there: nothing is to be done any more.

        MUST raise `StaleStateError` while somebody holds a lease of it.
        """
        ...

    def release_all(self) -> int:
        """Give back every lease (at start: the process that held them is dead); how many there were."""
        ...

    def bring_forward(self, now: datetime, latest: datetime) -> int:
        """Make due now what is due later than `latest`, and open roads that are closed for longer; how many there were.

        A lease that ends later than that was given by a clock that was ahead: it ends in LEASE_SECONDS, if nobody renews it.
        """
        ...

    def next_due(self) -> datetime | None:
        """When the earliest unleased item is due (its destination's `not_before` considered); None when there is none."""
        ...

    def destination(self, name: str) -> Destination:
        """How that destination has been behaving."""
        ...

    def set_destination(self, destination: Destination) -> None:
        """Remember how it behaves."""
        ...

    def dead(self, limit: int, destination: str | None = None) -> tuple[DeadLetter, ...]:
        """Dead letters, newest first, at most `limit`: those of one destination, or with None all."""
        ...

    def dead_of(self, subject: str) -> tuple[DeadLetter, ...]:
        """The dead letters of that subject, of whatever kind."""
        ...

    def count_dead(self, destination: str | None = None) -> int:
        """How many there are."""
        ...

    def queued(self, destination: str | None, limit: int) -> tuple[QueuedWork, ...]:
        """Items, leased or not, by the time at which they are due: those of one destination, or with None all."""
        ...

    def backlog(self) -> tuple[Backlog, ...]:
        """Every destination that has items or whose behaviour is remembered, by name."""
        ...

    def workload(self, now: datetime) -> Workload:
        """How much there is to do, for whoever watches; nothing is claimed."""
        ...
