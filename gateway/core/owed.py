"""A timestamp that is owed: a file was sealed when no authority answered, and gets its timestamp afterwards.

What was sealed has left the house inside its envelope and never changes. What is added later is a document timestamp
(EN 319 142-1 clause 5.5) upon our own copy, the archive copy: other bytes, kept beside the sealed ones.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gateway.core.ids import DocumentKey, TimestampKey
from gateway.core.model import BlobRef
from gateway.core.validation import Level


class TimestampState(StrEnum):
    """How it stands with a timestamp that was owed."""

    WAITING = "waiting"
    STAMPED = "stamped"
    GIVEN_UP = "given_up"
    """Asked for in vain for too long, or the file cannot be stamped: a dead letter, until somebody lets it go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedTimestamp:
    """One sealed file that was owed a timestamp; the row stays when it is paid."""

    key: TimestampKey
    document: DocumentKey
    position: int
    """Which attachment of the document."""
    sealed: BlobRef
    """The file as it was sealed and sent."""
    level: Level
    """How far the newest copy has come."""
    owed: Level
    """What the configuration asked for when it was sealed."""
    state: TimestampState
    archive: BlobRef | None
    """The archive copy; None as long as there is none."""
    stamped_at: datetime | None
    """The authority's own time in the first document timestamp of the archive copy."""
    reason: str
    """Error code of the last attempt, if it failed."""
    since: datetime
    """When it was sealed, or let go on."""
    changed_at: datetime
    last_leaf: str

    @property
    def copy(self) -> BlobRef:
        """The newest copy: what the next attempt begins with."""
        return self.archive or self.sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaid:
    """Timestamps that are owed."""

    waiting: int = 0
    given_up: int = 0
    oldest: datetime | None = None
    """Of both."""


class Timestamps(Protocol):
    """Timestamps that are or were owed to sealed files."""

    def add(self, owed: OwedTimestamp) -> None:
        """Store a new one."""
        ...

    def find(self, key: TimestampKey) -> OwedTimestamp | None:
        """The one of a key."""
        ...

    def of_document(self, document: DocumentKey) -> tuple[OwedTimestamp, ...]:
        """All of a document, in the order in which they were added."""
        ...

    def advance(self, owed: OwedTimestamp, *, was: TimestampState) -> None:
        """Write level, state, archive, stamped_at, reason, since, changed_at, last_leaf; compare-and-set on `was`.

        Raises:
            StaleStateError: the stored state is another; nothing was written.
        """
        ...

    def unpaid(self) -> Unpaid:
        """How many are not paid, and since when the oldest of them is owed."""
        ...
