"""A finished edXML file, handed in as it is: every byte arrives, and whatever is wrong with it is said in time."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from gateway.core.errors import CATALOGUE, Conflict, GatewayError, SenderError
from gateway.core.ids import OrganId
from gateway.core.limits import ENVELOPE_BYTES_MAX
from gateway.core.message import DocumentMessage, Organ
from gateway.core.model import Document
from gateway.core.principal import Scope
from gateway.core.states import BusinessStatus, DeliveryState, DocumentState
from gateway.core.work import WorkKind
from gateway.crypto import Trust
from gateway.demo.plan import read_plan
from gateway.exchange import DocumentSteps
from tests.kit import exchange_world, rows
from tests.kit.exchange_world import MOMENT, Node, World, letter
from tests.kit.finished import File, finished, message_of, order_of, sealed
from tests.kit.pdfs import tiny_pdf
from tests.kit.whole_lists import deliveries_of, history_of
from tests.scenario.test_main_job import check
from tests.scenario.test_trouble import arrived, ub

TEXT: File = ("phu-luc.txt", "text/plain", b"Kinh gui")
Change = Callable[[bytes], bytes]


def message_to(world: World, *recipients: OrganId, number: str = "12", **fields: object) -> DocumentMessage:
    return message_of(world.party, letter(world.sender, recipients or (ub(world),), number=number, **fields).metadata)


async def submitted(world: World, envelope: bytes, *, key: str = "envelope-1") -> Document:
    order = await order_of(world.party, envelope, key=key)
    principal = world.party.principal(world.sender)
    return (await world.party.submission.submit_envelope(principal, order, trace_id="a" * 32))[0]


async def refusal(world: World, envelope: bytes) -> str:
    with pytest.raises(SenderError) as refused:
        await submitted(world, envelope)
    assert await world.party.store.read(lambda uow: uow.documents.page(None, 1)) == ()
    return refused.value.code


async def examined(world: World, node: Node) -> None:
    """Everything that node keeps holds, once its log is signed as far as it goes."""
    await node.publisher.covering((await node.store.read(lambda uow: uow.log.head())).size)
    await check(world, node)


async def state_of(world: World, document: Document) -> tuple[DocumentState, str]:
    found = await world.party.store.read(lambda uow: uow.documents.find(document.key))
    assert found is not None
    assert found.envelope == document.envelope
    return found.state, found.reason


# --- the way it goes -----------------------------------------------------------------------------------------------------


async def test_the_bytes_that_were_handed_in_are_the_bytes_that_arrive(world: World, tmp_path: Path) -> None:
    party, government = world.party, world.government
    pdf = await sealed(party, tiny_pdf(), world.sender, tmp_path)
    message = message_to(world, *world.wards, subject="Về việc gửi gói tin hoàn chỉnh")
    envelope = await finished(party, message, [("cong-van.pdf", "application/pdf", pdf), TEXT])
    document = await submitted(world, envelope)
    assert (document.state, document.document_id) == (DocumentState.ACCEPTED, message.document_id)
    assert document.metadata is not None
    assert document.metadata.subject == message.subject
    assert document.metadata.recipients == world.wards
    assert [file.name for file in document.attachments] == ["cong-van.pdf", "phu-luc.txt"]
    await world.settle()

    view = await party.queries.document(party.principal(world.sender), document.key)
    assert view.counts == {DeliveryState.DELIVERED: len(world.wards)}
    for ward in world.wards:
        node = government if ".UB." in ward else party
        (entry,) = (await node.queries.inbox(node.principal(ward), 0, 10)).entries
        path, _ = await node.queries.content(node.principal(ward), entry.key)
        assert path.read_bytes() == envelope
        path, attachment = await node.queries.attachment(node.principal(ward), entry.key, 1)
        assert path.read_bytes() == pdf
        assert attachment.blob.digest == hashlib.sha256(pdf).hexdigest()
    history = await history_of(party.queries, party.principal(world.sender), document.key)
    assert [event.event for event in history][:4] == ["accepted", "sealed", "wrapped", "routed"]
    for node in (party, government):
        await examined(world, node)


async def test_what_a_hub_added_outside_of_the_signed_parts_is_carried_too(world: World) -> None:
    envelope = await finished(world.party, message_to(world), [TEXT])
    trace = b"<edXML:TraceHeader><edXML:OrganId>null</edXML:OrganId></edXML:TraceHeader></edXML:TraceHeaderList>"
    passed = envelope.replace(b"</edXML:TraceHeaderList>", trace)
    await submitted(world, passed)
    await world.settle()
    ward = world.government.principal(ub(world))
    (entry,) = (await world.government.queries.inbox(ward, 0, 10)).entries
    path, _ = await world.government.queries.content(ward, entry.key)
    assert path.read_bytes() == passed


async def test_handing_in_the_same_file_again_is_one_document(world: World) -> None:
    envelope = await finished(world.party, message_to(world), [TEXT])
    principal = world.party.principal(world.sender)
    first, is_new = await world.party.submission.submit_envelope(
        principal, await order_of(world.party, envelope), trace_id="1" * 32
    )
    again, is_new_again = await world.party.submission.submit_envelope(
        principal, await order_of(world.party, envelope), trace_id="2" * 32
    )
    assert (again.key, is_new, is_new_again) == (first.key, True, False)
    other = await finished(world.party, message_to(world, number="13"), [TEXT])
    with pytest.raises(Conflict) as refused:
        await submitted(world, other)
    assert refused.value.code == "conflict.idempotency"
    same_id = await finished(world.party, message_to(world, subject="Nội dung khác"), [TEXT])
    with pytest.raises(Conflict) as refused:
        await submitted(world, same_id, key="envelope-2")
    assert refused.value.code == "conflict.document_id"
    by_parts = letter(world.sender, (ub(world),), await world.party.file("a.txt", b"a", "text/plain"))
    with pytest.raises(Conflict) as refused:
        await world.party.submit(by_parts)
    assert refused.value.code == "conflict.document_id"


async def test_handing_it_in_again_after_the_key_was_replaced_is_still_the_same_document(world: World) -> None:
    envelope = await finished(world.party, message_to(world), [TEXT])
    document = await submitted(world, envelope)
    world.replace_body(world.sender, transport_certificates=())
    assert (await submitted(world, envelope)).key == document.key


async def test_the_recipients_answer_reaches_it(world: World) -> None:
    document = await submitted(world, await finished(world.party, message_to(world), [TEXT]))
    await world.settle()
    ward = world.government.principal(ub(world))
    (entry,) = (await world.government.queries.inbox(ward, 0, 10)).entries
    await world.government.statuses.accept(ward, entry.key, trace_id="1" * 32)
    await world.settle()
    (delivery,) = await deliveries_of(world.party.queries, world.party.principal(world.sender), document.key)
    assert delivery.business_status is BusinessStatus.ACCEPTED
    for node in (world.party, world.government):
        await examined(world, node)


# --- seals: judged like any other, and never put on ---------------------------------------------------------------------


async def test_an_unsealed_letter_in_it_is_refused_even_where_the_gateway_could_seal_it(world: World) -> None:
    envelope = await finished(world.party, message_to(world), [("a.pdf", "application/pdf", tiny_pdf())])
    document = await submitted(world, envelope)
    await world.settle()
    assert await state_of(world, document) == (DocumentState.REFUSED, "seal.missing")
    assert await arrived(world.government, ub(world)) == 0
    await examined(world, world.party)


async def test_a_letter_with_another_body_s_seal_is_refused(world: World, tmp_path: Path) -> None:
    other = next(ward for ward in world.wards if ".UB." not in ward)
    pdf = await sealed(world.party, tiny_pdf(), world.sender, tmp_path)
    body = world.party.directory.current().body(world.sender)
    assert body is not None
    world.replace_body(world.sender, seal_certificates=())
    world.replace_body(other, seal_certificates=body.seal_certificates)
    envelope = await finished(world.party, message_to(world), [("a.pdf", "application/pdf", pdf)])
    document = await submitted(world, envelope)
    await world.settle()
    assert await state_of(world, document) == (DocumentState.REFUSED, "seal.missing")


async def test_a_broken_seal_in_it_is_refused(world: World, tmp_path: Path) -> None:
    pdf = await sealed(world.party, tiny_pdf("Mot van ban"), world.sender, tmp_path)
    broken = pdf.replace(b"Mot van ban", b"Hai van ban", 1)
    document = await submitted(
        world, await finished(world.party, message_to(world), [("a.pdf", "application/pdf", broken)])
    )
    await world.settle()
    assert await state_of(world, document) == (DocumentState.REFUSED, "seal.broken")
    await examined(world, world.party)


# --- not decided: held, and released with the bytes it has ----------------------------------------------------------------


async def test_a_signature_that_our_old_revocation_list_cannot_decide_is_held_and_goes_on_when_released(
    world: World, tmp_path: Path
) -> None:
    pdf = await sealed(world.party, tiny_pdf(), world.sender, tmp_path)
    envelope = await finished(world.party, message_to(world), [("a.pdf", "application/pdf", pdf)])
    world.clock.moment = MOMENT + timedelta(days=70)
    document = await submitted(world, envelope)
    await world.settle()
    assert await state_of(world, document) == (DocumentState.HELD, "envelope.undecided")
    world.clock.moment = MOMENT + timedelta(days=1)  # a newer list has come, as far as our evidence goes
    await examined(world, world.party)
    await world.party.releases.release(world.party.principal(world.sender), document.key)
    await examined(world, world.party)
    await world.settle()
    assert await state_of(world, document) == (DocumentState.ROUTED, "")
    ward = world.government.principal(ub(world))
    (entry,) = (await world.government.queries.inbox(ward, 0, 10)).entries
    path, _ = await world.government.queries.content(ward, entry.key)
    assert path.read_bytes() == envelope
    for node in (world.party, world.government):
        await examined(world, node)


async def test_what_our_evidence_could_not_decide_goes_on_by_itself_once_that_is_mended(
    world: World, tmp_path: Path
) -> None:
    """Nobody's key is needed. What is tried again too early is held again."""
    pdf = await sealed(world.party, tiny_pdf(), world.sender, tmp_path)
    envelope = await finished(world.party, message_to(world), [("a.pdf", "application/pdf", pdf)])
    loose = letter(world.sender, (ub(world),), await world.party.file("a.pdf", pdf), number="13")
    world.clock.moment = MOMENT + timedelta(days=70)
    await submitted(world, envelope)
    await world.party.submit(loose)

    async def stands() -> set[tuple[DocumentState, str]]:
        rows_ = await world.party.store.read(lambda uow: uow.documents.page(None, 10))
        return {(row.state, row.reason) for row in rows_}

    await world.settle()
    assert await stands() == {(DocumentState.HELD, "envelope.undecided"), (DocumentState.HELD, "seal.undecided")}
    assert await world.party.releases.resume() == 2
    await world.settle()
    assert {state for state, _ in await stands()} == {DocumentState.HELD}, "nothing was mended yet"
    world.clock.moment = MOMENT + timedelta(days=1)
    assert await world.party.releases.resume() == 2
    await world.settle()
    assert await stands() == {(DocumentState.ROUTED, "")}
    assert await world.party.releases.resume() == 0
    await examined(world, world.party)


class ReloadedMeanwhile:
    """The desk's judge or store, during one call of which the operator's reload puts other evidence in force."""

    def __init__(self, node: Node, part: Any, call: str, after: Trust) -> None:
        self._trust, self._part, self._call, self._after = node.desk.trust, part, call, after

    def on_behalf(self, _whose: str) -> Self:
        return self

    def __getattr__(self, name: str) -> Any:
        return self._called if name == self._call else getattr(self._part, name)

    async def _called(self, *args: Any, **kwargs: Any) -> Any:
        done = await getattr(self._part, self._call)(*args, **kwargs)
        self._trust.replace(self._after)
        return done


@pytest.mark.parametrize(("part", "call"), [("judge", "run"), ("store", "transact")])
@pytest.mark.parametrize("ready_made", [True, False])
async def test_what_was_judged_by_old_evidence_while_a_reload_brought_new_goes_on_by_itself(
    world: World, tmp_path: Path, part: str, call: str, *, ready_made: bool
) -> None:
    """The reload looks for what is held, and this one is not held yet: it waited for the next reload."""
    party = world.party
    pdf = await sealed(party, tiny_pdf(), world.sender, tmp_path)
    good = party.desk.trust.current()
    party.desk.trust.replace(replace(good, anchors=(), intermediates=()))
    if ready_made:
        envelope = await finished(party, message_to(world), [("a.pdf", "application/pdf", pdf)])
        document = await submitted(world, envelope)
    else:
        document = await party.submit(letter(world.sender, (ub(world),), await party.file("a.pdf", pdf)))
    reloaded: Any = {part: ReloadedMeanwhile(party, getattr(party.desk, part), call, good)}
    party.handlers[WorkKind.DOCUMENT] = DocumentSteps(desk=replace(party.desk, **reloaded))
    await world.settle()
    found = await party.store.read(lambda uow: uow.documents.find(document.key))
    assert found is not None
    assert (found.state, found.reason) == (DocumentState.ROUTED, "")
    assert await party.store.read(lambda uow: uow.documents.held(None, 1)) == ()
    await examined(world, party)


async def test_what_is_held_for_another_reason_waits_for_a_person(world: World) -> None:
    document = await submitted(world, await finished(world.party, message_to(world), [TEXT]))
    held = replace(document, state=DocumentState.HELD, reason="internal")
    await world.party.store.transact(lambda uow: uow.documents.advance(held, was=DocumentState.ACCEPTED))
    assert await world.party.releases.resume() == 0
    assert await state_of(world, document) == (DocumentState.HELD, "internal")


async def test_one_that_was_buried_after_it_was_wrapped_keeps_its_envelope_too(world: World) -> None:
    document = await submitted(world, await finished(world.party, message_to(world), [TEXT]))
    steps = world.party.handlers[WorkKind.DOCUMENT]
    windows = {"": 1}
    (claim,) = await world.party.store.transact(
        lambda uow: uow.work.claim(world.clock.now(), lease=60, windows=windows, limit=1)
    )

    def bury(uow: object) -> None:
        steps.give_up(uow, claim, "internal")  # type: ignore[arg-type]
        uow.work.finish(claim)  # type: ignore[attr-defined]

    await world.party.store.transact(bury)
    assert await state_of(world, document) == (DocumentState.HELD, "internal")
    await world.party.releases.release(world.party.principal(world.sender), document.key)
    await world.settle()
    assert await state_of(world, document) == (DocumentState.ROUTED, "")
    await examined(world, world.party)


# --- hostile and wrong: refused at once, nothing stored -----------------------------------------------------------------


async def test_a_file_signed_with_another_body_s_key_is_refused(world: World) -> None:
    other = next(ward for ward in world.wards if ".UB." not in ward)
    envelope = await finished(world.party, message_to(world), [TEXT], signed_by=other)
    assert await refusal(world, envelope) == "envelope.signature"


async def test_a_file_without_a_signature_is_refused(world: World) -> None:
    assert await refusal(world, await finished(world.party, message_to(world), [TEXT], signed=False)) == (
        "envelope.unsigned"
    )


async def test_a_file_signed_with_a_certificate_that_has_expired_is_refused_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its revocation list is still good, so waiting for a newer one would not help: the sender has to sign again."""
    plan = read_plan()
    brief = plan.model_copy(update={"transport": plan.transport.model_copy(update={"days": 30})})
    monkeypatch.setattr(exchange_world, "read_plan", lambda: brief)
    (tmp_path / "brief").mkdir()
    materials = exchange_world.make_materials(tmp_path / "brief", wards=1)
    async with exchange_world.exchange_world(materials, tmp_path) as world:
        envelope = await finished(world.party, message_to(world), [TEXT])
        world.clock.moment = MOMENT + timedelta(days=31)
        with pytest.raises(SenderError) as refused:
            await submitted(world, envelope)
    assert refused.value.code == "envelope.signature"
    assert refused.value.params["reason"] == "OUT_OF_BOUNDS_NO_POE"


async def test_a_file_signed_with_a_key_that_the_registry_has_dropped_is_refused(world: World) -> None:
    envelope = await finished(world.party, message_to(world), [TEXT])
    world.replace_body(world.sender, transport_certificates=())
    assert await refusal(world, envelope) == "envelope.signature"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"S2luaCBndWk=", b"S2luaCBndWg=", "envelope.attachments"),
        (b"phu-luc.txt", b"phu-lux.txt", "envelope.signature"),
        (b"<edXML:Subject>V", b"<edXML:Subject>W", "envelope.signature"),
        (b"12/CV/VPTU", b"13/CV/VPTU", "envelope.signature"),
    ],
)
async def test_a_file_that_was_changed_is_refused(world: World, old: bytes, new: bytes, code: str) -> None:
    envelope = await finished(world.party, message_to(world), [TEXT])
    assert old in envelope
    assert await refusal(world, envelope.replace(old, new)) == code


async def test_a_file_whose_signature_does_not_bind_its_attachments_is_refused(world: World) -> None:
    assert (
        await refusal(world, await resigned(world, message_to(world), "ds:Digest", "ds:Other"))
        == "envelope.attachments"
    )


async def test_a_file_with_another_recipient_than_was_signed_is_refused(world: World) -> None:
    envelope = await finished(world.party, message_to(world, ub(world, 0)), [TEXT])
    assert envelope.count(ub(world, 0).encode()) == 1
    changed = envelope.replace(ub(world, 0).encode(), ub(world, 1).encode())
    assert await refusal(world, changed) == "envelope.signature"


async def test_a_recipient_named_twice_is_refused(world: World) -> None:
    message = message_to(world)
    envelope = await finished(world.party, message, [TEXT])
    start, end = envelope.index(b"<edXML:To>"), envelope.index(b"</edXML:To>") + len(b"</edXML:To>")
    twice = envelope[:end] + envelope[start:end] + envelope[end:]
    assert await refusal(world, twice) == "envelope.malformed"


async def test_a_body_that_the_key_may_not_speak_for_and_one_of_another_gateway_are_refused(world: World) -> None:
    envelope = await finished(world.party, message_to(world), [TEXT])
    order = await order_of(world.party, envelope)
    for principal, code in (
        (world.party.principal(ub(world)), "access.organ"),
        (world.party.principal(world.sender, scopes=frozenset({Scope.READ})), "access.scope"),
    ):
        with pytest.raises(GatewayError) as refused:
            await world.party.submission.submit_envelope(principal, order, trace_id="")
        assert refused.value.code == code
    ward = ub(world)
    theirs = letter(ward, (world.sender,)).metadata
    foreign = await finished(world.government, message_of(world.government, theirs), [TEXT])
    order = await order_of(world.party, foreign)
    with pytest.raises(SenderError) as unknown:
        await world.party.submission.submit_envelope(world.party.principal(ward), order, trace_id="")
    assert unknown.value.code == "sender.unknown"


async def test_a_closed_sender_is_refused(world: World) -> None:
    from_open = await finished(world.party, message_to(world), [TEXT])
    status = type(world.party.directory.current().bodies[world.sender].status).CLOSED
    world.replace_body(world.sender, status=status)
    assert await refusal(world, from_open) == "sender.closed"


async def test_a_status_message_is_refused_as_such(world: World) -> None:
    status = rows.status(sender=Organ(organ_id=world.sender, name="Văn phòng"), timestamp=MOMENT)
    assert await refusal(world, await finished(world.party, status, [])) == "envelope.kind"
    assert "envelope.kind" in CATALOGUE


async def test_a_mark_of_secrecy_in_header_or_file_name_is_refused(world: World) -> None:
    secret = message_to(world, subject="(Mật) Về việc chuẩn bị")
    assert await refusal(world, await finished(world.party, secret, [TEXT])) == "secrecy.marked"
    named = [("Mật - ke hoach.txt", "text/plain", b"a")]
    assert await refusal(world, await finished(world.party, message_to(world), named)) == "secrecy.marked"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "envelope.malformed"),
        (b"not XML at all", "envelope.malformed"),
        (b"%PDF-1.7", "envelope.malformed"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "envelope.malformed"),
        (b"<a/>", "envelope.malformed"),
        (b"<a>" + b" " * ENVELOPE_BYTES_MAX, "size.limit"),
    ],
    ids=["empty", "text", "pdf", "entity", "other", "large"],
)
async def test_what_is_no_envelope_is_refused(world: World, data: bytes, code: str) -> None:
    assert await refusal(world, data) == code


async def test_what_the_regulation_asks_for_is_asked_of_a_finished_file_too(world: World) -> None:
    """Only another program could write these: ours refuses to."""
    message = message_to(world)
    for old, new in (
        (f"<edXML:DocumentId>{message.document_id}<", "<edXML:DocumentId>status 03 x<"),
        ("<edXML:CodeNumber>12<", "<edXML:CodeNumber><"),
    ):
        envelope = await resigned(world, message, old, new)
        with pytest.raises(SenderError) as refused:
            await submitted(world, envelope)
        assert refused.value.code == "request.field"


async def test_a_file_without_any_attachment_is_refused(world: World) -> None:
    assert await refusal(world, await finished(world.party, message_to(world), [])) == "count.limit"


async def test_a_pdf_by_name_that_is_none_is_refused(world: World) -> None:
    envelope = await finished(world.party, message_to(world), [("a.pdf", "text/plain", b"no PDF")])
    assert await refusal(world, envelope) == "file.not_pdf"


async def resigned(world: World, message: DocumentMessage, old: str, new: str) -> bytes:
    """A truly signed file in which the writer had its own ideas."""
    sealer = world.party.desk.sealer
    sign = sealer.sign_envelope

    async def changing(skeleton: bytes, organ: OrganId) -> bytes:
        assert old.encode() in skeleton
        return await sign(skeleton.replace(old.encode(), new.encode()), organ)

    class Changing:
        sign_envelope = staticmethod(changing)

    node = replace(world.party, desk=replace(world.party.desk, sealer=Changing()))  # type: ignore[arg-type]
    return await finished(node, message, [TEXT])
