"""A gateway goes back to an earlier state while letters are recalled, rerouted, staged or missing: nothing hangs for ever."""

from datetime import datetime, timedelta

import pytest

from gateway.core.directory import BodyStatus
from gateway.core.errors import Conflict
from gateway.core.ids import GatewayId
from gateway.core.ledgers import UnitOfWork
from gateway.core.states import AmendmentState, DocumentState
from gateway.core.work import Claim, WorkItem, WorkKind
from gateway.exchange import Operating, skipped
from tests.kit.exchange_world import DEADLINE, World, letter
from tests.kit.restoring import gone_back, state_of
from tests.kit.scanner import scanning
from tests.scenario.test_amendments import agree, entries, recall, standing
from tests.scenario.test_operating import HOA, HOUR
from tests.scenario.test_order import arrive, numbers, told, ward, write
from tests.scenario.test_trouble import arrived, sent, states, ub

_S = AmendmentState
SOON = timedelta(minutes=20)
LOST = "conflict.restored"


async def claims_of(world: World, kind: WorkKind = WorkKind.TRANSFER) -> dict[str, Claim]:
    """Every transfer, or what else is asked for, that is due at the sender's gateway, by its key."""
    windows = {str(name): 99 for name in world.nodes}
    found = await world.party.store.transact(
        lambda uow: uow.work.claim(world.clock.now(), lease=60, windows=windows, limit=99)
    )
    return {claim.item.subject: claim for claim in found if claim.item.kind is kind}


async def only_routed(world: World) -> None:
    """Every document of the sender is routed, and nothing of them has been tried."""
    party, now = world.party, world.clock.now()
    windows = {"": 99, **{str(name): 0 for name in world.nodes}}
    while claims := await party.store.transact(lambda uow: uow.work.claim(now, lease=60, windows=windows, limit=99)):
        for claim in claims:
            await party.handlers[claim.item.kind].handle(claim)
    assert party.road.carried == 0


# --- the sender goes back ------------------------------------------------------------------


async def test_a_recall_that_was_forgotten_and_is_said_again_is_answered_as_before(world: World) -> None:
    """Recalled and agreed to after the backup: who recalls again must not wait for an answer that was given long ago."""
    document = await sent(world)
    await world.settle()
    state = state_of(world.party)
    world.clock.advance(60)
    await recall(world, document)
    await world.settle()
    await agree(world, (await entries(world, ub(world)))[0])
    await world.settle()
    assert await standing(world, document) == ["agreed"]
    world.clock.advance(60)
    async with gone_back(world, world.party, state):
        await world.settle()
        assert (await recall(world, document)).counts == {_S.ASKED: 1}
        await world.settle()
        assert await standing(world, document) == ["agreed"]
        (entry,) = await entries(world, ub(world))
        assert [one.state for one in entry.amendments] == [_S.AGREED]


async def test_who_is_told_that_its_letter_is_known_there_can_still_recall_it(world: World) -> None:
    """Handed in before the backup, delivered after it: sent anew it is refused, for its recipient has it from before."""
    document = await sent(world)
    state = state_of(world.party)
    world.clock.advance(60)
    await world.settle()
    assert await arrived(world.government, ub(world)) == 1
    world.clock.advance(60)
    async with gone_back(world, world.party, state):
        await world.settle()
        assert await states(world, document) == [("refused", "conflict.document_id")]
        view = await recall(world, document)
        assert (view.counts, view.untouched) == ({_S.ASKED: 1}, 0)
        await world.settle()
        await agree(world, (await entries(world, ub(world)))[0])
        await world.settle()
        assert await standing(world, document) == ["agreed"]


async def test_what_had_not_been_tried_at_the_backup_is_not_called_back_without_asking(world: World) -> None:
    """It lay in the queue at that moment, and was delivered a minute later: "nobody has it" was said to its sender."""
    document = await sent(world)
    await only_routed(world)
    state = state_of(world.party)
    world.clock.advance(60)
    await world.settle()
    assert await arrived(world.government, ub(world)) == 1
    world.clock.advance(60)
    async with gone_back(world, world.party, state):
        view = await recall(world, document)
        assert (view.counts, view.untouched) == ({_S.ASKED: 1}, 0)
        await world.settle()
        await agree(world, (await entries(world, ub(world)))[0])
        await world.settle()
        assert await standing(world, document) == ["agreed"]


async def test_what_had_not_been_routed_at_the_backup_can_be_recalled_once_it_is(world: World) -> None:
    document = await sent(world)
    state = state_of(world.party)
    world.clock.advance(60)
    await world.settle()
    assert await arrived(world.government, ub(world)) == 1
    world.clock.advance(60)
    async with gone_back(world, world.party, state):
        with pytest.raises(Conflict) as early:
            await recall(world, document)
        assert (early.value.code, early.value.facts.retryable) == ("conflict.at_work", True)
        await world.settle()
        assert (await recall(world, document)).counts == {_S.ASKED: 1}


async def test_what_is_held_after_a_restore_and_may_have_left_before_is_not_said_to_be_at_work(world: World) -> None:
    """Found by review: "wait two minutes and repeat" was said of what waits for a scanner, or for a person."""
    document = await sent(world)
    state = state_of(world.party)
    world.clock.advance(60)
    await world.settle()
    world.clock.advance(60)
    async with gone_back(world, world.party, state):
        scanner = scanning(world.party)
        scanner.away = True
        await world.settle(limit=SOON)
        with pytest.raises(Conflict) as held:
            await recall(world, document)
        assert (held.value.code, held.value.params["state"], held.value.facts.retryable) == (LOST, "held", False)
        scanner.away = False
        await world.settle()
        assert (await recall(world, document)).counts == {_S.ASKED: 1}


async def test_what_is_refused_after_a_restore_and_may_have_left_before_is_not_said_to_be_at_home(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by review. Its scanner has learned something since: nobody is told that it never left."""
    document = await sent(world)
    state = state_of(world.party)
    world.clock.advance(60)
    await world.settle()
    world.clock.advance(60)
    async with gone_back(world, world.party, state):
        scanning(world.party)
        monkeypatch.setattr("tests.kit.scanner.MARKER", b"%PDF-")
        await world.settle()
        with pytest.raises(Conflict) as refused:
            await recall(world, document)
        assert (refused.value.code, refused.value.params["state"]) == (LOST, "refused")


async def test_what_was_refused_before_the_backup_never_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    scanning(world.party)
    monkeypatch.setattr("tests.kit.scanner.MARKER", b"%PDF-")
    document = await sent(world)
    await world.settle()
    state = state_of(world.party)
    world.clock.advance(60)
    async with gone_back(world, world.party, state):
        with pytest.raises(Conflict) as refused:
            await recall(world, document)
        assert refused.value.code == "conflict.state"


@pytest.mark.parametrize("routed", [True, False])
async def test_a_clock_that_stood_behind_at_the_restore_does_not_make_everything_newer_than_it(
    world: World, routed: bool
) -> None:
    """A hardware clock in local time before the network set it: "nobody has it" was said of what had been delivered."""
    document = await sent(world)
    if routed:
        await only_routed(world)
    state = state_of(world.party)
    world.clock.advance(60)
    await world.settle()
    assert await arrived(world.government, ub(world)) == 1
    world.clock.advance(60)
    world.clock.jump(-7 * 3600)
    async with gone_back(world, world.party, state):
        world.clock.jump(7 * 3600)
        if not routed:
            with pytest.raises(Conflict):
                await recall(world, document)
            await world.settle()
        assert (await recall(world, document)).counts == {_S.ASKED: 1}


async def test_who_was_refused_when_it_was_routed_anew_is_asked_all_the_same(world: World) -> None:
    """Delivered after the backup; its recipient's code was closed when the restored gateway routed it once more."""
    document = await sent(world)
    state = state_of(world.party)
    world.clock.advance(60)
    await world.settle()
    world.clock.advance(60)
    async with gone_back(world, world.party, state):
        world.replace_body(ub(world), status=BodyStatus.CLOSED)
        await world.settle()
        assert await states(world, document) == [("refused", "recipient.closed")]
        world.replace_body(ub(world), status=BodyStatus.ACTIVE)
        view = await recall(world, document)
        assert (view.counts, view.untouched) == ({_S.ASKED: 1}, 0)
        await world.settle()
        await agree(world, (await entries(world, ub(world)))[0])
        await world.settle()
        assert await standing(world, document) == ["agreed"]


async def test_who_was_refused_before_the_backup_has_nothing_to_give_back(world: World) -> None:
    document = await sent(world)
    world.replace_body(ub(world), status=BodyStatus.CLOSED)
    await world.settle()
    state = state_of(world.party)
    world.clock.advance(60)
    async with gone_back(world, world.party, state):
        view = await recall(world, document)
        assert (view.counts, view.untouched) == ({}, 1)


async def test_what_was_handed_in_after_the_restore_is_stopped_without_asking(world: World) -> None:
    state = state_of(world.party)
    world.clock.advance(60)
    async with gone_back(world, world.party, state):
        world.clock.advance(1)
        document = await sent(world)
        await only_routed(world)
        assert (await recall(world, document)).counts == {_S.STOPPED: 1}
        other = await sent(world, number="13")
        assert (await recall(world, other)).document.state is DocumentState.REFUSED


async def test_what_was_delivered_after_the_backup_does_not_expire_because_nobody_had_tried_it_then(
    world: World,
) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.party.run_due(world.clock.now())
    state = state_of(world.party)
    world.party.road.down = False
    world.clock.advance(60)
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    world.clock.moment += DEADLINE
    async with gone_back(world, world.party, state):
        await world.settle()
        assert await states(world, document) == [("delivered", "")]
        assert world.party.road.carried == 1


async def test_a_gap_that_was_told_and_forgotten_does_no_harm(world: World) -> None:
    """Recalled after the backup, so its number was passed over; the restored gateway sends it: it comes in, and is marked."""
    first = await write(world, 1)
    state = state_of(world.party)
    (document,) = await world.party.store.read(lambda uow: uow.documents.page(None, 9))
    await recall(world, document)
    world.party.road.down = False
    await world.settle()
    streams = await world.government.store.read(lambda uow: uow.order.streams(world.sender, [ward(world)]))
    assert streams[ward(world)].expected == 3  # the letter's number, and that of the recall
    world.clock.advance(60)
    async with gone_back(world, world.party, state):
        await world.settle()
        assert await numbers(world) == [first.slip.recipients[0].sequence]
        assert await told(world) == [
            "received",
            "inbox.late",
            "amendment.arrived",
        ]  # the recall had outlived its sender


async def test_a_peer_that_is_restored_while_it_is_told_what_was_skipped_is_told_all_of_it_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had forgotten the first notices; only what followed was told."""
    monkeypatch.setattr(skipped, "RESYNC_PAGE_TRANSFERS", 1)
    party, there = world.party, world.government.own
    await sent(world, ub(world), ub(world, 1))
    await world.settle()
    state = state_of(party)
    world.clock.advance(60)
    async with gone_back(world, party, state):
        handler, before = party.handlers[WorkKind.SKIPPED], party.road.told

        async def one_notice() -> None:
            (claim,) = [one for one in (await claims_of(world, WorkKind.SKIPPED)).values() if one.item.subject == there]
            await handler.handle(claim)

        await one_notice()
        await party.store.transact(lambda uow: told_of_restore(uow, there, 2_000_000_000, world.clock.now()))
        for _ in range(2):
            await one_notice()
        await party.store.transact(lambda uow: told_of_restore(uow, there, 1_800_000_000, world.clock.now()))
        await one_notice()
        assert party.road.told == before + 4
        await world.settle()
        assert party.road.told == before + 5


def told_of_restore(uow: UnitOfWork, peer: GatewayId, number: int, now: datetime) -> None:
    """The peer asks, for the first time after a restore; the number is smaller when its clock was ahead the time before."""
    assert uow.resyncs.told_of(peer, number, now)
    uow.work.add(WorkItem(kind=WorkKind.SKIPPED, subject=peer, destination=peer, due_at=now))


# --- the recipient goes back ------------------------------------------------------------------


async def test_what_was_staged_waits_for_what_comes_again(world: World) -> None:
    """Its hour was over long before the backup was put back; what it waited for had come, and comes again."""
    letters = [await write(world, n) for n in (1, 2, 3)]
    world.party.road.down = False
    world.clock.advance(60)
    claims = await claims_of(world)
    for one in (letters[0], letters[2]):
        await world.party.handlers[WorkKind.TRANSFER].handle(claims[one.slip.transfer])
    state = state_of(world.government)
    await world.party.handlers[WorkKind.TRANSFER].handle(claims[letters[1].slip.transfer])
    assert await numbers(world) == [1, 2, 3]
    world.clock.moment += 3 * HOUR
    async with gone_back(world, world.government, state):
        assert await numbers(world) == [1]
        await world.settle()
        assert await numbers(world) == [1, 2, 3]
        assert {"inbox.overdue", "inbox.late"}.isdisjoint(await told(world))


async def test_what_was_rerouted_is_told_again(world: World) -> None:
    first, second = [await write(world, n) for n in (1, 2)]
    await arrive(world, second)
    state = state_of(world.government)
    world.replace_body(ward(world), status=BodyStatus.CLOSED, successor=ub(world, 1))
    await Operating(desk=world.party.desk).reroute(HOA, first.document)
    world.party.road.down = False
    world.clock.advance(60)
    await world.settle(limit=SOON)
    assert await numbers(world) == [2]
    async with gone_back(world, world.government, state):
        assert await numbers(world) == []
        await world.settle(limit=SOON)
        assert (await numbers(world), await told(world)) == ([2], ["inbox.entered"])


async def test_that_a_stream_begins_later_here_is_told_again(world: World) -> None:
    """The body moved to this gateway after the backup: nobody is to wait for the letters that went to the one of before."""
    here, there = world.party.own, world.government.own
    world.replace_body(ward(world), gateway=here)
    for n in (1, 2):
        file = await world.party.file("a.txt", b"here", "text/plain")
        await world.party.submit(letter(world.sender, (ward(world),), file, number=str(n)))
        await world.settle()
    state = state_of(world.government)
    world.replace_body(ward(world), gateway=there)
    world.clock.advance(60)
    file = await world.party.file("a.txt", b"there", "text/plain")
    await world.party.submit(letter(world.sender, (ward(world),), file, number="3"))
    await world.settle(limit=SOON)
    assert await numbers(world) == [3]
    world.clock.advance(60)
    async with gone_back(world, world.government, state):
        await world.settle(limit=SOON)
        assert (await numbers(world), await told(world)) == ([3], ["inbox.entered"])
