"""The breaker: a road that is closed opens a little when the peer itself calls, and no peer can close it for long."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.carrying import CarryResult, TryLater
from gateway.core.errors import PeerError
from gateway.core.ids import TransferKey
from gateway.core.limits import BACKOFF_CAP_SECONDS
from gateway.core.model import Transfer
from gateway.core.patience import ROAD_HEARD_SECONDS_MIN
from gateway.core.states import TransferState
from gateway.core.work import Destination
from tests.kit.exchange_world import World
from tests.scenario.test_trouble import sent, states, ub

HOURS = timedelta(hours=3)


async def road_to(world: World) -> Destination:
    there = world.government.own
    return await world.party.store.read(lambda uow: uow.work.destination(there))


async def closed_for_long(world: World) -> Destination:
    """A letter has arrived; then the government's gateway was away until its road was tried every quarter of an hour."""
    await sent(world)
    await world.settle()
    world.party.road.down = True
    await sent(world, number="13")
    await world.settle(limit=HOURS)
    road = await road_to(world)
    assert road.failures > 8
    assert road.not_before is not None
    return road


async def call(world: World) -> None:
    """The government's gateway asks something of the party's, as it does after a lost answer."""
    unknown = "01900000-0000-7000-8000-000000000000"
    assert await world.party.reception.answer_of(world.government.own, unknown) is None  # type: ignore[arg-type]


async def accept(world: World) -> None:
    """The People's Committee accepts its letter, and its gateway sends word of it."""
    there, ward = world.government, ub(world)
    (entry, *_) = (await there.queries.inbox(there.principal(ward), 0, 10)).entries
    await there.statuses.accept(there.principal(ward), entry.key, trace_id="0" * 32)
    carried = there.road.carried
    while await there.run_due(world.clock.now()):
        pass
    assert there.road.carried == carried + 1


async def test_a_call_of_the_peer_opens_its_road_before_its_time(world: World) -> None:
    before = await closed_for_long(world)
    assert before.not_before is not None
    world.party.road.down = False
    await call(world)
    road = await road_to(world)
    assert (road.not_before, road.failures) == (None, before.failures), "half open: its failures are not forgotten"
    at = world.clock.now()
    while await world.party.run_due(world.clock.now()):
        pass
    assert world.clock.now() == at < before.not_before
    assert (await road_to(world)).failures == 0


async def test_a_peer_that_calls_and_cannot_be_called_is_not_knocked_at_all_the_time(world: World) -> None:
    await closed_for_long(world)
    attempts = 0
    for _ in range(30):
        await call(world)
        attempts += await world.party.run_due(world.clock.now())
        world.clock.advance(1)
    assert attempts == 1
    world.clock.advance(ROAD_HEARD_SECONDS_MIN)
    await call(world)
    assert await world.party.run_due(world.clock.now()) == 1


async def test_what_the_peer_sends_opens_its_road_no_wider_than_what_it_asks(world: World) -> None:
    """What it sent was taken for proof that it can be called: its failures were forgotten, and whatever it had asked for."""
    before = await closed_for_long(world)
    await accept(world)
    road = await road_to(world)
    assert (road.not_before, road.failures) == (None, before.failures)


async def test_a_peer_that_asked_for_patience_gets_it_though_it_sends(world: World) -> None:
    await sent(world)
    await world.settle()
    await sent(world, number="13")
    world.party.road.busy = 1  # 503 with Retry-After: 30
    while await world.party.run_due(world.clock.now()):
        pass
    closed = await road_to(world)
    assert closed.not_before is not None
    await accept(world)
    assert await road_to(world) == closed


async def test_a_peer_that_asked_for_patience_gets_it_though_it_calls(world: World) -> None:
    await sent(world)
    await world.settle()
    document = await sent(world, number="13")
    world.party.road.busy = 1  # 503 with Retry-After: 30
    while await world.party.run_due(world.clock.now()):
        pass
    world.clock.advance(ROAD_HEARD_SECONDS_MIN - 5)
    await call(world)
    assert await world.party.run_due(world.clock.now()) == 0
    world.clock.advance(5)
    await world.settle()
    assert (await states(world, document))[0][0] == "delivered"


async def test_patience_that_was_asked_for_in_answer_to_a_notice_is_kept_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise PeerError("peer.foreign_sender", organ=world.sender)

    monkeypatch.setattr(world.government.reception, "admit", refuse)
    await sent(world)
    while world.party.road.carried == 0:
        await world.party.run_due(world.clock.now())
    world.party.road.busy = 1  # for the notice that the letter will not come
    while await world.party.run_due(world.clock.now()):
        pass
    closed = await road_to(world)
    assert (world.party.road.busy, closed.failures) == (0, 1)
    world.clock.advance(ROAD_HEARD_SECONDS_MIN - 5)
    await call(world)
    assert await road_to(world) == closed
    world.clock.advance(5)
    await world.settle()
    assert world.party.road.told == 1


async def test_no_peer_closes_its_road_for_longer_than_the_longest_back_off(world: World) -> None:
    async def patience(_transfer: object, _envelope: object) -> CarryResult:
        return TryLater("busy", 10 * 24 * 3600.0)

    world.party.road.carry = patience  # type: ignore[method-assign]
    await sent(world)
    await world.settle(limit=timedelta(seconds=5))
    road = await road_to(world)
    assert road.not_before is not None
    assert road.not_before - world.clock.now() <= timedelta(seconds=BACKOFF_CAP_SECONDS)


async def test_who_waits_for_a_place_on_our_side_has_not_tried(world: World) -> None:
    """A large envelope behind others: it does not wait longer for each time that it looked."""
    document = await sent(world)
    carry, waits = world.party.road.carry, [TryLater("upload.limit", 15.0, road=False, asked=False)] * 20

    async def wait_first(transfer: Transfer, envelope: Path) -> CarryResult:
        return waits.pop() if waits else await carry(transfer, envelope)

    world.party.road.carry = wait_first  # type: ignore[method-assign]
    await world.settle(limit=timedelta(seconds=30))
    (work,) = await world.party.store.read(lambda uow: uow.work.queued(world.government.own, 10))
    transfer = await world.party.store.read(lambda uow: uow.transfers.find(TransferKey(work.item.subject)))
    assert transfer is not None
    assert (transfer.state, transfer.attempts) == (TransferState.QUEUED, 0)
    assert (await road_to(world)).not_before is None
    await world.settle(limit=timedelta(seconds=400))
    assert (await states(world, document))[0][0] == "delivered"
