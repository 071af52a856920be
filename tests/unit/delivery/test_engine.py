"""The engine over the real store on `:memory:`: what is due is run once, what fails comes back, nothing is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from gateway.audit import sequence
from gateway.core.errors import SenderError, SiteError
from gateway.core.ledgers import StaleStateError
from gateway.core.limits import STEP_ATTEMPTS_MAX
from gateway.core.work import Claim, RoadReport, WorkItem, WorkKind
from gateway.delivery import WorkEngine
from gateway.storage import MemoryStore, open_memory
from tests.kit.clock import ManualClock


class Bench:
    """An engine whose handlers are the test's."""

    def __init__(self, handle: Callable[[Claim], Awaitable[RoadReport]] | None = None) -> None:
        self.clock = ManualClock()
        self.store: MemoryStore = open_memory(sequencer=sequence)
        self.seen: Counter[str] = Counter()
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.engine = WorkEngine(
            store=self.store,
            clock=self.clock,
            entropy=bytes,
            handlers=dict.fromkeys(WorkKind, handle or self.finish),
            destinations=lambda: ["gov", "other"],
        )

    async def add(self, subject: str, destination: str = "", seconds: float = 0.0) -> None:
        due = self.clock.now() + timedelta(seconds=seconds)
        kind = WorkKind.TRANSFER if destination else WorkKind.DOCUMENT
        item = WorkItem(kind=kind, subject=subject, destination=destination, due_at=due)
        await self.store.transact(lambda uow: uow.work.add(item))
        self.engine.wake()

    async def finish(self, claim: Claim) -> RoadReport:
        where = claim.item.destination
        self.seen[claim.item.subject] += 1
        self.running[where] += 1
        self.most[where] = max(self.most[where], self.running[where])
        await asyncio.sleep(0.001)
        await self.store.transact(lambda uow: uow.work.finish(claim))
        self.running[where] -= 1
        return RoadReport.GOOD

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not true():
                await asyncio.sleep(0.001)

    async def left(self) -> object:
        return await self.store.read(lambda uow: uow.work.next_due())


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[Bench]:
    task = asyncio.create_task(bench.engine.run())
    try:
        yield bench
    finally:
        await bench.engine.stop(patience=1)
        await task
        await bench.store.close()


async def test_everything_due_is_run_exactly_once() -> None:
    async with running(Bench()) as bench:
        for number in range(60):
            await bench.add(f"item {number}", ["", "gov", "other"][number % 3])
        await bench.until(lambda: len(bench.seen) == 60)
        assert set(bench.seen.values()) == {1}
        assert await bench.left() is None


async def test_a_destination_never_has_more_in_flight_than_its_window() -> None:
    bench = Bench()
    for number in range(30):
        await bench.add(f"item {number}", "gov")
    async with running(bench):
        await bench.until(lambda: len(bench.seen) == 30)
        assert 2 <= bench.most["gov"] <= 16


async def test_what_is_due_later_waits_for_the_clock() -> None:
    async with running(Bench()) as bench:
        await bench.add("later", seconds=50)
        started = bench.clock.now()
        await bench.until(lambda: bench.seen["later"] == 1)
        assert bench.clock.now() - started >= timedelta(seconds=50)


@pytest.mark.parametrize("failure", [ValueError("ours"), SenderError("not_found")])
async def test_what_fails_by_itself_comes_back_and_is_given_up_in_the_end(failure: Exception) -> None:
    tries: list[int] = []

    async def fail(claim: Claim) -> RoadReport:
        tries.append(claim.item.attempts)
        raise failure

    async with running(Bench(fail)) as bench:
        await bench.add("poison")
        await bench.until(lambda: len(tries) == STEP_ATTEMPTS_MAX)
        await asyncio.sleep(0.05)
        assert tries == list(range(STEP_ATTEMPTS_MAX))
        dead = await bench.store.read(lambda uow: uow.work.dead(10))
        assert [letter.item.subject for letter in dead] == ["poison"]
        assert type(failure).__name__ in dead[0].reason or "not_found" in dead[0].reason
        assert await bench.left() is None


@pytest.mark.parametrize("passing", [SiteError("store.busy"), StaleStateError()])
async def test_what_fails_by_no_fault_of_its_own_is_never_given_up(passing: Exception) -> None:
    tries: list[int] = []

    async def fail(claim: Claim) -> RoadReport:
        tries.append(claim.item.attempts)
        raise passing

    async with running(Bench(fail)) as bench:
        await bench.add("patient")
        await bench.until(lambda: len(tries) > 3 * STEP_ATTEMPTS_MAX)
        assert set(tries) == {0}
        assert await bench.store.read(lambda uow: uow.work.dead(10)) == ()


async def test_leases_of_a_dead_process_are_taken_back_at_the_start() -> None:
    bench = Bench()
    await bench.add("orphan")
    claims = await bench.store.transact(
        lambda uow: uow.work.claim(bench.clock.now(), lease=10_000, windows={"": 5}, limit=5)
    )
    assert len(claims) == 1
    async with running(bench):
        await bench.until(lambda: bench.seen["orphan"] == 1)


async def test_a_stopped_engine_waits_for_what_runs_and_claims_no_more() -> None:
    gate = asyncio.Event()
    done: list[str] = []
    bench = Bench()

    async def slow(claim: Claim) -> RoadReport:
        await gate.wait()
        await bench.store.transact(lambda uow: uow.work.finish(claim))
        done.append(claim.item.subject)
        return RoadReport.NEUTRAL

    bench.engine = WorkEngine(
        store=bench.store,
        clock=bench.clock,
        entropy=bytes,
        handlers=dict.fromkeys(WorkKind, slow),
        destinations=list,
    )
    await bench.add("running")
    task = asyncio.create_task(bench.engine.run())
    await bench.until(lambda: bool(bench.engine.busy))
    stopping = asyncio.create_task(bench.engine.stop(patience=5))
    await bench.add("too late")
    gate.set()
    await stopping
    await task
    assert done == ["running"]
    assert await bench.left() is not None
    await bench.store.close()
