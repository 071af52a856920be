"""A wall clock that jumps by an hour, forward or back, in the middle of everything: nothing is lost, and it is on record."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from gateway.core.events import EventKind
from gateway.core.patience import LATENESS_GRACE_SECONDS
from gateway.core.work import WorkKind
from gateway.exchange import clock_step
from gateway.observe import ClockWatch
from tests.kit.exchange_world import DEADLINE, Node, World
from tests.scenario.test_main_job import check
from tests.scenario.test_order import arrive, numbers, write
from tests.scenario.test_trouble import arrived, left_to_do, sent, states, ub

HOUR = 3_600.0


def watched(world: World, node: Node) -> ClockWatch:
    async def record(seconds: float, moment: object) -> None:
        unit = clock_step(node.own, seconds, journal=node.desk.journal, moment=world.clock.now())
        await node.store.transact(unit)

    return ClockWatch(clock=world.clock, on_step=record)


async def before_anything(world: World) -> None:
    pass


async def while_the_road_is_closed(world: World) -> None:
    world.party.road.down = True
    for _ in range(12):
        await world.party.run_due(world.clock.now())
    world.party.road.down = False


async def with_an_answer_lost(world: World) -> None:
    world.party.road.lose_answers = 1
    for _ in range(12):
        await world.party.run_due(world.clock.now())


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
@pytest.mark.parametrize("until", [before_anything, while_the_road_is_closed, with_an_answer_lost])
async def test_an_hour_s_jump_loses_nothing(
    world: World, seconds: float, until: Callable[[World], Awaitable[None]]
) -> None:
    watch = watched(world, world.party)
    document = await sent(world)
    await until(world)
    world.clock.jump(seconds)
    assert await watch.compare() == pytest.approx(seconds)
    later = await sent(world, ub(world, 1), number="13")
    await world.settle()
    assert await states(world, document) == await states(world, later) == [("delivered", "")]
    assert [await arrived(world.government, ub(world, number)) for number in (0, 1)] == [1, 1]
    history = await world.party.store.read(lambda uow: uow.log.history(world.party.own))
    (step,) = [event for event in history if event.event == EventKind.CLOCK_STEP]
    assert json.loads(step.detail)["milliseconds"] == seconds * 1000
    for node in world.nodes.values():
        await check(world, node)


async def attempts(world: World, times: int) -> None:
    """What waits for its peer is tried so often, five seconds apart, whenever it may be due."""
    for _ in range(times):
        await world.party.store.transact(lambda uow: uow.work.bring_forward(world.clock.now(), world.clock.now()))
        await world.party.run_due(world.clock.now())
        world.clock.advance(5)


async def test_a_glimpse_of_the_future_ends_nothing(world: World) -> None:
    """Found by attack: a clock that was ten years ahead for some seconds let everything expire that waited for a peer."""
    world.party.road.down = True
    document = await sent(world)
    await attempts(world, 3)
    world.clock.jump(10 * 365 * 24 * HOUR)
    await attempts(world, 3)
    world.clock.jump(-10 * 365 * 24 * HOUR)
    assert await states(world, document) == [("queued", "")]
    world.party.road.down = False
    await attempts(world, 1)
    await world.settle(limit=timedelta(days=2))
    assert await states(world, document) == [("delivered", "")]


async def test_a_glimpse_of_the_future_keeps_no_number_from_being_told(world: World) -> None:
    """The notice of what will never come was given up for lateness: whoever waits for that number waited for nothing."""
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=DEADLINE + timedelta(days=1))
    assert await states(world, document) == [("expired", "delivery.expired")]
    world.clock.jump(10 * 365 * 24 * HOUR)
    await attempts(world, 3)
    world.clock.jump(-10 * 365 * 24 * HOUR)
    assert await left_to_do(world) == {WorkKind.GAPS}
    world.party.road.down = False
    await attempts(world, 3)
    assert world.party.road.told == 1


async def test_a_gateway_that_was_off_beyond_a_deadline_tries_for_an_hour_before_anything_expires(world: World) -> None:
    world.party.road.down = True
    document = await sent(world)
    await attempts(world, 3)
    world.clock.jump(DEADLINE.total_seconds())
    await attempts(world, 3)
    assert await states(world, document) == [("queued", "")]
    world.clock.advance(LATENESS_GRACE_SECONDS)
    await attempts(world, 2)
    assert await states(world, document) == [("expired", "delivery.expired")]


async def test_what_was_staged_under_a_clock_that_was_ahead_comes_in_when_it_is_set(world: World) -> None:
    """Found by attack: it would have waited for its smaller number until an hour after the future that it came in."""
    _, second = [await write(world, number) for number in (1, 2)]
    world.clock.jump(9 * HOUR)
    await arrive(world, second)
    assert await numbers(world) == []
    world.clock.jump(-9 * HOUR)
    now = world.clock.now()
    assert await world.government.store.transact(lambda uow: uow.work.bring_forward(now, now + timedelta(hours=2)))
    await world.government.run_due(now)
    assert await numbers(world) == [2]
