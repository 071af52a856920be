"""Clerks recall the same letter in the same moment: on every store each recipient is asked once, and nobody sees an error."""

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from gateway.core.ids import Digest
from gateway.core.ledgers import UnitOfWork
from gateway.core.message import ResponseFor
from gateway.core.states import AmendmentState, BusinessStatus
from gateway.exchange import answering
from gateway.exchange.answering import recall_arrived
from gateway.exchange.messages import organ_block
from gateway.exchange.saying import Speaker, status_row
from gateway.storage.amendments import AmendmentLedger
from gateway.storage.inbox import InboxLedger
from tests.kit import rows
from tests.kit.exchange_world import World
from tests.scenario.test_amendments import agree, both_hold, decline, recall, recalled_letter
from tests.scenario.test_trouble import sent, ub


async def test_two_recalls_at_once_ask_each_recipient_once(world: World) -> None:
    document = await sent(world, *world.wards)
    await world.settle()
    await asyncio.gather(*(recall(world, document) for _ in range(4)))
    view = await recall(world, document)
    assert view.counts == {AmendmentState.ASKED: len(world.wards)}
    found = await world.party.store.read(lambda uow: uow.documents.page(None, 99))
    assert sum(one.status is not None for one in found) == len(world.wards)
    await both_hold(world)


async def test_a_recall_said_again_while_it_is_answered_waits_for_nobody_in_a_circle(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by attack on PostgreSQL: one took the amendment and then the entry, the other the entry first."""
    document, entry = await recalled_letter(world)
    await decline(world, entry)
    await world.settle()
    desk, runs = world.government.desk, Counter[str]()
    message = rows.status(
        sender=organ_block(world.sender, desk.directory.current()),
        response_for=ResponseFor(organ_id=ub(world), document_id=document.document_id),
        status=BusinessStatus.RECALL_ASKED,
        timestamp=world.clock.now(),
    )

    def arrives(uow: UnitOfWork) -> str:
        runs["said again"] += 1
        return recall_arrived(uow, message, desk, world.clock.now())

    def slowly(find: Any, counted: str) -> Any:
        def found(ledger: Any, name: Any) -> Any:
            if counted:
                runs[counted] += 1
            one = find(ledger, name)
            time.sleep(0.2)  # a server that is busy
            return one

        return found

    with monkeypatch.context() as patched:
        patched.setattr(AmendmentLedger, "find", slowly(AmendmentLedger.find, ""))
        patched.setattr(InboxLedger, "find", slowly(InboxLedger.find, ""))
        patched.setattr(answering, "_answerable", slowly(answering._answerable, "answered"))
        await asyncio.gather(world.government.store.transact(arrives), agree(world, entry))
    assert runs == {"said again": 1, "answered": 1}
    await world.settle()
    await both_hold(world)


async def test_two_answers_never_have_one_name_whatever_a_neighbour_calls_its_documents(world: World) -> None:
    """Found by attack: a body could not accept `X ` with a hard space because its answer to `X` had that name."""
    about = Digest("0" * 64)

    def name(document_id: str, part: str = "") -> str:
        message = rows.status(response_for=ResponseFor(organ_id=ub(world), document_id=document_id))
        by = Speaker(principal="x", trace_id="")
        return status_row(message, about=about, by=by, desk=world.party.desk, part=part).document_id

    assert name("Z79.VPTU,2026/02/02,1/CV") == f"status 02 {ub(world)} Z79.VPTU,2026/02/02,1/CV"
    names = [name(one) for one in ("X", "X\u00a0", "X update", "X%20update", "X\u2003")] + [name("X", "update")]
    assert len(set(names)) == len(names)
