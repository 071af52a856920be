"""What a new user could not do when a letter failed: be told at once, hand it in again, and know whose turn it is."""

from dataclasses import replace

import pytest

from gateway.core.directory import BodyStatus
from gateway.core.errors import CATALOGUE, Conflict, GatewayError, SenderError, Turn
from gateway.core.fields import faults_of
from gateway.core.ids import OrganId
from gateway.core.model import Document
from gateway.core.principal import Scope
from gateway.core.states import DocumentState
from gateway.exchange import SubmissionOrder
from tests.kit.exchange_world import ALL, World, letter
from tests.kit.finished import finished
from tests.kit.pdfs import encrypted_pdf, tiny_pdf
from tests.scenario.test_ready_made import TEXT, message_to
from tests.scenario.test_ready_made import submitted as submitted_envelope
from tests.scenario.test_trouble import arrived, states, ub

UNKNOWN = OrganId("Z79.UB.99999")
NO_PDF = b"%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"
"""It begins like one; there is no table of its objects, and no signature."""


async def order_to(world: World, *recipients: OrganId, data: bytes | None = None, **fields: object) -> SubmissionOrder:
    return letter(world.sender, recipients, await world.party.file("a.pdf", data or tiny_pdf()), **fields)


def told(error: GatewayError) -> list[tuple[str, str, object]]:
    return [(fault.path, fault.code, fault.params["successor"]) for fault in faults_of(error)]


async def stored(world: World) -> list[Document]:
    return list(await world.party.store.read(lambda uow: uow.documents.page(None, 100)))


async def as_it_is(world: World, document: Document) -> Document:
    found = await world.party.store.read(lambda uow: uow.documents.find(document.key))
    assert found is not None
    return found


async def refused(world: World, *recipients: OrganId, **fields: object) -> Document:
    """A letter that this house refused: without a seal, and not to be sealed here."""
    document = await world.party.submit(await order_to(world, *recipients, **fields), scopes=ALL - {Scope.SEAL})
    await world.settle()
    document = await as_it_is(world, document)
    assert (document.state, document.reason) == (DocumentState.REFUSED, "seal.missing")
    return document


# --- recipients whom nothing could be sent to --------------------------------------------------------------------------


async def test_every_recipient_that_is_not_there_is_told_at_once_and_nothing_is_kept(world: World) -> None:
    closed, locked, good = ub(world, 0), ub(world, 1), ub(world, 2)
    world.replace_body(closed, status=BodyStatus.CLOSED, successor=good)
    world.replace_body(locked, status=BodyStatus.LOCKED)
    order = await order_to(world, good, UNKNOWN, closed, locked, subject="")
    expected = [
        ("recipients[1]", "recipient.unknown", ""),
        ("recipients[2]", "recipient.closed", good),
        ("recipients[3]", "recipient.locked", ""),
    ]
    with pytest.raises(SenderError) as said:
        await world.party.submit(order)
    assert said.value.code == "request.field"
    assert faults_of(said.value)[0].path == "subject", "with whatever else is wrong"
    assert told_of_recipients(said.value) == expected
    principal = world.party.principal(world.sender)
    with pytest.raises(SenderError) as before_the_files:
        await world.party.submission.admit(principal, order.metadata, idempotency_key=order.idempotency_key)
    assert told_of_recipients(before_the_files.value) == expected
    assert await stored(world) == []


def told_of_recipients(error: GatewayError) -> list[tuple[str, str, object]]:
    return [
        (fault.path, fault.code, fault.params["successor"])
        for fault in faults_of(error)
        if fault.code.startswith("recipient.")
    ]


async def test_the_same_is_told_of_a_finished_file(world: World) -> None:
    closed, good = ub(world, 0), ub(world, 2)
    message = message_to(world, good, closed)
    gone = replace(message.recipients[0], organ_id=UNKNOWN, name="")
    message = replace(message, recipients=(*message.recipients, gone))
    world.replace_body(closed, status=BodyStatus.CLOSED, successor=good)
    with pytest.raises(SenderError) as said:
        await submitted_envelope(world, await finished(world.party, message, [TEXT]))
    assert told(said.value) == [
        ("recipients[1]", "recipient.closed", good),
        ("recipients[2]", "recipient.unknown", ""),
    ]
    assert await stored(world) == []


async def test_after_a_recipient_is_put_right_the_same_key_and_number_are_good(world: World) -> None:
    with pytest.raises(SenderError):
        await world.party.submit(await order_to(world, UNKNOWN))
    document = await world.party.submit(await order_to(world, ub(world)))
    await world.settle()
    assert await states(world, document) == [("delivered", "")]


async def test_a_repeated_order_is_not_judged_by_a_newer_registry(world: World) -> None:
    """Its answer was lost, and the recipient closed meanwhile: it is known, at the first look and at the second."""
    order = await order_to(world, ub(world))
    document = await world.party.submit(order)
    world.replace_body(ub(world), status=BodyStatus.CLOSED)
    principal = world.party.principal(world.sender)
    await world.party.submission.admit(principal, order.metadata, idempotency_key=order.idempotency_key)
    assert (await world.party.submit(order)).key == document.key
    with pytest.raises(SenderError):
        await world.party.submission.admit(principal, order.metadata, idempotency_key="another")


# --- the number of a refused document ----------------------------------------------------------------------------------


async def admitted(world: World, order: SubmissionOrder) -> SubmissionOrder:
    """The order as the door hands it in: its metadata were looked at when they came."""
    principal = world.party.principal(order.metadata.sender)
    said = await world.party.submission.admit(principal, order.metadata, idempotency_key=order.idempotency_key)
    assert said is not None
    return replace(order, admitted=said)


async def test_what_was_admitted_is_looked_at_again_by_a_newer_registry(world: World) -> None:
    order = await admitted(world, await order_to(world, ub(world, 0)))
    world.replace_body(ub(world, 0), status=BodyStatus.CLOSED, successor=ub(world, 1))
    with pytest.raises(SenderError) as said:
        await world.party.submit(order)
    assert told(said.value) == [("recipients[0]", "recipient.closed", ub(world, 1))]


async def test_what_is_said_of_other_metadata_admits_nothing(world: World) -> None:
    order = await admitted(world, await order_to(world, ub(world, 0)))
    with pytest.raises(SenderError, match=r"secrecy\.marked"):
        await world.party.submit(replace(order, metadata=replace(order.metadata, subject="(Mật)")))
    with pytest.raises(SenderError, match=r"request\.field"):
        await world.party.submit(replace(order, metadata=replace(order.metadata, subject="")))


async def test_the_files_of_what_was_admitted_are_looked_at(world: World) -> None:
    order = await admitted(world, await order_to(world, ub(world, 0)))
    (file,) = order.files
    with pytest.raises(SenderError, match=r"secrecy\.marked"):
        await world.party.submit(replace(order, files=(replace(file, name="Mật.pdf"),)))
    with pytest.raises(SenderError, match=r"request\.field"):
        await world.party.submit(replace(order, files=(replace(file, name="\u202ea.pdf"),)))
    document = await world.party.submit(order)
    await world.settle()
    assert await states(world, document) == [("delivered", "")]


async def test_a_refused_letter_is_handed_in_again_under_its_number(world: World) -> None:
    first = await refused(world, ub(world))
    again = await order_to(world, ub(world), idempotency_key="mended")
    second = await world.party.submit(again)
    assert second.key != first.key
    assert second.document_id == first.document_id
    await world.settle()
    assert await states(world, second) == [("delivered", "")]
    assert await arrived(world.government, ub(world)) == 1
    assert await as_it_is(world, first) == first


async def test_the_key_of_a_refused_letter_still_answers_with_it(world: World) -> None:
    first = await refused(world, ub(world))
    same = await order_to(world, ub(world))
    assert await world.party.submit(same, scopes=ALL - {Scope.SEAL}) == first
    with pytest.raises(Conflict, match=r"conflict\.idempotency"):
        await world.party.submit(await order_to(world, ub(world), data=tiny_pdf("other")))


async def test_what_is_held_or_under_way_keeps_its_number(world: World) -> None:
    await world.party.submit(await order_to(world, ub(world)))
    for _ in range(2):
        with pytest.raises(Conflict, match=r"conflict\.document_id"):
            await world.party.submit(
                await order_to(world, ub(world), data=tiny_pdf("other"), idempotency_key="another")
            )
        await world.settle()


async def test_what_the_recipient_says_goes_to_the_one_that_was_sent(world: World) -> None:
    """Refused, sent, and beside them nothing else under that number: the word finds the delivery."""
    await refused(world, ub(world))
    sent = await world.party.submit(await order_to(world, ub(world), idempotency_key="mended"))
    await world.settle()
    ward = world.government.principal(ub(world))
    (entry,) = (await world.government.queries.inbox(ward, 0, 10)).entries
    await world.government.statuses.accept(ward, entry.key, trace_id="1" * 32)
    await world.settle()
    (delivery,) = await world.party.store.read(lambda uow: uow.documents.deliveries(sent.key))
    assert delivery.business_status == "03"


# --- a file that is at fault itself ------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [NO_PDF, b"%PDF-1.7 broken", encrypted_pdf()], ids=["no table", "broken", "encrypted"])
async def test_a_file_that_cannot_be_read_is_the_senders_turn_and_not_held(world: World, data: bytes) -> None:
    document = await world.party.submit(await order_to(world, ub(world), data=data))
    await world.settle()
    document = await as_it_is(world, document)
    assert (document.state, document.reason) == (DocumentState.REFUSED, "file.unreadable")
    assert dict(document.reason_params)["file"] == "a.pdf"
    assert CATALOGUE[document.reason].turn is Turn.SENDER
    mended = await world.party.submit(await order_to(world, ub(world), idempotency_key="exported again"))
    await world.settle()
    assert await states(world, mended) == [("delivered", "")]


# --- whose turn it is ------------------------------------------------------------------------------------------------------


def test_a_wrong_request_is_the_callers_turn_whoever_he_is() -> None:
    """A recipient that accepts or refuses is no sender."""
    for code in ("request.media_type", "request.field", "reason.missing", "conflict.state", "precondition.failed"):
        assert CATALOGUE[code].turn is Turn.CALLER
