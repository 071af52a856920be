"""The event desk: who waits is woken by the commit that concerns him, and by nothing else; no wake-up is lost."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest

from gateway.audit import sequence
from gateway.core.errors import AccessError, SenderError, SiteError
from gateway.core.fields import faults_of
from gateway.core.ids import OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import (
    EVENT_WAITERS_MAX,
    EVENT_WAITERS_PER_KEY_MAX,
    EVENTS_CROWDED_SECONDS,
    EVENTS_POLL_SECONDS_MAX,
)
from gateway.core.ports import Clock
from gateway.core.principal import Principal, Scope
from gateway.delivery import Wakeups
from gateway.exchange import Desk, Events, FeedPage
from gateway.observe import SystemClock
from gateway.storage import MemoryStore, SqliteStore, open_memory
from tests.kit import rows
from tests.kit.clock import ManualClock
from tests.kit.sqlite import open_test_sqlite

T = TypeVar("T")
AnyStore = MemoryStore | SqliteStore
ONE, TWO = OrganId("Z79.01"), OrganId("Z79.02")
LONG = 50.0
"""Longer than any test lasts: who is answered was woken."""


class Watched:
    """A store that counts looks, and lets something happen right after the snapshot of one was taken."""

    def __init__(self, store: AnyStore) -> None:
        self.store = store
        self.looks = 0
        self.after_look: list[Callable[[], Awaitable[None]]] = []
        self.failures = 0

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        self.looks += 1
        if self.failures:
            self.failures -= 1
            raise SiteError("store.busy")
        result = await self.store.read(work)
        if self.after_look:
            await self.after_look.pop()()
        return result


class World:
    """An event desk on a store."""

    def __init__(self, store: AnyStore, clock: Clock | None = None) -> None:
        self.watched = Watched(store)
        self.events = Events(desk=cast("Desk", SimpleNamespace(store=self.watched, clock=clock or SystemClock())))
        loop = asyncio.get_running_loop()
        store.set_listener(Wakeups(loop=loop, work_added=lambda: None, head_moved=[self.events.notify]))

    async def happens(self, *organs: OrganId) -> None:
        leaves = [rows.leaf(organ=organ) for organ in organs]

        def unit(uow: UnitOfWork) -> None:
            for leaf in leaves:
                uow.log.append(leaf)

        await self.watched.store.transact(unit)

    def ask(self, *organs: OrganId, key: str = "key", **fields: Any) -> asyncio.Task[FeedPage]:
        asked = {"after": -1, "limit": 10, "wait": LONG} | fields
        return asyncio.create_task(self.events.events(principal(*organs, key=key), **asked))

    @property
    def waiting(self) -> int:
        return self.events._signal.waiting


def principal(*organs: OrganId, key: str = "key", scopes: frozenset[Scope] = frozenset({Scope.READ})) -> Principal:
    return Principal(key_id=key, name="", organs=frozenset(organs), scopes=scopes)


async def calm(turns: int = 30) -> None:
    """Let everybody run who can."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def answer(task: asyncio.Task[FeedPage]) -> FeedPage:
    return await asyncio.wait_for(task, 5)


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    opened = open_memory(sequencer=sequence)
    yield opened
    await opened.close()


@pytest.fixture
async def world(store: MemoryStore) -> World:
    return World(store)


async def test_what_is_there_is_told_at_once(world: World) -> None:
    await world.happens(ONE, TWO, ONE)
    page = await answer(world.ask(ONE))
    assert [event.position for event in page.events] == [0, 2]
    assert (page.next_after, page.more) == (2, False)


async def test_who_may_not_read_is_told_nothing(world: World) -> None:
    with pytest.raises(AccessError):
        await world.events.events(principal(ONE, scopes=frozenset({Scope.SEND})), after=-1, limit=10, wait=0)


async def test_without_a_wait_the_answer_comes_at_once(world: World) -> None:
    await world.happens(TWO)
    assert await answer(world.ask(ONE, wait=0)) == FeedPage(events=(), next_after=0, more=False)


async def test_who_waits_is_woken_by_the_commit_that_concerns_him(world: World) -> None:
    task = world.ask(ONE)
    await calm()
    assert world.waiting == 1
    await world.happens(TWO)
    await calm()
    assert not task.done()
    await world.happens(ONE)
    page = await answer(task)
    assert [event.position for event in page.events] == [1]
    assert world.waiting == 0


async def test_many_who_wait_cost_one_look_for_each_commit(world: World) -> None:
    tasks = [world.ask(OrganId(f"Z79.{n}"), key=str(n)) for n in range(50)]
    await calm()
    assert world.waiting == 50
    before = world.watched.looks
    await world.happens(*(TWO for _ in range(300)))
    await calm()
    assert world.watched.looks - before == 1
    await world.happens(OrganId("Z79.7"))
    await answer(tasks[7])
    assert world.watched.looks - before == 3  # one for all, and one by the one whom it concerns
    assert world.waiting == 49
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await calm()
    assert world.waiting == 0


async def test_a_commit_between_the_look_and_the_wait_is_not_lost(world: World) -> None:
    world.watched.after_look.append(lambda: world.happens(ONE))
    page = await answer(world.ask(ONE))
    assert [event.position for event in page.events] == [0]


async def test_who_comes_after_all_others_were_told_looks_again(world: World) -> None:
    first = world.ask(ONE)
    await calm()

    async def happen_and_be_told() -> None:
        await world.happens(TWO)
        await calm()

    world.watched.after_look.append(happen_and_be_told)
    assert len((await answer(world.ask(TWO))).events) == 1
    assert not first.done()
    first.cancel()


async def test_who_comes_while_a_look_for_others_is_on_its_way_is_not_forgotten(world: World) -> None:
    """The second one's snapshot is older than the look for the first, which did not ask for the second's body."""
    first = world.ask(ONE)
    await calm()
    late: list[asyncio.Task[None]] = []

    async def come() -> None:
        late.append(asyncio.create_task(world.events._signal.news(frozenset({TWO}), -1)))
        await calm()

    world.watched.after_look.append(come)
    await world.happens(TWO)
    await calm(60)
    await asyncio.wait_for(late[0], 5)
    first.cancel()


async def test_a_wait_ends_in_time_and_moves_on_over_what_concerned_others(store: MemoryStore) -> None:
    clock = ManualClock()
    world = World(store, clock)
    before = clock.monotonic()
    world.watched.after_look.append(lambda: world.happens(TWO))
    assert await answer(world.ask(ONE, wait=3)) == FeedPage(events=(), next_after=0, more=False)
    assert clock.monotonic() - before == 3


async def test_nobody_waits_longer_than_the_limit(store: MemoryStore) -> None:
    clock = ManualClock()
    world = World(store, clock)
    before = clock.monotonic()
    await answer(world.ask(ONE, wait=1e9))
    assert clock.monotonic() - before == EVENTS_POLL_SECONDS_MAX


@pytest.mark.parametrize("wait", [0, LONG])
async def test_a_position_that_the_log_has_not_reached_is_refused_at_once(world: World, wait: float) -> None:
    """It was given by a log that was lost. Led back in silence, its owner would miss what stands here before he asks."""
    await world.happens(ONE)
    with pytest.raises(SenderError) as refused:
        await answer(world.ask(ONE, after=1, wait=wait))
    (fault,) = faults_of(refused.value)
    assert (refused.value.code, fault.path, fault.code) == ("request.field", "query.after", "field.beyond")
    assert fault.params == {"limit": 0}
    assert await answer(world.ask(ONE, after=0, wait=0)) == FeedPage(events=(), next_after=0, more=False)
    assert world.waiting == 0


async def test_a_position_in_an_empty_log_is_refused(world: World) -> None:
    with pytest.raises(SenderError):
        await answer(world.ask(ONE, after=0))
    assert await answer(world.ask(ONE, wait=0)) == FeedPage(events=(), next_after=-1, more=False)


async def test_who_goes_away_leaves_his_place_and_nothing_running(world: World) -> None:
    tasks = [world.ask(ONE) for _ in range(EVENT_WAITERS_PER_KEY_MAX)]
    await calm()
    assert world.waiting == len(tasks)
    await refused(world, ONE)
    assert await answer(world.ask(ONE, wait=0)) == FeedPage(events=(), next_after=-1, more=False)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await calm()
    assert world.waiting == 0
    assert world.events._signal._herald is None
    assert not world.events._seats
    again = world.ask(ONE)
    await calm()
    assert world.waiting == 1
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)


async def test_there_are_so_many_places_and_no_more(world: World) -> None:
    tasks = [world.ask(ONE, key=str(n // 10)) for n in range(EVENT_WAITERS_MAX)]
    await calm()
    assert world.waiting == EVENT_WAITERS_MAX
    await refused(world, ONE, key="another")
    await world.happens(ONE)
    assert len((await answer(world.ask(ONE, key="another"))).events) == 1  # what is there needs no place
    pages = await asyncio.wait_for(asyncio.gather(*tasks), 10)
    assert {len(page.events) for page in pages} == {1}
    await calm()
    assert world.waiting == 0


async def refused(world: World, *organs: OrganId, **fields: Any) -> None:
    """Told to come back, and when: an empty page at once would be asked for again at once."""
    with pytest.raises(SenderError) as crowded:
        await answer(world.ask(*organs, **fields))
    assert (crowded.value.code, crowded.value.facts.status) == ("rate.limit", 429)
    assert crowded.value.params["seconds"] == EVENTS_CROWDED_SECONDS > 0


async def test_who_found_no_place_finds_one_when_it_is_free(world: World) -> None:
    tasks = [world.ask(ONE) for _ in range(EVENT_WAITERS_PER_KEY_MAX)]
    await calm()
    await refused(world, ONE)
    tasks.pop().cancel()
    await calm()
    late = world.ask(ONE)
    await calm()
    assert not late.done()
    await world.happens(ONE)
    assert {len(page.events) for page in [await answer(task) for task in (*tasks, late)]} == {1}


async def test_at_the_end_everybody_is_answered_and_nobody_waits_any_more(world: World) -> None:
    tasks = [world.ask(ONE) for _ in range(3)]
    await calm()
    world.events.close()
    pages = [await answer(task) for task in (*tasks, world.ask(ONE))]
    assert pages == [FeedPage(events=(), next_after=-1, more=False)] * 4
    assert world.waiting == 0


async def test_when_the_look_for_all_fails_each_looks_for_himself(world: World) -> None:
    task = world.ask(ONE)
    await calm()
    world.watched.failures = 1
    await world.happens(ONE)
    assert len((await answer(task)).events) == 1


async def test_a_store_that_is_busy_says_so_to_who_asks(world: World) -> None:
    task = world.ask(ONE)
    await calm()
    world.watched.failures = 2
    await world.happens(ONE)
    with pytest.raises(SiteError, match=r"store\.busy"):
        await answer(task)
    assert not world.events._seats


@pytest.mark.parametrize(("kind", "seed"), [*(("memory", seed) for seed in range(10)), ("sqlite", 1), ("sqlite", 2)])
async def test_readers_who_wait_are_told_everything_once_whatever_the_order(
    tmp_path: Path, kind: str, seed: int
) -> None:
    """On a file the writer and the readers are threads, so that news, looks and commits come in any order."""
    store: AnyStore = open_memory(sequencer=sequence) if kind == "memory" else open_test_sqlite(tmp_path / "g.db")
    try:
        await follow_all(World(store), seed)
    finally:
        await store.close()


async def follow_all(world: World, seed: int) -> None:
    dice = random.Random(seed)
    organs = [OrganId(f"Z79.{n}") for n in range(5)]
    total = 60
    happening = [dice.choice(organs) for _ in range(total)]

    async def follow(mine: frozenset[OrganId]) -> list[int]:
        seen: list[int] = []
        after = -1
        while len(seen) < sum(organ in mine for organ in happening):
            page = await world.events.events(principal(*mine), after=after, limit=dice.randint(1, 4), wait=LONG)
            seen += [event.position for event in page.events]
            after = page.next_after
            for _ in range(dice.randint(0, 3)):
                await asyncio.sleep(0)
        return seen

    async def write() -> None:
        for organ in happening:
            await world.happens(organ)
            for _ in range(dice.randint(0, 12)):
                await asyncio.sleep(0)

    wishes = [frozenset(dice.sample(organs, dice.randint(1, 5))) for _ in range(6)]
    *followed, _ = await asyncio.wait_for(asyncio.gather(*map(follow, wishes), write()), 20)
    for mine, seen in zip(wishes, followed, strict=True):
        assert seen == [n for n, organ in enumerate(happening) if organ in mine]
