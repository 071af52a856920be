"""The `Log` ledger in plain memory, and a store around it: real semantics, no database.

A unit of work sees a copy of the state; the copy becomes the state when the unit returns, and is forgotten when it
raises. `MemoryLogStore.state` is what would be on the disk: a "crash" in a test is a new store on the same state.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NoReturn, TypeVar

from gateway.core.errors import SiteError
from gateway.core.events import NOBODY, Leaf, TreeHead
from gateway.core.ids import OrganId
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.core.log import FeedLook, HistoryPage, Log
from gateway.core.model import FeedEvent, HistoryEvent

T = TypeVar("T")
EMPTY_HEAD = TreeHead(
    size=0, root=bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), frontier=()
)


@dataclass(slots=True)
class LogState:
    """The rows."""

    appended: list[Leaf] = field(default_factory=list)
    pending: list[bytes] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    indexes: dict[bytes, int] = field(default_factory=dict)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    head: TreeHead = EMPTY_HEAD
    checkpoint: tuple[int, str] | None = None

    def copy(self) -> "LogState":
        return replace(
            self,
            appended=list(self.appended),
            pending=list(self.pending),
            leaves=list(self.leaves),
            indexes=dict(self.indexes),
            nodes=dict(self.nodes),
        )


class MemoryLog:
    """`gateway.core.ledgers.Log` over a `LogState`; counts its calls of `nodes`."""

    def __init__(self, state: LogState, *, writable: bool = True) -> None:
        self._state = state
        self._writable = writable
        self.node_calls = 0

    def append(self, leaf: Leaf) -> None:
        assert self._writable, "a write in a unit that only reads"
        assert all(kept.hash != leaf.hash for kept in self._state.appended[-50:]), "the same leaf twice"
        self._state.appended.append(leaf)
        self._state.pending.append(leaf.data)

    def pending(self, limit: int) -> tuple[bytes, ...]:
        assert self._writable, "a write in a unit that only reads"
        taken = tuple(self._state.pending[:limit])
        del self._state.pending[:limit]
        return taken

    def unsequenced(self) -> int:
        return len(self._state.pending)

    def newest_at(self) -> datetime | None:
        return self._state.appended[-1].event.at if self._state.appended else None

    def head(self) -> TreeHead:
        return self._state.head

    def extend(
        self, old_size: int, head: TreeHead, leaves: Sequence[bytes], nodes: Mapping[tuple[int, int], bytes]
    ) -> None:
        assert self._writable, "a write in a unit that only reads"
        if self._state.head.size != old_size:
            raise StaleStateError
        for index, data in enumerate(leaves, old_size):
            self._state.indexes[nodes[0, index]] = index
            self._state.leaves.append(data)
        assert not self._state.nodes.keys() & nodes.keys(), "a node written twice"
        self._state.nodes.update(nodes)
        self._state.head = head

    def nodes(self, positions: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], bytes]:
        self.node_calls += 1
        return {position: self._state.nodes[position] for position in positions}

    def indexes(self, leaf_hashes: Sequence[bytes]) -> Mapping[bytes, int]:
        return {leaf: self._state.indexes[leaf] for leaf in leaf_hashes if leaf in self._state.indexes}

    def leaves(self, first: int, count: int) -> tuple[bytes, ...]:
        return tuple(self._state.leaves[first : first + count])

    def history(self, document: str) -> tuple[HistoryEvent, ...]:
        return tuple(event for _, event in self._told(document))

    def history_after(self, document: str, after: int, limit: int, *, subject: str | None = None) -> HistoryPage:
        found = [
            (row, event) for row, event in self._told(document) if row > after and subject in (None, event.subject)
        ]
        shown = found[:limit]
        return HistoryPage(
            events=tuple(event for _, event in shown),
            next_after=shown[-1][0] if shown else after,
            more=len(found) > limit,
        )

    def _told(self, document: str) -> Iterator[tuple[int, HistoryEvent]]:
        for row, leaf in enumerate(self._state.appended, 1):
            if leaf.event.document == document:
                yield (
                    row,
                    HistoryEvent(
                        at=leaf.event.at,
                        event=leaf.event.kind.value,
                        subject=leaf.event.subject,
                        recipient=leaf.event.recipient,
                        organ=leaf.event.organ,
                        detail=leaf.private.decode(),
                        leaf_hash=leaf.hash.hex(),
                    ),
                )

    def openings(self, after: int, limit: int) -> tuple[tuple[int, bytes, bytes, bytes], ...]:
        rows = enumerate(self._state.appended, 1)
        return tuple((row, leaf.hash, leaf.salt, leaf.private) for row, leaf in rows if row > after)[:limit]

    def feed(self, organs: frozenset[OrganId], after: int, limit: int) -> FeedLook:
        newest = self._state.head.size - 1
        found = sorted(
            (index, leaf.event, leaf.hash)
            for leaf in self._state.appended
            if leaf.event.organ in organs - {NOBODY} and (index := self._state.indexes.get(leaf.hash, -1)) > after
        )
        events = tuple(
            FeedEvent(
                position=index,
                at=event.at,
                event=event.kind.value,
                organ_id=event.organ,
                subject=event.subject,
                document=event.document,
                recipient=event.recipient,
                leaf_hash=leaf_hash.hex(),
            )
            for index, event, leaf_hash in found[:limit]
        )
        more = len(found) > limit
        return FeedLook(events=events, looked=events[-1].position if more else newest, more=more)

    def salts(self, leaf_hashes: Sequence[bytes]) -> Mapping[bytes, bytes]:
        return {leaf.hash: leaf.salt for leaf in self._state.appended if leaf.hash in leaf_hashes}

    def checkpoint(self) -> tuple[int, str] | None:
        return self._state.checkpoint

    def checkpoints(self, after: int, limit: int) -> tuple[tuple[int, str], ...]:
        newest = self._state.checkpoint
        return (newest,)[:limit] if newest is not None and newest[0] > after else ()

    def publish(self, size: int, note: str) -> None:
        assert self._writable, "a write in a unit that only reads"
        assert self._state.checkpoint is None or size > self._state.checkpoint[0], "not a newer checkpoint"
        self._state.checkpoint = (size, note)


class LogUnit:
    """A unit of work in which only the log is there."""

    def __init__(self, log: Log) -> None:
        self._log = log

    @property
    def log(self) -> Log:
        return self._log

    def _absent(self) -> NoReturn:
        raise AssertionError("this store has only a log")

    documents = property(_absent)
    transfers = property(_absent)
    inbox = property(_absent)
    work = property(_absent)
    directory = property(_absent)
    access = property(_absent)
    blobs = property(_absent)
    timestamps = property(_absent)
    non_deliveries = property(_absent)
    inspection = property(_absent)
    interventions = property(_absent)
    amendments = property(_absent)
    order = property(_absent)
    resyncs = property(_absent)


class MemoryLogStore:
    """`gateway.core.ports.Store` over a `LogState`."""

    def __init__(self, state: LogState | None = None) -> None:
        self.state = state or LogState()
        self.busy = 0
        """So many of the next writing units are refused with `store.busy`."""
        self.commits = 0
        self.reads = 0

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        if self.busy:
            self.busy -= 1
            raise SiteError("store.busy")
        return self.do(work)

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        self.reads += 1
        return work(LogUnit(MemoryLog(self.state.copy(), writable=False)))

    async def close(self) -> None:
        """Nothing to close."""

    def do(self, work: Callable[[UnitOfWork], T]) -> T:
        """`transact` without a loop."""
        state = self.state.copy()
        result = work(LogUnit(MemoryLog(state)))
        self.state = state
        self.commits += 1
        return result
