"""The change feed of two whole gateways: everybody is told his own story, all of it, and can look up what it speaks of."""

import pytest

from gateway.core.errors import NotFound, SenderError
from gateway.core.events import NOBODY
from gateway.core.fields import faults_of
from gateway.core.ids import DocumentKey, EntryKey, OrganId
from gateway.core.model import FeedEvent
from gateway.core.states import TransferState
from tests.kit.exchange_world import Node, World, letter
from tests.kit.pdfs import tiny_pdf
from tests.kit.whole_lists import deliveries_of, history_of
from tests.scenario.test_trouble import only_transfer, sent, ub

WITHOUT_BODY = {"genesis", "registry.activated", "peer.foreign_sender", "received", "receive.refused"}
"""Events that may concern no body: a `received` of a status message, or of a document that had come before."""


async def told(node: Node, *organs: OrganId, after: int = -1, limit: int = 7) -> list[FeedEvent]:
    found: list[FeedEvent] = []
    while True:
        page = await node.events.events(node.principal(*organs), after=after, limit=limit, wait=0)
        found += page.events
        after = page.next_after
        if not page.more:
            return found


async def subjects(node: Node, organ: OrganId) -> set[str]:
    """Keys of everything that this body can look up."""
    principal = node.principal(organ)
    known: set[str] = set()
    for document in await node.store.read(lambda uow: uow.documents.page(None, 1000)):
        try:
            known |= {(await node.queries.document(principal, document.key)).document.key}
        except NotFound:
            continue
        known |= {delivery.key for delivery in await deliveries_of(node.queries, principal, document.key)}
    page = await node.queries.inbox(principal, 0, 200)
    return known | {entry.key for entry in page.entries}


async def lived(world: World) -> None:
    party, government = world.party, world.government
    text = await party.file("b.txt", b"b", "text/plain")
    await party.submit(letter(world.sender, world.wards, await party.file("a.pdf", tiny_pdf())))
    gone = OrganId("Z79.nobody")
    await party.submit_to_gone(letter(world.sender, (ub(world), gone), text, number="13"), gone)
    await party.submit(letter(world.sender, (ub(world),), await party.file("c.pdf", b"%PDF-1.7 broken"), number="14"))
    await world.settle()
    principal = government.principal(ub(world))
    for entry, accepted in zip((await government.queries.inbox(principal, 0, 10)).entries, (True, False), strict=True):
        if accepted:
            await government.statuses.accept(principal, entry.key, trace_id="1" * 32)
        else:
            await government.statuses.refuse(principal, entry.key, "Sai nơi nhận", trace_id="1" * 32)
    await world.settle()


async def test_everybody_is_told_all_that_happened_to_what_he_can_look_up(world: World) -> None:
    await lived(world)
    for node in world.nodes.values():
        hosted = [body.organ_id for body in node.directory.current().bodies.values() if body.gateway == node.own]
        positions: set[int] = set()
        for organ in hosted:
            events = await told(node, organ)
            assert {event.organ_id for event in events} <= {organ}
            assert {event.subject for event in events} == await subjects(node, organ)
            assert positions.isdisjoint(event.position for event in events)
            positions |= {event.position for event in events}
        everything = await told(node, *hosted)
        assert [event.position for event in everything] == sorted(positions)
        openings = await node.store.read(lambda uow: uow.log.openings(0, 10_000))
        hashes = await node.store.read(lambda uow, o=openings: uow.log.indexes([row[1] for row in o]))
        assert set(hashes.values()) >= positions
        assert await told(node, NOBODY) == []


async def test_only_what_concerns_no_body_is_left_out(world: World) -> None:
    await lived(world)
    for node in world.nodes.values():
        bodies = tuple(node.directory.current().bodies)
        in_feeds = {event.leaf_hash for event in await told(node, *bodies)}
        documents = await node.store.read(lambda uow: uow.documents.page(None, 1000))
        incoming = await node.store.read(lambda uow: uow.transfers.incoming_page(None, 1000))
        for key in [*(d.key for d in documents), *(i.slip.transfer for i in incoming), node.own]:
            for event in await node.store.read(lambda uow, key=key: uow.log.history(key)):
                assert event.leaf_hash in in_feeds or event.event in WITHOUT_BODY
        left_out = {e for d in documents for e in await history_of(node.queries, node.principal(d.sender), d.key)}
        assert {event.leaf_hash for event in left_out} <= in_feeds


async def test_the_sender_follows_a_letter_from_acceptance_to_the_answer(world: World) -> None:
    party, government = world.party, world.government
    document = await sent(world, ub(world))
    await world.settle()
    principal = government.principal(ub(world))
    arrived = await told(government, ub(world))
    assert [event.event for event in arrived] == ["received"]
    entry = await government.queries.entry(principal, EntryKey(arrived[0].subject))
    await government.statuses.accept(principal, entry.key, trace_id="1" * 32)
    await world.settle()
    events = await told(party, world.sender)
    assert [event.event for event in events] == [
        "accepted",
        "sealed",
        "wrapped",
        "routed",
        "delivery.queued",
        "delivery.delivered",
        "business.status_received",
    ]
    assert {event.document for event in events} == {document.key}
    assert {event.recipient for event in events[4:]} == {ub(world)}
    said = [event.event for event in await told(government, ub(world), after=arrived[-1].position)]
    assert said == ["business.status", "accepted", "wrapped", "routed", "delivery.queued", "delivery.delivered"]


async def test_what_is_held_and_released_is_told_to_its_sender(world: World) -> None:
    document = await sent(world, ub(world))
    assert await world.party.run_due(world.clock.now()) == 1
    transfer = await only_transfer(world)
    steps = world.party.handlers
    (claim,) = await world.party.store.transact(
        lambda uow: uow.work.claim(world.clock.now(), lease=60, windows={transfer.slip.destination: 1}, limit=1)
    )
    await world.party.store.transact(lambda uow: steps[claim.item.kind].give_up(uow, claim, "internal"))
    await world.party.store.transact(lambda uow: uow.work.finish(claim))
    assert (await only_transfer(world)).state is TransferState.HELD
    await world.party.releases.release(world.party.principal(world.sender), DocumentKey(document.key))
    events = await told(world.party, world.sender)
    assert [event.event for event in events][-2:] == ["held", "released"]


async def test_who_knows_more_than_a_restored_database_is_told_so(world: World) -> None:
    """His positions are from the log and the inbox that were lost: both desks refuse them and say where they are now."""
    await lived(world)
    node = world.government
    principal = node.principal(ub(world))
    feed = await node.events.events(principal, after=-1, limit=200, wait=0)
    last = (await node.queries.inbox(principal, 0, 200)).entries[-1].cursor
    assert not (await node.events.events(principal, after=feed.next_after, limit=1, wait=0)).events
    assert not (await node.queries.inbox(principal, last, 1)).entries
    for question in (
        node.events.events(principal, after=feed.next_after + 1, limit=1, wait=0),
        node.queries.inbox(principal, 10_000, 1),
    ):
        with pytest.raises(SenderError) as refused:
            await question
        assert [fault.code for fault in faults_of(refused.value)] == ["field.beyond"]
