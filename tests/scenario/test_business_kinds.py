"""Documents that revoke, update or replace another one: truly signed, and refused at both doors, for nobody would do it."""

from dataclasses import replace

import pytest

from gateway.core.errors import SenderError
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
from tests.kit.exchange_world import World
from tests.kit.finished import finished
from tests.scenario.test_ready_made import TEXT, message_to, submitted
from tests.scenario.test_trouble import arrived, prepared, receive, ub

OLD = "Z79.VPTU,2026/11/01,5/CV/VPTU"
OTHERS = {
    "revoke": Business(kind=BusinessKind.REVOKE, reason="Thu hồi văn bản điện tử"),
    "update": Business(kind=BusinessKind.UPDATE, document_id=OLD, changes=DocumentChanges(metadata=True)),
    "replace": Business(kind=BusinessKind.REPLACE, replacements=(Replacement(document_id=OLD),)),
}
NEW = Business(reason="Văn bản điện tử mới", paper=True, staff=(StaffInfo(staff="Trần Thị B"),))


def of_kind(message: DocumentMessage, business: Business) -> DocumentMessage:
    """The message with that business, and with the answer that a revocation needs."""
    answered = ResponseFor(organ_id=message.sender.organ_id, document_id=OLD)
    return replace(message, business=business, response_for=(answered,))


@pytest.mark.parametrize("kind", OTHERS)
async def test_a_finished_file_of_another_kind_is_refused_when_it_is_handed_in(world: World, kind: str) -> None:
    envelope = await finished(world.party, of_kind(message_to(world), OTHERS[kind]), [TEXT])
    with pytest.raises(SenderError) as refused:
        await submitted(world, envelope)
    assert (refused.value.code, refused.value.params["reason"]) == ("envelope.malformed", "business_kind")
    assert await world.party.store.read(lambda uow: uow.documents.page(None, 1)) == ()


async def test_a_finished_new_document_is_taken_whatever_else_its_business_says(world: World) -> None:
    message = of_kind(message_to(world), NEW)
    await submitted(world, await finished(world.party, message, [TEXT]))
    await world.settle()
    ward = world.government.principal(ub(world))
    (entry,) = (await world.government.queries.inbox(ward, 0, 10)).entries
    assert entry.message.business == NEW


async def at_reception(world: World, business: Business) -> list[tuple[str, str]]:
    """A peer's transfer of such a document, signed by its sender; the outcomes of its reception."""
    transfer, _ = await prepared(world)
    (document,) = await world.party.store.read(lambda uow: uow.documents.page(None, 1))
    message = of_kind(document_message(document, world.party.directory.current()), business)
    return await receive(world, transfer, await finished(world.party, message, [TEXT]))


@pytest.mark.parametrize("kind", OTHERS)
async def test_another_kind_is_refused_at_reception(world: World, kind: str) -> None:
    assert await at_reception(world, OTHERS[kind]) == [("refused", "envelope.malformed")]
    assert await arrived(world.government, ub(world)) == 0


async def test_a_new_one_is_received(world: World) -> None:
    assert await at_reception(world, NEW) == [("received", "")]
    assert await arrived(world.government, ub(world)) == 1
