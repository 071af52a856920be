"""The loop that seeded worlds turn in: its clock jumps, nothing runs beside it, and it knows when nothing can happen."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.kit import simloop
from tests.kit.simloop import SimLoop, StuckError


def run(work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=SimLoop) as runner:
        return runner.run(work)


def test_days_pass_at_once_and_in_order() -> None:
    async def work() -> list[tuple[float, str]]:
        loop, told = asyncio.get_running_loop(), []

        async def after(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            told.append((loop.time(), name))

        await asyncio.gather(after(86400.0 * 3, "late"), after(0.5, "soon"), after(3600.0, "later"))
        return told

    assert run(work()) == [(0.5, "soon"), (3600.0, "later"), (86400.0 * 3, "late")]


def test_a_time_limit_is_one_of_the_same_clock() -> None:
    async def work() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(120):
                await asyncio.sleep(121)
        return asyncio.get_running_loop().time()

    assert run(work()) == 120.0


def test_what_would_be_a_thread_is_a_turn_of_the_loop() -> None:
    async def work() -> list[str]:
        told: list[str] = []

        def task() -> str:
            told.append("done")
            return threading.current_thread().name

        waiting = asyncio.ensure_future(asyncio.to_thread(task))
        await asyncio.sleep(0)
        told.append("others go first")
        assert await waiting == threading.main_thread().name
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        return told

    assert run(work()) == ["others go first", "done"]
    assert threading.active_count() == 1


def test_what_was_cancelled_before_its_turn_is_not_done() -> None:
    async def work() -> list[int]:
        told: list[int] = []
        waiting = asyncio.ensure_future(asyncio.to_thread(told.append, 1))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(1)
        return told

    assert run(work()) == []


def test_waiting_for_nothing_is_noticed() -> None:
    async def work() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(StuckError, match="no timer"):
        run(work())


def test_turning_without_end_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        while True:
            await asyncio.sleep(0)

    monkeypatch.setattr(simloop, "TURNS_MAX", 1000)
    with pytest.raises(StuckError, match="no end"):
        run(work())
