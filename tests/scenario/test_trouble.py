"""What goes wrong, between two whole gateways: nothing lost, nothing twice, and a clear word to whoever's turn it is."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import cms
from pyhanko.pdf_utils.generic import ArrayObject, NumberObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from gateway.core.directory import BodyStatus
from gateway.core.errors import AccessError, Conflict, GatewayError, NotFound, PeerError, SenderError, SiteError
from gateway.core.ids import Digest, GatewayId, OrganId, TransferKey
from gateway.core.limits import FILE_BYTES_MAX, RECIPIENTS_MAX
from gateway.core.model import Attachment, BlobRef, Document, Transfer
from gateway.core.principal import Scope
from gateway.core.states import BusinessStatus, DeliveryState, DocumentState, TransferState
from gateway.core.work import WorkKind
from gateway.edxml import assemble, write_skeleton
from gateway.exchange import SubmissionOrder
from gateway.exchange.messages import document_message
from gateway.exchange.receive import ALARMS_PER_ORIGIN_MAX
from gateway.exchange.saying import Speaker
from gateway.exchange.statuses import apply_status
from gateway.exchange.submit import store_new
from tests.kit.blobs import stored
from tests.kit.exchange_world import ALL, Node, World, letter
from tests.kit.pdfs import encrypted_pdf, tiny_pdf
from tests.kit.whole_lists import deliveries_of, entry_history_of, history_of
from tests.scenario.test_main_job import check


async def sent(world: World, *wards: OrganId, **fields: object) -> Document:
    """A letter that has been handed in, not yet settled."""
    order = letter(world.sender, wards or (ub(world),), await world.party.file("a.pdf", tiny_pdf()), **fields)
    return await world.party.submit(order)


def ub(world: World, number: int = 0) -> OrganId:
    """A People's Committee: a body of the other gateway."""
    return [ward for ward in world.wards if ".UB." in ward][number]


async def states(world: World, document: Document) -> list[tuple[str, str]]:
    found = await deliveries_of(world.party.queries, world.party.principal(world.sender), document.key)
    return [(delivery.state.value, delivery.reason) for delivery in found]


async def arrived(node: Node, organ: OrganId) -> int:
    return len((await node.queries.inbox(node.principal(organ), 0, 100)).entries)


async def left_to_do(world: World) -> set[WorkKind]:
    """Kinds of what the sender's gateway has still to do."""
    return {one.item.kind for one in await world.party.store.read(lambda uow: uow.work.queued(None, 100))}


async def only_transfer(world: World) -> Transfer:
    (transfer,) = await world.party.store.read(lambda uow: uow.transfers.page(None, 10))
    return transfer


# --- the road ----------------------------------------------------------------------------------------------------------


async def test_a_peer_that_is_away_for_a_weekend_gets_everything_afterwards(world: World) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=timedelta(hours=60))
    assert await states(world, document) == [("queued", "")]
    assert await arrived(world.government, ub(world)) == 0
    world.party.road.down = False
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    assert await arrived(world.government, ub(world)) == 1
    await check(world, world.party)


async def test_nobody_waits_for_a_peer_that_is_away(world: World) -> None:
    """168 committees on our own gateway have nothing to do with the road to the other one."""
    world.party.road.down = True
    own = next(ward for ward in world.wards if ".DU." in ward)
    document = await sent(world, own, ub(world))
    await world.settle(limit=timedelta(minutes=5))
    assert sorted(await states(world, document)) == [("delivered", ""), ("queued", "")]


async def test_a_lost_answer_is_asked_for_and_nothing_arrives_twice(world: World) -> None:
    world.party.road.lose_answers = 1
    document = await sent(world)
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    assert (world.party.road.carried, world.party.road.asked) == (1, 1)
    assert await arrived(world.government, ub(world)) == 1
    await check(world, world.party)
    await check(world, world.government)


async def test_an_answer_that_is_lost_again_and_again_has_the_same_bytes_in_the_end(world: World) -> None:
    world.party.road.lose_answers = 9
    document = await sent(world)
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    transfer = await only_transfer(world)
    kept = await world.government.reception.answer_of(world.party.own, transfer.slip.transfer)
    assert kept == transfer.answer
    assert await arrived(world.government, ub(world)) == 1


async def test_bytes_changed_on_the_way_are_not_stored_and_the_right_ones_come_after(world: World) -> None:
    flips = iter([True, True])

    def change(data: bytes) -> bytes:
        return data.replace(b"Subject", b"Sabject", 1) if next(flips, False) else data

    world.party.road.change = change
    document = await sent(world)
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    assert world.party.road.carried == 3


@pytest.mark.parametrize("place", [0, 40, 700, -1])
async def test_a_receipt_with_one_changed_byte_is_no_receipt(world: World, place: int) -> None:
    def forge(receipt: bytes) -> bytes:
        at = place % len(receipt)
        return receipt[:at] + bytes([receipt[at] ^ 1]) + receipt[at + 1 :]

    world.party.road.forge = forge
    document = await sent(world)
    await world.settle(limit=timedelta(hours=1))
    assert await states(world, document) == [("indeterminate", "")]
    transfer = await only_transfer(world)
    assert transfer.reason.startswith("peer.receipt")
    world.party.road.forge = None
    await world.settle()
    assert await states(world, document) == [("delivered", "")]


async def test_after_the_deadline_a_transfer_expires_and_says_so(world: World) -> None:
    world.party.road.down = True
    document = await sent(world)
    await world.settle(limit=timedelta(days=6))
    assert await states(world, document) == [("expired", "delivery.expired")]
    history = await history_of(world.party.queries, world.party.principal(world.sender), document.key)
    assert [one.event for one in history][-2:] == ["delivery.expired", "delivery.notice"]
    assert await left_to_do(world) == {WorkKind.GAPS}


async def test_a_peer_that_asks_for_patience_gets_it(world: World) -> None:
    world.party.road.busy = 3
    started = world.clock.now()
    document = await sent(world)
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    assert world.clock.now() - started >= timedelta(seconds=90)


# --- a peer that is wrong or worse ---------------------------------------------------------------------------------------


async def prepared(world: World) -> tuple[Transfer, bytes]:
    """A real transfer of the Party gateway that has not left yet, and its envelope."""
    world.party.road.down = True
    await sent(world)
    await world.settle(limit=timedelta(seconds=1))
    transfer = await only_transfer(world)
    return transfer, await world.party.blobs.read(transfer.slip.envelope)


async def receive(world: World, real: Transfer, data: bytes, **slip: object) -> list[tuple[str, str]]:
    """Hand it to the government gateway as a peer would, with other bytes and another slip; the receipt's outcomes."""
    blob = await stored(world.government.blobs, data)
    changed = replace(real.slip, envelope=blob, **slip)  # type: ignore[arg-type]
    answer = await world.government.reception.receive(world.party.own, changed, blob)
    lines = world.party.records.check_receipt(answer, changed, world.party.directory.current())
    return [(line.outcome.value, line.code) for line in lines]


async def test_a_peer_may_not_speak_for_a_body_of_another_gateway(world: World) -> None:
    transfer, _ = await prepared(world)
    foreign = replace(transfer.slip, sender=ub(world, 1))
    with pytest.raises(PeerError) as caught:
        await world.government.reception.admit(world.party.own, foreign)
    assert caught.value.code == "peer.foreign_sender"
    posing = replace(transfer.slip, origin=GatewayId("other.example"))
    with pytest.raises(PeerError) as caught:
        await world.government.reception.admit(world.party.own, posing)
    assert caught.value.code == "peer.foreign_sender"


async def test_a_transfer_for_another_gateway_and_one_from_the_past_are_refused(world: World) -> None:
    transfer, _ = await prepared(world)
    for changed, code in (
        (replace(transfer.slip, destination=GatewayId("other.example")), "transfer.not_ours"),
        (replace(transfer.slip, sent_at=world.clock.now() - timedelta(days=30)), "transfer.sent_at"),
        (replace(transfer.slip, sent_at=world.clock.now() + timedelta(hours=1)), "transfer.sent_at"),
    ):
        with pytest.raises(PeerError) as caught:
            await world.government.reception.admit(world.party.own, changed)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"g\xe1\xbb\xadi, nh\xe1\xba\xadn", b"g\xe1\xbb\xadi, nh\xe1\xba\xb5n"),
        (b">Z79.VPTU<", b">Z79.UBND<"),
        (b"<edXML:BussinessDocType>0<", b"<edXML:BussinessDocType>1<"),
        (b"<edXML:AttachmentName>a.pdf<", b"<edXML:AttachmentName>b.pdf<"),
    ],
)
async def test_an_envelope_changed_by_the_peer_itself_is_refused_by_a_signed_receipt(
    world: World, old: bytes, new: bytes
) -> None:
    """The digest of the slip is the peer's own to make: the signature of the sender is not."""
    transfer, data = await prepared(world)
    assert old in data
    outcomes = await receive(world, transfer, data.replace(old, new, 1))
    assert [outcome for outcome, _ in outcomes] == ["refused"]
    assert outcomes[0][1].startswith("envelope.")
    assert await arrived(world.government, ub(world)) == 0
    await check(world, world.government)


async def test_an_attachment_swapped_by_the_peer_is_refused(world: World) -> None:
    transfer, data = await prepared(world)
    start = data.index(b"<edXML:ContentTransferEncoded")
    at = data.index(b">", start) + 41
    swapped = data[:at] + (b"A" if data[at : at + 1] != b"A" else b"B") + data[at + 1 :]
    assert await receive(world, transfer, swapped) == [("refused", "envelope.attachments")]


async def test_a_recipient_that_the_sender_did_not_address_is_refused(world: World) -> None:
    transfer, data = await prepared(world)
    extra = replace(transfer.slip.recipients[0], organ_id=ub(world, 1))
    outcomes = await receive(world, transfer, data, recipients=(*transfer.slip.recipients, extra))
    assert outcomes == [("received", ""), ("refused", "envelope.recipients")]
    assert await arrived(world.government, ub(world, 1)) == 0


async def test_a_slip_that_says_another_document_is_refused(world: World) -> None:
    transfer, data = await prepared(world)
    assert await receive(world, transfer, data, document_id="Z79.VPTU,2026/11/20,99/CV") == [
        ("refused", "envelope.sender")
    ]


async def test_rubbish_instead_of_an_envelope_is_refused_by_a_receipt(world: World) -> None:
    transfer, _ = await prepared(world)
    for number, rubbish in enumerate((b"", b"<a/>", b"%PDF-1.7", b"\xff" * 1000, b"<!DOCTYPE a><a/>")):
        name = TransferKey(f"01900000-0000-7000-8000-00000000000{number}")
        assert await receive(world, transfer, rubbish, transfer=name) == [("refused", "envelope.malformed")]


async def test_one_name_with_another_slip_is_a_conflict_and_changes_nothing(world: World) -> None:
    transfer, data = await prepared(world)
    await receive(world, transfer, data)
    other = replace(transfer.slip, document_id="Z79.VPTU,2026/11/20,99/CV")
    with pytest.raises(Conflict) as caught:
        await world.government.reception.admit(world.party.own, other)
    assert caught.value.code == "transfer.conflict"
    assert await arrived(world.government, ub(world)) == 1


async def test_the_same_document_in_a_second_transfer_has_no_second_effect(world: World) -> None:
    transfer, data = await prepared(world)
    assert await receive(world, transfer, data) == [("received", "")]
    again = TransferKey("01900000-0000-7000-8000-000000000001")
    assert await receive(world, transfer, data, transfer=again) == [("received", "")]
    assert await arrived(world.government, ub(world)) == 1


async def test_the_same_document_id_with_other_bytes_is_a_conflict_in_the_receipt(world: World) -> None:
    transfer, data = await prepared(world)
    assert await receive(world, transfer, data) == [("received", "")]
    again = TransferKey("01900000-0000-7000-8000-000000000001")
    # a TraceHeader is outside the signature: the envelope is still good, but it is another one
    changed = data.replace(b"<edXML:TraceHeader>", b"<edXML:TraceHeader> ", 1)
    assert changed != data
    assert await receive(world, transfer, changed, transfer=again) == [("refused", "conflict.document_id")]
    assert await arrived(world.government, ub(world)) == 1


async def test_a_status_for_a_document_we_never_sent_is_refused(world: World) -> None:
    document = await sent(world)
    await world.settle()
    government, principal = world.government, world.government.principal(ub(world))
    entry = (await government.queries.inbox(principal, 0, 1)).entries[0]
    await world.party.store.transact(lambda uow: None)
    await government.statuses.accept(principal, entry.key, trace_id="0" * 32)
    # the sender of the status is not among the recipients of any document of ours: seen from a third body
    stranger = replace(entry, recipient=ub(world, 1))
    message = government.statuses._message(stranger, Speaker(principal="key", trace_id="0" * 32))
    forged = replace(message, status=replace(message.status, status=BusinessStatus.ACCEPTED))  # type: ignore[type-var]
    await government.store.transact(lambda uow: store_new(uow, forged, government.desk))
    await world.settle()
    transfers = await government.store.read(lambda uow: uow.transfers.page(None, 10))
    by_sender = {transfer.slip.sender: transfer for transfer in transfers}
    assert by_sender[ub(world)].state is TransferState.RECEIPTED
    deliveries = await government.store.read(lambda uow: uow.documents.deliveries(forged.key))
    assert [(delivery.state, delivery.reason) for delivery in deliveries] == [
        (DeliveryState.REFUSED, "status.unknown_document")
    ]
    assert [state for state, _ in await states(world, document)] == ["delivered"]


# --- recipients --------------------------------------------------------------------------------------------------------


async def test_recipients_that_went_since_they_were_named_are_refused_deliveries_beside_good_ones(world: World) -> None:
    closed, locked, good, gone = ub(world, 0), ub(world, 1), ub(world, 2), OrganId("Z79.UB.99999")
    order = letter(world.sender, (gone, closed, locked, good), await world.party.file("a.pdf", tiny_pdf()))
    document = await world.party.submit_to_gone(order, gone)
    world.replace_body(closed, status=BodyStatus.CLOSED, successor=good)
    world.replace_body(locked, status=BodyStatus.LOCKED)
    await world.settle()
    assert await states(world, document) == [
        ("refused", "recipient.unknown"),
        ("refused", "recipient.closed"),
        ("refused", "recipient.locked"),
        ("delivered", ""),
    ]
    found = await deliveries_of(world.party.queries, world.party.principal(world.sender), document.key)
    assert good in found[1].route_reason
    await check(world, world.party)


async def test_a_recipient_that_closed_while_the_letter_travelled_is_refused_by_its_gateway(world: World) -> None:
    world.party.road.down = True
    document = await sent(world, ub(world, 0), ub(world, 1))
    await world.settle(limit=timedelta(minutes=1))
    world.party.road.down = False
    world.replace_body(ub(world, 0), status=BodyStatus.CLOSED)
    await world.settle()
    assert await states(world, document) == [("refused", "recipient.closed"), ("delivered", "")]


# --- what an office hands in -----------------------------------------------------------------------------------------------


async def refusal(world: World, order: SubmissionOrder, scopes: frozenset[Scope] = ALL) -> str:
    with pytest.raises(GatewayError) as caught:
        await world.party.submit(order, scopes=scopes)
    assert await world.party.store.read(lambda uow: uow.documents.page(None, 10)) == ()
    return caught.value.code


async def test_files_that_are_not_what_they_say_are_refused_at_once(world: World) -> None:
    party, to = world.party, (ub(world),)
    for file, code in (
        (await party.file("a.pdf", b"Xin ch\xc3\xa0o"), "file.not_pdf"),
        (await party.file("a.doc", b"MZ\x90", "application/pdf"), "file.not_pdf"),
        (await party.file("a.pdf", b""), "file.empty"),
        (
            replace(
                await party.file("a.pdf", tiny_pdf()), blob=BlobRef(digest=Digest("0" * 64), size=FILE_BYTES_MAX + 1)
            ),
            "size.limit",
        ),
    ):
        assert await refusal(world, letter(world.sender, to, file)) == code


async def test_marks_of_secrecy_are_refused_wherever_they_stand(world: World) -> None:
    file, to = await world.party.file("a.pdf", tiny_pdf()), (ub(world),)
    for fields in ({"secrecy": "Mật"}, {"subject": "[TỐI MẬT] Về việc …"}, {"content": "Độ mật: Tuyệt mật"}):
        assert await refusal(world, letter(world.sender, to, file, **fields)) == "secrecy.marked"
    marked = await world.party.file("MẬT.pdf", tiny_pdf())
    assert await refusal(world, letter(world.sender, to, marked)) == "secrecy.marked"


async def test_words_that_only_contain_the_word_are_not_marks(world: World) -> None:
    document = await sent(world, subject="Về việc bảo mật thông tin và bảo vệ bí mật nhà nước")
    await world.settle()
    assert await states(world, document) == [("delivered", "")]


async def test_counts_lengths_and_doubles_are_said_at_once(world: World) -> None:
    file, to = await world.party.file("a.pdf", tiny_pdf()), (ub(world),)
    many = tuple(OrganId(f"Z79.UB.{number}") for number in range(RECIPIENTS_MAX + 1))
    assert await refusal(world, letter(world.sender, many, file)) == "count.limit"
    assert await refusal(world, letter(world.sender, (), file)) == "count.limit"
    assert await refusal(world, letter(world.sender, to)) == "count.limit"
    assert await refusal(world, letter(world.sender, to * 2, file)) == "request.field"
    assert await refusal(world, letter(world.sender, to, file, subject="x" * 501)) == "request.field"


async def test_scopes_and_bodies_of_a_key_are_kept(world: World) -> None:
    file = await world.party.file("a.pdf", tiny_pdf())
    order = letter(world.sender, (ub(world),), file)
    assert await refusal(world, order, scopes=frozenset({Scope.READ, Scope.SEAL})) == "access.scope"
    stranger = world.party.principal("Z79.DU.25747")
    with pytest.raises(AccessError) as caught:
        await world.party.submission.submit(stranger, order, trace_id="0" * 32)
    assert caught.value.code == "access.organ"
    foreign = letter(ub(world), (world.sender,), file)
    assert await refusal(world, foreign) == "sender.unknown"


async def test_without_the_seal_scope_an_unsealed_letter_is_refused_and_nothing_leaves(world: World) -> None:
    order = letter(world.sender, (ub(world),), await world.party.file("a.pdf", tiny_pdf()))
    document = await world.party.submit(order, scopes=frozenset({Scope.SEND, Scope.READ}))
    await world.settle()
    view = await world.party.queries.document(world.party.principal(world.sender), document.key)
    assert (view.document.state, view.document.reason) == (DocumentState.REFUSED, "seal.missing")
    assert view.total == 0
    assert world.party.road.carried == 0


async def test_a_body_that_has_not_entrusted_its_seal_is_refused_even_with_the_scope(world: World) -> None:
    committee = next(ward for ward in world.wards if ".DU." in ward)
    order = letter(committee, (ub(world),), await world.party.file("a.pdf", tiny_pdf()))
    document = await world.party.submit(order)
    await world.settle()
    view = await world.party.queries.document(world.party.principal(committee), document.key)
    assert (view.document.state, view.document.reason) == (DocumentState.REFUSED, "seal.missing")


async def sealed_letter(world: World, tmp_path: Path) -> bytes:
    path = tmp_path / "plain.pdf"
    path.write_bytes(tiny_pdf())
    return (await world.party.desk.sealer.seal(path, world.sender)).pdf


async def test_a_letter_that_carries_its_seal_is_left_as_it_is(world: World, tmp_path: Path) -> None:
    sealed = await sealed_letter(world, tmp_path)
    order = letter(world.sender, (ub(world),), await world.party.file("a.pdf", sealed))
    document = await world.party.submit(order, scopes=frozenset({Scope.SEND, Scope.READ}))
    await world.settle()
    assert await states(world, document) == [("delivered", "")]
    government = world.government
    entry = (await government.queries.inbox(government.principal(ub(world)), 0, 1)).entries[0]
    path, _ = await government.queries.attachment(government.principal(ub(world)), entry.key, 1)
    assert path.read_bytes() == sealed


async def test_a_broken_seal_is_refused_by_its_sender_s_gateway(world: World, tmp_path: Path) -> None:
    sealed = await sealed_letter(world, tmp_path)
    broken = sealed.replace(b"Van ban", b"Van bam", 1)
    assert broken != sealed
    order = letter(world.sender, (ub(world),), await world.party.file("a.pdf", broken))
    document = await world.party.submit(order)
    await world.settle()
    view = await world.party.queries.document(world.party.principal(world.sender), document.key)
    assert (view.document.state, view.document.reason) == (DocumentState.REFUSED, "seal.broken")


async def test_a_pdf_that_cannot_be_opened_is_refused_not_lost(world: World) -> None:
    for number, data in enumerate((encrypted_pdf(), b"%PDF-1.7\nrubbish", tiny_pdf()[:200]), 1):
        order = letter(world.sender, (ub(world),), await world.party.file("a.pdf", data), number=str(number))
        document = await world.party.submit(order)
        await world.settle()
        view = await world.party.queries.document(world.party.principal(world.sender), document.key)
        assert view.document.state in {DocumentState.REFUSED, DocumentState.HELD}
        assert view.document.reason


async def test_the_same_order_twice_is_one_document(world: World) -> None:
    order = letter(world.sender, (ub(world),), await world.party.file("a.pdf", tiny_pdf()))
    principal = world.party.principal(world.sender)
    first, new = await world.party.submission.submit(principal, order, trace_id="1" * 32)
    second, again = await world.party.submission.submit(principal, order, trace_id="2" * 32)
    assert (new, again) == (True, False)
    assert first == second
    await world.settle()
    third, _ = await world.party.submission.submit(principal, order, trace_id="3" * 32)
    assert third.key == first.key
    assert await arrived(world.government, ub(world)) == 1


async def test_the_same_order_under_another_key_is_still_one_document(world: World) -> None:
    file = await world.party.file("a.pdf", tiny_pdf())
    first = await world.party.submit(letter(world.sender, (ub(world),), file, idempotency_key="one"))
    second = await world.party.submit(letter(world.sender, (ub(world),), file, idempotency_key="two"))
    assert first.key == second.key


async def test_another_order_under_a_used_name_is_a_conflict(world: World) -> None:
    one, two = await world.party.file("a.pdf", tiny_pdf("1")), await world.party.file("a.pdf", tiny_pdf("2"))
    await world.party.submit(letter(world.sender, (ub(world),), one))
    with pytest.raises(Conflict) as caught:
        await world.party.submit(letter(world.sender, (ub(world),), two))
    assert caught.value.code == "conflict.idempotency"
    with pytest.raises(Conflict) as caught:
        await world.party.submit(letter(world.sender, (ub(world),), two, idempotency_key="other"))
    assert caught.value.code == "conflict.document_id"


# --- what a receiving office says ---------------------------------------------------------------------------------------------


async def test_what_is_not_yours_is_not_there(world: World) -> None:
    document = await sent(world)
    await world.settle()
    government = world.government
    entry = (await government.queries.inbox(government.principal(ub(world)), 0, 1)).entries[0]
    stranger = government.principal(ub(world, 1))
    for ask in (
        government.queries.entry(stranger, entry.key),
        government.queries.content(stranger, entry.key),
        government.queries.attachment(stranger, entry.key, 1),
        entry_history_of(government.queries, stranger, entry.key),
        government.statuses.accept(stranger, entry.key, trace_id="0" * 32),
        world.party.queries.document(world.party.principal("Z79.DU.25747"), document.key),
        deliveries_of(world.party.queries, world.party.principal("Z79.DU.25747"), document.key),
        history_of(world.party.queries, world.party.principal("Z79.DU.25747"), document.key),
    ):
        with pytest.raises(NotFound) as caught:
            await ask
        assert caught.value.code == "not_found"
    assert (await government.queries.inbox(stranger, 0, 10)).entries == ()


async def test_a_refusal_needs_a_reason_and_cannot_be_taken_back_by_accepting(world: World) -> None:
    await sent(world)
    await world.settle()
    government, principal = world.government, world.government.principal(ub(world))
    key = (await government.queries.inbox(principal, 0, 1)).entries[0].key
    with pytest.raises(SenderError) as blank:
        await government.statuses.refuse(principal, key, " \n ", trace_id="0" * 32)
    assert blank.value.code == "reason.missing"
    await government.statuses.refuse(principal, key, "Sai nơi nhận", trace_id="0" * 32)
    with pytest.raises(Conflict) as caught:
        await government.statuses.accept(principal, key, trace_id="0" * 32)
    assert caught.value.code == "conflict.state"
    reader = government.principal(ub(world), scopes=frozenset({Scope.READ}))
    with pytest.raises(AccessError):
        await government.statuses.accept(reader, key, trace_id="0" * 32)


async def test_receipts_speak_of_every_recipient_in_the_order_of_the_slip(world: World) -> None:
    wards = tuple(ward for ward in world.wards if ".UB." in ward)
    await sent(world, *reversed(wards))
    await world.settle()
    transfer = await only_transfer(world)
    assert transfer.answer is not None
    lines = world.party.records.check_receipt(transfer.answer, transfer.slip, world.party.directory.current())
    assert [line.organ_id for line in lines] == list(reversed(wards))
    assert json.dumps([line.index for line in lines]) == json.dumps(sorted(line.index for line in lines))


# --- a peer that has the sender's transport key, but not its seal ------------------------------------------------------------


async def forged(world: World, pdf: bytes, name: str = "a.pdf") -> list[tuple[str, str]]:
    """An envelope with this file, truly signed by the sender's transport key; the outcomes of its reception."""
    transfer, _ = await prepared(world)
    file = await world.party.file(name, pdf)
    attachment = Attachment(position=1, name=name, content_type="application/pdf", blob=file.blob)
    (document,) = await world.party.store.read(lambda uow: uow.documents.page(None, 1))
    message = document_message(document, world.party.directory.current())
    signed = await world.party.desk.sealer.sign_envelope(write_skeleton(message, (attachment,)), world.sender)
    data = b"".join(assemble(signed, [(attachment, [pdf])]))
    return await receive(world, transfer, data)


def shadowed(sealed: bytes) -> bytes:
    """An incremental update that changes what the page shows, after the seal was made."""
    writer = IncrementalPdfFileWriter(io.BytesIO(sealed))
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    page["/MediaBox"] = ArrayObject([NumberObject(0), NumberObject(0), NumberObject(10), NumberObject(10)])
    writer.mark_update(page.get_container_ref())
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


async def test_a_sealed_letter_that_was_painted_over_is_refused_on_arrival(world: World, tmp_path: Path) -> None:
    sealed = await sealed_letter(world, tmp_path)
    outcomes = await forged(world, shadowed(sealed))
    assert outcomes == [("refused", "seal.undecided")]
    assert await arrived(world.government, ub(world)) == 0
    await check(world, world.government)


async def test_a_seal_with_the_right_certificate_and_no_signature_is_refused_on_arrival(
    world: World, tmp_path: Path
) -> None:
    """Whoever has seen one sealed letter has the certificate: only the signature says that it is the body's seal."""
    sealed = await sealed_letter(world, tmp_path)
    start = sealed.index(b"/Contents <") + len(b"/Contents <")
    end = sealed.index(b">", start)
    raw = bytes.fromhex(sealed[start:end].decode())
    info = cms.ContentInfo.load(raw)
    info["content"]["signer_infos"][0]["signature"] = b"A" * 256
    hollow = info.dump().hex().encode().ljust(end - start, b"0")
    assert len(hollow) == end - start
    ((outcome, code),) = await forged(world, sealed[:start] + hollow + sealed[end:])
    assert (outcome, code) == ("refused", "seal.broken")


async def test_an_unsealed_pdf_and_a_letter_without_any_file_are_refused_on_arrival(world: World) -> None:
    assert await forged(world, tiny_pdf()) == [("refused", "seal.missing")]


async def test_a_gateway_that_speaks_for_a_foreign_body_raises_an_alarm_once(world: World) -> None:
    transfer, _ = await prepared(world)
    foreign = replace(transfer.slip, sender=ub(world, 1))
    for _ in range(5):
        with pytest.raises(PeerError):
            await world.government.reception.admit(world.party.own, foreign)
    history = await world.government.store.read(lambda uow: uow.log.history(foreign.transfer))
    assert [event.event for event in history] == ["peer.foreign_sender"]


async def test_an_alarm_that_could_not_be_written_is_raised_by_the_next_attempt(world: World) -> None:
    transfer, _ = await prepared(world)
    foreign = replace(transfer.slip, sender=ub(world, 1))
    reception, store = world.government.reception, world.government.desk.store

    class Full:
        """A store that reads and cannot write."""

        read = staticmethod(store.read)

        async def transact(self, work: object) -> object:
            raise SiteError("store.full")

    good = reception._desk
    reception._desk = replace(good, store=Full())  # type: ignore[arg-type]
    with pytest.raises(SiteError):
        await reception.admit(world.party.own, foreign)
    reception._desk = good
    with pytest.raises(PeerError):
        await reception.admit(world.party.own, foreign)
    history = await world.government.store.read(lambda uow: uow.log.history(foreign.transfer))
    assert [event.event for event in history] == ["peer.foreign_sender"]


async def test_no_alarm_is_escaped_by_a_newer_edition_or_silenced_by_the_noise_of_another(world: World) -> None:
    transfer, _ = await prepared(world)
    reception, origin = world.government.reception, world.party.own
    for number in range(ALARMS_PER_ORIGIN_MAX + 9):
        noise = replace(transfer.slip, origin=GatewayId("noisy.example"), sender=OrganId(f"Z79.N.{number:05}"))
        with pytest.raises(PeerError):
            await reception.admit(GatewayId("noisy.example"), noise)
    newer = replace(transfer.slip, sender=ub(world, 1), registry_epoch=transfer.slip.registry_epoch + 1)
    with pytest.raises(SiteError) as behind:
        await reception.admit(origin, newer)
    assert behind.value.code == "registry.behind"
    lied = replace(transfer.slip, origin=GatewayId("other.example"))
    with pytest.raises(PeerError):
        await reception.admit(origin, lied)
    history = await world.government.store.read(lambda uow: uow.log.history(transfer.slip.transfer))
    assert len(history) == ALARMS_PER_ORIGIN_MAX + 2


async def test_an_older_status_never_takes_back_a_newer_one_and_a_replay_changes_nothing(world: World) -> None:
    document = await sent(world)
    await world.settle()
    government, principal = world.government, world.government.principal(ub(world))
    entry = (await government.queries.inbox(principal, 0, 1)).entries[0]
    speaker = Speaker(principal="k", trace_id="0" * 32)
    accepted = government.statuses._message(replace(entry, business_status=BusinessStatus.ACCEPTED), speaker)
    assert accepted.status

    async def arrives(status: BusinessStatus, seconds: float) -> tuple[str, str]:
        moment = (world.clock.now() + timedelta(seconds=seconds)).replace(microsecond=0)
        message = replace(accepted.status, status=status, description=status.name, timestamp=moment)
        code = await world.party.store.transact(lambda uow: apply_status(uow, message, desk=world.party.desk))
        assert code == ""
        (delivery,) = await deliveries_of(world.party.queries, world.party.principal(world.sender), document.key)
        return str(delivery.business_status), delivery.business_description

    assert await arrives(BusinessStatus.COMPLETED, 60) == ("06", "COMPLETED")
    assert await arrives(BusinessStatus.ACCEPTED, 0) == ("06", "COMPLETED")
    assert await arrives(BusinessStatus.COMPLETED, 60) == ("06", "COMPLETED")
    history = await history_of(world.party.queries, world.party.principal(world.sender), document.key)
    assert [event.event for event in history].count("business.status_received") == 1
    assert await arrives(BusinessStatus.REFUSED, 61) == ("02", "REFUSED")

    future = replace(accepted.status, timestamp=world.clock.now() + timedelta(days=30_000))
    code = await world.party.store.transact(lambda uow: apply_status(uow, future, desk=world.party.desk))
    assert code == "status.timestamp"
