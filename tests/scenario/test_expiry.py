"""What does not arrive in time: the delivery expires, and its sender is told by a notice that our own gateway signs."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.carrying import CarryResult
from gateway.core.clock import rfc3339
from gateway.core.errors import NotFound, PeerError
from gateway.core.events import EventKind
from gateway.core.model import Document, Transfer
from gateway.core.patience import DELIVERY_DEADLINE_DAYS_DEFAULT
from gateway.core.work import WorkItem, WorkKind
from gateway.exchange import DocumentSteps, Notice, check_notice
from gateway.exchange.non_delivery import RELAY_FAILURE
from tests.kit.exchange_world import DEADLINE, World
from tests.kit.whole_lists import history_of
from tests.scenario.test_main_job import check
from tests.scenario.test_trouble import only_transfer, sent, states


async def notices(world: World, document: Document, *organs: str) -> tuple[Notice, ...]:
    """What an office is told."""
    principal = world.party.principal(*(organs or (world.sender,)))
    page = await world.party.queries.notices(principal, document.key, after=None, limit=10)
    return page.notices


async def test_what_expired_is_told_by_a_notice_that_holds_what_happened(world: World) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=timedelta(days=4))
    assert await notices(world, document) == ()
    await world.settle(limit=timedelta(days=8))
    assert await states(world, document) == [("expired", "delivery.expired")]
    (notice,) = await notices(world, document)
    transfer = await only_transfer(world)
    keys = world.party.directory.current().gateways[world.party.own].receipt_keys
    assert notice.made.notice is not None
    claims = check_notice(notice.made.notice, keys)
    (delivery,) = await world.party.store.read(lambda uow: uow.documents.deliveries(document.key))
    said = (claims.transfer, claims.origin, claims.destination, claims.sender, claims.document_id)
    assert said == (transfer.slip.transfer, world.party.own, world.government.own, world.sender, document.document_id)
    assert claims.deadline == rfc3339(transfer.deadline)
    assert transfer.deadline - transfer.slip.sent_at == DEADLINE
    assert claims.expired_at == rfc3339(transfer.changed_at)
    assert claims.attempts == transfer.attempts > 10
    assert claims.last_reason == "down"
    assert claims.last_tried_at is not None
    assert claims.last_tried_at <= claims.expired_at
    assert claims.last_tried_at > rfc3339(transfer.deadline - timedelta(hours=1))
    (line,) = claims.recipients
    assert (line.organ_id, line.sequence, line.code) == (delivery.recipient, delivery.sequence, "delivery.expired")
    assert line.event == RELAY_FAILURE
    history = await history_of(world.party.queries, world.party.principal(world.sender), document.key)
    assert [one.event for one in history][-2:] == [EventKind.DELIVERY_EXPIRED, EventKind.DELIVERY_NOTICE]
    assert line.leaf == history[-2].leaf_hash
    await check(world, world.party)


async def test_the_senders_feed_tells_of_the_notice_and_nobody_else_sees_it(world: World) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=timedelta(days=8))
    principal = world.party.principal(world.sender)
    page = await world.party.events.events(principal, after=-1, limit=100, wait=0)
    assert [one.event for one in page.events][-2:] == ["delivery.expired", "delivery.notice"]
    with pytest.raises(NotFound):
        await notices(world, document, world.wards[0])


async def test_a_notice_is_signed_once_however_often_its_item_runs(world: World) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=timedelta(days=8))
    (before,) = await notices(world, document)
    transfer = await only_transfer(world)
    key, due = transfer.slip.transfer, world.clock.now()
    item = WorkItem(kind=WorkKind.NON_DELIVERY, subject=key, destination="", due_at=due)
    await world.party.store.transact(lambda uow: uow.work.add(item))
    world.clock.advance(60)
    await world.settle()
    assert await notices(world, document) == (before,)


@pytest.mark.parametrize("place", [20, 200, -5])
async def test_a_changed_notice_is_none(world: World, place: int) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=timedelta(days=8))
    (notice,) = await notices(world, document)
    signed = notice.made.notice or b""
    at = place % len(signed)
    other = b"A" if signed[at : at + 1] != b"A" else b"B"
    keys = world.party.directory.current().gateways[world.party.own].receipt_keys
    with pytest.raises(PeerError):
        check_notice(signed[:at] + other + signed[at + 1 :], keys)
    with pytest.raises(PeerError):
        check_notice(signed, world.government.directory.current().gateways[world.government.own].receipt_keys)


@pytest.mark.parametrize("lost", [True, False])
async def test_an_attempt_that_outlasts_the_deadline_is_asked_about_before_anything_ends(
    world: World, monkeypatch: pytest.MonkeyPatch, *, lost: bool
) -> None:
    """A large letter on a slow road: it is there, and what said so came too late, or not at all."""
    road = world.party.road
    document = await sent(world)
    await world.party.run_due(world.clock.now())
    road.lose_answers = int(lost)
    carry = road.carry

    async def slow(transfer: Transfer, envelope: Path) -> CarryResult:
        world.clock.moment = transfer.deadline + timedelta(minutes=1)
        return await carry(transfer, envelope)

    monkeypatch.setattr(road, "carry", slow)
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    assert (road.carried, road.asked) == (1, int(lost))
    assert await notices(world, document) == ()
    await check(world, world.party)


async def test_with_the_default_deadline_a_letter_survives_tet(world: World) -> None:
    """Sent on the last evening; the other gateway is off for nine days and a half, and is up again by the tenth morning."""
    party = world.party
    desk = replace(party.desk, deadline=timedelta(days=DELIVERY_DEADLINE_DAYS_DEFAULT))
    party.handlers[WorkKind.DOCUMENT] = DocumentSteps(desk=desk)
    party.road.down = True
    document = await sent(world)
    await world.settle(limit=timedelta(days=9, hours=15))
    assert await states(world, document) == [("queued", "")]
    party.road.down = False
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
