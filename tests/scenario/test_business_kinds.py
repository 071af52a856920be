"""Documents that revoke, update or replace another one: what is refused at both doors, for nobody could do what it says."""

from dataclasses import replace

import pytest

from gateway.core.errors import SenderError
from gateway.core.ids import OrganId
from gateway.core.limits import AMENDED_DOCUMENTS_MAX
from gateway.core.message import (
    Business,
    BusinessKind,
    DocumentChanges,
    DocumentMessage,
    Replacement,
    ResponseFor,
    StaffInfo,
)
from gateway.exchange.messages import document_message
from tests.kit.exchange_world import World, letter
from tests.kit.finished import finished
from tests.scenario.test_ready_made import TEXT, message_to, submitted
from tests.scenario.test_trouble import arrived, prepared, receive, ub

OLD = "Z79.VPTU,2026/11/01,5/CV/VPTU"
CHANGED = DocumentChanges(metadata=True)
KINDS = {
    "revoke": Business(kind=BusinessKind.REVOKE, reason="Thu hồi văn bản điện tử"),
    "update": Business(kind=BusinessKind.UPDATE, document_id=OLD, changes=CHANGED),
    "replace": Business(kind=BusinessKind.REPLACE, replacements=(Replacement(document_id=OLD),)),
}
MANY = tuple(Replacement(document_id=f"{OLD}-{number}") for number in range(AMENDED_DOCUMENTS_MAX + 1))
NEW = Business(reason="Văn bản điện tử mới", paper=True, staff=(StaffInfo(staff="Trần Thị B"),))


def of_kind(message: DocumentMessage, business: Business, *, of: OrganId | None = None) -> DocumentMessage:
    """The message with that business, and with the answer that a revocation needs."""
    answered = ResponseFor(organ_id=of or message.sender.organ_id, document_id=OLD)
    return replace(message, business=business, response_for=(answered,))


def impossible(message: DocumentMessage) -> dict[str, DocumentMessage]:
    """Truly signed, and nothing that anybody could do."""
    itself = Replacement(document_id=message.document_id)
    return {
        "revokes another's": of_kind(message, KINDS["revoke"], of=OrganId("Z79.02")),
        "revokes two": of_kind(message, replace(KINDS["revoke"], document_id=f"{OLD}-2")),
        "replaces itself": of_kind(message, replace(KINDS["replace"], replacements=(itself,))),
        "replaces too many": of_kind(message, replace(KINDS["replace"], replacements=MANY)),
        "updates itself": of_kind(message, replace(KINDS["update"], document_id=message.document_id)),
    }


NAMES = ("revokes another's", "revokes two", "replaces itself", "replaces too many", "updates itself")


@pytest.mark.parametrize("name", NAMES)
async def test_a_finished_file_that_says_nothing_possible_is_refused_when_it_is_handed_in(
    world: World, name: str
) -> None:
    envelope = await finished(world.party, impossible(message_to(world))[name], [TEXT])
    with pytest.raises(SenderError) as refused:
        await submitted(world, envelope)
    assert (refused.value.code, refused.value.params["reason"]) == ("envelope.malformed", "business_document")
    assert await world.party.store.read(lambda uow: uow.documents.page(None, 1)) == ()


@pytest.mark.parametrize("kind", ["update", "replace"])
async def test_who_gives_the_number_of_the_earlier_document_again_is_told_that(world: World, kind: str) -> None:
    """The likeliest slip of a clerk was called a malformed package, which its software's vendor should mend."""
    file = await world.party.file("a.txt", b"new", "text/plain")
    order = letter(world.sender, (ub(world),), file)
    same = order.metadata.document_id()
    business = replace(KINDS[kind], replacements=(Replacement(document_id=same),), document_id="")
    if kind == "update":
        business = replace(KINDS[kind], document_id=same)
    with pytest.raises(SenderError) as refused:
        await world.party.submit(replace(order, metadata=replace(order.metadata, business=business)))
    (fault,) = refused.value.params["faults"]
    assert (refused.value.code, fault.path, fault.code) == ("request.field", "code.number", "field.itself")


@pytest.mark.parametrize("kind", KINDS)
async def test_what_this_sender_never_sent_it_cannot_amend(world: World, kind: str) -> None:
    envelope = await finished(world.party, of_kind(message_to(world), KINDS[kind]), [TEXT])
    with pytest.raises(SenderError) as refused:
        await submitted(world, envelope)
    assert (refused.value.code, refused.value.params["document_id"]) == ("amendment.unknown", OLD)
    assert await world.party.store.read(lambda uow: uow.documents.page(None, 1)) == ()


async def test_a_finished_new_document_is_taken_whatever_else_its_business_says(world: World) -> None:
    message = of_kind(message_to(world), NEW)
    await submitted(world, await finished(world.party, message, [TEXT]))
    await world.settle()
    ward = world.government.principal(ub(world))
    (entry,) = (await world.government.queries.inbox(ward, 0, 10)).entries
    assert entry.message.business == NEW
    assert entry.amendments == ()


async def at_reception(world: World, name: str, business: Business | None = None) -> list[tuple[str, str]]:
    """A peer's transfer of such a document, signed by its sender; the outcomes of its reception."""
    transfer, _ = await prepared(world)
    (document,) = await world.party.store.read(lambda uow: uow.documents.page(None, 1))
    message = document_message(document, world.party.directory.current())
    message = of_kind(message, business) if business else impossible(message)[name]
    return await receive(world, transfer, await finished(world.party, message, [TEXT]))


@pytest.mark.parametrize("name", NAMES)
async def test_what_nobody_could_do_is_refused_at_reception(world: World, name: str) -> None:
    assert await at_reception(world, name) == [("refused", "envelope.malformed")]
    assert await arrived(world.government, ub(world)) == 0


@pytest.mark.parametrize("business", [*KINDS.values(), NEW])
async def test_every_kind_is_received(world: World, business: Business) -> None:
    assert await at_reception(world, "", business) == [("received", "")]
    assert await arrived(world.government, ub(world)) == 1
