"""The engine over the real store on `:memory:`: what is due is run once, what fails comes back, nothing is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

import pytest

from gateway.audit import sequence
from gateway.core.errors import SenderError, SiteError
from gateway.core.ledgers import LeaseLostError, StaleStateError, UnitOfWork
from gateway.core.limits import LEASE_SECONDS, STEP_ATTEMPTS_MAX
from gateway.core.message import Priority
from gateway.core.patience import BROUGHT_FORWARD_SECONDS
from gateway.core.work import Claim, RoadReport, WorkItem, WorkKind
from gateway.delivery import WorkEngine
from gateway.storage import MemoryStore, open_memory
from tests.kit.clock import ManualClock

T = TypeVar("T")


class Conductor:
    """A handler made of one function; what it is told to give up it remembers."""

    def __init__(self, handle: Callable[[Claim], Awaitable[RoadReport]]) -> None:
        self.handle = handle
        self.given_up: list[str] = []

    def give_up(self, uow: UnitOfWork, claim: Claim, code: str) -> None:
        assert uow.work is not None
        self.given_up.append(code)


class Beginner(Conductor):
    """One that begins in the unit that leases."""

    def __init__(self, handle: Callable[[Claim], Awaitable[RoadReport]], begin: Callable[[Claim], object]) -> None:
        super().__init__(handle)
        self._begin = begin

    def begin(self, uow: UnitOfWork, claim: Claim) -> object:
        assert uow.work is not None
        return self._begin(claim)


class Bench:
    """An engine whose handlers are the test's."""

    def __init__(
        self,
        handle: Callable[[Claim], Awaitable[RoadReport]] | None = None,
        *,
        begin: Callable[[Claim], object] | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.store: MemoryStore = open_memory(sequencer=sequence)
        self.seen: Counter[str] = Counter()
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.resting = False
        self.conductor = Beginner(handle or self.finish, begin) if begin else Conductor(handle or self.finish)
        self.begun: dict[str, object] = {}
        self.engine = WorkEngine(
            store=self.store,
            clock=self.clock,
            entropy=bytes,
            handlers=dict.fromkeys(WorkKind, self.conductor),
            destinations=lambda: ["gov", "other"],
            resting=lambda: self.resting,
        )

    async def add(
        self, subject: str, destination: str = "", seconds: float = 0.0, *, urgency: Priority = Priority.NORMAL
    ) -> None:
        due = self.clock.now() + timedelta(seconds=seconds)
        kind = WorkKind.TRANSFER if destination else WorkKind.DOCUMENT
        item = WorkItem(kind=kind, subject=subject, destination=destination, due_at=due, urgency=urgency)
        await self.store.transact(lambda uow: uow.work.add(item))
        self.engine.wake()

    async def finish(self, claim: Claim) -> RoadReport:
        where = claim.item.destination
        self.begun[claim.item.subject] = claim.begun
        self.seen[claim.item.subject] += 1
        self.running[where] += 1
        self.most[where] = max(self.most[where], self.running[where])
        await asyncio.sleep(0.001)
        await self.store.transact(lambda uow: uow.work.finish(claim))
        self.running[where] -= 1
        return RoadReport.GOOD

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
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


async def test_what_was_begun_with_the_lease_is_handed_over_with_the_claim() -> None:
    async with running(Bench(begin=lambda claim: claim.item.subject.upper())) as bench:
        for number in range(40):
            await bench.add(f"item {number}", ["", "gov"][number % 2])
        await bench.until(lambda: len(bench.seen) == 40)
        assert {begun for subject, begun in bench.begun.items() if begun != subject.upper()} <= {None}
        assert "ITEM 0" in bench.begun.values()


@pytest.mark.parametrize(
    "error", [SiteError("store.damaged", reason="a row"), StaleStateError(), AssertionError(), ValueError("a state")]
)
async def test_an_item_that_cannot_be_begun_keeps_nobody_waiting(error: Exception) -> None:
    """The lease is taken without beginning anything; what is wrong with the item, its own handler finds."""

    def begin(claim: Claim) -> object:
        if claim.item.subject == "item 3":
            raise error
        return "begun"

    bench = Bench(begin=begin)
    for number in range(6):
        await bench.add(f"item {number}")
    async with running(bench):
        await bench.until(lambda: len(bench.seen) == 6)
        assert bench.begun["item 3"] is None
        assert set(bench.seen.values()) == {1}
        assert await bench.left() is None


async def test_a_destination_never_has_more_in_flight_than_its_window() -> None:
    bench = Bench()
    for number in range(30):
        await bench.add(f"item {number}", "gov")
    async with running(bench):
        await bench.until(lambda: len(bench.seen) == 30)
        assert 2 <= bench.most["gov"] <= 16


class Abyss(Bench):
    """Gateways that answered so far, and from now on take everything and answer nothing; `gov` and `other` are well."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(self.fall)
        self.names = names
        self.hanging = False
        self.fallen: set[str] = set()
        self.engine = WorkEngine(
            store=self.store,
            clock=self.clock,
            entropy=bytes,
            handlers=dict.fromkeys(WorkKind, self.conductor),
            destinations=lambda: ["gov", "other", *names],
        )

    async def fall(self, claim: Claim) -> RoadReport:
        if not self.hanging or claim.item.destination not in self.names:
            return await self.finish(claim)
        if claim.item.subject in self.fallen:
            await asyncio.Event().wait()
        self.fallen.add(claim.item.subject)
        again = self.clock.now() + timedelta(seconds=0)
        await self.store.transact(lambda uow: uow.work.postpone(claim, again))
        return RoadReport.SILENT


@pytest.mark.parametrize("count", [1, 2, 3, 60])
async def test_peers_that_answer_nothing_keep_nobody_elses_letters_waiting(count: int) -> None:
    bench = Abyss([f"hanging {number}" for number in range(count)])
    first = [f"{name}, before {number}" for name in [*bench.names, "gov"] for number in range(16)]
    for subject in first:
        await bench.add(subject, subject.partition(",")[0])
    async with running(bench):
        await bench.until(lambda: bench.seen.keys() >= set(first))
        bench.hanging = True
        for name in bench.names:
            for number in range(40 if count < 10 else 3):
                await bench.add(f"{name}, {number}", name, -1_000)
        await bench.until(lambda: len(bench.fallen) > 1 and bench.engine.busy >= 8)
        await asyncio.sleep(0.2)  # they take whatever they are given
        await bench.add("letter", "gov")
        await bench.add("first letter", "other")
        await bench.add("urgent", "gov", urgency=Priority.IMMEDIATE)
        await bench.add("document")
        await bench.until(lambda: bench.seen.keys() >= {"letter", "first letter", "urgent", "document"})
        assert bench.engine.busy > 8


async def test_an_urgent_item_passes_a_backlog_and_the_backlog_passes_urgent_ones() -> None:
    bench = Bench()
    for number in range(200):
        await bench.add(f"item {number}", "gov", -1_000)
    for number in range(200):
        await bench.add(f"urgent {number}", "gov", urgency=Priority.IMMEDIATE)
    async with running(bench):
        await bench.until(lambda: len(bench.seen) == 400)
    urgent = [subject.startswith("urgent") for subject in list(bench.seen)[:200]]
    assert 130 <= sum(urgent) <= 170


async def test_what_is_due_later_waits_for_the_clock() -> None:
    async with running(Bench()) as bench:
        await bench.add("later", seconds=50)
        started = bench.clock.now()
        await bench.until(lambda: bench.seen["later"] == 1)
        assert bench.clock.now() - started >= timedelta(seconds=50)


async def test_what_was_put_off_while_the_clock_was_years_ahead_runs_soon_after_it_was_set() -> None:
    """Found by attack: one failure under a wrong clock, and an item was due in ten years."""
    years = timedelta(days=3650).total_seconds()
    tries: list[int] = []

    async def under_a_wrong_clock(claim: Claim) -> RoadReport:
        tries.append(1)
        if len(tries) > 1:
            return await bench.finish(claim)
        bench.clock.jump(years)
        due = bench.clock.now() + timedelta(seconds=50)
        await bench.store.transact(lambda uow: uow.work.postpone(claim, due))
        bench.clock.jump(-years)
        return RoadReport.NEUTRAL

    bench = Bench(under_a_wrong_clock)
    async with running(bench):
        await bench.add("once", "gov")
        started = bench.clock.now()
        await bench.until(lambda: bench.seen["once"] == 1)
        assert bench.clock.now() - started < timedelta(seconds=BROUGHT_FORWARD_SECONDS + 60)
    bench = Bench()  # and at a start
    await bench.add("at a start", "gov", seconds=years)
    async with running(bench):
        await bench.until(lambda: bench.seen["at a start"] == 1)
        assert bench.clock.now() - started < timedelta(seconds=BROUGHT_FORWARD_SECONDS)


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
        assert bench.conductor.given_up == ["internal" if isinstance(failure, ValueError) else "not_found"]


@pytest.mark.parametrize("failure", [SiteError("store.damaged"), StaleStateError(), ValueError("not read")])
async def test_what_cannot_even_be_given_up_is_buried_and_ends_nobody_elses_work(failure: Exception) -> None:
    """A row that did not read back failed once more where it was to be given up: the engine ended, at every start again."""

    async def damaged(claim: Claim) -> RoadReport:
        if claim.item.subject == "rotten":
            raise SiteError("store.damaged")
        return await bench.finish(claim)

    def give_up(_uow: UnitOfWork, _claim: Claim, _code: str) -> None:
        raise failure

    bench = Bench(damaged)
    bench.conductor.give_up = give_up  # type: ignore[method-assign]
    async with running(bench):
        await bench.add("rotten")
        async with asyncio.timeout(60):
            while not (dead := await bench.store.read(lambda uow: uow.work.dead(10))):
                await asyncio.sleep(0.001)
        assert [one.item.subject for one in dead] == ["rotten"]
        await bench.add("sound")
        await bench.until(lambda: bench.seen["sound"] == 1)
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


async def test_an_engine_that_rests_claims_nothing_and_goes_on_by_itself() -> None:
    bench = Bench()
    bench.resting = True
    async with running(bench):
        await bench.add("patient")
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert (bench.engine.busy, bench.seen["patient"]) == (0, 0)
        bench.resting = False
        await bench.until(lambda: bench.seen["patient"] == 1)


async def test_leases_of_a_dead_process_are_taken_back_at_the_start() -> None:
    bench = Bench()
    await bench.add("orphan")
    claims = await bench.store.transact(
        lambda uow: uow.work.claim(bench.clock.now(), lease=10_000, windows={"": 5}, limit=5)
    )
    assert len(claims) == 1
    async with running(bench):
        await bench.until(lambda: bench.seen["orphan"] == 1)


async def test_an_engine_that_starts_on_a_full_disk_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    await bench.add("patient")
    good, refusals = bench.store.transact, iter([SiteError("store.full"), SiteError("store.busy")])

    async def transact(work: Callable[[UnitOfWork], T]) -> T:
        if (refusal := next(refusals, None)) is not None:
            raise refusal
        return await good(work)

    monkeypatch.setattr(bench.store, "transact", transact)
    async with running(bench):
        await bench.until(lambda: bench.seen["patient"] == 1)


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
        handlers=dict.fromkeys(WorkKind, Conductor(slow)),
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


class Moody:
    """The store, which now and then is too busy to be asked."""

    def __init__(self, store: MemoryStore, code: str, times: int) -> None:
        self._store, self._code, self.times = store, code, times

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        if self.times:
            self.times -= 1
            raise SiteError(self._code)
        return await self._store.transact(work)

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        return await self._store.read(work)

    async def close(self) -> None:
        await self._store.close()


@pytest.mark.parametrize("code", ["store.busy", "store.full"])
async def test_a_store_that_is_busy_or_full_for_a_moment_does_not_end_the_engine(code: str) -> None:
    bench = Bench()
    moody = Moody(bench.store, code, 0)
    bench.engine._store = moody
    async with running(bench):
        await bench.add("before")
        await bench.until(lambda: bench.seen["before"] == 1)
        moody.times = 5
        await bench.add("after")
        await bench.until(lambda: bench.seen["after"] == 1)
        assert moody.times == 0


async def test_what_could_not_be_given_back_while_the_store_was_away_is_given_back_when_it_is_there_again() -> None:
    """Otherwise the item would wait until its lease runs out: two minutes after every restart of a database server."""
    bench = Bench()
    moody = Moody(bench.store, "store.busy", 0)
    bench.engine._store = moody

    async def unlucky(claim: Claim) -> RoadReport:
        bench.seen[claim.item.subject] += 1
        if bench.seen[claim.item.subject] == 1:
            moody.times = 3  # the server goes away: neither the outcome nor the postponement can be written
            raise SiteError("store.busy")
        await bench.store.transact(lambda uow: uow.work.finish(claim))
        return RoadReport.NEUTRAL

    bench.conductor.handle = unlucky
    await bench.add("waits")
    began = bench.clock.now()
    async with running(bench):
        await bench.until(lambda: bench.seen["waits"] == 2)
        assert (bench.clock.now() - began).total_seconds() < LEASE_SECONDS / 2
        await bench.until(lambda: not bench.engine.busy)
        assert await bench.left() is None


async def test_a_store_that_cannot_be_trusted_any_more_does_end_it() -> None:
    bench = Bench()
    bench.engine._store = Moody(bench.store, "store.damaged", 99)
    with pytest.raises(SiteError):
        await bench.engine.run()
    await bench.store.close()


async def test_a_heartbeat_that_failed_is_not_counted() -> None:
    """A server that was away for longer than a lease: what ran was claimed once more, beside itself."""
    gate = asyncio.Event()
    bench = Bench()
    moody = Moody(bench.store, "store.busy", 0)
    bench.engine._store = moody

    async def long(claim: Claim) -> RoadReport:
        bench.seen[claim.item.subject] += 1
        await gate.wait()
        await bench.store.transact(lambda uow: uow.work.finish(claim))
        return RoadReport.NEUTRAL

    bench.conductor.handle = long
    await bench.add("long")
    async with running(bench):
        await bench.until(lambda: bench.seen["long"] == 1)
        moody.times = 10**9
        began = bench.clock.monotonic()
        await bench.until(lambda: bench.clock.monotonic() - began > 2 * LEASE_SECONDS)
        moody.times = 0
        await bench.until(lambda: bench.clock.monotonic() - began > 3 * LEASE_SECONDS)
        gate.set()
        await bench.until(lambda: not bench.engine.busy)
        assert bench.seen["long"] == 1


async def test_work_that_takes_longer_than_its_lease_runs_once() -> None:
    gate = asyncio.Event()
    begun: list[str] = []
    bench = Bench()

    async def slow(claim: Claim) -> RoadReport:
        begun.append(claim.item.subject)
        await gate.wait()
        await bench.store.transact(lambda uow: uow.work.finish(claim))
        return RoadReport.NEUTRAL

    bench.conductor.handle = slow
    await bench.add("long")
    async with running(bench):
        await bench.until(lambda: bool(begun))
        for _ in range(40):
            bench.clock.advance(LEASE_SECONDS / 8)
            bench.engine.wake()
            await asyncio.sleep(0.002)
        assert begun == ["long"]
        gate.set()
        await bench.until(lambda: not bench.engine.busy)
        assert await bench.left() is None


async def test_an_item_claimed_while_the_engine_stops_is_waited_for() -> None:
    bench = Bench()
    task = asyncio.create_task(bench.engine.run())
    await asyncio.sleep(0.01)
    await bench.add("last moment")
    await bench.engine.stop(patience=2)
    assert bench.engine.busy == 0
    assert bench.running[""] == 0
    await task
    await bench.store.close()


async def test_misfortune_that_does_not_pass_is_tried_ever_less_often() -> None:
    tries: list[float] = []
    bench = Bench()

    async def fail(_: Claim) -> RoadReport:
        tries.append(bench.clock.monotonic())
        raise SiteError("worker.busy")

    bench.conductor.handle = fail
    async with running(bench):
        await bench.add("patient")
        await bench.until(lambda: len(tries) == 8)
        waits = [later - earlier for earlier, later in pairwise(tries)]
        assert waits == sorted(waits)
        assert waits[-1] > 16 * waits[0]


async def test_an_item_that_its_key_holder_dies_of_is_given_up_in_the_end() -> None:
    tries: list[int] = []

    async def fail(claim: Claim) -> RoadReport:
        tries.append(claim.item.attempts)
        raise SiteError("worker.died", kind="keyholder")

    async with running(Bench(fail)) as bench:
        await bench.add("poison")
        await bench.until(lambda: len(tries) == STEP_ATTEMPTS_MAX)
        await bench.until(lambda: bench.conductor.given_up == ["worker.died"])


async def test_nothing_is_remembered_of_items_that_are_done_or_lost() -> None:
    left = [SiteError("store.busy"), LeaseLostError(), SiteError("store.busy")]
    bench = Bench()

    async def stumble(claim: Claim) -> RoadReport:
        if left:
            failure = left.pop()
            if isinstance(failure, LeaseLostError):
                assert bench.engine._passing
                await bench.store.transact(lambda uow: uow.work.finish(claim))
            raise failure
        return await bench.finish(claim)

    bench.conductor.handle = stumble
    async with running(bench):
        await bench.add("lost")
        await bench.until(lambda: len(left) == 1)
        await bench.until(lambda: not bench.engine._passing)
        await bench.add("done")
        await bench.until(lambda: bench.seen["done"] == 1 and not bench.engine._passing)
