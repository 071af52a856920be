"""Checking a log as a stranger would: everything again from the leaves, believing no stored hash.

`verify_log` walks a whole log page by page; `verify_logged` checks one leaf of a receipt, with nothing but the receipt
and the log's key.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.errors import AuditError, ProofError
from gateway.audit.leaf import LeafFields, leaf_hash, open_leaf, parse_leaf
from gateway.audit.note import VerifierKey
from gateway.audit.proof import InclusionProof
from gateway.audit.tree import Climbed, Position, empty_head, extend
from gateway.core.events import TreeHead
from gateway.core.limits import LOG_PAGE_LEAVES

FAULTS_MAX: Final = 20
"""A report names this many faults; one changed leaf already disturbs every node above it."""


# --- one leaf of a receipt ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedLeaf:
    """A leaf with all that shows what it says and where it stands: one line of a receipt."""

    data: bytes
    salt: bytes
    private: bytes
    """Canonical JSON of the private part, rebuilt from the claims by whoever checks them."""
    proof: InclusionProof


def verify_logged(leaf: LoggedLeaf, checkpoint: Checkpoint, *, climbed: Climbed | None = None) -> LeafFields:
    """What a leaf says, once its opening fits and its proof leads to the root of a checkpoint already verified.

    `climbed`: for more leaves under the same checkpoint, see `verify_inclusion`.

    The caller still owes: the checkpoint opened with the log's key (`verify_checkpoint`), and the fields compared with
    the claims of the receipt.

    Raises:
        AuditError: which of it does not hold.
    """
    fields = open_leaf(leaf.data, leaf.salt, leaf.private)
    if leaf.proof.size != checkpoint.size:
        raise ProofError("a proof for a tree of another size than the checkpoint's")
    leaf.proof.check(leaf_hash(leaf.data), checkpoint.root, climbed=climbed)
    return fields


# --- a whole log -------------------------------------------------------------------------------------------------------


class LogReader(Protocol):
    """The reading half of the `Log` ledger."""

    def head(self) -> TreeHead:
        """The tree as sequenced so far."""
        ...

    def nodes(self, positions: Sequence[Position]) -> Mapping[Position, bytes]:
        """Stored nodes; KeyError when one is missing."""
        ...

    def indexes(self, leaf_hashes: Sequence[bytes]) -> Mapping[bytes, int]:
        """Index of each sequenced leaf."""
        ...

    def leaves(self, first: int, count: int) -> tuple[bytes, ...]:
        """Leaf bytes from an index on."""
        ...

    def openings(self, after: int, limit: int) -> tuple[tuple[int, bytes, bytes, bytes], ...]:
        """(row, leaf hash, salt, private) in the order of appending."""
        ...

    def checkpoint(self) -> tuple[int, str] | None:
        """The newest published checkpoint."""
        ...

    def checkpoints(self, after: int, limit: int) -> tuple[tuple[int, str], ...]:
        """The published checkpoints of more leaves than `after`, in order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that does not hold."""

    index: int | None
    """The leaf it was found at, where there is one."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What a check of a whole log found."""

    leaves: int
    """Sequenced leaves whose hashes were recomputed."""
    openings: int
    """Openings that fit their leaf."""
    pending: int
    """Openings whose leaf has no index yet."""
    events: Mapping[str, int]
    """Leaves by event."""
    root: bytes
    """Root recomputed from the leaves."""
    checkpoint: Checkpoint | None
    """The published checkpoint, if its signature holds."""
    closed: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Logs that a restore closed, and how many of their leaves are here."""
    lost: tuple[Checkpoint, ...] = ()
    """Checkpoints of logs that a restore closed, with leaves that it lost: no fault of this one, which says so itself."""
    faults: tuple[Fault, ...]
    """At most `FAULTS_MAX`; empty when everything holds."""

    @property
    def sound(self) -> bool:
        """Whether everything holds."""
        return not self.faults


@dataclass(slots=True)
class _Findings:
    """What gathers on the way: a few counters, the roots at the sizes of interest, one bit per leaf."""

    read: LogReader
    marks: dict[int, bytes]
    """Recomputed root at each size that a checkpoint speaks of."""
    events: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    disturbed: list[int] = field(default_factory=list)
    """First leaves under the stored nodes that were found wrong."""
    opened: bytearray = field(default_factory=bytearray)
    openings: int = 0
    pending: int = 0

    def fault(self, reason: str, index: int | None = None) -> None:
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(Fault(index=index, reason=reason))


def verify_log(
    read: LogReader,
    keys: Sequence[VerifierKey],
    *,
    known: Sequence[Checkpoint] = (),
    closed: Mapping[str, int] = MappingProxyType({}),
) -> LogReport:
    """Check a whole log, holding at most `LOG_PAGE_LEAVES` leaves and a bit per leaf in memory.

    1. Every leaf is canonical, and the event it names as its subject's previous one stands before it.
    2. Hashes and tree are recomputed from the leaves; every stored node, and the head, is as recomputed.
    3. The published checkpoint is signed by the log (`keys`) and is a root of this tree at its size; so are the `known`
       checkpoints (an officer's from the last visit, those in peers' receipts, the signer's memory).
    4. Every opening fits its leaf, and every leaf has an opening.
    5. Every older checkpoint that is kept bears the log's signature still.

    Logs that a restore `closed` shared so many leaves with this one: what is known of those beyond is lost, and told so.

    Whether every change of state *has* a leaf the tables of documents tell, not the log.
    """
    found = _Findings(read=read, marks={})
    head, published = read.head(), _published(found, keys)
    every = [*known, *([published] if published else [])]
    lost = [one for one in every if one.size > closed.get(one.origin, one.size)]
    checkpoints = [one for one in every if one not in lost]
    found.marks = {checkpoint.size: b"" for checkpoint in checkpoints}
    recomputed = _check_leaves(found, head)
    if recomputed != head:
        found.fault("the stored head is not the one recomputed from the leaves")
    for checkpoint in checkpoints:
        if found.marks[checkpoint.size] != checkpoint.root:
            found.fault(f"the log is not the one that the checkpoint of size {checkpoint.size} was signed for")
    _check_openings(found, recomputed.size)
    _check_older(found, keys)
    return LogReport(
        leaves=recomputed.size,
        openings=found.openings,
        pending=found.pending,
        events=dict(sorted(found.events.items())),
        root=recomputed.root,
        checkpoint=published,
        closed=closed,
        lost=tuple(sorted(lost, key=lambda one: one.size)),
        faults=tuple(found.faults),
    )


def _published(found: _Findings, keys: Sequence[VerifierKey]) -> Checkpoint | None:
    stored = found.read.checkpoint()
    if stored is None:
        return None
    try:
        return _opened(stored, keys)
    except AuditError as error:
        found.fault(f"published checkpoint: {error}")
        return None


def _opened(stored: tuple[int, str], keys: Sequence[VerifierKey]) -> Checkpoint:
    checkpoint = open_checkpoint(stored[1], keys)
    if checkpoint.size != stored[0]:
        raise ProofError("its row names another size")
    return checkpoint


def _check_older(found: _Findings, keys: Sequence[VerifierKey]) -> None:
    """Duty 5, page by page. The newest was looked at already."""
    newest, after = found.read.checkpoint(), -1
    while page := found.read.checkpoints(after, LOG_PAGE_LEAVES):
        after = page[-1][0]
        for stored in page:
            try:
                if stored != newest:
                    _opened(stored, keys)
            except AuditError as error:
                found.fault(f"checkpoint of size {stored[0]}: {error}")


def _check_leaves(found: _Findings, head: TreeHead) -> TreeHead:
    """Recompute the tree from the leaves, page by page; the head that comes out."""
    grown = empty_head()
    if 0 in found.marks:
        found.marks[0] = grown.root
    for stop in _stops(head.size, sorted(found.marks)):
        page = found.read.leaves(grown.size, stop - grown.size)
        _check_page(found, grown.size, page)
        hashes = [leaf_hash(data) for data in page]
        grown, nodes = extend(grown, hashes)
        _check_nodes(found, nodes)
        if grown.size != stop:
            found.fault("a leaf is missing", grown.size)
            return grown
        if stop in found.marks:
            found.marks[stop] = grown.root
    if found.read.leaves(head.size, 1):
        found.fault("a leaf beyond the head", head.size)
    return grown


def _stops(size: int, marks: Sequence[int]) -> Iterator[int]:
    """Ends of the pages: as large as allowed, and one at every size whose root is asked for."""
    at = 0
    while at < size:
        following = bisect_right(marks, at)
        stop = min(at + LOG_PAGE_LEAVES, size)
        at = min(stop, marks[following]) if following < len(marks) else stop
        yield at


def _check_page(found: _Findings, first: int, page: Sequence[bytes]) -> None:
    """Duty 1: each leaf is canonical and follows its subject's previous event."""
    previous: list[tuple[int, bytes]] = []
    for index, data in enumerate(page, first):
        try:
            fields = parse_leaf(data)
        except AuditError as error:
            found.fault(str(error), index)
            continue
        found.events[fields.event] = found.events.get(fields.event, 0) + 1
        if fields.previous:
            previous.append((index, fields.previous))
    indexes = found.read.indexes([leaf for _, leaf in previous])
    for index, leaf in previous:
        if indexes.get(leaf, index) >= index:
            found.fault("the previous event that it names does not stand before it", index)


def _check_nodes(found: _Findings, nodes: Mapping[Position, bytes]) -> None:
    """Duty 2: the stored nodes are as recomputed. Above a wrong one all are wrong: only the lowest is named."""
    stored = _stored(found.read, sorted(nodes))
    for level, index in sorted(nodes):
        under = range(index << level, index + 1 << level)
        if stored.get((level, index)) == nodes[level, index] or any(leaf in under for leaf in found.disturbed):
            continue
        what = "missing" if (level, index) not in stored else "not the one recomputed from the leaves"
        found.fault(f"the stored hash at level {level} is {what}", under.start)
        if len(found.disturbed) < FAULTS_MAX:
            found.disturbed.append(under.start)


def _stored(read: LogReader, positions: Sequence[Position]) -> Mapping[Position, bytes]:
    try:
        return read.nodes(positions)
    except KeyError:
        return dict(_one_by_one(read, positions))


def _one_by_one(read: LogReader, positions: Sequence[Position]) -> Iterator[tuple[Position, bytes]]:
    for position in positions:
        try:
            yield position, read.nodes([position])[position]
        except KeyError:
            continue


def _check_openings(found: _Findings, size: int) -> None:
    """Duty 4. One bit per leaf remembers which have been opened, since rows may come in another order than leaves."""
    found.opened = bytearray((size + 7) // 8)
    after = -1
    while rows := found.read.openings(after, LOG_PAGE_LEAVES):
        after = rows[-1][0]
        indexes = found.read.indexes([leaf for _, leaf, _, _ in rows])
        sequenced = sorted((indexes[leaf], salt, private) for _, leaf, salt, private in rows if leaf in indexes)
        found.pending += len(rows) - len(sequenced)
        _open_sorted(found, [row for row in sequenced if row[0] < size])
    for byte, bits in enumerate(found.opened):
        for index in range(8 * byte, min(8 * byte + 8, size)) if bits != 0xFF else ():
            if not bits >> index % 8 & 1:
                found.fault("a leaf without an opening", index)


def _open_sorted(found: _Findings, rows: Sequence[tuple[int, bytes, bytes]]) -> None:
    """Openings of one page in the order of the leaves; neighbours are fetched together."""
    start = 0
    while start < len(rows):
        first, end = rows[start][0], start + 1
        while end < len(rows) and rows[end][0] == first + end - start:
            end += 1
        leaves = found.read.leaves(first, end - start)
        for (index, salt, private), data in zip(rows[start:end], leaves, strict=True):
            found.opened[index // 8] |= 1 << index % 8
            try:
                open_leaf(data, salt, private)
            except AuditError as error:
                found.fault(f"opening: {error}", index)
            else:
                found.openings += 1
        start = end
