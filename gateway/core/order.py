"""Order: the numbers of a stream (sender, recipient) as the receiving side sees them, and which entry may come in when.

What comes early is stored and receipted like everything else, and *staged*: it enters the inbox when all smaller numbers of
its stream are settled. Settled is a number that arrived, whatever became of it, or that is *passed over*: its sender said
(a gap notice) that it will not come in order, or the wait for it ran out. What comes after it was passed over enters at once.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gateway.core.ids import EntryKey, GatewayId, OrganId, TransferKey


class Place(StrEnum):
    """Where a number that arrives stands in its stream."""

    IN_ORDER = "in_order"
    EARLY = "early"
    """A smaller number is not settled: the entry is staged."""
    LATE = "late"
    """It was passed over, or its number was used before: it enters at once, and is marked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """How far a stream has come on the receiving side."""

    recipient: OrganId
    expected: int = 1
    """The smallest number that is not settled."""
    waiting: int = 0
    """Rows beyond it: see `Waiting`."""
    overdue_at: datetime | None = None
    """When a wait ran out here the last time."""
    known: bool = False
    """There is a row of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedEntry:
    """An entry that has not come into its inbox, and what its next event needs to know of it."""

    key: EntryKey
    transfer: TransferKey
    leaf: str
    """Leaf hash (hex) of its event `received`."""
    since: datetime
    ends_at: datetime
    """From then on it waits no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Settled numbers beyond the expected one: a staged entry, or numbers with which nothing enters."""

    recipient: OrganId
    first: int
    last: int
    """As `first`, where it is an entry."""
    entry: StagedEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry that comes in."""

    number: int
    entry: StagedEntry
    missing: tuple[int, int] | None
    """Numbers right before it that nobody waits for any longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """How far a stream comes."""

    expected: int
    taken: int
    """So many of the rows are settled now, from the first on."""
    steps: tuple[Step, ...]


def advance_stream(expected: int, waiting: Sequence[Waiting], *, until: int = 0) -> Advance:
    """Walk on from the expected number over rows that stand by number; what is missing up to `until` is passed over."""
    steps: list[Step] = []
    missing: tuple[int, int] | None = None
    taken = 0
    for row in waiting:
        if row.first > max(expected, until):
            break
        if row.first > expected:
            missing = (missing[0] if missing else expected, row.first - 1)
        expected = max(expected, row.last + 1)
        taken += 1
        if row.entry is not None:
            steps.append(Step(number=row.first, entry=row.entry, missing=missing))
            missing = None
    return Advance(expected=expected, taken=taken, steps=tuple(steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Numbers of one stream that will not come in order."""

    recipient: OrganId
    first: int
    last: int
    reason: str
    """The state of the delivery, or why the stream begins later here: for people, nothing is decided by it."""


class Covered:
    """Numbers of one stream that wait, as spans: the question costs the same for three numbers and for all there are."""

    def __init__(self, waiting: Iterable[Waiting]) -> None:
        """`waiting`: by their first number."""
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for row in waiting:
            self.add(row.first, row.last)

    def free_from(self, number: int) -> int:
        """The first number, from this one on, that does not wait."""
        at = bisect_right(self._firsts, number) - 1
        return max(number, self._lasts[at] + 1) if at >= 0 else number

    def add(self, first: int, last: int) -> None:
        """These wait, too; spans that touch become one."""
        at = bisect_right(self._firsts, first)
        if at and self._lasts[at - 1] >= first - 1:
            at -= 1
            first, last = self._firsts[at], max(last, self._lasts[at])
        end = bisect_right(self._firsts, last + 1)
        if end > at:
            last = max(last, self._lasts[end - 1])
        self._firsts[at:end], self._lasts[at:end] = [first], [last]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapNotice:
    """What a sending gateway says of one transfer's numbers."""

    transfer: TransferKey
    origin: GatewayId
    destination: GatewayId
    sender: OrganId
    issued_at: datetime
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the order stands, for whoever watches."""

    staged: int = 0
    """Entries that wait for smaller numbers."""
    oldest: datetime | None = None
    """Since when the first of them waits."""
    overdue: int = 0
    """Streams in which a wait ran out lately."""


class Order(Protocol):
    """How far each stream has come on the receiving side, and what waits in it."""

    def streams(self, sender: OrganId, recipients: Collection[OrganId]) -> Mapping[OrganId, Stream]:
        """The stream of each of these recipients, from 1 where there is none; nobody else changes it before the unit ends."""
        ...

    def put(self, sender: OrganId, streams: Sequence[Stream]) -> None:
        """Write streams back as they were got from `streams`, changed."""
        ...

    def is_waiting(self, sender: OrganId, recipient: OrganId, number: int) -> bool:
        """Whether a row that waits covers this number."""
        ...

    def wait(self, sender: OrganId, waiting: Sequence[Waiting]) -> None:
        """Store rows that wait; (sender, recipient, first) MUST be new."""
        ...

    def waiting(self, sender: OrganId, recipient: OrganId, limit: int) -> tuple[Waiting, ...]:
        """The first rows of a stream that wait, by number."""
        ...

    def settle(self, sender: OrganId, recipient: OrganId, through: int) -> None:
        """Remove the rows of a stream whose first number is at most `through`."""
        ...

    def ready(self, sender: OrganId, now: datetime, limit: int) -> Mapping[OrganId, int]:
        """Streams of a sender in which something can come in now, and up to which number nothing is waited for.

        That is the greatest number of an entry whose wait has ended; 0 where none has. A wait that would last longer than
        any (`PUT_OFF_SECONDS_MAX`) began under a clock that was ahead, and has ended, too.
        """
        ...

    def next_end(self, sender: OrganId) -> datetime | None:
        """When the first wait in a sender's streams ends; None when nothing waits."""
        ...

    def standing(self, overdue_since: datetime) -> Standing:
        """All streams together; those in which a wait ran out since then are counted."""
        ...
