"""The nouns of the work engine: what is due, who holds it, where it goes. It knows keys and destinations, no documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

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
    NEUTRAL = "neutral"


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
