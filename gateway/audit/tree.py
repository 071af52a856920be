"""The hash tree of RFC 6962: growing it, proving from it, and checking proofs. Pure functions over 32-byte hashes.

A *position* (level, index) names a perfect subtree: the 2^level leaves from index * 2^level on. Once its last leaf is
there, its hash never changes, so these are the nodes a log stores. Everything ragged (the right edge of a tree whose
size is no power of two) is computed from them when it is needed.

Provers go by ranges of leaves, verifiers by the bits of index and size: two ways to the same shape, so one mistake
does not agree with itself.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

from gateway.audit.errors import ProofError
from gateway.core.events import TreeHead

HASH_BYTES: Final = 32
SIZE_MAX: Final = 2**63 - 1
"""No log grows beyond it, and no stranger's number may."""

Position = tuple[int, int]
Nodes = Mapping[Position, bytes]
_Range = tuple[int, int]
Climbed = dict[tuple[int, int, bytes], tuple[bytes, ...]]
"""Nodes that were found to lead to one root of one size, and the rest of their way: neighbours share most of theirs."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def empty_root() -> bytes:
    """Root of the tree without leaves: SHA-256 of nothing."""
    return sha256(b"").digest()


# --- growing -----------------------------------------------------------------------------------------------------------


def root_of(frontier: Sequence[bytes]) -> bytes:
    """Root of a tree from the roots of its perfect subtrees, largest first."""
    if not frontier:
        return empty_root()
    root = frontier[-1]
    for left in reversed(frontier[:-1]):
        root = node_hash(left, root)
    return root


def empty_head() -> TreeHead:
    """Head of a log without leaves."""
    return TreeHead(size=0, root=empty_root(), frontier=())


def extend(head: TreeHead, leaf_hashes: Sequence[bytes]) -> tuple[TreeHead, dict[Position, bytes]]:
    """The head after these leaves, and every node they complete (level 0, the leaf hashes, included)."""
    assert len(head.frontier) == head.size.bit_count(), "a frontier that is not of this size"
    frontier, size = list(head.frontier), head.size
    nodes: dict[Position, bytes] = {}
    for leaf in leaf_hashes:
        level, index, node = 0, size, leaf
        nodes[level, index] = node
        while index & 1:  # a right child: its parent is complete now
            node = node_hash(frontier.pop(), node)
            level, index = level + 1, index >> 1
            nodes[level, index] = node
        frontier.append(node)
        size += 1
    return TreeHead(size=size, root=root_of(frontier), frontier=tuple(frontier)), nodes


# --- proving -----------------------------------------------------------------------------------------------------------


def root_positions(size: int) -> list[Position]:
    """The stored nodes that the root of a tree of this size is made of."""
    return _cover(0, size)


def root_at(size: int, nodes: Nodes) -> bytes:
    """The root of the first `size` leaves, from stored nodes.

    Raises:
        KeyError: a needed node is missing.
    """
    return root_of([nodes[position] for position in _cover(0, size)])


def inclusion_paths(
    indexes: Iterable[int], size: int, look_up: Callable[[Sequence[Position]], Nodes]
) -> dict[int, tuple[bytes, ...]]:
    """The Merkle audit paths (RFC 6962 section 2.1.1), leaf to root, of many leaves by index.

    The stored nodes of all of them are looked up once, and each span is hashed once.

    Raises:
        KeyError: a needed node is missing.
    """
    spans = {index: _inclusion_ranges(index, size) for index in indexes}
    covers = {span: _cover(*span) for some in spans.values() for span in some}
    nodes = look_up(sorted({position for cover in covers.values() for position in cover}))
    hashes = {span: root_of([nodes[position] for position in cover]) for span, cover in covers.items()}
    return {index: tuple([hashes[span] for span in some]) for index, some in spans.items()}


def consistency_positions(old_size: int, new_size: int) -> list[Position]:
    """The stored nodes that the consistency proof between two sizes is made of."""
    return [position for span in _consistency_ranges(old_size, new_size) for position in _cover(*span)]


def consistency_path(old_size: int, new_size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """The consistency proof (RFC 6962 section 2.1.2).

    Raises:
        KeyError: a needed node is missing.
    """
    return tuple(_hash_of(span, nodes) for span in _consistency_ranges(old_size, new_size))


def _inclusion_ranges(index: int, size: int) -> list[_Range]:
    """Leaves under each sibling on the way from the leaf to the root: PATH(m, D[n]) of RFC 6962 section 2.1.1."""
    assert 0 <= index < size
    low, high, spans = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return spans[::-1]


def _consistency_ranges(old_size: int, new_size: int) -> list[_Range]:
    """Leaves under each hash of PROOF(m, D[n]), RFC 6962 section 2.1.2: m is the old size, n the new one."""
    assert 0 < old_size <= new_size
    low, high, spans = 0, new_size, []
    while high != old_size:
        middle = low + _split(high - low)
        if old_size <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    if low > 0:  # else the subtree is the old tree itself, whose root the verifier has
        spans.append((low, high))
    return spans[::-1]


def _split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1


def _cover(low: int, high: int) -> list[Position]:
    """The perfect subtrees that the leaves from `low` to before `high` fall into, largest first."""
    cover = []
    while low < high:
        level = (high - low).bit_length() - 1
        assert low & (1 << level) - 1 == 0, "a range that is no subtree"
        cover.append((level, low >> level))
        low += 1 << level
    return cover


def _hash_of(span: _Range, nodes: Nodes) -> bytes:
    return root_of([nodes[position] for position in _cover(*span)])


# --- checking ----------------------------------------------------------------------------------------------------------


def verify_inclusion(  # noqa: PLR0913 - RFC 9162 section 2.1.3.2 names five, and what is known of the way already
    leaf: bytes, *, index: int, size: int, path: Sequence[bytes], root: bytes, climbed: Climbed | None = None
) -> None:
    """Check that the leaf with hash `leaf` stands at `index` in the tree of `size` leaves with this root.

    `climbed`: remembered from other leaves of the same tree, and added to.

    Raises:
        ProofError: it does not follow.
    """
    if not 0 <= index < size <= SIZE_MAX:
        raise ProofError("an index that is not in the tree")
    _check_hashes((leaf, root, *path))
    # Below `inner` the leaf's way and the way of the last leaf differ: a sibling stands left or right as the bit of
    # the index says. Above it the leaf is on the right edge, where siblings stand only on the left.
    inner = (index ^ size - 1).bit_length()
    border = (index >> inner).bit_count()
    if len(path) != inner + border:
        raise ProofError(f"a path of {len(path)} hashes where {inner + border} belong")
    way: Climbed = {}
    node = leaf
    for level, sibling in enumerate(path[:inner]):
        if climbed is not None:
            place, rest = (level, index >> level, node), tuple(path[level:])
            if climbed.get(place) == rest:
                break
            way[place] = rest
        node = node_hash(sibling, node) if index >> level & 1 else node_hash(node, sibling)
    else:
        if _climb_edge(node, path[inner:]) != root:
            raise ProofError("the path leads to another root")
    if climbed is not None:
        climbed.update(way)


def verify_consistency(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the tree of `new_size` leaves begins with the tree of `old_size` leaves.

    Nothing is consistent with a tree of size 0 by proof: a caller that starts from nothing has nothing to check.

    Raises:
        ProofError: it does not follow.
    """
    if not 0 < old_size <= new_size <= SIZE_MAX:
        raise ProofError("sizes between which there is no proof")
    if old_size == new_size:
        if path or old_root != new_root:
            raise ProofError("two trees of one size with different roots, or a proof where none belongs")
        return
    _check_hashes((old_root, new_root, *path))
    # `shift` levels up is the last perfect subtree of the old tree; the proof starts from its root. When the old tree
    # is that subtree (a power of two), its root is known and left out of the proof (RFC 6962 section 2.1.2).
    last = old_size - 1
    shift = (old_size & -old_size).bit_length() - 1
    given = path if old_size != 1 << shift else (old_root, *path)
    inner = (last ^ new_size - 1).bit_length() - shift
    border = (last >> inner + shift).bit_count()
    if len(given) != 1 + inner + border:
        raise ProofError("a consistency proof of another length than the sizes ask for")
    seed, rest = given[0], given[1:]
    bits = last >> shift
    left_only = [node for level, node in enumerate(rest[:inner]) if bits >> level & 1]
    if _climb_edge(seed, (*left_only, *rest[inner:])) != old_root:
        raise ProofError("the proof leads to another old root")
    if _climb_edge(_climb(seed, rest[:inner], bits), rest[inner:]) != new_root:
        raise ProofError("the proof leads to another new root")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if {*map(len, hashes)} != {HASH_BYTES}:
        raise ProofError("a hash that is not 32 bytes long")


def _climb(node: bytes, siblings: Sequence[bytes], bits: int) -> bytes:
    for level, sibling in enumerate(siblings):
        node = node_hash(sibling, node) if bits >> level & 1 else node_hash(node, sibling)
    return node


def _climb_edge(node: bytes, siblings: Sequence[bytes]) -> bytes:
    for sibling in siblings:
        node = node_hash(sibling, node)
    return node
