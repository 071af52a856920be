"""Our own misfortune is nobody else's refusal: it is tried again, held, asked for; each of these was once got wrong."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.core.carrying import CarryResult, TryLater, Unknown
from gateway.core.directory import BodyStatus
from gateway.core.errors import AccessError, Conflict, NotFound, SiteError
from gateway.core.ids import OrganId
from gateway.core.model import Document, Transfer
from gateway.core.patience import LAST_WORD_SECONDS
from gateway.core.ports import LeafProof, PublishedCheckpoint
from gateway.core.states import DeliveryState, DocumentState, TransferState
from gateway.core.work import Claim, Destination, WorkKind
from gateway.delivery import QueueProbe
from tests.kit.exchange_world import Node, World, letter
from tests.kit.pdfs import tiny_pdf
from tests.kit.whole_lists import history_of
from tests.scenario.test_main_job import check
from tests.scenario.test_trouble import arrived, left_to_do, only_transfer, sent, states, ub


class Broken:
    """A signer of checkpoints that refuses."""

    async def covering(self, size: int) -> PublishedCheckpoint:
        raise SiteError("audit.inconsistent", reason="test", size=size)

    async def proving(self, leaf_hashes: Sequence[bytes]) -> tuple[PublishedCheckpoint, Mapping[bytes, LeafProof]]:
        return await self.covering(len(leaf_hashes)), {}


class Busy:
    """A signer of checkpoints that has no time."""

    async def covering(self, size: int) -> PublishedCheckpoint:
        raise SiteError("store.busy", size=size)

    async def proving(self, leaf_hashes: Sequence[bytes]) -> tuple[PublishedCheckpoint, Mapping[bytes, LeafProof]]:
        return await self.covering(len(leaf_hashes)), {}


async def test_a_fault_of_ours_refuses_no_delivery_on_our_own_gateway(world: World) -> None:
    own = next(ward for ward in world.wards if ".DU." in ward)
    good = world.party.reception._checkpoints
    world.party.reception._checkpoints = Broken()
    document = await sent(world, own)
    await world.settle(limit=timedelta(hours=1))
    assert await states(world, document) == [("indeterminate", "")]
    world.party.reception._checkpoints = good
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    assert await arrived(world.party, own) == 1
    await check(world, world.party)


async def claim_only(node: Node, kind: WorkKind, world: World) -> Claim:
    windows = {"": 9, **{str(name): 9 for name in node.directory.current().gateways}}
    claims = await node.store.transact(
        lambda uow: uow.work.claim(world.clock.now(), lease=60, windows=windows, limit=9)
    )
    (claim,) = [claim for claim in claims if claim.item.kind is kind]
    return claim


async def bury(node: Node, claim: Claim, code: str, world: World) -> None:
    """What the engine does after the last failure."""

    def unit(uow: object) -> None:
        node.handlers[claim.item.kind].give_up(uow, claim, code)  # type: ignore[arg-type]
        uow.work.bury(claim, code, world.clock.now())  # type: ignore[attr-defined]

    await node.store.transact(unit)


async def queue(node: Node, world: World) -> set[str]:
    """What `/readyz` and `doctor` say of the queue."""
    return {one.code for one in await QueueProbe(store=node.store, clock=world.clock).look()}


async def released_by(node: Node, document: Document) -> list[str]:
    """Who let go on what was held, as the audit log tells."""
    history = await node.store.read(lambda uow: uow.log.history(document.key))
    return [json.loads(event.detail)["principal"] for event in history if event.event == "released"]


async def state_of(node: Node, document: Document) -> tuple[DocumentState, str]:
    found = await node.store.read(lambda uow: uow.documents.find(document.key))
    assert found
    return found.state, found.reason


async def test_a_document_that_was_given_up_is_held_and_goes_on_when_it_is_released(world: World) -> None:
    party = world.party
    document = await sent(world)
    await bury(party, await claim_only(party, WorkKind.DOCUMENT, world), "key.missing", world)
    assert await state_of(party, document) == (DocumentState.HELD, "key.missing")
    assert [letter.reason for letter in await party.store.read(lambda uow: uow.work.dead(9))] == ["key.missing"]
    await world.settle()
    assert await state_of(party, document) == (DocumentState.HELD, "key.missing")

    assert await queue(party, world) == {"probe.queue.dead"}
    released = await party.releases.release(party.principal(world.sender), document.key)
    assert (released.state, released.reason) == (DocumentState.ACCEPTED, "")
    assert await queue(party, world) == {"probe.queue.good"}
    assert await party.store.read(lambda uow: uow.work.count_dead()) == 0
    assert await released_by(party, document) == ["key"]
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    history = await history_of(party.queries, party.principal(world.sender), document.key)
    assert [event.event for event in history][:4] == ["accepted", "held", "released", "sealed"]
    await check(world, party)


async def test_the_letter_of_what_goes_on_by_itself_goes_away_too(world: World) -> None:
    """It warned for ever."""
    party = world.party
    document = await sent(world)
    await bury(party, await claim_only(party, WorkKind.DOCUMENT, world), "key.missing", world)
    assert await party.releases.resume() == 1
    assert await queue(party, world) == {"probe.queue.good"}
    assert await released_by(party, document) == ["gateway"]
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    assert await party.store.read(lambda uow: uow.work.count_dead()) == 0


async def test_a_transfer_that_was_given_up_is_held_and_asked_for_first_when_it_is_released(world: World) -> None:
    party = world.party
    party.road.lose_answers = 1
    document = await sent(world)
    for _ in range(2):
        await party.run_due(world.clock.now())
    assert await states(world, document) == [("indeterminate", "")]
    world.clock.advance(3600)
    await bury(party, await claim_only(party, WorkKind.TRANSFER, world), "blob.damaged", world)
    assert await states(world, document) == [("held", "blob.damaged")]
    assert (await only_transfer(world)).state is TransferState.HELD
    await world.settle(limit=timedelta(days=2))
    assert await queue(party, world) == {"probe.queue.dead"}
    await party.releases.release(party.principal(world.sender), document.key)
    assert await queue(party, world) == {"probe.queue.good"}
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    assert await released_by(party, document) == ["key"]
    assert (party.road.carried, party.road.asked) == (1, 1)
    assert await arrived(world.government, ub(world)) == 1
    await check(world, party)


async def test_only_what_is_held_and_yours_is_released(world: World) -> None:
    party = world.party
    document = await sent(world)
    with pytest.raises(Conflict):
        await party.releases.release(party.principal(world.sender), document.key)
    with pytest.raises(NotFound):
        await party.releases.release(party.principal("Z79.DU.25747"), document.key)
    with pytest.raises(AccessError):
        await party.releases.release(party.principal(world.sender, scopes=frozenset({"read"})), document.key)
    await world.settle()
    with pytest.raises(Conflict):
        await party.releases.release(party.principal(world.sender), document.key)


async def several(world: World, count: int) -> list[Document]:
    documents = []
    for number in range(1, count + 1):
        file = await world.party.file("a.pdf", tiny_pdf(str(number)))
        documents.append(await world.party.submit(letter(world.sender, (ub(world),), file, number=str(number))))
    return documents


async def test_one_short_outage_is_one_failure_however_many_transfers_met_it(world: World) -> None:
    world.party.road.down = True
    await several(world, 16)
    await world.party.run_due(world.clock.now())
    assert await world.party.run_due(world.clock.now()) == 16
    name = world.government.own
    road = await world.party.store.read(lambda uow: uow.work.destination(name))
    assert road.failures == 1
    assert road.not_before is not None
    assert road.not_before - world.clock.now() <= timedelta(seconds=1)


async def test_a_peer_that_calls_opens_the_road_for_everything_at_once(world: World) -> None:
    world.party.road.down = True
    documents = await several(world, 5)
    await world.settle(limit=timedelta(hours=3))
    world.party.road.down = False
    await world.party.store.transact(lambda uow: uow.work.set_destination(Destination(name=world.government.own)))
    now = world.clock.now()
    await world.settle(limit=timedelta(seconds=1))
    assert [await states(world, document) for document in documents] == [[("delivered", "")]] * 5
    assert world.clock.now() - now < timedelta(seconds=1)


async def test_one_transfer_whose_receipt_never_checks_does_not_close_the_road(world: World) -> None:
    world.party.road.forge = lambda receipt: receipt[:-4] + b"AAAA"
    bad = await sent(world)
    await world.settle(limit=timedelta(hours=2))
    assert await states(world, bad) == [("indeterminate", "")]
    road = await world.party.store.read(lambda uow: uow.work.destination(world.government.own))
    assert road.not_before is None or road.not_before <= world.clock.now()
    world.party.road.forge = None
    started = world.clock.now()
    good = await world.party.submit(
        letter(world.sender, (ub(world),), await world.party.file("b.pdf", tiny_pdf("b")), number="99")
    )
    await world.settle(limit=timedelta(seconds=1))
    assert await states(world, good) == [("delivered", "")]
    assert world.clock.now() - started < timedelta(seconds=1)


async def test_an_older_registry_than_the_sender_s_decides_nothing(world: World) -> None:
    """The ward is new in the edition that only the sender has: no final refusal, the transfer waits for the edition."""
    ward = ub(world)
    old = world.government.directory.current()
    locked = {**old.bodies, ward: replace(old.bodies[ward], status=BodyStatus.LOCKED)}
    newer = replace(old, epoch=old.epoch + 1, digest="f" * 64, bodies=old.bodies)
    world.government.directory._snapshot = replace(old, bodies=locked)
    world.party.directory.replace(newer)
    document = await sent(world)
    await world.settle(limit=timedelta(hours=1))
    assert (await states(world, document))[0][0] in {"queued", "indeterminate"}
    assert (await only_transfer(world)).reason.startswith("registry.behind")
    world.government.directory.replace(newer)
    await world.settle()
    assert await states(world, document) == [("delivered", "")]


async def test_before_a_transfer_expires_the_peer_is_asked_once_more(world: World) -> None:
    """The answer was lost and the road closed behind it: at the deadline the peer still knows, and it counts."""
    world.party.road.lose_answers = 1
    document = await sent(world)
    for _ in range(2):
        await world.party.run_due(world.clock.now())
    world.party.road.down = True
    await world.settle(limit=timedelta(days=4, hours=20))
    world.party.road.down = False
    transfer = await only_transfer(world)
    world.clock.moment = transfer.deadline + timedelta(hours=1)
    await world.settle()
    assert await states(world, document) == [("delivered", "")]


async def stored_and_unheard(
    world: World, monkeypatch: pytest.MonkeyPatch, later: int, *, after: timedelta = timedelta()
) -> tuple[Document, list[datetime]]:
    """A letter of which the answer was lost, so long after its deadline; its peer says "later" so often. When it was asked."""
    road, asked = world.party.road, list[datetime]()
    road.lose_answers = 1
    document = await sent(world)
    for _ in range(2):
        await world.party.run_due(world.clock.now())
    really = road.inquire

    async def inquire(transfer: Transfer) -> CarryResult | Unknown:
        asked.append(world.clock.now())
        return TryLater("busy", 30.0) if len(asked) <= later else await really(transfer)

    monkeypatch.setattr(road, "inquire", inquire)
    world.clock.moment = (await only_transfer(world)).deadline + after
    return document, asked


@pytest.mark.parametrize("after", [timedelta(), timedelta(days=2)])
async def test_a_peer_that_says_later_after_the_deadline_is_asked_later(
    world: World, monkeypatch: pytest.MonkeyPatch, after: timedelta
) -> None:
    """It had stored it, and was busy in the moment that counted: its sender was told that it had not arrived.

    That moment is when it is asked first, which a road that was paused puts off.
    """
    document, asked = await stored_and_unheard(world, monkeypatch, 3, after=after)
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    assert len(asked) == 4


@pytest.mark.parametrize("after", [timedelta(), timedelta(days=2)])
async def test_later_for_ever_is_the_end_too(world: World, monkeypatch: pytest.MonkeyPatch, after: timedelta) -> None:
    document, asked = await stored_and_unheard(world, monkeypatch, 10**9, after=after)
    await world.settle()
    assert await states(world, document) == [("expired", "delivery.expired")]
    assert len(asked) > 10
    assert asked[-1] - asked[0] <= timedelta(seconds=LAST_WORD_SECONDS + 60)


async def test_later_to_one_after_the_other_is_the_end_of_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a peer says "later" it is asked for one transfer at a time: an hour for each would add up to weeks."""
    letters, node, road = 8, world.party, world.party.road
    road.lose_answers = letters
    for number in range(letters):
        file = await node.file("a.pdf", tiny_pdf())
        await node.submit(letter(world.sender, (ub(world),), file, number=str(number + 1)))
    for _ in range(4):
        await node.run_due(world.clock.now())

    async def inquire(transfer: Transfer) -> CarryResult | Unknown:
        return TryLater("busy", 900.0)

    monkeypatch.setattr(road, "inquire", inquire)
    rows = await node.store.read(lambda uow: uow.transfers.page(None, letters))
    assert {row.state for row in rows} == {TransferState.INDETERMINATE}
    late = world.clock.moment = max(row.deadline for row in rows)
    windows = {"": 1, **dict.fromkeys(map(str, node.directory.current().gateways), 1)}
    while world.clock.moment < late + timedelta(hours=1, minutes=30):
        now = world.clock.now()
        claims = await node.store.transact(lambda uow, at=now: uow.work.claim(at, lease=60, windows=windows, limit=1))
        for claim in claims:
            await node.handlers[claim.item.kind].handle(claim)
        if not claims:
            world.clock.moment = max(now, await node.due() or now) + timedelta(seconds=1)
    ended = await node.store.read(lambda uow: uow.transfers.page(None, letters))
    assert [row.state for row in ended] == [TransferState.EXPIRED] * letters


async def test_silence_after_the_deadline_is_the_end(world: World) -> None:
    world.party.road.lose_answers = 1
    document = await sent(world)
    for _ in range(2):
        await world.party.run_due(world.clock.now())
    world.party.road.down = True
    await world.settle(limit=timedelta(days=8))
    assert await states(world, document) == [("expired", "delivery.expired")]
    found = await world.party.store.read(lambda uow: uow.documents.deliveries(document.key))
    assert {delivery.state for delivery in found} == {DeliveryState.EXPIRED}
    assert await left_to_do(world) == {WorkKind.GAPS}


async def test_what_is_not_known_here_is_no_body_of_anybody(world: World) -> None:
    gone = OrganId("Z79.UB.00000")
    order = letter(world.sender, (gone,), await world.party.file("a.pdf", tiny_pdf()))
    document = await world.party.submit_to_gone(order, gone)
    await world.settle()
    assert await states(world, document) == [("refused", "recipient.unknown")]


async def test_later_said_by_a_peer_that_had_stored_it_does_not_let_it_expire(world: World) -> None:
    """Stored, no checkpoint, 503: "later" is no proof that nothing was stored, so the deadline asks before it ends."""
    good = world.government.reception._checkpoints
    world.government.reception._checkpoints = Busy()
    document = await sent(world)
    await world.settle(limit=timedelta(days=4, hours=20))
    assert await states(world, document) == [("queued", "")]
    assert await arrived(world.government, ub(world)) == 1
    world.government.reception._checkpoints = good
    transfer = await only_transfer(world)
    world.clock.moment = transfer.deadline + timedelta(hours=1)
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    await check(world, world.party)
