"""Those for whom a pool works take turns."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import limits, metrics
from gateway.core.errors import SiteError
from gateway.core.metrics import Metric
from gateway.crypto import JudgePool
from gateway.crypto.processes.fair_queue import FairQueue
from gateway.observe import Unmeasured
from tests.kit import tasks


def queue(limit: int = 100, share_limit: int = 100) -> FairQueue[str]:
    return FairQueue(limit=limit, share_limit=share_limit)


def test_shares_take_turns_and_each_is_served_in_order() -> None:
    waiting = queue()
    for thing in ("a1", "a2", "a3", "a4", "b1", "c1", "b2"):
        waiting.put(thing[0], thing)
    assert [waiting.take() for _ in range(7)] == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]
    assert len(waiting) == 0


def test_who_comes_again_and_again_does_not_get_in_before_the_others() -> None:
    waiting = queue()
    for thing in ("a1", "b1", "c1"):
        waiting.put(thing[0], thing)
    assert waiting.take() == "a1"
    waiting.put("a", "a2")
    assert [waiting.take() for _ in range(3)] == ["b1", "c1", "a2"]


def test_the_whole_and_each_share_are_bounded() -> None:
    waiting = queue(limit=3, share_limit=2)
    assert waiting.has_room("a")
    waiting.put("a", "a1")
    waiting.put("a", "a2")
    assert (waiting.has_room("a"), waiting.has_room("b")) == (False, True)
    waiting.put("b", "b1")
    assert not waiting.has_room("c")


def test_what_is_discarded_takes_no_room_and_no_turn() -> None:
    waiting = queue(share_limit=1)
    waiting.put("a", "a1")
    waiting.put("b", "b1")
    waiting.discard("a", "a1")
    waiting.discard("a", "a1")
    waiting.discard("b", "other")
    assert (len(waiting), waiting.has_room("a"), waiting.take()) == (1, True, "b1")


def test_a_share_that_may_not_keeps_its_turn() -> None:
    waiting = queue()
    for thing in ("a1", "b1", "a2"):
        waiting.put(thing[0], thing)
    assert waiting.take(lambda share: share != "a") == "b1"
    assert waiting.holds("a")
    assert not waiting.holds("b")
    assert waiting.take(lambda share: share != "a") is None
    assert [waiting.take(), waiting.take(), waiting.take()] == ["a1", "a2", None]


@given(st.lists(st.sampled_from("abcd"), max_size=60))
def test_nobody_waits_for_more_than_one_of_each_other_share(shares: list[str]) -> None:
    waiting, counts = queue(), dict.fromkeys("abcd", 0)
    for share in shares:
        waiting.put(share, f"{share}{counts[share]}")
        counts[share] += 1
    taken = [str(waiting.take()) for _ in shares]
    for share, count in counts.items():
        own = [place for place, thing in enumerate(taken) if thing[0] == share]
        assert [taken[place] for place in own] == [f"{share}{n}" for n in range(count)]
        for before, after in zip([-1, *own], own, strict=False):
            between = [thing[0] for thing in taken[before + 1 : after]]
            assert len(between) == len(set(between))


class Waits(Unmeasured):
    """Keeps what it is told of waiting."""

    def __init__(self) -> None:
        self.roles: list[tuple[str, ...]] = []

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        if metric is metrics.WORKER_WAIT_SECONDS:
            assert value >= 0
            self.roles.append(labels)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
async def judges(waits: Waits) -> AsyncIterator[JudgePool]:
    """One judge, stopped so that nothing goes on until it is told to."""
    pool = JudgePool(size=1, preload=(), meter=waits)
    await pool.start()
    os.kill(pool.pids[0], signal.SIGSTOP)
    yield pool
    os.kill(pool.pids[0], signal.SIGCONT)
    await pool.close()


def go_on(pool: JudgePool) -> None:
    os.kill(pool.pids[0], signal.SIGCONT)


async def test_one_office_does_not_keep_the_judges_from_the_others(judges: JudgePool, waits: Waits) -> None:
    ended: list[str] = []

    async def hand_in(whose: str) -> None:
        await judges.on_behalf(whose).run(tasks.add, 1, right=1)
        ended.append(whose)

    calls = [asyncio.create_task(hand_in("office")) for _ in range(18)]
    await asyncio.sleep(0)
    calls += [asyncio.create_task(hand_in(whose)) for whose in ("ward", "peer")]
    await asyncio.sleep(0)
    go_on(judges)
    await asyncio.gather(*calls)
    assert ended[:4] == ["office", "office", "ward", "peer"], "one is being judged, then each in turn"
    assert waits.roles == [("judge",)] * 20


async def test_a_share_that_is_full_is_refused_and_no_other(judges: JudgePool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [asyncio.create_task(judges.on_behalf("office").run(tasks.add, n, right=1)) for n in range(80)]
    await asyncio.sleep(0)
    other = asyncio.create_task(judges.on_behalf("ward").run(tasks.add, 1, right=1))
    await asyncio.sleep(0)
    go_on(judges)
    assert await other == 2
    ends = await asyncio.gather(*calls, return_exceptions=True)
    served = limits.WORKER_SHARE_MAX + 1
    assert ends[:served] == list(range(1, served + 1))
    assert [getattr(end, "code", "") for end in ends[served:]] == ["worker.busy"] * (80 - served)
    assert all(isinstance(end, SiteError) for end in ends[served:])


async def test_a_task_whose_caller_has_gone_is_never_begun(judges: JudgePool, waits: Waits) -> None:
    begun = asyncio.create_task(judges.on_behalf("office").run(tasks.add, 0, right=1))
    gone = [asyncio.create_task(judges.on_behalf("office").run(tasks.sleep, 30)) for _ in range(64)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    again = asyncio.create_task(judges.on_behalf("office").run(tasks.add, 1, right=1))
    await asyncio.sleep(0)
    go_on(judges)
    async with asyncio.timeout(20):
        assert (await begun, await again) == (1, 2)
    assert len(waits.roles) == 2, "nobody else's task was handed to the judge"


async def test_slow_files_of_one_office_leave_a_judge_to_the_others(
    monkeypatch: pytest.MonkeyPatch, waits: Waits
) -> None:
    monkeypatch.setattr(limits, "WORKER_SLOW_SECONDS", 0.05)
    pool = JudgePool(size=2, preload=(), meter=waits)
    await pool.start()
    try:
        office, ward = pool.on_behalf("office"), pool.on_behalf("ward")
        slow = [asyncio.create_task(office.run(tasks.sleep, seconds)) for seconds in (0.1, 0.1, 60, 60, 60)]
        await asyncio.gather(*slow[:2])
        async with asyncio.timeout(20):
            assert await asyncio.gather(*(ward.run(tasks.add, n, right=1) for n in range(5))) == [1, 2, 3, 4, 5]
        assert len(waits.roles) == 3 + 5, "of the three that take a minute, one runs"
        for task in slow[2:]:
            task.cancel()
    finally:
        await pool.close()


async def test_an_office_alone_with_slow_files_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WORKER_SLOW_SECONDS", 0.001)
    pool = JudgePool(size=1, preload=())
    await pool.start()
    try:
        async with asyncio.timeout(20):
            await asyncio.gather(*(pool.on_behalf("office").run(tasks.sleep, 0.01) for _ in range(5)))
    finally:
        await pool.close()


async def test_a_seat_that_is_kept_for_others_is_no_room_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound of a share once was not asked for while a seat was idle, though that seat was not for this share."""
    monkeypatch.setattr(limits, "WORKER_SLOW_SECONDS", 0.05)
    pool = JudgePool(size=2, preload=())
    await pool.start()
    try:
        office, ward = pool.on_behalf("office"), pool.on_behalf("ward")
        long = [asyncio.create_task(office.run(tasks.sleep, seconds)) for seconds in (0.1, 0.1, 60, 60)]
        await asyncio.gather(*long[:2])
        long += [asyncio.create_task(office.run(tasks.sleep, 60)) for _ in range(limits.WORKER_SHARE_MAX - 1)]
        await asyncio.sleep(0)
        with pytest.raises(SiteError) as refusal:
            await office.run(tasks.add, 1, right=1)
        assert refusal.value.code == "worker.busy"
        assert await ward.run(tasks.add, 1, right=1) == 2
        for task in long[2:]:
            task.cancel()
    finally:
        await pool.close()
