"""The promises of `Amendments`."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.amendments import Amendment, AmendmentKind, Handling, Side
from gateway.core.errors import Conflict
from gateway.core.ids import AmendmentKey, DeliveryKey
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.core.states import AmendmentState, BusinessStatus, DeliveryState
from tests.contract.stores import LedgerStore
from tests.kit import rows
from tests.kit.rows import OTHER_WARD, PARTY, WARD, later

NAME = "Z79.01,2026/11/21,12/CV/VPTU"
HANDLING = Handling(opened_at=later(3).replace(microsecond=0), standing=BusinessStatus.ACCEPTED, forwarded=True)


def amendment(key: str = "a", **fields: Any) -> Amendment:
    known: dict[str, Any] = {
        "key": AmendmentKey(key),
        "side": Side.RECEIVED,
        "kind": AmendmentKind.RECALL,
        "sender": PARTY,
        "recipient": WARD,
        "document_id": NAME,
        "by": "",
        "subject": "",
        "carrier": "",
        "state": AmendmentState.WAITING,
        "reason": "Gửi nhầm “nơi nhận”",
        "asked_at": later(0).replace(microsecond=0),
        "changed_at": later(1),
    }
    return Amendment(**known | fields)


async def stored(store: LedgerStore, *amendments: Amendment) -> None:
    await store.transact(lambda uow: uow.amendments.add(amendments))


async def of(store: LedgerStore, side: Side = Side.RECEIVED) -> tuple[Amendment, ...]:
    return await store.read(lambda uow: uow.amendments.of(side, PARTY, NAME))


async def test_what_is_stored_comes_back_whole_and_in_order(store: LedgerStore) -> None:
    first = amendment()
    second = amendment("b", recipient=OTHER_WARD, handling=HANDLING, words="Đồng ý", answered_at=later(9))
    unopened = replace(HANDLING, opened_at=None, forwarded=False)
    third = amendment("c", kind=AmendmentKind.UPDATE, by="x", carrier="entry-2", handling=unopened)
    sent = amendment("d", side=Side.SENT, subject="delivery")
    await stored(store, first, second)
    await stored(store, third, sent, amendment("e", document_id="another"), amendment("f", sender=WARD))
    await stored(store)
    assert await of(store) == (first, second, third)
    assert await of(store, Side.SENT) == (sent,)


async def test_one_for_each_name_and_side(store: LedgerStore) -> None:
    first = amendment()
    await stored(store, first)
    with pytest.raises(Conflict):
        await stored(store, amendment("b", recipient=OTHER_WARD), amendment("c"))
    assert await of(store) == (first,)
    for other in (
        amendment("b", side=Side.SENT),
        amendment("c", kind=AmendmentKind.UPDATE),
        amendment("d", recipient=OTHER_WARD),
        amendment("e", by="x"),
    ):
        assert await store.read(lambda uow, like=other: uow.amendments.find(like)) is None
        await stored(store, other)
        assert await store.read(lambda uow, like=other: uow.amendments.find(like)) == other


async def test_it_moves_from_the_state_it_was_in_and_from_no_other(store: LedgerStore) -> None:
    first = amendment()
    await stored(store, first)
    moved = replace(
        first,
        subject="entry-1",
        carrier="entry-2",
        state=AmendmentState.ASKED,
        words="Từ chối",
        handling=HANDLING,
        answered_at=later(7),
        changed_at=later(8),
    )
    await store.transact(lambda uow: uow.amendments.advance(moved, was=AmendmentState.WAITING))
    assert await of(store) == (moved,)
    with pytest.raises(StaleStateError):
        await store.transact(lambda uow: uow.amendments.advance(first, was=AmendmentState.WAITING))
    assert await of(store) == (moved,)


async def test_those_about_a_row_and_those_it_brought_and_how_far_the_asking_came(store: LedgerStore) -> None:
    document = rows.document()
    delivery = rows.delivery(document, WARD, state=DeliveryState.INDETERMINATE)
    rerouted = rows.delivery(document, WARD, key="delivery-9", sequence=2, state=DeliveryState.REROUTED)
    about = amendment("a", subject="entry-1")
    brought = amendment("b", by="x", subject="entry-0", carrier="entry-1")
    asked = amendment("c", side=Side.SENT, subject="delivery-0", carrier=document.key)

    def unit(uow: UnitOfWork) -> None:
        uow.documents.add(document)
        uow.documents.add_deliveries([delivery, rerouted])
        uow.amendments.add([asked, brought, about])

    await store.transact(unit)
    assert await store.read(lambda uow: uow.amendments.about(["entry-1"])) == (brought, about)
    (found,) = await store.read(lambda uow: uow.amendments.about(["delivery-0", "nothing"]))
    assert (found, found.reached) == (asked, "indeterminate")
    assert await store.read(lambda uow: uow.amendments.about([])) == ()


async def test_where_what_asks_was_rerouted_its_newest_delivery_tells_how_far_it_came(store: LedgerStore) -> None:
    document = rows.document()
    first = rows.delivery(document, WARD, state=DeliveryState.REROUTED, sequence=2)
    newest = rows.delivery(document, WARD, state=DeliveryState.SENDING, sequence=1, key=DeliveryKey("newest"))

    def unit(uow: UnitOfWork) -> None:
        uow.documents.add(document)
        uow.documents.add_deliveries([first])
        uow.documents.add_deliveries([newest])
        uow.amendments.add([amendment("c", side=Side.SENT, subject="delivery-0", carrier=document.key)])

    await store.transact(unit)
    (found,) = await store.read(lambda uow: uow.amendments.about(["delivery-0"]))
    assert found.reached == "sending"


async def test_the_entry_of_a_document_by_its_name(store: LedgerStore) -> None:
    entry = rows.entry()
    await store.transact(lambda uow: uow.inbox.add([entry]))

    def look(uow: UnitOfWork) -> list[str | None]:
        named = (entry.sender, entry.document_id)
        return [uow.amendments.entry(who, *named) for who in (entry.recipient, OTHER_WARD)]

    assert await store.transact(look) == [entry.key, None]


async def test_a_document_that_arrives_meanwhile_waits_for_who_looked(store: LedgerStore) -> None:
    """Looked for and not there, stored and nobody waits for it: only one of the two may be."""
    entry = rows.entry()

    def recalled(uow: UnitOfWork) -> None:
        key = uow.amendments.entry(entry.recipient, entry.sender, entry.document_id)
        uow.amendments.add([amendment(document_id=entry.document_id, sender=entry.sender, subject=key or "")])

    def arrives(uow: UnitOfWork) -> int:
        uow.inbox.seen(entry.sender, entry.document_id)
        uow.inbox.add([entry])
        return len(uow.amendments.of(Side.RECEIVED, entry.sender, entry.document_id))

    _, waiting = await asyncio.gather(store.transact(recalled), store.transact(arrives))
    (found,) = await store.read(lambda uow: uow.amendments.of(Side.RECEIVED, entry.sender, entry.document_id))
    assert waiting == (0 if found.subject else 1)
