"""Độ khẩn: the work of a document is as urgent as the document, from its first step to its last attempt."""

import pytest

from gateway.core.ledgers import UnitOfWork
from gateway.core.message import Priority
from gateway.core.work import WorkItem, WorkKind
from tests.kit.exchange_world import World, letter
from tests.kit.pdfs import tiny_pdf


def items(uow: UnitOfWork) -> list[WorkItem]:
    return [one.item for one in uow.work.queued(None, 100)]


@pytest.mark.parametrize("priority", Priority)
async def test_every_work_item_of_a_document_is_as_urgent_as_it(world: World, priority: Priority) -> None:
    node = world.party
    file = await node.file("a.pdf", tiny_pdf())
    await node.submit(letter(world.sender, world.wards[:2], file, priority=priority))
    seen: dict[WorkKind, set[Priority]] = {}
    for _ in range(10):
        for item in await node.store.read(items):
            seen.setdefault(item.kind, set()).add(item.urgency)
        await node.run_due(world.clock.now())
    assert seen == {WorkKind.DOCUMENT: {priority}, WorkKind.TRANSFER: {priority}}
