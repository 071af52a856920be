"""A wall clock that jumps by an hour, forward or back, in the middle of everything: nothing is lost, and it is on record."""

import json
from collections.abc import Awaitable, Callable

import pytest

from gateway.core.events import EventKind
from gateway.exchange import clock_step
from gateway.observe import ClockWatch
from tests.kit.exchange_world import Node, World
from tests.scenario.test_main_job import check
from tests.scenario.test_trouble import arrived, sent, states, ub

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
