"""Clerks recall the same letter in the same moment: on every store each recipient is asked once, and nobody sees an error."""

import asyncio

from gateway.core.states import AmendmentState
from tests.kit.exchange_world import World
from tests.scenario.test_amendments import both_hold, recall
from tests.scenario.test_trouble import sent


async def test_two_recalls_at_once_ask_each_recipient_once(world: World) -> None:
    document = await sent(world, *world.wards)
    await world.settle()
    await asyncio.gather(*(recall(world, document) for _ in range(4)))
    view = await recall(world, document)
    assert view.counts == {AmendmentState.ASKED: len(world.wards)}
    found = await world.party.store.read(lambda uow: uow.documents.page(None, 99))
    assert sum(one.status is not None for one in found) == len(world.wards)
    await both_hold(world)
