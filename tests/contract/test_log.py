"""The promises of the ledger `Log`, on the stores and on the kit's log in plain memory."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest

from gateway.audit import sequence
from gateway.core.events import NOBODY, Leaf, TreeHead
from gateway.core.ids import OrganId
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.core.log import FeedLook
from gateway.core.model import FeedEvent, HistoryEvent
from gateway.core.ports import Store
from gateway.storage import feed as storage_feed
from tests.contract.stores import STORES
from tests.kit import rows
from tests.kit.memory_log import MemoryLogStore

T = TypeVar("T")

ORGANS = tuple(OrganId(f"Z79.03.{n:03}") for n in range(6))
STRANGER = OrganId("Z79.99")


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


async def test_a_history_page_by_page(store: Store) -> None:
    mine = [rows.leaf(document="d", subject=f"s{n % 2}") for n in range(7)]
    for leaf in mine:
        await append(store, rows.leaf(document="e"), leaf)
    whole = await store.read(lambda uow: uow.log.history("d"))
    found: list[HistoryEvent] = []
    after, more = 0, True
    while more:
        page = await store.read(lambda uow, a=after: uow.log.history_after("d", a, 2))
        assert 0 < len(page.events) <= 2
        assert page.next_after > after
        found += page.events
        after, more = page.next_after, page.more
    assert tuple(found) == whole
    nothing = await store.read(lambda uow: uow.log.history_after("d", after, 2))
    assert (nothing.events, nothing.next_after, nothing.more) == ((), after, False)
    exactly = await store.read(lambda uow: uow.log.history_after("d", 0, 7))
    assert (exactly.events, exactly.more) == (whole, False)


async def test_a_history_of_one_subject_page_by_page(store: Store) -> None:
    mine = [rows.leaf(document="d", subject=f"s{n % 3}") for n in range(9)]
    await append(store, *mine, rows.leaf(document="e", subject="s1"))
    first = await store.read(lambda uow: uow.log.history_after("d", 0, 2, subject="s1"))
    rest = await store.read(lambda uow: uow.log.history_after("d", first.next_after, 2, subject="s1"))
    assert [event.leaf_hash for event in first.events + rest.events] == [leaf.hash.hex() for leaf in mine[1::3]]
    assert (first.more, rest.more) == (True, False)


async def test_what_happens_between_two_pages_shifts_nothing(store: Store) -> None:
    before = [rows.leaf(document="d") for _ in range(5)]
    await append(store, *before)
    first = await store.read(lambda uow: uow.log.history_after("d", 0, 3))
    late = rows.leaf(document="d")
    await append(store, late)
    rest = await store.read(lambda uow: uow.log.history_after("d", first.next_after, 3))
    told = [event.leaf_hash for event in first.events + rest.events]
    assert told == [leaf.hash.hex() for leaf in (*before, late)]


async def test_openings_go_by_row(store: Store) -> None:
    leaves = [rows.leaf() for _ in range(5)]
    await append(store, *leaves)
    first = await store.read(lambda uow: uow.log.openings(0, 3))
    rest = await store.read(lambda uow: uow.log.openings(first[-1][0], 9))
    assert [row[1:] for row in first + rest] == [(leaf.hash, leaf.salt, leaf.private) for leaf in leaves]
    assert [row[0] for row in first + rest] == sorted({row[0] for row in first + rest})


async def test_salts_are_found_by_leaf_pending_or_not(store: Store) -> None:
    leaves = [rows.leaf() for _ in range(3)]
    await append(store, *leaves)
    found = await store.read(lambda uow: uow.log.salts([leaves[2].hash, leaves[0].hash, b"unknown"]))
    assert found == {leaves[0].hash: leaves[0].salt, leaves[2].hash: leaves[2].salt}
    assert await store.read(lambda uow: uow.log.salts([])) == {}

    def unsequenced(uow: UnitOfWork) -> tuple[bytes, bytes | None]:
        leaf = rows.leaf()
        uow.log.append(leaf)
        return leaf.salt, uow.log.salts([leaf.hash]).get(leaf.hash)

    made, read = await store.transact(unsequenced)
    assert made == read


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


# --- the change feed: each event once, in order, gap-free, whoever writes meanwhile -------------------------------------


async def look(store: Store, organs: Sequence[OrganId], after: int, limit: int) -> FeedLook:
    return await store.read(lambda uow: uow.log.feed(frozenset(organs), after, limit))


async def replay(store: Store, organs: Sequence[OrganId], limit: int = 3) -> list[FeedEvent]:
    found: list[FeedEvent] = []
    after = -1
    while True:
        page = await look(store, organs, after, limit)
        found += page.events
        after = page.looked
        if not page.more:
            return found


def told(leaf: Leaf, position: int) -> FeedEvent:
    event = leaf.event
    return FeedEvent(
        position=position,
        at=event.at,
        event=event.kind.value,
        organ_id=event.organ,
        subject=event.subject,
        document=event.document,
        recipient=event.recipient,
        leaf_hash=leaf.hash.hex(),
    )


async def test_each_body_is_told_its_own_events_at_the_index_of_their_leaves(store: Store) -> None:
    one, two = ORGANS[:2]
    leaves = [rows.leaf(organ=organ) for organ in (one, two, NOBODY, one, two)]
    leaves.append(rows.leaf(organ=one, recipient=None))
    await append(store, *leaves[:2])
    await append(store, *leaves[2:])
    mine = [told(leaves[n], n) for n in (0, 3, 5)]
    assert await look(store, [one], -1, 10) == FeedLook(events=tuple(mine), looked=5, more=False)
    both = [told(leaves[n], n) for n in (0, 1, 3, 4, 5)]
    assert await look(store, [one, two, STRANGER], -1, 10) == FeedLook(events=tuple(both), looked=5, more=False)


async def test_nobody_is_told_what_happened_to_the_installation_itself(store: Store) -> None:
    await append(store, rows.leaf(organ=NOBODY), rows.leaf(organ=ORGANS[0]))
    assert [event.position for event in await replay(store, [NOBODY, *ORGANS])] == [1]
    assert (await look(store, [NOBODY], -1, 9)).events == ()


async def test_a_page_ends_at_its_last_event_and_says_that_more_follow(store: Store) -> None:
    one, two = ORGANS[:2]
    await append(store, *(rows.leaf(organ=organ) for organ in (one, two, one, two, one, two)))
    page = await look(store, [one], -1, 2)
    assert ([event.position for event in page.events], page.looked, page.more) == ([0, 2], 2, True)
    page = await look(store, [one], 2, 2)
    assert ([event.position for event in page.events], page.looked, page.more) == ([4], 5, False)
    page = await look(store, [one, two], 0, 2)
    assert ([event.position for event in page.events], page.looked, page.more) == ([1, 2], 2, True)


async def test_who_is_not_concerned_moves_on_with_the_log(store: Store) -> None:
    assert await look(store, [STRANGER], -1, 9) == FeedLook(events=(), looked=-1, more=False)
    await append(store, *(rows.leaf(organ=ORGANS[0]) for _ in range(5)))
    assert await look(store, [STRANGER], -1, 9) == FeedLook(events=(), looked=4, more=False)
    assert await look(store, [], -1, 9) == FeedLook(events=(), looked=4, more=False)


async def test_a_position_that_the_log_has_not_reached_is_not_believed(store: Store) -> None:
    await append(store, rows.leaf(organ=ORGANS[0]))
    assert await look(store, [ORGANS[0]], 99, 9) == FeedLook(events=(), looked=0, more=False)


async def test_a_leaf_that_is_still_pending_has_no_position(store: Store) -> None:
    await append(store, rows.leaf(organ=ORGANS[0]))

    def work(uow: UnitOfWork) -> FeedLook:
        uow.log.append(rows.leaf(organ=ORGANS[0]))
        return uow.log.feed(frozenset(ORGANS), -1, 9)

    page = await store.transact(work)
    assert ([event.position for event in page.events], page.looked) == ([0], 0)


async def test_a_body_among_very_many_is_found_in_order(store: Store) -> None:
    """More bodies than one statement names (`IN_MAX`), in an order that is not theirs."""
    crowd = [OrganId(f"Z79.04.{n:04}") for n in range(1_200)]
    order = [crowd[n * 7 % 1_200] for n in range(300)]
    await append(store, *(rows.leaf(organ=organ) for organ in order))
    assert [event.organ_id for event in await replay(store, crowd, limit=50)] == order


@pytest.mark.parametrize("bodies", [1, 2])
async def test_a_long_quiet_stretch_is_looked_through_in_bounded_steps(
    store: Store, bodies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_feed, "FEED_WINDOW_LEAVES_FIRST", 4)
    monkeypatch.setattr(storage_feed, "FEED_WINDOW_LEAVES_MAX", 8)
    monkeypatch.setattr(storage_feed, "FEED_LOOKS_MAX", 3)
    quiet = [rows.leaf(organ=STRANGER) for _ in range(50)]
    await append(store, rows.leaf(organ=ORGANS[0]), *quiet, rows.leaf(organ=ORGANS[1 % bodies]))
    assert [event.position for event in await replay(store, ORGANS[:bodies], limit=5)] == [0, 51]


@pytest.mark.parametrize("seed", range(5))
async def test_a_reader_among_many_writers_is_told_each_event_once_and_in_order(store: Store, seed: int) -> None:
    dice = random.Random(seed)
    mine = ORGANS[: dice.randint(1, 4)]
    written: list[Leaf] = []

    async def write(units: list[list[Leaf]]) -> None:
        for leaves in units:

            def unit(uow: UnitOfWork, leaves: list[Leaf] = leaves) -> Any:
                for leaf in leaves:
                    uow.log.append(leaf)
                return give_up() if len(leaves) == 3 else None

            if len(leaves) != 3:
                written.extend(leaves)
            await asyncio.gather(store.transact(unit), return_exceptions=True)

    def give_up() -> NoReturn:
        raise LookupError("three are undone")

    def unit_of() -> list[Leaf]:
        return [rows.leaf(organ=dice.choice((*ORGANS, NOBODY))) for _ in range(dice.randint(1, 5))]

    writers = asyncio.gather(*(write([unit_of() for _ in range(25)]) for _ in range(4)))
    seen: list[FeedEvent] = []
    after = -1
    while True:
        over = writers.done()
        page = await look(store, mine, after, dice.randint(1, 7))
        assert page.looked >= after
        seen += page.events
        after = page.looked
        if over and not page.more:
            break
        await asyncio.sleep(0)
    await writers
    indexes = await store.read(lambda uow: uow.log.indexes([leaf.hash for leaf in written]))
    assert len(indexes) == len(written)
    expected = [told(leaf, indexes[leaf.hash]) for leaf in written if leaf.event.organ in mine]
    assert seen == sorted(expected, key=lambda event: event.position)
    assert await replay(store, mine) == seen


async def test_pending_leaves_are_counted_and_not_taken(store: Store) -> None:
    leaves = [rows.leaf() for _ in range(3)]

    def work(uow: UnitOfWork) -> tuple[int, int]:
        before = uow.log.unsequenced()
        for leaf in leaves:
            uow.log.append(leaf)
        return before, uow.log.unsequenced()

    assert await store.transact(work) == (0, 3)
    assert await store.read(lambda uow: (uow.log.unsequenced(), uow.log.head().size)) == (0, 3)
