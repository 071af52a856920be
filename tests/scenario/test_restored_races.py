"""A gateway goes back to an earlier state while letters are recalled, rerouted, staged or missing: nothing hangs for ever."""

from datetime import timedelta

from gateway.core.directory import BodyStatus
from gateway.core.states import AmendmentState
from gateway.core.work import Claim, WorkKind
from gateway.exchange import Operating
from tests.kit.exchange_world import DEADLINE, World, letter
from tests.kit.restoring import gone_back, state_of
from tests.scenario.test_amendments import agree, entries, recall, standing
from tests.scenario.test_operating import HOA, HOUR
from tests.scenario.test_order import arrive, numbers, told, ward, write
from tests.scenario.test_trouble import arrived, sent, states, ub

_S = AmendmentState
SOON = timedelta(minutes=20)


async def claims_of(world: World) -> dict[str, Claim]:
    """Every transfer that is due at the sender's gateway, by its key."""
    windows = {str(name): 99 for name in world.nodes}
    found = await world.party.store.transact(
        lambda uow: uow.work.claim(world.clock.now(), lease=60, windows=windows, limit=99)
    )
    return {claim.item.subject: claim for claim in found if claim.item.kind is WorkKind.TRANSFER}


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
