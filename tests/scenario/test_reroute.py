"""What cannot be delivered where it was sent goes, by an operator's hand, where the registry says by now."""

import asyncio
from datetime import timedelta

import pytest

from gateway.core.directory import BodyStatus
from gateway.core.errors import Conflict, NotFound
from gateway.core.events import EventKind
from gateway.core.ids import OrganId
from gateway.core.model import Delivery, Document
from gateway.core.states import BusinessStatus, DeliveryState, TransferState
from gateway.exchange import Operating
from tests.kit.exchange_world import World
from tests.scenario.test_main_job import check
from tests.scenario.test_trouble import arrived, sent, ub

HOA = "hoa"
HOUR = timedelta(hours=1)


@pytest.fixture
def operating(world: World) -> Operating:
    return Operating(desk=world.party.desk)


async def deliveries(world: World, document: Document) -> tuple[Delivery, ...]:
    return await world.party.store.read(lambda uow: uow.documents.deliveries(document.key))


async def events_of(world: World, delivery: Delivery) -> list[str]:
    found = await world.party.store.read(lambda uow: uow.log.history(delivery.document))
    return [one.event for one in found if one.subject == delivery.key]


async def close(world: World, gone: OrganId, successor: OrganId) -> None:
    """A new edition of the registry on both sides: the one took over from the other."""
    world.replace_body(gone, status=BodyStatus.CLOSED, successor=successor)


async def refused(code: str, world: World, operating: Operating, subject: str) -> None:
    with pytest.raises((Conflict, NotFound)) as told:
        await operating.reroute(HOA, subject)
    assert told.value.code == code


async def test_what_was_refused_because_its_code_was_closed_goes_to_the_body_that_took_over(
    world: World, operating: Operating
) -> None:
    gone, heir = ub(world), ub(world, 1)
    world.party.road.down = True
    document = await sent(world, gone)
    await world.settle(limit=timedelta(minutes=1))
    await close(world, gone, heir)
    world.party.road.down = False
    await world.settle(limit=HOUR)
    (before,) = await deliveries(world, document)
    assert (before.state, before.reason) == (DeliveryState.REFUSED, "recipient.closed")
    assert await operating.reroute(HOA, document.key) == 1
    await world.settle(limit=HOUR)
    old, new = await deliveries(world, document)
    assert (old.key, old.state, old.reason) == (before.key, DeliveryState.REROUTED, "delivery.rerouted")
    assert (new.recipient, new.state) == (heir, DeliveryState.DELIVERED)
    assert new.sequence == 1
    assert new.route_reason == "registry.successor"
    assert (await events_of(world, old))[-2:] == [EventKind.DELIVERY_REFUSED, EventKind.REROUTED]
    assert await events_of(world, new) == [EventKind.QUEUED, EventKind.DELIVERED]
    assert (await arrived(world.government, gone), await arrived(world.government, heir)) == (0, 1)
    await check(world, world.party)
    await check(world, world.government)
    await refused("conflict.no_other_place", world, operating, document.key)


async def test_the_body_that_took_over_answers_and_the_sender_hears_it(world: World, operating: Operating) -> None:
    gone, heir = ub(world), ub(world, 1)
    world.party.road.down = True
    document = await sent(world, gone)
    await close(world, gone, heir)
    world.party.road.down = False
    await world.settle(limit=HOUR)
    await operating.reroute(HOA, document.key)
    await world.settle(limit=HOUR)
    there = world.government
    (entry,) = (await there.queries.inbox(there.principal(heir), 0, 10)).entries
    await there.statuses.accept(there.principal(heir), entry.key, trace_id="0" * 32)
    await world.settle(limit=HOUR)
    _, new = await deliveries(world, document)
    assert new.business_status is BusinessStatus.ACCEPTED
    await check(world, world.party)


async def test_what_waits_for_a_gateway_that_is_gone_goes_to_the_one_to_which_the_body_moved(
    world: World, operating: Operating
) -> None:
    moved = ub(world)
    world.party.road.down = True
    document = await sent(world, moved)
    later = await sent(world, moved, number="13")
    await world.settle(limit=HOUR)
    world.replace_body(moved, gateway=world.party.own)
    assert await operating.reroute(HOA, document.key) == 1
    await world.settle(limit=HOUR)
    old, new = await deliveries(world, document)
    assert (old.state, new.state, new.recipient) == (DeliveryState.REROUTED, DeliveryState.DELIVERED, moved)
    assert (old.sequence, new.sequence, new.destination) == (1, 3, world.party.own)
    transfers = await world.party.store.read(lambda uow: uow.transfers.of_document(document.key))
    assert [one.state for one in transfers] == [TransferState.REROUTED, TransferState.RECEIPTED]
    assert await operating.reroute(HOA, (await deliveries(world, later))[0].key) == 1
    await world.settle(limit=timedelta(hours=3))
    assert await arrived(world.party, moved) == 2
    found = await world.party.store.read(lambda uow: uow.documents.delivery(document.key, moved))
    assert found == new
    await check(world, world.party)


async def test_of_a_transfer_that_has_not_ended_all_go_or_none(world: World, operating: Operating) -> None:
    moved, stays = ub(world), ub(world, 1)
    world.party.road.down = True
    document = await sent(world, moved, stays)
    await world.settle(limit=HOUR)
    world.replace_body(moved, gateway=world.party.own)
    await refused("conflict.no_other_place", world, operating, document.key)
    await refused("conflict.no_other_place", world, operating, (await deliveries(world, document))[0].key)
    world.replace_body(stays, gateway=world.party.own)
    assert await operating.reroute(HOA, document.key) == 2
    await world.settle(limit=HOUR)
    states = [one.state for one in await deliveries(world, document)]
    assert states == [DeliveryState.REROUTED] * 2 + [DeliveryState.DELIVERED] * 2
    await check(world, world.party)


async def test_what_expired_is_rerouted_and_its_notice_stays(world: World, operating: Operating) -> None:
    gone, heir = ub(world), ub(world, 1)
    world.party.road.down = True
    document = await sent(world, gone)
    await world.settle(limit=timedelta(days=8))
    world.party.road.down = False
    await close(world, gone, heir)
    assert await operating.reroute(HOA, document.key) == 1
    await world.settle(limit=HOUR)
    assert [one.state for one in await deliveries(world, document)] == [DeliveryState.REROUTED, DeliveryState.DELIVERED]
    page = await world.party.queries.notices(world.party.principal(world.sender), document.key, after=None, limit=9)
    assert len(page.notices) == 1
    await check(world, world.party)


async def test_two_closed_siblings_rerouted_in_the_same_moment_give_their_heir_one_letter(
    world: World, operating: Operating
) -> None:
    gone, sibling, heir = ub(world), ub(world, 1), ub(world, 2)
    documents = [await sent(world, gone, sibling, number=str(number)) for number in range(12, 18)]
    for one in (gone, sibling):
        await close(world, one, heir)
    await world.settle(limit=HOUR)
    for document in documents:
        asked = [operating.reroute(HOA, one.key) for one in await deliveries(world, document)]
        done = await asyncio.gather(*asked, return_exceptions=True)
        codes = {one.code if isinstance(one, Conflict) else one for one in done}
        assert codes == {1, "conflict.no_other_place"}
        assert await world.party.store.read(lambda uow, key=document.key: uow.documents.delivery(key, heir)) is not None
    await world.settle(limit=HOUR)
    assert await arrived(world.government, heir) == len(documents)
    await check(world, world.party)


async def test_nothing_goes_to_a_body_that_has_it_or_where_the_registry_says_nothing(
    world: World, operating: Operating
) -> None:
    gone, heir = ub(world), ub(world, 1)
    document = await sent(world, gone, heir)
    await refused("not_found", world, operating, "nothing")
    world.replace_body(gone, status=BodyStatus.CLOSED, successor=heir)
    await world.settle(limit=HOUR)
    assert [one.state for one in await deliveries(world, document)] == [DeliveryState.REFUSED, DeliveryState.DELIVERED]
    await refused("conflict.no_other_place", world, operating, document.key)


async def test_a_gateway_takes_no_letter_for_a_body_that_its_own_registry_does_not_name_as_successor(
    world: World, operating: Operating
) -> None:
    """Only the sender's registry says that the one took over: the other side refuses, and nothing is in any inbox."""
    gone, heir = ub(world), ub(world, 1)
    world.party.road.down = True
    document = await sent(world, gone)
    await world.settle(limit=timedelta(minutes=1))
    both = world.nodes
    world.nodes = {world.party.own: world.party}  # whose registry is newer than the other's
    await close(world, gone, heir)
    world.nodes = both
    assert await operating.reroute(HOA, document.key) == 1
    world.party.road.down = False
    await world.settle(limit=HOUR)
    _, new = await deliveries(world, document)
    assert new.state in {DeliveryState.QUEUED, DeliveryState.INDETERMINATE}, "put off: the sender's edition is newer"
    assert await arrived(world.government, heir) == 0
    world.government.directory.replace(world.party.directory.current())
    await world.settle(limit=HOUR)
    assert await arrived(world.government, heir) == 1
