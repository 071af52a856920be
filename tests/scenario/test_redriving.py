"""What lies among the dead letters when all that it is about has ended: an operator lets it go on by the key in the queue."""

from datetime import timedelta

import pytest

from gateway.cli.orders import QueueOrder
from gateway.cli.queue import queue_json, read_queue
from gateway.core.errors import Conflict, NotFound
from gateway.core.events import EventKind
from gateway.core.limits import STEP_ATTEMPTS_MAX
from gateway.core.owed import TimestampState
from gateway.core.validation import Level
from gateway.core.work import Claim, DeadLetter, WorkItem, WorkKind
from gateway.crypto import SealOrder
from gateway.exchange import Operating
from tests.kit.exchange_world import Node, World
from tests.scenario.test_expiry import notices
from tests.scenario.test_main_job import check
from tests.scenario.test_misfortune import bury
from tests.scenario.test_operating import HOA, own_events
from tests.scenario.test_order import arrive, numbers, write
from tests.scenario.test_timestamps import owed_of, stamping
from tests.scenario.test_trouble import only_transfer, sent, states

DAYS = timedelta(days=8)


async def claimed(node: Node, world: World) -> tuple[Claim, ...]:
    return await node.store.transact(lambda uow: uow.work.claim(world.clock.now(), lease=60, windows={}, limit=9))


async def bury_all(node: Node, world: World) -> None:
    """Whatever is due fails for the last time."""
    for claim in await claimed(node, world):
        item = WorkItem(
            kind=claim.item.kind,
            subject=claim.item.subject,
            destination=claim.item.destination,
            due_at=claim.item.due_at,
            attempts=STEP_ATTEMPTS_MAX - 1,
        )
        await bury(node, Claim(item=item, fence=claim.fence), "internal", world)


async def dead(node: Node) -> tuple[DeadLetter, ...]:
    return await node.store.read(lambda uow: uow.work.dead(9))


async def listed(node: Node, world: World, kind: WorkKind) -> str:
    """The key that `gateway queue list --json` shows."""
    order = QueueOrder(config=None, destination=None, dead=True, limit=9)  # type: ignore[arg-type] - not read here
    queue = await node.store.read(lambda uow: read_queue(uow, order, world.clock.now()))
    (key,) = [one["subject"] for one in queue_json(queue, "x", world.clock.now())["dead"] if one["kind"] == kind.value]
    return str(key)


async def expired(world: World) -> None:
    """The letter has expired; the notice to its sender and the one of its gap were given up."""
    world.party.road.down = True
    document = await sent(world)
    deadline = world.clock.now() + DAYS
    while await states(world, document) != [("expired", "delivery.expired")]:
        due = await world.party.due()
        assert due is not None
        assert due < deadline
        world.clock.moment = max(due, world.clock.now())
        await world.party.run_due(world.clock.now())
    world.clock.advance(3600)
    await bury_all(world.party, world)
    assert {one.item.kind for one in await dead(world.party)} == {WorkKind.NON_DELIVERY, WorkKind.GAPS}


@pytest.mark.parametrize("by_document", [False, True])
async def test_notices_of_what_expired_are_let_go_on_by_their_key(world: World, by_document: bool) -> None:
    await expired(world)
    transfer = await only_transfer(world)
    operating = Operating(desk=world.party.desk)
    world.party.road.down = False
    assert await listed(world.party, world, WorkKind.NON_DELIVERY) == transfer.slip.transfer
    assert await operating.retry(HOA, transfer.document if by_document else transfer.slip.transfer) == 2
    again = [one.item for one in await world.party.store.read(lambda uow: uow.work.queued(None, 9))]
    assert {(one.kind, one.attempts, one.due_at) for one in again} == {
        (kind, 0, world.clock.now()) for kind in (WorkKind.NON_DELIVERY, WorkKind.GAPS)
    }
    assert await own_events(world) == [EventKind.QUEUE_RETRIED]
    assert await world.party.run_due(world.clock.now()) == 2
    assert await dead(world.party) == ()
    document = await world.party.store.read(lambda uow: uow.documents.find(transfer.document))
    assert document is not None
    assert len(await notices(world, document)) == 1
    assert await states(world, document) == [("expired", "delivery.expired")]
    with pytest.raises(Conflict):
        await operating.retry(HOA, transfer.slip.transfer)
    assert await own_events(world) == [EventKind.QUEUE_RETRIED]
    await check(world, world.party)


async def test_what_lets_staged_entries_in_is_let_go_on_by_its_sender(world: World) -> None:
    first, second = [await write(world, number) for number in (1, 2)]
    await arrive(world, second)
    assert await numbers(world) == []
    world.clock.advance(2 * 3600)
    await bury_all(world.government, world)
    operating = Operating(desk=world.government.desk)
    key = await listed(world.government, world, WorkKind.ORDER)
    assert key == first.slip.sender
    assert await operating.retry(HOA, key) == 1
    await world.government.run_due(world.clock.now())
    assert await numbers(world) == [2]
    assert await dead(world.government) == ()
    with pytest.raises(NotFound):
        await operating.retry(HOA, key)


@pytest.mark.parametrize("by_document", [False, True])
async def test_a_timestamp_that_was_given_up_is_owed_again(world: World, by_document: bool) -> None:
    authority = stamping(world, world.party, SealOrder(level=Level.B_T))
    authority.answers = 0
    document = await sent(world)
    await world.settle(limit=timedelta(days=20))
    key = await listed(world.party, world, WorkKind.TIMESTAMP)
    (owed,) = await owed_of(world, document)
    assert (owed.key, owed.state) == (key, TimestampState.GIVEN_UP)
    authority.answers = None
    operating = Operating(desk=world.party.desk)
    assert await operating.retry(HOA, document.key if by_document else key) == 1
    await world.settle()
    (owed,) = await owed_of(world, document)
    assert owed.state is TimestampState.STAMPED
    assert await dead(world.party) == ()
    assert await own_events(world) == [EventKind.QUEUE_RETRIED]
    await check(world, world.party)
