"""Recall, update and replace between two whole gateways: in every order, said twice, answered, too late, stopped in time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.amendments import Amendment, AmendmentKind, Side
from gateway.core.errors import AccessError, Conflict, NotFound, SenderError
from gateway.core.ids import OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import ANSWER_WORDS_CHARS_MAX, RECALLS_PER_UNIT
from gateway.core.message import Business, BusinessKind, DocumentChanges, Replacement, ResponseFor
from gateway.core.model import Document, InboxEntry
from gateway.core.principal import Scope
from gateway.core.states import AmendmentState, BusinessStatus, DocumentState
from gateway.core.work import WorkKind
from gateway.exchange import AmendmentAnswers, Recalls, RecallView
from gateway.exchange.messages import organ_block
from gateway.exchange.saying import Speaker, status_row
from gateway.exchange.submit import store_new
from gateway.storage.amendments import AmendmentLedger
from tests.kit import rows
from tests.kit.exchange_world import Node, World, letter
from tests.kit.pdfs import tiny_pdf
from tests.kit.whole_lists import deliveries_of, entry_history_of, history_of
from tests.scenario.test_misfortune import bury, claim_only
from tests.scenario.test_ready_made import examined
from tests.scenario.test_trouble import arrived, only_transfer, sent, states, ub

HOUR = timedelta(hours=1)
TRACE = "c" * 32
WHY = "Gửi nhầm nơi nhận"
_S = AmendmentState


async def recall(world: World, document: Document, reason: str = WHY) -> RecallView:
    desk = Recalls(desk=world.party.desk)
    return await desk.recall(world.party.principal(world.sender), document.key, reason, trace_id=TRACE)


def host(world: World, ward: OrganId) -> Node:
    return world.government if ".UB." in ward else world.party


async def entries(world: World, ward: OrganId) -> tuple[InboxEntry, ...]:
    node = host(world, ward)
    return (await node.queries.inbox(node.principal(ward), 0, 10)).entries


async def recalled_letter(world: World) -> tuple[Document, InboxEntry]:
    """A letter to the People's Committee, asked back by its sender and not answered yet; with its entry there."""
    document = await sent(world)
    await world.settle()
    await recall(world, document)
    await world.settle()
    (entry,) = await entries(world, ub(world))
    return document, entry


async def agree(world: World, entry: InboxEntry, *, forwarded: bool = False) -> InboxEntry:
    node = host(world, entry.recipient)
    answers = AmendmentAnswers(desk=node.desk)
    return await answers.agree(node.principal(entry.recipient), entry.key, forwarded=forwarded, trace_id=TRACE)


async def decline(world: World, entry: InboxEntry, why: str = "Đang xử lý", *, forwarded: bool = False) -> InboxEntry:
    node = host(world, entry.recipient)
    answers = AmendmentAnswers(desk=node.desk)
    return await answers.decline(node.principal(entry.recipient), entry.key, why, forwarded=forwarded, trace_id=TRACE)


async def board(world: World, document: Document) -> dict[OrganId, tuple[Amendment, ...]]:
    found = await deliveries_of(world.party.queries, world.party.principal(world.sender), document.key)
    return {one.recipient: one.amendments for one in found}


async def standing(world: World, document: Document) -> list[str]:
    """The states on the sender's board, one amendment for each recipient."""
    return [one.state.value for (one,) in (await board(world, document)).values()]


async def both_hold(world: World) -> None:
    for node in world.nodes.values():
        if (await node.store.read(lambda uow: uow.log.head())).size:  # nothing was ever said to the other one
            await examined(world, node)


# --- recall ------------------------------------------------------------------------------------------------------------


async def test_the_recipient_sees_a_recall_agrees_and_the_sender_sees_who_had_opened_it(world: World) -> None:
    document = await sent(world)
    await world.settle()
    (entry,) = await entries(world, ub(world))
    ward = world.government.principal(ub(world))
    await world.government.queries.attachment(ward, entry.key, 1, opens=False)
    await world.government.queries.content(ward, entry.key, opens=False)
    world.clock.advance(60)
    await world.government.queries.attachment(ward, entry.key, 1)
    opened = world.clock.now().replace(microsecond=0)
    world.clock.advance(60)
    view = await recall(world, document)
    assert (view.counts, view.untouched) == ({_S.ASKED: 1}, 0)
    ((asked,),) = (await board(world, document)).values()
    assert (asked.state, asked.reached, asked.reason) == (_S.ASKED, "", WHY)
    await world.settle(limit=HOUR)
    ((asked,),) = (await board(world, document)).values()
    assert (asked.state, asked.reached) == (_S.ASKED, "delivered")

    (entry,) = await entries(world, ub(world))
    (there,) = entry.amendments
    assert (there.kind, there.state, there.reason) == (AmendmentKind.RECALL, _S.ASKED, WHY)
    assert entry.business_status is BusinessStatus.ARRIVED
    entry = await agree(world, entry)
    assert [one.state for one in entry.amendments] == [_S.AGREED]
    await world.settle(limit=HOUR)
    ((said,),) = (await board(world, document)).values()
    assert said.state is _S.AGREED
    assert said.handling is not None
    assert (said.handling.opened_at, said.handling.standing, said.handling.forwarded) == (opened, "01", False)
    assert said.words == "Đồng ý"
    assert await states(world, document) == [("delivered", "")]

    for call in (
        world.government.queries.content(ward, entry.key),
        world.government.queries.attachment(ward, entry.key, 1),
        world.government.statuses.accept(ward, entry.key, trace_id=TRACE),
    ):
        with pytest.raises(SenderError) as gone:
            await call
        assert gone.value.code == "entry.recalled"
    told = await entry_history_of(world.government.queries, ward, entry.key)
    assert [one.event for one in told] == ["received", "opened", "amendment.arrived", "amendment.answered"]
    history = await history_of(world.party.queries, world.party.principal(world.sender), document.key)
    assert [one.event for one in history][-3:] == [
        "delivery.delivered", "amendment.asked", "amendment.answer_received",
    ]  # fmt: skip
    await both_hold(world)


async def test_a_body_of_the_same_gateway_is_asked_like_any_other(world: World) -> None:
    own = next(ward for ward in world.wards if ".DU." in ward)
    document = await sent(world, own)
    await world.settle()
    await recall(world, document)
    await world.settle()
    (entry,) = await entries(world, own)
    await decline(world, entry, "Đã vào sổ văn bản đến")
    await world.settle()
    ((said,),) = (await board(world, document)).values()
    assert (said.state, said.words) == (_S.REFUSED, "Đã vào sổ văn bản đến")
    await examined(world, world.party)


@pytest.mark.parametrize(("accepted", "forwarded"), [(True, False), (False, True)])
async def test_who_had_taken_it_up_and_refuses_was_asked_too_late(
    world: World, *, accepted: bool, forwarded: bool
) -> None:
    document = await sent(world)
    await world.settle()
    (entry,) = await entries(world, ub(world))
    if accepted:
        ward = world.government.principal(ub(world))
        await world.government.statuses.accept(ward, entry.key, trace_id=TRACE)
    world.clock.advance(90)
    await recall(world, document)
    await world.settle()
    (entry,) = await entries(world, ub(world))
    entry = await decline(world, entry, forwarded=forwarded)
    assert [one.state for one in entry.amendments] == [_S.LATE]
    await world.settle()
    ((said,),) = (await board(world, document)).values()
    assert said.state is _S.LATE
    assert said.handling is not None
    assert (said.handling.standing, said.handling.forwarded) == ("03" if accepted else "01", forwarded)
    await both_hold(world)


async def test_who_has_refused_may_agree_later_and_never_takes_an_agreement_back(world: World) -> None:
    document, entry = await recalled_letter(world)
    await decline(world, entry)
    world.party.road.down = world.government.road.down = True
    await decline(world, entry, "Lần nữa")
    await agree(world, entry)
    with pytest.raises(Conflict) as refused:
        await decline(world, entry)
    assert refused.value.code == "conflict.state"
    world.party.road.down = world.government.road.down = False
    await world.settle()
    assert await standing(world, document) == ["agreed"]
    await both_hold(world)


async def test_answers_that_arrive_the_other_way_round_end_the_same(world: World) -> None:
    document, entry = await recalled_letter(world)
    await decline(world, entry)
    await agree(world, entry)
    node = world.government
    for kind in (WorkKind.DOCUMENT, WorkKind.TRANSFER):
        claims = await node.store.transact(
            lambda uow: uow.work.claim(world.clock.now(), lease=60, windows={"": 9, world.party.own: 9}, limit=9)
        )
        assert [claim.item.kind for claim in claims] == [kind, kind]
        for claim in reversed(claims) if kind is WorkKind.TRANSFER else claims:
            await node.handlers[kind].handle(claim)
            if kind is WorkKind.TRANSFER:
                assert await standing(world, document) == ["agreed"]
    await both_hold(world)


async def test_a_recall_said_twice_asks_once(world: World) -> None:
    document = await sent(world)
    await world.settle()
    first = await recall(world, document)
    assert await recall(world, document, "Lần nữa") == first
    await world.settle()
    (entry,) = await entries(world, ub(world))
    assert [one.reason for one in entry.amendments] == [WHY]
    await agree(world, entry)
    await agree(world, entry)
    await world.settle()
    assert (await recall(world, document)).counts == {_S.AGREED: 1}
    told = await entry_history_of(world.government.queries, world.government.principal(ub(world)), entry.key)
    assert [one.event for one in told] == ["received", "amendment.arrived", "amendment.answered"]
    await both_hold(world)


async def test_a_recall_overtakes_its_document_and_waits_for_it(world: World) -> None:
    world.party.road.lose_answers = 0
    document = await sent(world)
    await world.party.run_due(world.clock.now())  # judged, wrapped and routed
    held = await claim_only(world.party, WorkKind.TRANSFER, world)  # somebody is at work on it: it cannot be stopped
    assert (await recall(world, document)).counts == {_S.ASKED: 1}
    for _ in range(3):
        await world.party.run_due(world.clock.now())
    assert await arrived(world.government, ub(world)) == 0
    (waiting,) = await world.government.store.read(
        lambda uow: uow.amendments.of(Side.RECEIVED, world.sender, document.document_id)
    )
    assert (waiting.state, waiting.subject) == (_S.WAITING, "")
    await world.party.handlers[WorkKind.TRANSFER].handle(held)
    (entry,) = await entries(world, ub(world))
    assert [(one.state, one.subject) for one in entry.amendments] == [(_S.ASKED, entry.key)]
    await agree(world, entry)
    await world.settle()
    assert await standing(world, document) == ["agreed"]
    await both_hold(world)


# --- stopped in time -----------------------------------------------------------------------------------------------------


async def test_what_is_not_routed_never_leaves_and_its_number_is_free_again(world: World) -> None:
    document = await sent(world)
    view = await recall(world, document)
    assert (view.document.state, view.document.reason) == (DocumentState.REFUSED, "document.recalled")
    assert (view.counts, view.untouched) == ({}, 0)
    assert await recall(world, document) == view
    await world.settle()
    assert world.party.road.carried == 0
    again = await sent(world, idempotency_key="again")
    await world.settle()
    assert await states(world, again) == [("delivered", "")]
    await both_hold(world)


async def test_a_step_that_is_at_work_on_a_recalled_document_writes_nothing(world: World) -> None:
    document = await sent(world)
    claim = await claim_only(world.party, WorkKind.DOCUMENT, world)
    at_work = world.party.handlers[WorkKind.DOCUMENT]
    found = await world.party.store.read(lambda uow: uow.documents.find(document.key))
    assert found is not None
    await recall(world, document)
    await at_work.handle(claim)
    assert await states(world, document) == []
    assert await world.party.due() is None
    await examined(world, world.party)


async def test_what_was_never_tried_is_void_and_nobody_is_asked(world: World) -> None:
    world.party.road.down = True
    own = next(ward for ward in world.wards if ".DU." in ward)
    document = await sent(world, ub(world), ub(world, 1), own)
    await world.party.run_due(world.clock.now())
    view = await recall(world, document)
    assert (view.counts, view.untouched) == ({_S.STOPPED: 3}, 0)
    world.party.road.down = False
    await world.settle()
    assert await states(world, document) == [("void", "delivery.recalled")] * 3
    assert (world.party.road.carried, await standing(world, document)) == (0, ["stopped"] * 3)
    assert await recall(world, document) == view
    history = await history_of(world.party.queries, world.party.principal(world.sender), document.key)
    assert [one.event for one in history][-3:] == ["delivery.recalled"] * 3
    await both_hold(world)


async def test_what_was_tried_is_void_and_its_recipient_is_asked_all_the_same(world: World) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=HOUR)
    assert (await recall(world, document)).counts == {_S.ASKED: 1}
    assert await states(world, document) == [("void", "delivery.recalled")]
    world.party.road.down = False
    await world.settle()
    assert await arrived(world.government, ub(world)) == 0
    ((asked,),) = (await board(world, document)).values()
    assert (asked.state, asked.reached) == (_S.ASKED, "delivered")
    await both_hold(world)


async def test_a_held_transfer_is_given_up_with_its_dead_letter(world: World) -> None:
    world.party.road.lose_answers = 1
    document = await sent(world)
    for _ in range(2):
        await world.party.run_due(world.clock.now())
    world.clock.advance(3600)
    await bury(world.party, await claim_only(world.party, WorkKind.TRANSFER, world), "blob.damaged", world)
    assert (await recall(world, document)).counts == {_S.ASKED: 1}
    assert (await only_transfer(world)).reason == "delivery.recalled"
    assert await world.party.store.read(lambda uow: uow.work.dead(9)) == ()
    await world.settle()
    # the answer had been lost: it was there, and its recipient can say so
    (entry,) = await entries(world, ub(world))
    await agree(world, entry)
    await world.settle()
    assert await states(world, document) == [("void", "delivery.recalled")]
    assert await standing(world, document) == ["agreed"]
    await both_hold(world)


async def test_who_never_took_it_is_not_asked(world: World) -> None:
    world.replace_body(ub(world), gateway=world.party.own)
    document = await sent(world, ub(world, 1))
    gone = OrganId("Z79.GONE")
    order = letter(world.sender, (ub(world, 1), gone), await world.party.file("a.pdf", tiny_pdf()), number="13")
    mixed = await world.party.submit_to_gone(order, gone)
    await world.settle()
    assert (await recall(world, document)).untouched == 0
    view = await recall(world, mixed)
    assert (view.counts, view.untouched) == ({_S.ASKED: 1}, 1)
    await both_hold(world)


async def test_many_are_asked_a_few_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert RECALLS_PER_UNIT > 1
    monkeypatch.setattr("gateway.exchange.recalls.RECALLS_PER_UNIT", 2)
    document = await sent(world, *world.wards)
    await world.settle()
    assert (await recall(world, document)).counts == {_S.ASKED: len(world.wards)}
    await world.settle()
    assert {one.reached for (one,) in (await board(world, document)).values()} == {"delivered"}
    await both_hold(world)


# --- who may, and what must be said --------------------------------------------------------------------------------------


async def test_only_its_sender_recalls_and_only_its_recipient_answers(world: World) -> None:
    document = await sent(world)
    await world.settle()
    desk = Recalls(desk=world.party.desk)
    with pytest.raises(NotFound):
        await desk.recall(world.party.principal(ub(world)), document.key, WHY, trace_id=TRACE)
    reader = world.party.principal(world.sender, scopes=frozenset({Scope.READ}))
    with pytest.raises(AccessError):
        await desk.recall(reader, document.key, WHY, trace_id=TRACE)
    await recall(world, document)
    await world.settle()
    (entry,) = await entries(world, ub(world))
    answers = AmendmentAnswers(desk=world.government.desk)
    with pytest.raises(NotFound):
        await answers.agree(world.government.principal(ub(world, 1)), entry.key, forwarded=False, trace_id=TRACE)
    reader = world.government.principal(ub(world), scopes=frozenset({Scope.READ}))
    with pytest.raises(AccessError):
        await answers.agree(reader, entry.key, forwarded=False, trace_id=TRACE)


async def test_another_body_recalls_nothing_by_naming_what_is_not_its_own(world: World) -> None:
    """A 13 is looked up under its signed `From`: the same name under another sender is another document."""
    document = await sent(world)
    await world.settle()
    other = next(ward for ward in world.wards if ".DU." in ward)
    said = rows.status(
        sender=organ_block(other, world.party.directory.current()),
        response_for=ResponseFor(organ_id=ub(world), document_id=document.document_id),
        status=BusinessStatus.RECALL_ASKED,
        timestamp=world.clock.now(),
    )
    speaker = Speaker(principal="x", trace_id=TRACE)
    message = status_row(said, about=document.request_digest, by=speaker, desk=world.party.desk)
    await world.party.store.transact(lambda uow: store_new(uow, message, world.party.desk))
    await world.settle()
    (entry,) = await entries(world, ub(world))
    assert entry.amendments == ()


@pytest.mark.parametrize(
    ("reason", "code"), [(" \n", "reason.missing"), ("x" * 501, "request.field"), ("Mật", "secrecy.marked")]
)
async def test_a_recall_wants_a_reason_that_can_be_sent(world: World, reason: str, code: str) -> None:
    document = await sent(world)
    with pytest.raises(SenderError) as refused:
        await recall(world, document, reason)
    assert refused.value.code == code


async def test_an_answer_wants_words_that_fit_beside_the_facts_and_something_to_answer(world: World) -> None:
    document = await sent(world)
    await world.settle()
    (entry,) = await entries(world, ub(world))
    for call in (agree(world, entry), decline(world, entry)):
        with pytest.raises(Conflict) as none:
            await call
        assert none.value.code == "amendment.none"
    await recall(world, document)
    await world.settle()
    for words, code in ((" ", "reason.missing"), ("x" * (ANSWER_WORDS_CHARS_MAX + 1), "request.field")):
        with pytest.raises(SenderError) as refused:
            await decline(world, entry, words)
        assert refused.value.code == code
    await decline(world, entry, "ơ" * ANSWER_WORDS_CHARS_MAX)
    await world.settle()
    ((said,),) = (await board(world, document)).values()
    assert (said.words, said.state) == ("ơ" * ANSWER_WORDS_CHARS_MAX, _S.REFUSED)


async def test_a_refused_document_is_not_recalled(world: World) -> None:
    order = letter(world.sender, (ub(world),), await world.party.file("a.pdf", tiny_pdf()))
    document = await world.party.submit(order, scopes=frozenset({Scope.SEND}))  # not sealed, and may not be
    await world.settle()
    with pytest.raises(Conflict) as refused:
        await recall(world, document)
    assert refused.value.code == "conflict.state"


async def test_an_answer_that_nobody_asked_for_is_refused(world: World) -> None:
    document = await sent(world)
    await world.settle()
    (entry,) = await entries(world, ub(world))
    await recall(world, document)
    await world.settle()
    await world.party.store.transact(_forget)
    await agree(world, entry)
    await world.settle()
    messages = await world.government.store.read(lambda uow: uow.documents.page(None, 9))
    (delivery,) = await world.government.store.read(lambda uow: uow.documents.deliveries(messages[-1].key))
    assert (delivery.state.value, delivery.reason) == ("refused", "status.not_asked")


def _forget(uow: UnitOfWork) -> None:
    """As if this gateway had been restored to before it asked."""
    _changed(uow, "DELETE FROM amendments")


def _changed(uow: UnitOfWork, statement: str) -> None:
    ledger = uow.amendments
    assert isinstance(ledger, AmendmentLedger)
    ledger._connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE amendments SET state = 'refused'", "recall refused, the log tells agreed"),
        ("UPDATE amendments SET kind = 'update'", "update agreed, the log tells nothing"),
        ("DELETE FROM amendments", "the log tells of a recall, and there is no row of it"),
    ],
)
async def test_a_row_that_says_otherwise_than_the_log_is_found(world: World, change: str, why: str) -> None:
    _, entry = await recalled_letter(world)
    await agree(world, entry)
    await world.settle()
    await both_hold(world)
    for node in world.nodes.values():
        await node.store.transact(lambda uow: _changed(uow, change))
        with pytest.raises(AssertionError, match=why):
            await examined(world, node)


# --- update and replace --------------------------------------------------------------------------------------------------

UPDATE = Business(kind=BusinessKind.UPDATE, reason="Sửa ngày họp", changes=DocumentChanges(metadata=True))
REPLACE = Business(kind=BusinessKind.REPLACE, reason="Thay thế do sai thể thức")


def naming(business: Business, document: Document) -> Business:
    if business.kind is BusinessKind.UPDATE:
        return replace(business, document_id=document.document_id)
    return replace(business, replacements=(Replacement(document_id=document.document_id),))


async def test_a_replacement_names_what_it_replaces_and_the_old_entry_stays(world: World) -> None:
    old = await sent(world, ub(world))
    await world.settle()
    new = await sent(world, ub(world), ub(world, 1), number="13", business=naming(REPLACE, old))
    await world.settle()
    first, second = await entries(world, ub(world))
    (superseded,) = first.amendments
    assert (superseded.kind, superseded.state, superseded.by) == (
        AmendmentKind.REPLACE, _S.IN_EFFECT, new.document_id,
    )  # fmt: skip
    assert (superseded.subject, superseded.carrier) == (first.key, second.key)
    assert second.amendments == first.amendments
    ward = world.government.principal(ub(world))
    await world.government.queries.content(ward, first.key)
    ((told,),) = (await board(world, old)).values()
    assert (told.state, told.by, told.reason) == (_S.IN_EFFECT, new.document_id, REPLACE.reason)
    # who never had the old one has a new document, and nothing else
    (only,) = await entries(world, ub(world, 1))
    assert [one.state for one in only.amendments] == [_S.WAITING]
    with pytest.raises(Conflict):
        await agree(world, second)
    await both_hold(world)


async def test_an_update_is_agreed_to_at_either_entry(world: World) -> None:
    old = await sent(world, ub(world), ub(world, 1))
    await world.settle()
    new = await sent(world, ub(world), ub(world, 1), number="13", business=naming(UPDATE, old))
    await world.settle()
    first, _ = await entries(world, ub(world))
    _, second = await entries(world, ub(world, 1))
    assert [one.state for one in (*first.amendments, *second.amendments)] == [_S.ASKED] * 2
    await agree(world, first)
    await decline(world, second, "Không còn thẩm quyền")
    await world.settle()
    assert await standing(world, old) == ["agreed", "refused"]
    assert [one.by for (one,) in (await board(world, old)).values()] == [new.document_id] * 2
    # an update that was agreed to takes nothing away
    await world.government.queries.content(world.government.principal(ub(world)), first.key)
    await both_hold(world)


async def test_a_replacement_never_comes_before_what_it_replaces(world: World) -> None:
    old = await sent(world)
    await world.party.run_due(world.clock.now())
    held = await claim_only(world.party, WorkKind.TRANSFER, world)
    await sent(world, number="13", business=naming(REPLACE, old))
    for _ in range(3):
        await world.party.run_due(world.clock.now())
    assert await entries(world, ub(world)) == ()
    await world.party.handlers[WorkKind.TRANSFER].handle(held)
    first, second = await entries(world, ub(world))
    assert [one.state for one in first.amendments] == [_S.IN_EFFECT]
    assert (first.document_id, first.amendments) == (old.document_id, second.amendments)
    await both_hold(world)


async def test_what_is_said_of_a_staged_document_waits_until_it_is_in_the_inbox(world: World) -> None:
    """The first letter is on the road; the second came, and waits for it; it is recalled and replaced meanwhile."""
    first = await sent(world)
    await world.party.run_due(world.clock.now())
    held = await claim_only(world.party, WorkKind.TRANSFER, world)
    second = await sent(world, number="13")
    for _ in range(2):
        await world.party.run_due(world.clock.now())
    await recall(world, second)
    third = await sent(world, number="14", business=naming(REPLACE, second))
    for _ in range(3):
        await world.party.run_due(world.clock.now())
    assert await entries(world, ub(world)) == ()
    waiting = await world.government.store.read(
        lambda uow: uow.amendments.of(Side.RECEIVED, world.sender, second.document_id)
    )
    assert {one.state for one in waiting} == {_S.WAITING}
    await world.party.handlers[WorkKind.TRANSFER].handle(held)
    await world.settle()
    assert [one.document_id for one in await entries(world, ub(world))] == [
        one.document_id for one in (first, second, third)
    ]
    _, entry, _ = await entries(world, ub(world))
    assert {(one.kind.value, one.state.value) for one in entry.amendments} == {
        ("recall", "asked"), ("replace", "in_effect"),
    }  # fmt: skip
    await agree(world, entry)
    await world.settle()
    await both_hold(world)


async def test_what_was_never_sent_is_not_replaced(world: World) -> None:
    with pytest.raises(SenderError) as refused:
        await sent(world, business=replace(REPLACE, replacements=(Replacement(document_id="Z79,2026/01/01,1/X"),)))
    assert refused.value.code == "amendment.unknown"
