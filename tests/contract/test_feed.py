"""The promises of the change feed (`Log.feed`): each event once, in order, gap-free, whoever writes meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from gateway.core.events import NOBODY, Leaf
from gateway.core.ids import OrganId
from gateway.core.ledgers import FeedLook, UnitOfWork
from gateway.core.model import FeedEvent
from gateway.core.ports import Store
from gateway.storage import feed as storage_feed
from tests.contract.stores import STORES
from tests.contract.test_log import SequencedLogStore, append
from tests.kit import rows

ORGANS = tuple(OrganId(f"Z79.03.{n:03}") for n in range(6))
STRANGER = OrganId("Z79.99")


@pytest.fixture(params=[*STORES, "kit"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened: Store = SequencedLogStore() if request.param == "kit" else STORES[request.param](tmp_path)
    yield opened
    await opened.close()


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
