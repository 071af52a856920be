"""Three formulations must agree: the textbook recursion here, the prover (ranges), the verifier (bits)."""

import base64
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit import ProofError, empty_head, empty_root, leaf_hash, verify_consistency, verify_inclusion
from gateway.audit.tree import (
    Climbed,
    Nodes,
    Position,
    consistency_path,
    consistency_positions,
    extend,
    inclusion_paths,
    node_hash,
    root_at,
    root_of,
    root_positions,
)
from tests.unit.audit.world import vectors

SIZE = 70
LEAVES = [leaf_hash(b"leaf %d" % number) for number in range(SIZE)]
HEAD, NODES = extend(empty_head(), LEAVES)


def textbook_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return empty_root()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(textbook_root(leaves[:k]), textbook_root(leaves[k:]))


ROOTS = [textbook_root(LEAVES[:size]) for size in range(SIZE + 1)]


def only(positions: list[tuple[int, int]]) -> Nodes:
    """Just the nodes that were asked for: a path that needs another one fails."""
    return {position: NODES[position] for position in positions}


@given(st.lists(st.integers(0, 40), max_size=12))
def test_growing_in_any_batches_gives_the_textbook_root(batches: list[int]) -> None:
    head, size = empty_head(), 0
    nodes: dict[Position, bytes] = {}
    for wish in batches:
        batch = min(wish, SIZE - size)
        head, added = extend(head, LEAVES[size : size + batch])
        assert not nodes.keys() & added.keys()
        nodes |= added
        size += batch
    assert (head.size, head.root) == (size, ROOTS[size])
    assert root_of(head.frontier) == head.root
    assert nodes == {position: NODES[position] for position in nodes}
    assert len(nodes) == 2 * size - size.bit_count()


def test_every_root_comes_back_from_the_stored_nodes() -> None:
    for size in range(SIZE + 1):
        assert root_at(size, only(root_positions(size))) == ROOTS[size]


def test_every_leaf_of_every_size_is_proven_and_no_other() -> None:
    chance = random.Random(1)
    for size in range(1, SIZE + 1):
        for index in range(size):
            path = inclusion_paths([index], size, only)[index]
            verify_inclusion(LEAVES[index], index=index, size=size, path=path, root=ROOTS[size])
            for leaf, at, of, way, root in _inclusion_lies(index, size, path, chance):
                with pytest.raises(ProofError):
                    verify_inclusion(leaf, index=at, size=of, path=way, root=root)


def _inclusion_lies(
    index: int, size: int, path: tuple[bytes, ...], chance: random.Random
) -> list[tuple[bytes, int, int, tuple[bytes, ...], bytes]]:
    leaf, root, junk = LEAVES[index], ROOTS[size], leaf_hash(b"junk")
    lies = [
        (junk, index, size, path, root),
        (leaf, index, size, path, junk),
        (leaf, index, size, (*path, junk), root),
        (leaf, index, size, (*path, root), root),
        (leaf, size, size, path, root),
        (leaf, -1, size, path, root),
        (leaf, index, 0, path, root),
        (leaf, index, size, (*path, b""), root),
    ]
    if path:
        at = chance.randrange(len(path))
        flipped = bytes([path[at][0] ^ 1 << chance.randrange(8)]) + path[at][1:]
        lies += [
            (leaf, index ^ 1, size, path, root),
            (leaf, index, size, path[1:], root),
            (leaf, index, size, path[:-1], root),
            (leaf, index, size, (*path[:at], flipped, *path[at + 1 :]), root),
            (leaf, index, size, (*path[:at], path[at] + b"\0", *path[at + 1 :]), root),
        ]
    return lies


def test_every_pair_of_sizes_is_consistent() -> None:
    for new in range(1, SIZE + 1):
        for old in range(1, new + 1):
            path = consistency_path(old, new, only(consistency_positions(old, new)))
            verify_consistency(old_size=old, new_size=new, old_root=ROOTS[old], new_root=ROOTS[new], path=path)


@settings(max_examples=400)
@given(st.data())
def test_a_changed_consistency_proof_proves_nothing(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, SIZE))
    old = data.draw(st.integers(1, new - 1))
    path = consistency_path(old, new, NODES)
    assert path
    at, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
    junk = data.draw(st.binary(min_size=32, max_size=32))
    flipped = (int.from_bytes(path[at]) ^ 1 << bit).to_bytes(32)
    lies = [
        (old, new, ROOTS[old], ROOTS[new], (*path[:at], flipped, *path[at + 1 :])),
        (old, new, ROOTS[old], ROOTS[new], (*path[:at], path[at][:31], *path[at + 1 :])),
        (old, new, ROOTS[old], ROOTS[new], (*path[:at], *path[at + 1 :])),
        (old, new, ROOTS[old], ROOTS[new], (*path, junk)),
        (old, new, ROOTS[old], ROOTS[new], (junk, *path)),
        (old, new, ROOTS[old], ROOTS[new], ()),
        (old, new, junk, ROOTS[new], path),
        (old, new, ROOTS[old], junk, path),
        (old, new, ROOTS[new], ROOTS[old], path),
        (new, old, ROOTS[new], ROOTS[old], path),
        (0, new, empty_root(), ROOTS[new], path),
        (-old, new, ROOTS[old], ROOTS[new], path),
        (old, 2**64, ROOTS[old], ROOTS[new], path),
    ]
    for old_size, new_size, old_root, new_root, way in lies:
        with pytest.raises(ProofError):
            verify_consistency(old_size=old_size, new_size=new_size, old_root=old_root, new_root=new_root, path=way)


def test_bytes_cannot_move_between_neighbouring_hashes() -> None:
    first, second = LEAVES[:2]
    old_root, path = first + second[:1], (second[1:],)
    assert node_hash(old_root, path[0]) == ROOTS[2]
    with pytest.raises(ProofError, match="32 bytes"):
        verify_consistency(old_size=1, new_size=2, old_root=old_root, new_root=ROOTS[2], path=path)
    with pytest.raises(ProofError, match="32 bytes"):
        verify_inclusion(old_root, index=0, size=2, path=path, root=ROOTS[2])


def test_the_reference_tree_of_rfc_6962() -> None:
    reference = json.loads((vectors("tlog") / "rfc6962_reference.json").read_text())
    leaves = [leaf_hash(bytes.fromhex(text)) for text in reference["leaf_inputs_hex"]]
    head, nodes = extend(empty_head(), leaves)
    for level, row in enumerate(reference["node_hashes_by_level_hex"]):
        assert [nodes[level, index].hex() for index in range(len(row))] == row
    for size, root in enumerate(reference["root_hashes_by_size_hex"]):
        assert extend(empty_head(), leaves[:size])[0].root.hex() == root == root_at(size, nodes).hex()
    assert head.size == len(leaves)


def _hashes(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


def _one(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def _files(kind: str) -> list[Path]:
    return sorted((vectors("merkle") / "testdata" / kind).rglob("*.json"))


def test_the_inclusion_vectors() -> None:
    files = _files("inclusion")
    assert files
    for file in files:
        case = json.loads(file.read_text())

        def check(case: dict[str, Any] = case) -> None:
            verify_inclusion(
                _one(case["leafHash"]),
                index=case["leafIdx"],
                size=case["treeSize"],
                path=_hashes(case["proof"]),
                root=_one(case["root"]),
            )

        _expect(check, error=case["wantErr"])


def test_the_consistency_vectors() -> None:
    files = _files("consistency")
    assert files
    for file in files:
        case = json.loads(file.read_text())

        def check(case: dict[str, Any] = case) -> None:
            verify_consistency(
                old_size=case["size1"],
                new_size=case["size2"],
                old_root=_one(case["root1"]),
                new_root=_one(case["root2"]),
                path=_hashes(case["proof"]),
            )

        _expect(check, error=case["wantErr"])


def _expect(check: Callable[[], None], *, error: bool) -> None:
    if error:
        with pytest.raises(ProofError):
            check()
    else:
        check()


def test_our_tree_of_70000_leaves() -> None:
    tree = json.loads((vectors("tlog") / "own_generated" / "tree70000.json").read_text())
    leaves = [leaf_hash(b"leaf %d" % number) for number in range(70_000)]
    _, nodes = extend(empty_head(), leaves)
    for size, root in tree["roots"].items():
        assert root_at(int(size), nodes) == _one(root)
    for case in tree["inclusion"]:
        index = case["index"]
        assert list(inclusion_paths([index], case["size"], lambda _: nodes)[index]) == _hashes(case["proof"])
    for case in tree["consistency"]:
        path = consistency_path(case["old"], case["new"], nodes)
        assert list(path) == _hashes(case["proof"])


def test_what_was_climbed_once_is_not_believed_under_another_rest_of_the_way() -> None:
    """Neighbours are checked with what is known of their shared way; a path that is wrong above it is refused all the same."""
    leaves = LEAVES[:11]
    head, nodes = extend(empty_head(), leaves)
    climbed: Climbed = {}
    for index, leaf in enumerate(leaves):
        path = inclusion_paths([index], head.size, lambda _: nodes)[index]
        verify_inclusion(leaf, index=index, size=head.size, path=path, root=head.root, climbed=climbed)
        for position in range(len(path)):
            wrong = (*path[:position], bytes(32), *path[position + 1 :])
            with pytest.raises(ProofError):
                verify_inclusion(leaf, index=index, size=head.size, path=wrong, root=head.root, climbed=climbed)
        with pytest.raises(ProofError):
            verify_inclusion(bytes(32), index=index, size=head.size, path=path, root=head.root, climbed=climbed)
