"""The promises of the port `Clock`, on the machine's own and on the one that jumps."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.ports import Clock
from gateway.observe import SystemClock
from tests.kit.clock import ManualClock

IMPLEMENTATIONS: tuple[Callable[[], Clock], ...] = (SystemClock, ManualClock)
SHORT = 0.02


@pytest.fixture(params=IMPLEMENTATIONS)
def clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


def test_now_is_an_aware_instant_in_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.now().tzinfo is UTC


async def test_the_monotonic_clock_never_steps_back(clock: Clock) -> None:
    read = [clock.monotonic()]
    for _ in range(5):
        await clock.sleep(0.001)
        read += [clock.monotonic() for _ in range(100)]
    assert read == sorted(read)
    assert read[-1] > read[0]


async def test_after_a_sleep_that_much_has_passed(clock: Clock) -> None:
    before = clock.monotonic()
    await clock.sleep(SHORT)
    assert clock.monotonic() - before >= SHORT - 1e-3


async def test_sleeping_lets_others_work_also_for_no_time_at_all(clock: Clock) -> None:
    worked = asyncio.create_task(asyncio.sleep(0, "worked"))
    await clock.sleep(0)
    await clock.sleep(0)
    assert worked.done()


async def test_a_sleeper_can_be_cancelled(clock: Clock) -> None:
    before = clock.monotonic()
    sleeper = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    assert clock.monotonic() - before < 3600


async def test_many_sleep_side_by_side(clock: Clock) -> None:
    before = clock.monotonic()
    await asyncio.gather(*(clock.sleep(SHORT) for _ in range(50)))
    assert clock.monotonic() - before >= SHORT - 1e-3


def test_the_machine_s_clock_says_the_time_of_the_machine() -> None:
    before = datetime.now(UTC)
    assert before <= SystemClock().now() <= before + timedelta(seconds=30)


async def test_a_clock_that_jumps_takes_no_time_and_moves_both_its_hands() -> None:
    clock, system = ManualClock(), SystemClock()
    began, start = system.monotonic(), clock.now()
    await clock.sleep(3600)
    clock.advance(0.5)
    assert (clock.now() - start, clock.monotonic()) == (timedelta(seconds=3600.5), 3600.5)
    assert system.monotonic() - began < 60
