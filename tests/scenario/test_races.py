"""What two people, or two gateways, do to one document at the same time: every order ends well, and both logs hold."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.carrying import Unreachable
from gateway.core.directory import BodyStatus
from gateway.core.limits import STEP_ATTEMPTS_MAX
from gateway.core.message import Business, Priority
from gateway.core.model import Document
from gateway.core.scanning import Scan
from gateway.core.states import AmendmentState, BusinessStatus, DocumentState
from gateway.core.work import Claim, WorkKind
from gateway.exchange import AmendmentAnswers, Operating, check_notice
from tests.kit.exchange_world import World
from tests.kit.scanner import scanning
from tests.kit.whole_lists import deliveries_of, history_of
from tests.scenario.test_amendments import (
    REPLACE,
    UPDATE,
    agree,
    board,
    both_hold,
    decline,
    entries,
    naming,
    recall,
    standing,
)
from tests.scenario.test_misfortune import bury, claim_only
from tests.scenario.test_operating import HOA, HOUR, MINH, operating, refused
from tests.scenario.test_trouble import arrived, only_transfer, sent, states, ub

__all__ = ["operating"]
_S = AmendmentState


async def tell(world: World, document: Document) -> dict[str, str]:
    """The kinds of what was said of a document, on its sender's board, with their states."""
    found = await deliveries_of(world.party.queries, world.party.principal(world.sender), document.key)
    return {one.kind.value: one.state.value for delivery in found for one in delivery.amendments}


async def status_documents(world: World) -> list[Document]:
    found = await world.party.store.read(lambda uow: uow.documents.page(None, 100))
    return [one for one in found if one.status is not None]


async def undecided(world: World) -> Document:
    """It arrived, and the answer was lost: its transfer is indeterminate."""
    world.party.road.lose_answers = 1
    document = await sent(world)
    for _ in range(2):
        await world.party.run_due(world.clock.now())
    assert await states(world, document) == [("indeterminate", "")]
    return document


# --- a recall, and what is being said of the same document -----------------------------------------------------------------


async def test_an_update_that_is_itself_recalled_is_answered_and_so_is_its_recall(world: World) -> None:
    old = await sent(world)
    await world.settle()
    new = await sent(world, number="13", business=naming(UPDATE, old))
    await world.settle()
    await recall(world, new)
    await world.settle()
    first, second = await entries(world, ub(world))
    assert {one.kind.value for one in second.amendments} == {"update", "recall"}
    for _ in range(2):  # said twice, it answers nothing else
        second = await agree(world, second)
        assert {one.kind.value: one.state.value for one in second.amendments} == {"update": "asked", "recall": "agreed"}
    await agree(world, first)
    await world.settle()
    assert (await tell(world, new), await tell(world, old)) == ({"recall": "agreed"}, {"update": "agreed"})
    await both_hold(world)


async def test_who_answers_an_update_has_not_answered_its_recall_that_is_on_the_road(world: World) -> None:
    """Both are answered under the update's name: what the recipient said of the one is never taken for the other."""
    old = await sent(world)
    await world.settle()
    new = await sent(world, number="13", business=naming(UPDATE, old))
    await world.settle()
    world.party.road.down = True
    await recall(world, new)
    first, _ = await entries(world, ub(world))
    await agree(world, first)
    await world.settle(limit=HOUR)
    assert (await tell(world, new), await tell(world, old)) == ({"recall": "asked"}, {"update": "agreed"})
    world.party.road.down = False
    await world.settle()
    await decline(world, (await entries(world, ub(world)))[1])
    await world.settle()
    assert (await tell(world, new), await tell(world, old)) == ({"recall": "refused"}, {"update": "agreed"})
    await both_hold(world)


async def test_a_replacement_may_itself_be_recalled_and_what_it_replaced_stays_replaced(world: World) -> None:
    old = await sent(world)
    await world.settle()
    new = await sent(world, number="13", business=naming(REPLACE, old))
    await world.settle()
    await recall(world, new)
    await recall(world, old)
    await world.settle()
    first, second = await entries(world, ub(world))
    await agree(world, second)
    await decline(world, first)
    await world.settle()
    assert await tell(world, new) == {"recall": "agreed"}
    assert await tell(world, old) == {"replace": "in_effect", "recall": "refused"}
    await both_hold(world)


@pytest.mark.parametrize("business", [UPDATE, REPLACE])
async def test_what_is_routed_before_the_document_it_speaks_of_is_heard_of_all_the_same(
    world: World, business: Business
) -> None:
    """The first one is held until somebody releases it, and what amends it goes out meanwhile."""
    old = await sent(world)
    await bury(world.party, await claim_only(world.party, WorkKind.DOCUMENT, world), "key.missing", world)
    new = await sent(world, number="13", business=naming(business, old))
    await world.settle()
    await world.party.releases.release(world.party.principal(world.sender), old.key)
    await world.settle()
    found = await entries(world, ub(world))
    assert [one.document_id for one in found] == [new.document_id, old.document_id]
    if business is UPDATE:
        await agree(world, found[0])
        await world.settle()
    assert await tell(world, old) == ({"update": "agreed"} if business is UPDATE else {"replace": "in_effect"})
    await both_hold(world)


# --- a recall, and somebody's hand on the queue ------------------------------------------------------------------


@pytest.mark.parametrize("alone", [True, False])
async def test_what_was_recalled_goes_nowhere_else(world: World, operating: Operating, *, alone: bool) -> None:
    """Who had refused it was not asked, and its heir would have got it after all. Said twice, the recall counts the same."""
    gone, heir, other = ub(world), ub(world, 1), ub(world, 2)
    world.party.road.down = True
    document = await sent(world, gone) if alone else await sent(world, gone, other)
    await world.settle(limit=timedelta(minutes=1))
    world.replace_body(gone, status=BodyStatus.CLOSED, successor=heir)
    world.party.road.down = False
    await world.settle(limit=HOUR)
    assert (await states(world, document))[0] == ("refused", "recipient.closed")
    for _ in range(2):
        view = await recall(world, document)
        assert (view.counts, view.untouched) == ({} if alone else {_S.ASKED: 1}, 1)
    await refused("conflict.recalled", operating.reroute(HOA, document.key))
    await world.settle()
    assert await arrived(world.government, heir) == 0
    assert (await standing(world, document))[0] == "stopped"
    await both_hold(world)


async def test_what_was_rerouted_is_asked_back_where_it_is(world: World, operating: Operating) -> None:
    document = await undecided(world)
    world.party.road.down = True
    world.replace_body(ub(world), gateway=world.party.own)
    assert await operating.reroute(HOA, document.key) == 1
    await world.settle(limit=HOUR)
    assert (await recall(world, document)).counts == {_S.ASKED: 1}
    await refused("conflict.no_other_place", operating.reroute(HOA, document.key))
    await world.settle(limit=HOUR)
    (entry,) = (await world.party.queries.inbox(world.party.principal(ub(world)), 0, 9)).entries
    object.__setattr__(world.party.desk, "sealer", world.government.desk.sealer)  # its key moved with it
    answers = AmendmentAnswers(desk=world.party.desk)
    await answers.agree(world.party.principal(ub(world)), entry.key, forwarded=False, trace_id="c" * 32)
    await world.settle(limit=HOUR)
    assert await states(world, document) == [("rerouted", "delivery.rerouted"), ("delivered", "")]
    assert await tell(world, document) == {"recall": "agreed"}
    view = await recall(world, document)
    assert (view.counts, view.untouched) == ({_S.AGREED: 1}, 0)
    world.party.road.down = False
    await world.settle()
    await both_hold(world)


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("update_first", [True, False])
async def test_who_took_over_answers_an_update_of_what_was_rerouted_to_it(
    world: World, operating: Operating, *, update_first: bool, late: bool
) -> None:
    """`late`: the code was closed before the update was routed, so that it was refused where the letter had been, too."""
    gone, heir = ub(world), ub(world, 1)
    world.party.road.down = True
    old = await sent(world, gone)
    await world.settle(limit=timedelta(minutes=1))
    if late:
        world.replace_body(gone, status=BodyStatus.CLOSED, successor=heir)
        world.party.road.down = False
        await world.settle(limit=HOUR)
        world.replace_body(gone, status=BodyStatus.ACTIVE, successor=None)
        world.party.road.down = True
    new = await sent(world, gone, number="13", business=naming(UPDATE, old))
    await world.settle(limit=timedelta(minutes=1))
    world.replace_body(gone, status=BodyStatus.CLOSED, successor=heir)
    world.party.road.down = False
    await world.settle(limit=HOUR)
    for one in (new, old) if update_first else (old, new):
        assert await operating.reroute(HOA, one.key) == 1
        await world.settle(limit=HOUR)
    for entry in await entries(world, heir):
        if any(one.subject == entry.key for one in entry.amendments):
            await agree(world, entry)
    await world.settle(limit=HOUR)
    found = await deliveries_of(world.party.queries, world.party.principal(world.sender), old.key)
    assert [[one.state.value for one in delivery.amendments] for delivery in found if delivery.recipient == heir] == [
        ["agreed"]
    ]
    await both_hold(world)


async def test_nothing_is_rerouted_while_its_peer_is_being_asked(world: World, operating: Operating) -> None:
    document = await undecided(world)
    world.replace_body(ub(world), gateway=world.party.own)
    world.clock.advance(3600)
    claim = await claim_only(world.party, WorkKind.TRANSFER, world)
    await refused("conflict.at_work", operating.reroute(HOA, document.key))
    await world.party.handlers[WorkKind.TRANSFER].handle(claim)
    assert await states(world, document) == [("delivered", "")]
    await refused("conflict.no_other_place", operating.reroute(HOA, document.key))
    await both_hold(world)


async def test_a_recall_between_the_two_persons_of_a_void_leaves_nothing_to_confirm(
    world: World, operating: Operating
) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=HOUR)
    await operating.ask_void(HOA, document.key, "gửi nhầm")
    assert (await recall(world, document)).counts == {_S.ASKED: 1}
    await refused("conflict.state", operating.confirm_void(MINH, document.key))
    await refused("conflict.no_other_place", operating.reroute(HOA, document.key))
    await refused("conflict.state", operating.retry(HOA, document.key))
    world.party.road.down = False
    await world.settle()
    assert await states(world, document) == [("void", "delivery.recalled")]
    await both_hold(world)


async def test_what_two_persons_gave_up_is_recalled_where_it_may_be(world: World, operating: Operating) -> None:
    document = await undecided(world)
    world.party.road.down = True
    await operating.ask_void(HOA, document.key, "gửi nhầm")
    await operating.confirm_void(MINH, document.key)
    world.party.road.down = False
    assert (await recall(world, document)).counts == {_S.ASKED: 1}
    await world.settle()
    (entry,) = await entries(world, ub(world))
    await agree(world, entry)
    await world.settle()
    assert await states(world, document) == [("void", "delivery.void")]
    assert await standing(world, document) == ["agreed"]
    await both_hold(world)


@pytest.mark.parametrize("by", ["recall", "retry"])
async def test_a_document_that_waited_for_the_scanner_leaves_no_dead_letter(
    world: World, operating: Operating, by: str
) -> None:
    """Doctor warned of it for ever, and nobody could take it away."""
    scanner = scanning(world.party)
    scanner.bytes_max = 7
    document = await sent(world)
    await world.settle()
    assert await world.party.store.read(lambda uow: uow.work.count_dead()) == 1
    scanner.bytes_max = 2**40
    if by == "recall":
        await recall(world, document)
    else:
        await operating.retry(HOA, document.key)
    assert await world.party.store.read(lambda uow: uow.work.count_dead()) == 0
    await world.settle()
    found = await world.party.store.read(lambda uow: uow.documents.find(document.key))
    assert found is not None
    assert found.state is (DocumentState.REFUSED if by == "recall" else DocumentState.ROUTED)
    await both_hold(world)


async def test_a_scan_that_ends_after_the_recall_leaves_no_dead_letter(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last look at it before it is given up; it is recalled while the scanner reads."""
    scanner = scanning(world.party)
    scanner.bytes_max = 7
    document = await sent(world)
    while (claim := await next_scan(world)).item.attempts < STEP_ATTEMPTS_MAX - 1:
        await world.party.handlers[WorkKind.SCAN].handle(claim)
    look = scanner.scan

    async def recalled_meanwhile(path: Path) -> Scan:
        await recall(world, document)
        return await look(path)

    monkeypatch.setattr(scanner, "scan", recalled_meanwhile)
    await world.party.handlers[WorkKind.SCAN].handle(claim)
    assert await world.party.store.read(lambda uow: uow.work.count_dead()) == 0
    assert await world.party.due() is None
    await both_hold(world)


async def next_scan(world: World) -> Claim:
    await world.settle(limit=timedelta(0))
    due = await world.party.due()
    assert due is not None
    world.clock.moment = due
    return await claim_only(world.party, WorkKind.SCAN, world)


# --- a recall, and the deadline ---------------------------------------------------------------------------------------------


async def test_what_expired_is_recalled_and_its_notice_names_the_leaf_that_said_so(world: World) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=timedelta(days=4))
    world.clock.moment = (await only_transfer(world)).deadline + timedelta(seconds=1)
    await world.party.run_due(world.clock.now())
    assert await states(world, document) == [("expired", "delivery.expired")]
    assert (await recall(world, document)).counts == {_S.ASKED: 1}
    await world.settle(limit=HOUR)
    page = await world.party.queries.notices(world.party.principal(world.sender), document.key, after=None, limit=9)
    (notice,) = page.notices
    keys = world.party.directory.current().gateways[world.party.own].receipt_keys
    assert notice.made.notice is not None
    (line,) = check_notice(notice.made.notice, keys).recipients
    history = await history_of(world.party.queries, world.party.principal(world.sender), document.key)
    assert [one.event for one in history if one.leaf_hash == line.leaf] == ["delivery.expired"]
    world.party.road.down = False
    await world.settle()
    assert await arrived(world.government, ub(world)) == 0
    await both_hold(world)


async def test_a_recall_whose_question_never_arrived_is_asked_again_and_no_other(world: World) -> None:
    """The other gateway was away for longer than anything is tried."""
    document = await sent(world, ub(world), ub(world, 1))
    await world.settle()
    world.party.road.down = True
    await recall(world, document)
    await world.settle(limit=timedelta(days=8))
    assert {one.reached for (one,) in (await board(world, document)).values()} == {"expired"}
    world.party.road.down = False
    for _ in range(2):
        assert (await recall(world, document)).counts == {_S.ASKED: 2}
    await world.settle()
    assert {one.reached for (one,) in (await board(world, document)).values()} == {"delivered"}
    assert len(await status_documents(world)) == 4
    for ward in (ub(world), ub(world, 1)):
        (entry,) = await entries(world, ward)
        await agree(world, entry)
    await world.settle()
    assert await standing(world, document) == ["agreed", "agreed"]
    await both_hold(world)


# --- what an office says, and nobody hears ------------------------------------------------------------------------------


async def said_of(world: World, kind: BusinessStatus) -> list[Document]:
    """The status messages of the other gateway that say this."""
    found = await world.government.store.read(lambda uow: uow.documents.page(None, 100))
    return [one for one in found if one.status is not None and one.status.status is kind]


async def test_an_answer_that_never_arrived_is_said_again_and_no_other(world: World) -> None:
    document = await sent(world)
    await world.settle()
    await recall(world, document)
    await world.settle()
    (entry,) = await entries(world, ub(world))
    for answer, said, state in (
        (decline, BusinessStatus.RECALL_REFUSED, "refused"),
        (agree, BusinessStatus.RECALL_AGREED, "agreed"),
    ):
        world.government.road.down = True
        await answer(world, entry)
        await world.settle(limit=timedelta(days=8))
        assert await standing(world, document) == ["asked" if answer is decline else "refused"]
        for _ in range(2):
            await answer(world, entry)
        await world.settle(limit=timedelta(days=8))
        world.government.road.down = False
        for _ in range(2):
            await answer(world, entry)
        await world.settle()
        await answer(world, entry)
        await world.settle()
        assert await standing(world, document) == [state]
        assert len(await said_of(world, said)) == 3, "twice in vain, and once it came"
    await both_hold(world)


@pytest.mark.parametrize("accepted", [True, False])
async def test_a_status_that_never_arrived_is_said_again_and_no_other(world: World, *, accepted: bool) -> None:
    document, there, ward = await sent(world), world.government, world.government.principal(ub(world))
    await world.settle()
    (entry,) = await entries(world, ub(world))
    status = BusinessStatus.ACCEPTED if accepted else BusinessStatus.REFUSED

    async def say() -> None:
        if accepted:
            await there.statuses.accept(ward, entry.key, trace_id="c" * 32)
        else:
            await there.statuses.refuse(ward, entry.key, "Không thuộc thẩm quyền", trace_id="c" * 32)

    there.road.down = True
    await say()
    await world.settle(limit=timedelta(days=8))
    there.road.down = False
    for _ in range(2):
        await say()
    await world.settle()
    await say()
    await world.settle()
    (delivery,) = await deliveries_of(world.party.queries, world.party.principal(world.sender), document.key)
    assert delivery.business_status is status
    assert len(await said_of(world, status)) == 2
    await both_hold(world)


# --- urgent, held, paused ----------------------------------------------------------------------


async def test_an_urgent_letter_does_not_wait_for_one_that_is_held_and_that_one_comes_late(world: World) -> None:
    """What is held cannot be taken along; its number is told, so the urgent one is in its inbox at once."""
    world.party.road.down = True
    first = await sent(world)
    for _ in range(2):
        await world.party.run_due(world.clock.now())
    world.clock.advance(3600)
    await bury(world.party, await claim_only(world.party, WorkKind.TRANSFER, world), "blob.damaged", world)
    second = await sent(world, number="13", priority=Priority.IMMEDIATE)
    world.party.road.down = False
    await world.settle(limit=timedelta(seconds=20))
    assert [one.document_id for one in await entries(world, ub(world))] == [second.document_id]
    await world.party.releases.release(world.party.principal(world.sender), first.key)
    await world.settle(limit=HOUR)
    assert await states(world, first) == [("delivered", "")]
    assert await arrived(world.government, ub(world)) == 2
    await both_hold(world)


async def test_what_a_pause_outlasted_is_asked_for_and_expires_when_it_ends(world: World, operating: Operating) -> None:
    there = world.government.own
    await operating.pause(HOA, there, "bảo trì")
    document = await sent(world)
    await world.settle(limit=timedelta(days=8))
    world.clock.moment += timedelta(days=8)
    assert await states(world, document) == [("queued", "")]
    await operating.resume(HOA, there)
    await world.settle(limit=HOUR)
    assert await states(world, document) == [("expired", "delivery.expired")]
    assert (world.party.road.asked, world.party.road.carried) == (1, 0)
    await both_hold(world)


async def test_a_large_letter_of_which_half_is_there_is_given_up_like_any_that_was_tried(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its transfer what came is nothing: the peer knows no letter, and waits for none."""

    async def half(transfer: object, envelope: Path) -> Unreachable:
        return Unreachable("a piece broke off")

    monkeypatch.setattr(world.party.road, "carry", half)
    document = await sent(world)
    await world.settle(limit=timedelta(minutes=5))
    assert (await only_transfer(world)).attempts > 0
    assert (await recall(world, document)).counts == {_S.ASKED: 1}
    monkeypatch.undo()
    await world.settle()
    assert await states(world, document) == [("void", "delivery.recalled")]
    assert await arrived(world.government, ub(world)) == 0
    streams = await world.government.store.read(lambda uow: uow.order.streams(world.sender, [ub(world)]))
    assert streams[ub(world)].expected == 3, "the letter's number was told, and the recall has the next one"
    await both_hold(world)
