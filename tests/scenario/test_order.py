"""Order per (sender, recipient): whatever overtakes whom on the road, an office reads its letters by their numbers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.errors import NotFound, PeerError
from gateway.core.ids import EntryKey, OrganId
from gateway.core.limits import ORDER_ROWS_MAX, ORDER_WAIT_SECONDS_MAX, ORDER_WAIT_URGENT_SECONDS_MAX
from gateway.core.message import Priority
from gateway.core.model import Transfer
from gateway.core.order import Gap, GapNotice
from gateway.core.states import DeliveryState
from gateway.core.work import WorkKind
from gateway.exchange.gaps import write_notice
from tests.kit.blobs import stored
from tests.kit.exchange_world import World, letter

WAIT = timedelta(seconds=ORDER_WAIT_SECONDS_MAX)
URGENT_WAIT = timedelta(seconds=ORDER_WAIT_URGENT_SECONDS_MAX)


def ward(world: World) -> OrganId:
    """A body of the other gateway."""
    return next(name for name in world.wards if ".UB." in name)


async def write(world: World, number: int, *wards: OrganId, priority: Priority = Priority.NORMAL) -> Transfer:
    """A letter that is routed and not sent: the road is down."""
    world.party.road.down = True
    file = await world.party.file("a.txt", f"letter {number}".encode(), "text/plain")
    order = letter(world.sender, wards or (ward(world),), file, number=str(number), priority=priority)
    document = await world.party.submit(order)
    for _ in range(4):
        await world.party.run_due(world.clock.now())
    (transfer,) = await world.party.store.read(lambda uow: uow.transfers.of_document(document.key))
    return transfer


async def arrive(world: World, transfer: Transfer) -> None:
    """It reaches the other side now, whatever was sent before it."""
    data = world.party.blobs.path(transfer.slip.envelope).read_bytes()
    blob = await stored(world.government.blobs, data)
    await world.government.reception.receive(world.party.own, transfer.slip, blob)


async def numbers(world: World) -> list[int]:
    """What the office reads, in its order."""
    principal = world.government.principal(ward(world))
    page = await world.government.queries.inbox(principal, 0, 500)
    return [entry.sequence for entry in page.entries]


async def told(world: World) -> list[str]:
    """The office's feed."""
    page = await world.government.events.events(world.government.principal(ward(world)), after=-1, limit=500, wait=0)
    return [event.event for event in page.events]


async def notice(world: World, transfer: Transfer, *gaps: Gap, **fields: object) -> bytes:
    slip = transfer.slip
    said = GapNotice(
        transfer=slip.transfer,
        origin=slip.origin,
        destination=slip.destination,
        sender=slip.sender,
        issued_at=world.clock.now(),
        gaps=gaps,
    )
    notices = world.party.handlers[WorkKind.GAPS]
    return await write_notice(replace(said, **fields), notices._signer)  # type: ignore[attr-defined, arg-type]  # a test's hand


def gap(world: World, first: int, last: int | None = None) -> Gap:
    return Gap(recipient=ward(world), first=first, last=last or first, reason="expired")


async def test_what_comes_early_waits_and_follows_in_one_unit(world: World) -> None:
    first, second, third = [await write(world, n) for n in (1, 2, 3)]
    await arrive(world, third)
    await arrive(world, second)
    assert (await numbers(world), await told(world)) == ([], [])
    assert await world.government.store.read(lambda uow: uow.inbox.newest()) == 0
    await arrive(world, first)
    assert await numbers(world) == [1, 2, 3]
    assert await told(world) == ["received", "inbox.entered", "inbox.entered"]
    await world.settle(limit=timedelta(0))
    assert (await world.government.store.read(lambda uow: uow.order.standing(world.clock.now()))).staged == 0


async def test_a_staged_entry_is_receipted_and_nobody_can_open_it(world: World) -> None:
    first, second = [await write(world, n) for n in (1, 2)]
    del first
    await arrive(world, second)
    staged = await world.government.store.read(lambda uow: uow.order.waiting(world.sender, ward(world), 1))
    assert staged[0].entry is not None
    with pytest.raises(NotFound):
        await world.government.queries.entry(world.government.principal(ward(world)), EntryKey(staged[0].entry.key))
    answer = await world.government.reception.answer_of(world.party.own, second.slip.transfer)
    assert answer is not None
    await arrive(world, second)
    assert await world.government.reception.answer_of(world.party.own, second.slip.transfer) == answer
    assert len(await world.government.store.read(lambda uow: uow.order.waiting(world.sender, ward(world), 9))) == 1


async def test_one_circular_waits_only_where_something_is_missing(world: World) -> None:
    wards = tuple(name for name in world.wards if ".UB." in name)
    missing = await write(world, 1, wards[0])
    await arrive(world, await write(world, 2, *wards))
    for name in wards[1:]:
        page = await world.government.queries.inbox(world.government.principal(name), 0, 10)
        assert [entry.sequence for entry in page.entries] == [1]
    assert await numbers(world) == []
    await arrive(world, missing)
    assert await numbers(world) == [1, 2]


async def test_nobody_waits_for_ever_and_what_comes_after_that_is_marked(world: World) -> None:
    missing = await write(world, 1)
    for n in (2, 3):
        await arrive(world, await write(world, n))
        world.clock.moment += timedelta(minutes=10)
    world.clock.moment += WAIT - timedelta(minutes=21)
    await world.government.run_due(world.clock.now())
    assert await numbers(world) == []
    world.clock.moment += timedelta(minutes=1)
    await world.government.run_due(world.clock.now())
    assert await numbers(world) == [2, 3]
    assert await told(world) == ["inbox.overdue", "inbox.entered"]
    standing = await world.government.store.read(lambda uow: uow.order.standing(world.clock.now() - WAIT))
    assert (standing.staged, standing.overdue) == (0, 1)
    await arrive(world, missing)
    assert await numbers(world) == [2, 3, 1]
    assert await told(world) == ["inbox.overdue", "inbox.entered", "received", "inbox.late"]


async def test_an_urgent_letter_waits_for_minutes_and_what_is_before_it_comes_in_with_it(world: World) -> None:
    first, second = [await write(world, n) for n in (1, 2)]
    await arrive(world, second)
    await arrive(world, await write(world, 3, priority=Priority.IMMEDIATE))
    fourth = await write(world, 4)
    await arrive(world, fourth)
    world.clock.moment += URGENT_WAIT - timedelta(seconds=1)
    await world.government.run_due(world.clock.now())
    assert await numbers(world) == []
    world.clock.moment += timedelta(seconds=1)
    await world.government.run_due(world.clock.now())
    assert await numbers(world) == [2, 3, 4]
    assert await told(world) == ["inbox.overdue", "inbox.entered", "inbox.entered"]
    await arrive(world, first)
    assert (await told(world))[-1] == "inbox.late"


async def test_an_urgent_letter_takes_along_what_is_before_it_in_its_streams(world: World) -> None:
    wards = [name for name in world.wards if ".UB." in name]
    before = [await write(world, 1, *wards[:2]), await write(world, 2, wards[0])]
    other, after = await write(world, 3, wards[2]), Priority.IMMEDIATE
    urgent = await write(world, 4, *wards[:2], priority=after)
    ordinary = await write(world, 5, wards[0])
    queued = await world.party.store.read(lambda uow: uow.work.queued(None, 10))
    assert {one.item.subject: one.item.urgency for one in queued} == {
        **{one.slip.transfer: after for one in (*before, urgent)},
        other.slip.transfer: Priority.NORMAL,
        ordinary.slip.transfer: Priority.NORMAL,
    }


async def test_a_long_queue_comes_in_by_pieces_and_in_order(world: World) -> None:
    first = await write(world, 1)
    count = ORDER_ROWS_MAX + 6
    for n in range(2, count + 1):
        await arrive(world, await write(world, n))
    await arrive(world, first)
    assert await numbers(world) == list(range(1, ORDER_ROWS_MAX + 2))
    while await world.government.run_due(world.clock.now()):
        pass
    assert await numbers(world) == list(range(1, count + 1))


async def test_a_notice_lets_in_what_waited_and_is_news_only_once(world: World) -> None:
    first, second, third = [await write(world, n) for n in (1, 2, 3)]
    await arrive(world, third)
    token = await notice(world, first, gap(world, 1))
    await world.government.reception.pass_over(world.party.own, token)
    await world.government.reception.pass_over(world.party.own, token)
    assert await numbers(world) == []
    await arrive(world, second)
    assert await numbers(world) == [2, 3]
    log = await world.government.store.read(lambda uow: uow.log.history_after(first.slip.transfer, 0, 10))
    assert [event.event for event in log.events] == ["stream.passed_over"]
    await world.government.reception.pass_over(world.party.own, await notice(world, third, gap(world, 3)))
    await arrive(world, first)
    assert await numbers(world) == [2, 3, 1]
    assert (await told(world))[-1] == "inbox.late"


async def test_a_notice_about_numbers_ahead_is_remembered(world: World) -> None:
    letters = [await write(world, n) for n in range(1, 6)]
    token = await notice(world, letters[2], gap(world, 2, 3))
    await world.government.reception.pass_over(world.party.own, token)
    await world.government.reception.pass_over(world.party.own, token)
    await arrive(world, letters[4])
    await arrive(world, letters[3])
    assert await numbers(world) == []
    await arrive(world, letters[0])
    assert await numbers(world) == [1, 4, 5]


async def test_a_notice_of_all_numbers_there_are_costs_no_more_than_any_other(world: World) -> None:
    """One number after the other would take the one writer, and with it the gateway, for years."""
    letters = [await write(world, n) for n in range(1, 5)]
    await arrive(world, letters[2])
    for first in (2, 2, 4):
        token = await notice(world, letters[1], gap(world, first, 2**53 - 1), gap(world, first + 1, 2**53 - 1))
        await world.government.reception.pass_over(world.party.own, token)
    assert await numbers(world) == []
    await arrive(world, letters[0])
    assert await numbers(world) == [1, 3]
    await arrive(world, letters[3])
    assert await numbers(world) == [1, 3, 4]


@pytest.mark.parametrize("moment", ["2026-13-45T99:99:99.000Z", "0000-01-01T00:00:00.000Z"])
async def test_a_notice_of_a_day_that_is_none_is_malformed(
    world: World, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await write(world, 1)
    monkeypatch.setattr("gateway.exchange.gaps.rfc3339", lambda _: moment)
    token = await notice(world, first, gap(world, 1))
    with pytest.raises(PeerError) as refused:
        await world.government.reception.pass_over(world.party.own, token)
    assert refused.value.code == "transfer.malformed"


@pytest.mark.parametrize("wrong", ["sender", "destination", "key", "type", "bytes", "range"])
async def test_a_notice_that_is_not_this_gateways_word_changes_nothing(world: World, wrong: str) -> None:
    first, second = [await write(world, n) for n in (1, 2)]
    await arrive(world, second)
    own, origin = world.government, world.party.own
    token = await notice(world, first, gap(world, 1))
    if wrong == "sender":
        token = await notice(world, first, gap(world, 1), sender=ward(world))
    if wrong == "destination":
        token = await notice(world, first, gap(world, 1), destination=origin)
    if wrong == "key":
        origin = own.own
    if wrong == "type":
        answer = await own.reception.answer_of(origin, second.slip.transfer)
        assert answer is not None
        token = answer
    if wrong == "bytes":
        token = token[:-4] + b"AAAA"
    if wrong == "range":
        token = await notice(world, first, replace(gap(world, 9), last=3))
    with pytest.raises(PeerError):
        await own.reception.pass_over(origin, token)
    assert await numbers(world) == []


async def test_what_is_refused_as_a_whole_is_told_when_the_peer_can_hear_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The peer is of another opinion for a while: it refuses the letter, and the first notices with it."""
    first, second = [await write(world, n) for n in (1, 2)]
    await arrive(world, second)

    async def refuse(*_: object) -> None:
        raise PeerError("peer.foreign_sender", organ=world.sender)

    monkeypatch.setattr(world.government.reception, "admit", refuse)
    monkeypatch.setattr(world.government.reception, "pass_over", refuse)
    world.party.road.down = False
    world.clock.moment += timedelta(minutes=1)
    await world.party.run_due(world.clock.now())
    (row,) = await world.party.store.read(lambda uow: uow.documents.deliveries(first.document))
    assert (row.state, row.reason) == (DeliveryState.REFUSED, "peer.foreign_sender")
    await world.party.run_due(world.clock.now())
    assert await numbers(world) == []
    monkeypatch.undo()
    world.clock.moment += timedelta(minutes=1)
    await world.party.run_due(world.clock.now())
    assert await numbers(world) == [2]
    assert await world.party.due() is None


async def test_what_expires_is_told_until_somebody_listens(world: World) -> None:
    first = await write(world, 1)
    second = await write(world, 2)
    await arrive(world, second)
    world.clock.moment = first.deadline + timedelta(seconds=1)
    await world.party.run_due(world.clock.now())
    states = {row.state for row in await world.party.store.read(lambda uow: uow.documents.deliveries(first.document))}
    assert states == {DeliveryState.EXPIRED}
    third = await write(world, 3)
    await arrive(world, third)
    world.government.handlers.pop(WorkKind.ORDER)  # nothing comes in by waiting
    world.party.road.down, world.party.road.mute = False, True
    for _ in range(5):
        world.clock.moment += timedelta(minutes=20)
        await world.party.run_due(world.clock.now())
    assert await numbers(world) == []
    world.party.road.mute = False
    world.clock.moment += timedelta(minutes=20)
    await world.party.run_due(world.clock.now())
    assert await numbers(world) == [2, 3]
    assert world.party.road.told == 2  # the second letter's answer never came: it expired here too
    assert await told(world) == ["inbox.entered", "inbox.entered"]


async def test_a_body_that_moves_begins_anew_without_waiting(world: World) -> None:
    """Its smaller numbers went to the gateway of before: the new one is told so."""
    here, there = world.party.own, world.government.own
    world.replace_body(ward(world), gateway=here)
    for n in (1, 2):
        file = await world.party.file("a.txt", b"here", "text/plain")
        await world.party.submit(letter(world.sender, (ward(world),), file, number=str(n)))
        await world.settle(limit=timedelta(0))
    world.replace_body(ward(world), gateway=there)
    third = await write(world, 3)
    assert third.slip.recipients[0].sequence == 3
    await arrive(world, third)
    assert await numbers(world) == []
    world.party.road.down = False
    world.clock.moment += timedelta(minutes=20)
    await world.settle(limit=timedelta(minutes=20))
    assert await numbers(world) == [3]
    assert await told(world) == ["inbox.entered"]
