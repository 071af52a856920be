"""Ledger of the audit log: openings, pending leaves, the tree, the change feed, checkpoints.

A unit that touches 336 bodies appends 336 leaves one by one; they are written together, before anything is read from
this ledger and before the unit ends (`flush`). Nobody sees the difference, except the clock.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, exists, func, insert, select, update

from gateway.core.clock import from_millis, to_millis
from gateway.core.events import EventKind, Leaf, TreeHead
from gateway.core.ids import OrganId
from gateway.core.ledgers import StaleStateError
from gateway.core.log import FeedLook, HistoryPage
from gateway.core.model import HistoryEvent
from gateway.storage import feed
from gateway.storage.bulk import execute_many
from gateway.storage.codec import reading
from gateway.storage.named_lock import NamedLock, acquire
from gateway.storage.reopened import feed_leaps
from gateway.storage.rows import among, chunks, maybe_moment
from gateway.storage.statements import Row, Statements
from gateway.storage.tables import checkpoints, leaves, openings, pending_leaves, tree_head, tree_nodes

Position = tuple[int, int]

HASH_BYTES: Final = 32
EMPTY_TREE: Final = TreeHead(size=0, root=hashlib.sha256(b"").digest(), frontier=())
"""RFC 6962 section 2.1: the hash of an empty list is the hash of an empty string."""

_OPEN: Final = insert(openings)
_PEND: Final = insert(pending_leaves)
_OLDEST: Final = select(pending_leaves.c.row).order_by(pending_leaves.c.row).limit(bindparam("rows"))
_TAKE: Final = (
    delete(pending_leaves)
    .where(pending_leaves.c.row.in_(_OLDEST))
    .returning(pending_leaves.c.row, pending_leaves.c.data)
)
_COUNT_PENDING: Final = select(func.count()).select_from(pending_leaves)
_ANY_PENDING: Final = select(exists(select(pending_leaves.c.row)))

_HEAD: Final = select(tree_head)
_FIRST_HEAD: Final = insert(tree_head)
_MOVE_HEAD: Final = (
    update(tree_head)
    .where(tree_head.c.size == bindparam("old_size"))
    .values(size=bindparam("size"), root=bindparam("root"), frontier=bindparam("frontier"))
    .returning(tree_head.c.base)
)
_ADD_LEAF: Final = insert(leaves)
_ADD_NODE: Final = insert(tree_nodes)
_LEAF_HASHES: Final = select(leaves.c.position, leaves.c.hash).where(among(leaves.c.position, "positions"))
_NODES: Final = select(tree_nodes.c.position, tree_nodes.c.hash).where(
    tree_nodes.c.level == bindparam("level"), among(tree_nodes.c.position, "positions")
)
_INDEXES: Final = select(leaves.c.hash, leaves.c.position).where(among(leaves.c.hash, "hashes"))
_LEAVES: Final = (
    select(leaves.c.data)
    .where(leaves.c.position >= bindparam("first"), leaves.c.position < bindparam("end"))
    .order_by(leaves.c.position)
)
_HISTORY: Final = select(openings).where(openings.c.document == bindparam("document")).order_by(openings.c.row)
_HISTORY_AFTER: Final = _HISTORY.where(openings.c.row > bindparam("after")).limit(bindparam("rows"))
_OF_SUBJECT: Final = _HISTORY_AFTER.where(openings.c.subject == bindparam("subject"))
_OPENINGS: Final = (
    select(openings.c.row, openings.c.hash, openings.c.salt, openings.c.private)
    .where(openings.c.row > bindparam("after"))
    .order_by(openings.c.row)
    .limit(bindparam("rows"))
)
_NEWEST_AT: Final = select(openings.c.at).order_by(openings.c.row.desc()).limit(1)
_SALTS: Final = select(openings.c.hash, openings.c.salt).where(among(openings.c.hash, "hashes"))
_NEWEST_SIZE: Final = select(func.max(checkpoints.c.size)).scalar_subquery()
_CHECKPOINT: Final = select(checkpoints).where(checkpoints.c.size == _NEWEST_SIZE)
_CHECKPOINTS: Final = (
    select(checkpoints)
    .where(checkpoints.c.size > bindparam("after"))
    .order_by(checkpoints.c.size)
    .limit(bindparam("rows"))
)
_PUBLISH: Final = insert(checkpoints)


class LogLedger:
    """Implements `gateway.core.ledgers.Log` on one connection; `events` says what this unit appended."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection
        self._unwritten: list[Leaf] = []
        self.events: list[EventKind] = []
        """What was appended in this unit."""

    # --- leaves ------------------------------------------------------------------------------------------------------

    def append(self, leaf: Leaf) -> None:
        """Keep a leaf with its opening; written at the latest when the unit ends."""
        self._unwritten.append(leaf)
        self.events.append(leaf.event.kind)

    @property
    def appended(self) -> bool:
        """Whether this unit appended a leaf."""
        return bool(self.events)

    def flush(self) -> None:
        """Write what was appended."""
        if self._unwritten:
            execute_many(self._connection, _OPEN, [_opening_values(leaf) for leaf in self._unwritten])
            execute_many(self._connection, _PEND, [{"data": leaf.data} for leaf in self._unwritten])
            self._unwritten.clear()

    def pending(self, limit: int) -> tuple[bytes, ...]:
        """Take the oldest pending leaves out."""
        self.flush()
        # By the rows themselves and not by a range: on PostgreSQL a lower row may become visible later.
        taken = sorted(self._connection.execute(_TAKE, {"rows": limit}).all(), key=lambda row: row.row)
        return tuple(row.data for row in taken)

    def unsequenced(self) -> int:
        """How many leaves are pending."""
        self.flush()
        return int(self._connection.execute(_COUNT_PENDING).scalar_one())

    def any_pending(self) -> bool:
        """Whether leaves wait for the sequencer (for the store; not a verb of the port)."""
        self.flush()
        return bool(self._connection.execute(_ANY_PENDING).scalar_one())

    def newest_at(self) -> datetime | None:
        """When the newest event happened."""
        self.flush()
        return maybe_moment(self._connection.execute(_NEWEST_AT).scalar_one_or_none())

    # --- the tree ----------------------------------------------------------------------------------------------------

    def head(self) -> TreeHead:
        """The tree as sequenced so far."""
        row = self._connection.execute(_HEAD).one_or_none()
        return EMPTY_TREE if row is None else _head(row)

    def extend(self, old_size: int, head: TreeHead, leaves: Sequence[bytes], nodes: Mapping[Position, bytes]) -> None:
        """Append leaves and nodes and move the head, if the stored size is `old_size`."""
        assert head.size == old_size + len(leaves), "a head that does not cover these leaves"
        base = self._move_head(old_size, head)
        if leaves:
            rows = [
                {"position": position, "hash": nodes[0, position], "data": data}
                for position, data in enumerate(leaves, old_size)
            ]
            execute_many(self._connection, _ADD_LEAF, rows)
            feed.fill(self._connection, old_size, head.size, base)
        inner = [{"level": level, "position": n, "hash": node} for (level, n), node in nodes.items() if level > 0]
        if inner:
            execute_many(self._connection, _ADD_NODE, inner)

    def _move_head(self, old_size: int, head: TreeHead) -> int:
        """And what positions of the feed are counted from: 0, or beyond all that was told before a restore."""
        values = {"size": head.size, "root": head.root, "frontier": b"".join(head.frontier)}
        moved = self._connection.execute(_MOVE_HEAD, values | {"old_size": old_size}).scalars()
        if moved:
            return int(moved[0])
        if old_size != 0 or self._connection.execute(_HEAD).one_or_none() is not None:
            raise StaleStateError
        self._connection.execute(_FIRST_HEAD, values | {"one": 1})
        return 0

    def nodes(self, positions: Sequence[Position]) -> Mapping[Position, bytes]:
        """The stored nodes at those positions; level 0 is the leaf hashes."""
        by_level: dict[int, list[int]] = {}
        for level, position in positions:
            by_level.setdefault(level, []).append(position)
        found: dict[Position, bytes] = {}
        for level, wanted in by_level.items():
            for some in chunks(wanted):
                statement = _NODES if level else _LEAF_HASHES
                names = {"positions": list(some)} | ({"level": level} if level else {})
                for row in self._connection.execute(statement, names):
                    found[level, row.position] = row.hash
        return {position: found[position] for position in positions}

    def indexes(self, leaf_hashes: Sequence[bytes]) -> Mapping[bytes, int]:
        """Index of each sequenced leaf."""
        found: dict[bytes, int] = {}
        for some in chunks(leaf_hashes):
            for row in self._connection.execute(_INDEXES, {"hashes": list(some)}):
                found[row.hash] = row.position
        return found

    def leaves(self, first: int, count: int) -> tuple[bytes, ...]:
        """Leaf bytes from an index on."""
        return tuple(self._connection.execute(_LEAVES, {"first": first, "end": first + count}).scalars())

    # --- openings ----------------------------------------------------------------------------------------------------

    def history(self, document: str) -> tuple[HistoryEvent, ...]:
        """The opened events of a document or incoming transfer; `detail` is the private part, canonical JSON."""
        self.flush()
        return tuple(_event(row) for row in self._connection.execute(_HISTORY, {"document": document}))

    def history_after(self, document: str, after: int, limit: int, *, subject: str | None = None) -> HistoryPage:
        """A page of that; one row more is read to know whether more follow."""
        assert limit > 0, "a page without rows"
        self.flush()
        statement = _HISTORY_AFTER if subject is None else _OF_SUBJECT
        names: dict[str, Any] = {"document": document, "after": after, "rows": limit + 1}
        found = self._connection.execute(statement, names if subject is None else names | {"subject": subject}).all()
        shown = found[:limit]
        return HistoryPage(
            events=tuple(map(_event, shown)),
            next_after=shown[-1].row if shown else after,
            more=len(found) > limit,
        )

    def openings(self, after: int, limit: int) -> tuple[tuple[int, bytes, bytes, bytes], ...]:
        """(row, leaf hash, salt, private) in the order of appending."""
        self.flush()
        rows = self._connection.execute(_OPENINGS, {"after": after, "rows": limit})
        return tuple((row.row, row.hash, row.salt, row.private) for row in rows)

    def feed(self, organs: frozenset[OrganId], after: int, limit: int) -> FeedLook:
        """Events of these bodies after a position; the head is read first, so that all up to it is there afterwards."""
        row = self._connection.execute(_HEAD).one_or_none()
        newest = -1 if row is None else row.base + row.size - 1
        leaps = feed_leaps(self._connection) if row is not None and after < row.base else ()
        return feed.look(self._connection, sorted(organs), (after, newest), limit, leaps)

    def salts(self, leaf_hashes: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """The salt of each of these leaves."""
        self.flush()
        found: dict[bytes, bytes] = {}
        for some in chunks(leaf_hashes):
            for row in self._connection.execute(_SALTS, {"hashes": list(some)}):
                found[row.hash] = row.salt
        return found

    # --- checkpoints -------------------------------------------------------------------------------------------------

    def checkpoint(self) -> tuple[int, str] | None:
        """Size and text of the newest checkpoint."""
        row = self._connection.execute(_CHECKPOINT).one_or_none()
        return None if row is None else (row.size, row.note)

    def checkpoints(self, after: int, limit: int) -> tuple[tuple[int, str], ...]:
        """Size and text of every checkpoint of more leaves than `after`, the smallest first."""
        rows = self._connection.execute(_CHECKPOINTS, {"after": after, "rows": limit})
        return tuple((row.size, row.note) for row in rows)

    def publish(self, size: int, note: str) -> None:
        """Keep a newer checkpoint; the older ones stay."""
        acquire(self._connection, NamedLock.CHECKPOINTS)
        newest = self.checkpoint()
        assert newest is None or newest[0] < size, f"checkpoint {size} is not newer than the stored one"
        self._connection.execute(_PUBLISH, {"size": size, "note": note})


def _opening_values(leaf: Leaf) -> dict[str, Any]:
    return {
        "hash": leaf.hash,
        "salt": leaf.salt,
        "private": leaf.private,
        "at": to_millis(leaf.event.at),
        "event": leaf.event.kind.value,
        "subject": leaf.event.subject,
        "document": leaf.event.document,
        "recipient": leaf.event.recipient,
        "organ": leaf.event.organ,
    }


@reading
def _head(row: Row) -> TreeHead:
    if len(row.frontier) != HASH_BYTES * row.size.bit_count():
        raise ValueError("a frontier that is not of this size")
    frontier = tuple(row.frontier[n : n + HASH_BYTES] for n in range(0, len(row.frontier), HASH_BYTES))
    return TreeHead(size=row.size, root=row.root, frontier=frontier)


@reading
def _event(row: Row) -> HistoryEvent:
    return HistoryEvent(
        at=from_millis(row.at),
        event=row.event,
        subject=row.subject,
        recipient=None if row.recipient is None else OrganId(row.recipient),
        organ=OrganId(row.organ),
        detail=row.private.decode(),
        leaf_hash=row.hash.hex(),
    )
