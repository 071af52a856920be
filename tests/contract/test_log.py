"""The promises of the ledger `Log`, on the stores and on the kit's log in plain memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.audit import sequence
from gateway.core.events import Leaf, TreeHead
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.core.ports import Store
from tests.contract.stores import STORES
from tests.kit import rows
from tests.kit.memory_log import MemoryLogStore

T = TypeVar("T")


class SequencedLogStore(MemoryLogStore):
    """The kit's store, sequencing in the commit that left leaves, as the real ones do."""

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        result = await super().transact(work)
        self.do(sequence)
        return result


@pytest.fixture(params=[*STORES, "kit"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened: Store = SequencedLogStore() if request.param == "kit" else STORES[request.param](tmp_path)
    yield opened
    await opened.close()


async def append(store: Store, *leaves: Leaf) -> None:
    def work(uow: UnitOfWork) -> None:
        for leaf in leaves:
            uow.log.append(leaf)

    await store.transact(work)


async def test_leaves_are_pending_until_taken_in_the_order_of_appending(store: Store) -> None:
    leaves = [rows.leaf() for _ in range(5)]

    def work(uow: UnitOfWork) -> tuple[tuple[bytes, ...], ...]:
        for leaf in leaves:
            uow.log.append(leaf)
        assert uow.log.indexes([leaf.hash for leaf in leaves]) == {}
        return uow.log.pending(3), uow.log.pending(3), uow.log.pending(3)

    data = tuple(leaf.data for leaf in leaves)
    assert await store.transact(work) == (data[:3], data[3:], ())


async def test_sequenced_leaves_are_found_by_index_and_by_hash(store: Store) -> None:
    leaves = [rows.leaf() for _ in range(7)]
    await append(store, *leaves[:3])
    await append(store, *leaves[3:])
    assert await store.read(lambda uow: uow.log.leaves(0, 99)) == tuple(leaf.data for leaf in leaves)
    assert await store.read(lambda uow: uow.log.leaves(2, 3)) == tuple(leaf.data for leaf in leaves[2:5])
    assert await store.read(lambda uow: uow.log.leaves(7, 3)) == ()
    found = await store.read(lambda uow: uow.log.indexes([leaf.hash for leaf in leaves] + [b"unknown"]))
    assert found == {leaf.hash: index for index, leaf in enumerate(leaves)}


async def test_nodes_of_all_levels_are_found_and_a_missing_one_is_a_key_error(store: Store) -> None:
    leaves = [rows.leaf() for _ in range(5)]
    await append(store, *leaves)
    head = await store.read(lambda uow: uow.log.head())
    nodes = await store.read(lambda uow: uow.log.nodes([(0, 4), (2, 0), (0, 1)]))
    assert nodes == {(0, 4): leaves[4].hash, (2, 0): head.frontier[0], (0, 1): leaves[1].hash}
    for missing in ((0, 5), (3, 0), (1, 2)):
        with pytest.raises(KeyError):
            await store.read(lambda uow, missing=missing: uow.log.nodes([(0, 0), missing]))


async def test_the_head_of_a_new_log_is_the_empty_tree(store: Store) -> None:
    head = await store.read(lambda uow: uow.log.head())
    assert (head.size, head.frontier) == (0, ())
    assert head.root.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


async def test_the_head_moves_from_the_size_it_has_and_from_no_other(store: Store) -> None:
    head = TreeHead(size=1, root=b"r" * 32, frontier=(b"r" * 32,))
    nodes = {(0, 0): b"r" * 32}
    await store.transact(lambda uow: uow.log.extend(0, head, [b"leaf"], nodes))
    assert await store.read(lambda uow: uow.log.head()) == head
    for size in (0, 2):
        other = TreeHead(size=size + 1, root=b"s" * 32, frontier=(b"s" * 32,) * (size + 1).bit_count())

        def stale(uow: UnitOfWork, size: int = size, other: TreeHead = other) -> None:
            with pytest.raises(StaleStateError):
                uow.log.extend(size, other, [b"other"], {(0, size): b"s" * 32})

        await store.transact(stale)
    assert await store.read(lambda uow: uow.log.head()) == head
    assert await store.read(lambda uow: uow.log.leaves(0, 9)) == (b"leaf",)


async def test_a_leaf_is_appended_once(store: Store) -> None:
    leaf = rows.leaf()
    await append(store, leaf)
    with pytest.raises(AssertionError):
        await append(store, leaf)
    assert (await store.read(lambda uow: uow.log.head())).size == 1


async def test_history_is_of_one_document_oldest_first(store: Store) -> None:
    mine = [rows.leaf(document="d"), rows.leaf(document="d", recipient=None)]
    await append(store, mine[0], rows.leaf(document="e"), mine[1])
    events = await store.read(lambda uow: uow.log.history("d"))
    assert [(e.at, e.event, e.subject, e.recipient, e.detail, e.leaf_hash) for e in events] == [
        (m.event.at, m.event.kind, m.event.subject, m.event.recipient, m.private.decode(), m.hash.hex()) for m in mine
    ]
    assert await store.read(lambda uow: uow.log.history("none")) == ()


async def test_openings_go_by_row(store: Store) -> None:
    leaves = [rows.leaf() for _ in range(5)]
    await append(store, *leaves)
    first = await store.read(lambda uow: uow.log.openings(0, 3))
    rest = await store.read(lambda uow: uow.log.openings(first[-1][0], 9))
    assert [row[1:] for row in first + rest] == [(leaf.hash, leaf.salt, leaf.private) for leaf in leaves]
    assert [row[0] for row in first + rest] == sorted({row[0] for row in first + rest})


async def test_only_a_newer_checkpoint_is_kept(store: Store) -> None:
    assert await store.read(lambda uow: uow.log.checkpoint()) is None
    await store.transact(lambda uow: uow.log.publish(3, "three\n"))
    await store.transact(lambda uow: uow.log.publish(9, "nine\n"))
    for size in (3, 8, 9):
        with pytest.raises(AssertionError):
            await store.transact(lambda uow, size=size: uow.log.publish(size, "again\n"))
    assert await store.read(lambda uow: uow.log.checkpoint()) == (9, "nine\n")


async def test_many_callers_and_an_undone_unit_leave_one_tree_without_gaps(store: Store) -> None:
    def undone(uow: UnitOfWork) -> None:
        uow.log.append(rows.leaf())
        raise LookupError

    leaves = [rows.leaf() for _ in range(60)]
    units = [append(store, leaf) for leaf in leaves]
    units[30:30] = [store.transact(undone), store.transact(undone)]
    results = await asyncio.gather(*units, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [LookupError] * 2
    head = await store.read(lambda uow: uow.log.head())
    indexes = await store.read(lambda uow: uow.log.indexes([leaf.hash for leaf in leaves]))
    assert head.size == 60
    assert sorted(indexes.values()) == list(range(60))
    assert await store.transact(sequence) is None


async def test_pending_leaves_are_counted_and_not_taken(store: Store) -> None:
    leaves = [rows.leaf() for _ in range(3)]

    def work(uow: UnitOfWork) -> tuple[int, int]:
        before = uow.log.unsequenced()
        for leaf in leaves:
            uow.log.append(leaf)
        return before, uow.log.unsequenced()

    assert await store.transact(work) == (0, 3)
    assert await store.read(lambda uow: (uow.log.unsequenced(), uow.log.head().size)) == (0, 3)
