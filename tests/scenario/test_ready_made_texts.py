"""What a finished edXML file says in words of its own, and what the recipient's clerk reads of what a peer sent."""

import secrets
import unicodedata
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from gateway.api.answers import entry_of
from gateway.core.directory import Body
from gateway.core.errors import SenderError
from gateway.core.fields import faults_of
from gateway.core.ids import uuid7
from gateway.core.limits import REASON_CHARS_MAX
from gateway.core.message import Code, DocumentMessage, SignerInfo
from gateway.core.model import InboxEntry, SlipRecipient
from gateway.core.states import BusinessStatus, DocumentState
from gateway.exchange import findings, readable
from tests.kit import rows
from tests.kit.blobs import stored
from tests.kit.exchange_world import MOMENT, World, letter
from tests.kit.finished import finished
from tests.scenario.test_ready_made import TEXT, message_to, resigned, submitted
from tests.scenario.test_trouble import ub


async def faults(world: World, envelope: bytes) -> list[tuple[str, str]]:
    """Path and code of everything that is wrong with the fields of a finished file; nothing of it is stored."""
    with pytest.raises(SenderError) as refused:
        await submitted(world, envelope)
    assert refused.value.code == "request.field", refused.value
    assert await world.party.store.read(lambda uow: uow.documents.page(None, 1)) == ()
    return [(fault.path, fault.code) for fault in faults_of(refused.value)]


async def mark_in(world: World, envelope: bytes) -> object:
    with pytest.raises(SenderError) as refused:
        await submitted(world, envelope)
    assert refused.value.code == "secrecy.marked", refused.value
    return refused.value.params["mark"]


def body_of(world: World, organ: str) -> Body:
    return world.party.directory.current().bodies[organ]  # type: ignore[index]


def named(message: DocumentMessage, **words: str) -> DocumentMessage:
    return replace(message, sender=replace(message.sender, **words))


# --- names: the registry's ------------------------------------------------------------------------------------------------


async def test_a_body_that_calls_itself_another_is_refused_and_told_its_name(world: World) -> None:
    registered = body_of(world, world.sender).name
    envelope = await finished(world.party, named(message_to(world), name="Văn phòng Chính phủ"), [TEXT])
    with pytest.raises(SenderError) as refused:
        await submitted(world, envelope)
    (fault,) = faults_of(refused.value)
    assert (fault.path, fault.code) == ("sender.name", "field.organ_name")
    assert fault.params == {"organ": world.sender, "registered": registered}


async def test_recipients_and_who_is_in_charge_are_called_by_the_registry_too(world: World) -> None:
    message = named(message_to(world, ub(world, 0), ub(world, 1)), in_charge="Bộ Chính trị")
    other = replace(message.recipients[1], name="Phường khác")
    envelope = await finished(world.party, replace(message, recipients=(message.recipients[0], other)), [TEXT])
    assert await faults(world, envelope) == [
        ("sender.in_charge", "field.organ_name"),
        ("recipients[1].name", "field.organ_name"),
    ]


async def test_a_name_may_be_left_out_or_written_in_another_way(world: World) -> None:
    name = body_of(world, world.sender).name
    for number, words in enumerate(
        ("", unicodedata.normalize("NFD", name), f"{name.upper()} ", name.replace(" ", "  "))
    ):
        message = named(message_to(world, number=str(number + 1)), name=words)
        await submitted(world, await finished(world.party, message, [TEXT]), key=f"key-{number}")


# --- texts: plain -----------------------------------------------------------------------------------------------------------


ONE_LINE = ("promulgation_place", "type_name", "subject")


@pytest.mark.parametrize(
    "letter_", ["\n", "\t", "\u009b", "\u202e", "\u2066", "\u2028", "\u200b", "\u2060", "\ufeff", "\u3164", "\u115f",
                "\uffa0", "\U000e0041"],
)  # fmt: skip
async def test_every_line_of_a_finished_file_is_a_plain_line(world: World, letter_: str) -> None:
    """Only another program could write these: ours refuses to."""
    message = replace(
        message_to(world, subject="Subject-Z"),
        signer=SignerInfo(competence="TM.", position="Position-Z", full_name="A"),
    )
    found = []
    for old in ("Subject-Z", "Position-Z", "<edXML:TypeName>Công", "<edXML:Place>Thành", "<edXML:OrganName>Vă"):
        found += await faults(world, await resigned(world, message, old, f"{old[:-1]}{letter_}{old[-1]}"))
    lines = [path for path, code in found if code == "field.characters"]
    assert lines == ["subject", "signer.position", "type_name", "promulgation_place", "sender.name"]


async def test_running_text_may_have_lines_and_nothing_else(world: World) -> None:
    message = message_to(world, content="a\n\tb")
    assert await faults(world, await resigned(world, message, "a\n\tb", "a\u202eb")) == [
        ("content", "field.characters")
    ]
    await submitted(world, await finished(world.party, message, [TEXT]))


async def test_everything_that_is_wrong_is_said_at_once(world: World) -> None:
    message = named(message_to(world, subject="Subject-Z"), name="Thành ủy")
    changed = await resigned(world, message, "Subject-Z</edXML:Subject>", "a\u202e" + "x" * 600 + "</edXML:Subject>")
    assert await faults(world, changed) == [
        ("subject", "field.too_long"),
        ("subject", "field.characters"),
        ("sender.name", "field.organ_name"),
    ]


# --- DocumentId and dates -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document_id",
    [
        "{sender},\nX1",
        "{sender},2026/11/20\n,12/CV/VPTU",
        "{sender},2026/11/19,12/CV/VPTU",
        "{sender},2026/11/20,13/CV/VPTU",
        "{sender},2026/11/20,12/CV/VPTU\u200b",
        "H29,2026/11/20,12/CV/VPTU",
        "status 03 x",
        "0c5e0f32-9f0e-4f4e-8d2a-3a8d6b1e6d11",
    ],
)
async def test_a_document_id_is_made_of_the_sender_the_date_and_the_code_beside_it(
    world: World, document_id: str
) -> None:
    message = message_to(world)
    said = document_id.format(sender=world.sender)
    envelope = await resigned(world, message, f">{message.document_id}<", f">{said}<")
    assert ("document_id", "field.document_id") in await faults(world, envelope)


@pytest.mark.parametrize(
    ("day", "code"), [(date(2026, 11, 23), "future"), (date(9998, 1, 1), "future"), (date(1, 1, 1), "past")]
)
async def test_a_date_that_no_paper_can_have_is_refused_by_our_clock(world: World, day: date, code: str) -> None:
    """Whatever the file says of its own time, which nobody signed."""
    made = MOMENT + timedelta(days=365 * 9)
    message = replace(message_to(world), created_at=made)
    old, new = "2026/11/20", f"{day:%Y/%m/%d}".rjust(10, "0")
    found = await faults(world, await resigned(world, message, old, new))
    assert found == [("promulgation_date", f"field.{code}"), ("created_at", "field.future")]


async def test_the_form_asks_the_same_of_a_date(world: World) -> None:
    for day, code in ((date(2026, 11, 23), "field.future"), (date(1900, 1, 1), "field.past")):
        order = letter(world.sender, (ub(world),), await world.party.file("a.txt", b"a", "text/plain"))
        with pytest.raises(SenderError) as refused:
            await world.party.submit(replace(order, metadata=replace(order.metadata, promulgation_date=day)))
        assert [(fault.path, fault.code) for fault in faults_of(refused.value)] == [("promulgation_date", code)]
    # 02:00 UTC on the 21st is the 21st in Vietnam too; the 22nd is a day that another clock may already have.
    order = letter(
        world.sender,
        (ub(world),),
        await world.party.file("a.txt", b"a", "text/plain"),
        promulgation_date=date(2026, 11, 22),
    )
    await world.party.submit(order)
    await world.settle()
    (entry,) = (await world.government.queries.inbox(world.government.principal(ub(world)), 0, 10)).entries
    assert findings(entry) == ()


async def test_the_form_is_told_by_its_metadata_alone_before_any_file_is_sent(world: World) -> None:
    metadata = letter(world.sender, (ub(world),), promulgation_date=date(2030, 1, 1), subject="a\u200bb").metadata
    with pytest.raises(SenderError) as refused:
        await world.party.submission.admit(world.party.principal(world.sender), metadata, idempotency_key="k")
    assert [(fault.path, fault.code) for fault in faults_of(refused.value)] == [
        ("promulgation_date", "field.future"),
        ("subject", "field.characters"),
    ]


# --- marks of secrecy: wherever somebody could read them ---------------------------------------------------------------------


MARKED: dict[str, dict[str, Any]] = {
    "place": {"promulgation_place": "MẬT"},
    "position": {"signer": SignerInfo(position="Trưởng phòng (Tối mật)")},
    "name": {"signer": SignerInfo(full_name="MẬT")},
    "notation": {"code": Code(number="12", notation="BC-MẬT")},
    "type": {"type_name": "Tuyệt mật"},
}


@pytest.mark.parametrize("where", MARKED)
async def test_a_mark_is_found_in_every_text_of_form_and_file(world: World, where: str) -> None:
    message = message_to(world, **MARKED[where])
    assert await mark_in(world, await finished(world.party, message, [TEXT]))
    order = letter(world.sender, (ub(world),), await world.party.file("a.txt", b"a", "text/plain"), **MARKED[where])
    with pytest.raises(SenderError) as refused:
        await world.party.submit(order)
    assert refused.value.code == "secrecy.marked"


async def test_a_mark_is_found_in_what_only_another_program_reads(world: World) -> None:
    message = message_to(world)
    for new in (
        "<edXML:SecurityLevel>TUYỆT MẬT</edXML:SecurityLevel><edXML:OtherInfo>",
        "<x:a xmlns:x='urn:x'><x:b>a<x:c/>(TUYỆT MẬT)</x:b></x:a><edXML:OtherInfo>",
        "<edXML:OtherInfo level='Tuyệt mật'>",
    ):
        assert await mark_in(world, await resigned(world, message, "<edXML:OtherInfo>", new)) == "Tuyệt mật"
    address = named(message, address="Tuyệt mật")
    assert await mark_in(world, await finished(world.party, address, [TEXT])) == "Tuyệt mật"


async def test_a_mark_is_found_even_where_our_evidence_is_too_old_to_judge_the_signature(world: World) -> None:
    """Such a file would be stored and held: a secret would lie on our disk."""
    envelope = await finished(world.party, message_to(world, promulgation_place="TỐI MẬT"), [TEXT])
    world.clock.moment = MOMENT + timedelta(days=70)
    assert await mark_in(world, envelope) == "Tối mật"


async def test_a_person_or_a_place_of_that_name_is_no_mark(world: World) -> None:
    signer = SignerInfo(competence="KT.", position="Trưởng phòng Bảo mật", full_name="Nguyễn Văn Mật")
    message = replace(message_to(world, signer=signer), promulgation_place="Mật Sơn")
    await submitted(world, await finished(world.party, message, [TEXT]))
    await world.settle()
    (entry,) = (await world.government.queries.inbox(world.government.principal(ub(world)), 0, 10)).entries
    assert entry.message.signer == signer


async def test_a_reason_bears_no_mark_and_is_plain(world: World) -> None:
    await submitted(world, await finished(world.party, message_to(world), [TEXT]))
    await world.settle()
    ward = world.government.principal(ub(world))
    (entry,) = (await world.government.queries.inbox(ward, 0, 10)).entries
    for reason, code in (
        ("Văn bản (MẬT)", "secrecy.marked"),
        ("a\u202eb", "request.field"),
        ("a\u200bb", "request.field"),
        ("x" * (REASON_CHARS_MAX + 1), "request.field"),
        ("\n\t ", "reason.missing"),
    ):
        with pytest.raises(SenderError) as refused:
            await world.government.statuses.refuse(ward, entry.key, reason, trace_id="1" * 32)
        assert refused.value.code == code
    said = await world.government.statuses.refuse(ward, entry.key, "Không đúng\n thẩm quyền", trace_id="1" * 32)
    assert said.business_description == "Không đúng thẩm quyền"


# --- on arrival: tolerated, never believed ---------------------------------------------------------------------------------


async def arrived(world: World, envelope: bytes, document_id: str) -> InboxEntry:
    """A file that the gateway of another maker took and sent as it was: only our own door is strict."""
    blob = await stored(world.government.blobs, envelope)
    slip = rows.slip(
        uuid7(MOMENT, secrets.token_bytes),
        origin=world.party.own,
        destination=world.government.own,
        sender=world.sender,
        document_id=document_id,
        envelope=blob,
        registry_epoch=world.party.directory.current().epoch,
        sent_at=world.clock.now(),
        recipients=(SlipRecipient(organ_id=ub(world), sequence=1),),
    )
    await world.government.reception.receive(world.party.own, slip, blob)
    (entry,) = (await world.government.queries.inbox(world.government.principal(ub(world)), 0, 10)).entries
    assert entry.envelope == blob
    return entry


async def test_the_clerk_reads_the_registry_s_name_whatever_the_envelope_calls_itself(world: World) -> None:
    message = named(message_to(world), name="Thành ủy", in_charge="Bộ Chính trị")
    entry = await arrived(world, await finished(world.party, message, [TEXT]), message.document_id)
    registered = body_of(world, world.sender)
    assert (entry.message.sender.name, entry.message.sender.in_charge) == (registered.name, registered.in_charge)
    assert [(fault.path, fault.code, fault.params) for fault in findings(entry)] == [
        ("sender.name", "field.organ_claimed", {"said": "Thành ủy"}),
        ("sender.in_charge", "field.organ_claimed", {"said": "Bộ Chính trị"}),
    ]
    shown = entry_of(entry)
    assert shown.message.sender.name == registered.name
    assert [(one.pointer, one.code) for one in shown.findings] == [
        ("/message/sender/name", "field.organ_claimed"),
        ("/message/sender/in_charge", "field.organ_claimed"),
    ]
    assert "Thành ủy" in shown.findings[0].message_vi


async def test_an_envelope_that_names_nobody_is_shown_with_the_registry_s_name_and_without_a_finding(
    world: World,
) -> None:
    message = named(message_to(world), name="", in_charge="")
    entry = await arrived(world, await finished(world.party, message, [TEXT]), message.document_id)
    assert entry.message.sender.name == body_of(world, world.sender).name
    assert findings(entry) == ()


async def test_what_cannot_be_seen_is_taken_and_shown_as_a_number(world: World) -> None:
    message = message_to(world, subject="Subject-Z", content="a\n\tb", promulgation_date=date(2026, 11, 19))
    envelope = await resigned(world, message, "Subject-Z", "Thử\u202efdp.ử")
    entry = await arrived(world, envelope, message.document_id)
    assert entry.message.subject == "Thử\u202efdp.ử"  # the row says what was signed
    assert readable(entry.message).subject == "Thử[U+202E]fdp.ử"
    assert [(fault.path, fault.code) for fault in findings(entry)] == [("subject", "field.characters")]
    shown = entry_of(entry)
    assert (shown.message.subject, shown.message.content) == ("Thử[U+202E]fdp.ử", "a\n\tb")


async def test_a_paper_of_the_future_and_a_document_id_of_another_day_are_findings(world: World) -> None:
    message = message_to(world)
    for old, new, expected in (
        (
            "<edXML:PromulgationDate>2026/11/20<",
            "<edXML:PromulgationDate>9998/01/01<",
            [("promulgation_date", "field.future"), ("document_id", "field.document_id")],
        ),
    ):
        entry = await arrived(world, await resigned(world, message, old, new), message.document_id)
        assert [(fault.path, fault.code) for fault in findings(entry)] == expected


async def test_a_document_id_of_another_form_is_none(world: World) -> None:
    message, name = message_to(world), "0c5e0f32-9f0e-4f4e-8d2a-3a8d6b1e6d11"
    entry = await arrived(world, await resigned(world, message, f">{message.document_id}<", f">{name}<"), name)
    assert findings(entry) == ()


@pytest.mark.parametrize("number", ["12\u202e", "1" * 400, "1\n2"])
async def test_a_document_whose_number_no_message_can_hold_can_be_answered_all_the_same(
    world: World, number: str
) -> None:
    message = message_to(world)
    envelope = await resigned(world, message, "<edXML:CodeNumber>12<", f"<edXML:CodeNumber>{number}<")
    entry = await arrived(world, envelope, message.document_id)
    ward = world.government.principal(ub(world))
    await world.government.statuses.accept(ward, entry.key, trace_id="1" * 32)
    await world.settle()
    (answer,) = await world.government.store.read(lambda uow: uow.documents.page(None, 10))
    assert (answer.state, answer.reason) == (DocumentState.ROUTED, "")
    assert answer.status is not None
    assert (answer.status.status, answer.status.response_for.code) == (BusinessStatus.ACCEPTED, "")


async def test_a_mark_in_a_peer_s_envelope_is_refused_on_arrival(world: World) -> None:
    message = message_to(world)
    mark = "<edXML:SecurityLevel>TUYỆT MẬT</edXML:SecurityLevel><edXML:OtherInfo>"
    envelope = await resigned(world, message, "<edXML:OtherInfo>", mark)
    with pytest.raises(ValueError, match="not enough values"):
        await arrived(world, envelope, message.document_id)
