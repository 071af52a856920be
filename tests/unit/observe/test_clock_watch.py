"""A wall clock that jumps is noticed, once, and shown for an hour; one that only runs is not."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from gateway.core.errors import SiteError
from gateway.core.health import Health
from gateway.observe import ClockWatch
from tests.kit.clock import START, ManualClock


class Steps(list[tuple[float, datetime]]):
    async def __call__(self, seconds: float, moment: datetime) -> None:
        self.append((seconds, moment))


@pytest.mark.parametrize("seconds", [3_600.0, -3_600.0, 2.5, -2.5])
async def test_a_jump_is_told_once_with_the_time_after_it(seconds: float) -> None:
    clock, steps = ManualClock(), Steps()
    watch = ClockWatch(clock=clock, on_step=steps)
    clock.advance(1)
    assert await watch.compare() == 0
    clock.jump(seconds)
    clock.advance(1)
    assert await watch.compare() == pytest.approx(seconds)
    assert await watch.compare() == 0
    assert steps == [(pytest.approx(seconds), START + timedelta(seconds=2 + seconds))]
    (finding,) = await watch.look()
    assert (finding.code, finding.health) == ("probe.clock.stepped", Health.WARN)
    assert finding.params["seconds"] == f"{seconds:+.1f}"
    clock.advance(3_601)
    assert [found.code for found in await watch.look()] == ["probe.clock.good"]


@pytest.mark.parametrize("seconds", [0.0, 1.9, -1.9])
async def test_what_the_time_service_does_is_no_jump(seconds: float) -> None:
    clock, steps = ManualClock(), Steps()
    watch = ClockWatch(clock=clock, on_step=steps)
    for _ in range(5):
        clock.advance(100)
        clock.jump(seconds)
        assert await watch.compare() == 0
    assert steps == []


async def test_a_store_that_is_busy_does_not_end_the_watch() -> None:
    async def refuse(_seconds: float, _moment: datetime) -> None:
        raise SiteError("store.busy")

    clock = ManualClock()
    watch = ClockWatch(clock=clock, on_step=refuse)
    clock.jump(100)
    assert await watch.compare() == pytest.approx(100)


async def test_it_looks_again_and_again_until_cancelled() -> None:
    clock, steps = ManualClock(), Steps()
    running = asyncio.create_task(ClockWatch(clock=clock, on_step=steps).run())
    for _ in range(20):
        await asyncio.sleep(0)
    clock.jump(50)
    for _ in range(20):
        await asyncio.sleep(0)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert [round(seconds) for seconds, _ in steps] == [50]
