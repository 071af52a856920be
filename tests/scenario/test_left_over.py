"""Documents that stumble: what a step or a reception stored in vain goes, and what rows name is all that is left."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.model import Attachment, Document
from gateway.core.states import DocumentState
from gateway.core.work import Claim
from gateway.exchange import DocumentSteps
from gateway.storage import BlobKeeper
from tests.kit.exchange_world import Node, World, letter
from tests.kit.pdfs import tiny_pdf


def files(node: Node) -> set[Digest]:
    folder: Path = node.blobs._folder
    return {Digest(path.name) for path in folder.rglob("*") if path.is_file()}


async def cleared(node: Node) -> int:
    """The keeper has looked at everything; how many blobs it removed. What is left is what rows name."""
    removed = await BlobKeeper(node.blobs, store=node.store, clock=node.desk.clock).clear_once()
    left = files(node)
    assert await node.store.read(lambda uow: uow.blobs.named(left)) == left
    return removed.blobs


@pytest.mark.parametrize("stumbles_at", [DocumentState.SEALED, DocumentState.WRAPPED])
async def test_what_a_step_stored_whose_unit_failed_goes_and_the_next_attempt_has_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch, stumbles_at: DocumentState
) -> None:
    good, stumbled = DocumentSteps._write, []

    async def write(
        self: DocumentSteps,
        document: Document,
        target: DocumentState,
        claim: Claim,
        *,
        sealed: Sequence[Attachment] = (),
    ) -> Document:
        if target is stumbles_at and not stumbled:
            stumbled.append(files(world.party))
            raise SiteError("worker.busy")
        return await good(self, document, target, claim, sealed=sealed)

    async def route(self: DocumentSteps, document: Document, claim: Claim, **names: Any) -> Document:
        if stumbles_at is DocumentState.WRAPPED and not stumbled:
            stumbled.append(files(world.party))
            raise SiteError("worker.busy")
        return await go_on(self, document, claim, **names)

    go_on = DocumentSteps._route
    monkeypatch.setattr(DocumentSteps, "_write", write)
    monkeypatch.setattr(DocumentSteps, "_route", route)
    party, government = world.party, world.government
    document = await party.submit(letter(world.sender, world.wards, await party.file("a.pdf", tiny_pdf())))
    now = party.desk.clock.now()
    with pytest.raises(SiteError, match=r"worker\.busy"):
        await party.run_due(now)
    before = files(party)
    assert before == stumbled[0]
    assert await cleared(party) == 1
    assert files(party) < before
    await party.run_due(now + timedelta(minutes=5))
    await world.settle()
    view = await party.queries.document(party.principal(world.sender), document.key)
    assert view.document.state is DocumentState.ROUTED
    assert await cleared(party) == await cleared(government) == 0
