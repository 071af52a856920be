"""What operators do to the queue by hand, in a whole world: roads paused, letters tried at once, given up by two persons."""

from collections.abc import Awaitable
from datetime import timedelta

import pytest

from gateway.core.errors import Conflict, NotFound, SenderError
from gateway.core.events import EventKind
from gateway.core.limits import REASON_CHARS_MAX, SECOND_PERSON_SECONDS_MAX
from gateway.core.states import TransferState
from gateway.core.work import WorkKind
from gateway.exchange import Operating
from tests.kit.exchange_world import World
from tests.kit.whole_lists import history_of
from tests.scenario.test_main_job import check
from tests.scenario.test_misfortune import bury, claim_only
from tests.scenario.test_trouble import arrived, only_transfer, sent, states, ub

HOA, MINH = "hoa", "minh"
HOUR = timedelta(hours=1)


@pytest.fixture
def operating(world: World) -> Operating:
    return Operating(desk=world.party.desk)


async def refused(code: str, asked: Awaitable[object]) -> None:
    with pytest.raises((Conflict, NotFound, SenderError)) as caught:
        await asked
    assert caught.value.code == code


async def own_events(world: World) -> list[str]:
    """What happened to the gateway itself by hand."""
    events = await world.party.store.read(lambda uow: uow.log.history(world.party.own))
    return [one.event for one in events if one.event.startswith("queue.")]


async def kinds(world: World) -> list[WorkKind]:
    """What the sender's gateway still has to do."""
    return [one.item.kind for one in await world.party.store.read(lambda uow: uow.work.queued(None, 10))]


async def test_nothing_goes_to_a_paused_gateway_until_it_is_resumed(world: World, operating: Operating) -> None:
    there = world.government.own
    pause = await operating.pause(HOA, there, " bảo trì ")
    assert (pause.by, pause.reason) == (HOA, "bảo trì")
    assert await operating.pause(MINH, there, "lần nữa") == pause
    document = await sent(world)
    await world.settle(limit=HOUR)
    assert await states(world, document) == [("queued", "")]
    assert world.party.road.carried == 0
    await operating.resume(MINH, there)
    await world.settle(limit=HOUR)
    assert await states(world, document) == [("delivered", "")]
    assert await own_events(world) == [EventKind.QUEUE_PAUSED, EventKind.QUEUE_RESUMED]
    await refused("conflict.not_paused", operating.resume(HOA, there))
    await check(world, world.party)


async def test_a_name_that_nobody_has_is_not_paused_and_no_pause_is_without_a_reason(
    world: World, operating: Operating
) -> None:
    await refused("not_found", operating.pause(HOA, "typo.example", "bảo trì"))
    await refused("reason.missing", operating.pause(HOA, world.government.own, " "))
    for reason in (
        "x" * (REASON_CHARS_MAX + 1),
        "\x1b[2J",
        "\udfff",
    ):  # nothing is cut off, and nothing rules a terminal
        await refused("request.field", operating.pause(HOA, world.government.own, reason))
    assert await world.party.store.read(lambda uow: uow.interventions.paused()) == ()


async def test_what_waits_for_a_closed_road_is_tried_at_once(world: World, operating: Operating) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=2 * HOUR)
    world.party.road.down = False
    tried = world.party.road.carried
    assert await operating.retry(HOA, document.key) == 1
    assert await world.party.run_due(world.clock.now()) == 1
    assert await states(world, document) == [("delivered", "")]
    assert world.party.road.carried == tried + 1
    assert await own_events(world) == [EventKind.QUEUE_RETRIED]
    await refused("conflict.state", operating.retry(HOA, document.key))
    await refused("not_found", operating.retry(HOA, "nothing"))
    await check(world, world.party)


async def test_a_held_transfer_goes_on_when_it_is_retried(world: World, operating: Operating) -> None:
    world.party.road.lose_answers = 1
    document = await sent(world)
    for _ in range(2):
        await world.party.run_due(world.clock.now())
    world.clock.advance(3600)
    await bury(world.party, await claim_only(world.party, WorkKind.TRANSFER, world), "blob.damaged", world)
    transfer = await only_transfer(world)
    assert transfer.state is TransferState.HELD
    assert await operating.retry(HOA, transfer.slip.transfer) == 1
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    history = await history_of(world.party.queries, world.party.principal(world.sender), document.key)
    assert [one.event for one in history][-3:] == ["held", "released", "delivery.delivered"]
    await check(world, world.party)


async def test_a_document_that_waits_for_its_next_step_is_tried_at_once(world: World, operating: Operating) -> None:
    document = await sent(world)
    claim = await claim_only(world.party, WorkKind.DOCUMENT, world)
    later = world.clock.now() + HOUR
    await world.party.store.transact(lambda uow: uow.work.postpone(claim, later, failed=True))
    assert await world.party.run_due(world.clock.now()) == 0
    assert await operating.retry(HOA, document.key) == 1
    assert await world.party.run_due(world.clock.now()) == 1
    assert await states(world, document) == [("queued", "")]
    assert await own_events(world) == [EventKind.QUEUE_RETRIED]


async def test_two_persons_give_up_what_waits_and_both_are_named(world: World, operating: Operating) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=HOUR)
    await refused("conflict.not_asked", operating.confirm_void(MINH, document.key))
    (request,) = await operating.ask_void(HOA, document.key, "gửi nhầm")
    assert await operating.ask_void(MINH, document.key, "tôi cũng vậy") == (request,)
    assert await states(world, document) == [("queued", "")]
    await refused("conflict.same_person", operating.confirm_void(HOA, document.key))
    assert await operating.confirm_void(MINH, request.subject) == 1
    assert await states(world, document) == [("void", "delivery.void")]
    assert await kinds(world) == [WorkKind.GAPS]
    world.party.road.down = False
    await world.settle()
    assert await world.party.due() is None
    assert await arrived(world.government, ub(world)) == 0
    streams = await world.government.store.read(lambda uow: uow.order.streams(world.sender, [ub(world)]))
    assert streams[ub(world)].expected == 2, "the other side waits for a letter that is void"
    history = await history_of(world.party.queries, world.party.principal(world.sender), document.key)
    assert [one.event for one in history][-2:] == ["delivery.void_asked", "delivery.void"]
    assert await world.party.store.read(lambda uow: uow.interventions.pending(9)) == ()
    for again in (operating.ask_void(HOA, document.key, "lại"), operating.confirm_void(MINH, document.key)):
        await refused("conflict.state", again)
    await check(world, world.party)


async def test_until_it_is_confirmed_it_goes_on_and_a_request_is_good_for_a_day(
    world: World, operating: Operating
) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=HOUR)
    await operating.ask_void(HOA, document.key, "gửi nhầm")
    world.clock.moment += timedelta(seconds=SECOND_PERSON_SECONDS_MAX + 1)
    await refused("conflict.not_asked", operating.confirm_void(MINH, document.key))
    (again,) = await operating.ask_void(MINH, document.key, "vẫn nhầm")
    assert again.by == MINH
    world.party.road.down = False
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    await refused("conflict.state", operating.confirm_void(HOA, document.key))
    await check(world, world.party)


async def test_nothing_is_given_up_while_it_is_being_attempted(world: World, operating: Operating) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=HOUR)
    await operating.ask_void(HOA, document.key, "gửi nhầm")
    due = await world.party.due()
    assert due is not None
    (claim,) = await world.party.store.transact(lambda uow: uow.work.claim(due, lease=10**6, windows={}, limit=1))
    await refused("conflict.at_work", operating.confirm_void(MINH, document.key))
    await world.party.store.transact(lambda uow: uow.work.postpone(claim, due))
    assert await operating.confirm_void(MINH, document.key) == 1


async def test_only_what_has_not_arrived_is_given_up(world: World, operating: Operating) -> None:
    """Of two roads one delivers: the letter there stays delivered, the other one is void."""
    world.party.road.down = True
    wards = (ub(world), next(ward for ward in world.wards if ".UB." not in ward))
    document = await sent(world, *wards)
    await world.settle(limit=HOUR)
    assert sorted(await states(world, document)) == [("delivered", ""), ("queued", "")]
    await operating.ask_void(HOA, document.key, "gửi nhầm")
    assert await operating.confirm_void(MINH, document.key) == 1
    assert sorted(await states(world, document)) == [("delivered", ""), ("void", "delivery.void")]
    await check(world, world.party)
