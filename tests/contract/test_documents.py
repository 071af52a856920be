"""The promises of the ledger `Documents`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from gateway.core.errors import Conflict
from gateway.core.ids import DeliveryKey, OrganId, TransferKey
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.core.model import Delivery, Document
from gateway.core.states import DeliveryState, DocumentState, MessageKind
from tests.contract.stores import LedgerStore
from tests.kit import rows


async def added(store: LedgerStore, document: Document) -> Document:
    await store.transact(lambda uow: uow.documents.add(document))
    return document


@pytest.mark.parametrize(
    "document",
    [
        rows.document(),
        rows.document(envelope=rows.blob("envelope"), may_seal=False, reason="seal.missing", last_leaf="ab" * 32),
        rows.document(envelope=rows.blob("envelope"), ready_made=True),
        rows.document(kind=MessageKind.STATUS, metadata=None, status=rows.status(), attachments=()),
    ],
    ids=["document", "sealed", "ready-made", "status"],
)
async def test_every_field_comes_back(store: LedgerStore, document: Document) -> None:
    await added(store, document)
    for found in (
        await store.read(lambda uow: uow.documents.find(document.key)),
        await store.read(lambda uow: uow.documents.submitted(document.sender, document_id=document.document_id)),
        await store.read(
            lambda uow: uow.documents.submitted(
                document.sender, document_id="another", idempotency_key=document.idempotency_key
            )
        ),
    ):
        assert found == document


async def test_what_is_not_there_is_none(store: LedgerStore) -> None:
    document = rows.document()
    assert await store.read(lambda uow: uow.documents.find(document.key)) is None
    assert await store.read(lambda uow: uow.documents.submitted(rows.PARTY, document_id="x")) is None
    assert (
        await store.read(lambda uow: uow.documents.submitted(rows.PARTY, document_id="x", idempotency_key="x")) is None
    )
    assert await store.read(lambda uow: uow.documents.delivery(document.key, rows.WARD)) is None
    assert await store.read(lambda uow: uow.documents.find_delivery(DeliveryKey("nobody's"))) is None
    assert await store.read(lambda uow: uow.documents.deliveries(document.key)) == ()


async def test_what_was_submitted_is_found_by_its_idempotency_key_first(store: LedgerStore) -> None:
    by_key, by_name = await added(store, rows.document()), await added(store, rows.document())
    elsewhere = OrganId("Z79.99")

    def find(uow: UnitOfWork, sender: OrganId, idempotency_key: str | None) -> Document | None:
        return uow.documents.submitted(sender, document_id=by_name.document_id, idempotency_key=idempotency_key)

    assert await store.read(lambda uow: find(uow, rows.PARTY, by_key.idempotency_key)) == by_key
    assert await store.read(lambda uow: find(uow, rows.PARTY, "another")) == by_name
    assert await store.read(lambda uow: find(uow, rows.PARTY, None)) == by_name
    assert await store.read(lambda uow: find(uow, elsewhere, by_key.idempotency_key)) is None


async def test_a_second_document_of_the_same_name_is_a_conflict(store: LedgerStore) -> None:
    first = await added(store, rows.document())
    same_id = rows.document(document_id=first.document_id)
    same_key = rows.document(idempotency_key=first.idempotency_key)
    both = rows.document(document_id=first.document_id, idempotency_key=first.idempotency_key)
    for document, code in (
        (same_id, "conflict.document_id"),
        (same_key, "conflict.idempotency"),
        (both, "conflict.idempotency"),
    ):
        with pytest.raises(Conflict) as refused:
            await added(store, document)
        assert refused.value.code == code
    await added(store, replace(same_id, sender=rows.WARD))  # another sender's names are its own
    assert await store.read(lambda uow: uow.documents.find(first.key)) == first


async def test_a_refused_document_does_not_keep_its_number(store: LedgerStore) -> None:
    first = await added(store, rows.document())

    async def refused(document: Document) -> Document:
        changed = replace(document, state=DocumentState.REFUSED)
        await store.transact(lambda uow: uow.documents.advance(changed, was=document.state))
        return changed

    async def under_the_number() -> Document | None:
        return await store.read(lambda uow: uow.documents.submitted(first.sender, document_id=first.document_id))

    first = await refused(first)
    assert await under_the_number() == first
    second = await added(store, rows.document(document_id=first.document_id))
    assert await under_the_number() == second, "not the refused one, whichever came first"
    with pytest.raises(Conflict) as again:
        await added(store, rows.document(document_id=first.document_id))
    assert again.value.code == "conflict.document_id"
    with pytest.raises(Conflict) as same_key:
        await added(store, rows.document(idempotency_key=first.idempotency_key))
    assert same_key.value.code == "conflict.idempotency", "its key stays its own"
    second = await refused(second)
    assert await under_the_number() == second, "the newest of them"
    third = await added(store, rows.document(document_id=first.document_id))
    assert await under_the_number() == third
    for document in (first, second, third):
        key = document.idempotency_key
        assert document == await store.read(
            lambda uow, key=key: uow.documents.submitted(first.sender, document_id="x", idempotency_key=key)
        )


async def test_a_unit_may_go_on_after_a_conflict(store: LedgerStore) -> None:
    first, second = await added(store, rows.document()), rows.document()

    def work(uow: UnitOfWork) -> None:
        with pytest.raises(Conflict):
            uow.documents.add(replace(second, document_id=first.document_id))
        uow.documents.add(second)

    await store.transact(work)
    assert await store.read(lambda uow: uow.documents.find(second.key)) == second


async def test_pages_go_by_key(store: LedgerStore) -> None:
    made = [await added(store, rows.document()) for _ in range(3)]
    assert await store.read(lambda uow: uow.documents.page(None, 2)) == tuple(made[:2])
    assert await store.read(lambda uow: uow.documents.page(made[1].key, 2)) == (made[2],)


async def test_what_is_held_is_listed_and_counted(store: LedgerStore) -> None:
    made = [await added(store, rows.document()) for _ in range(4)]
    for document in made[1:]:
        held = replace(document, state=DocumentState.HELD, reason="seal.undecided")
        await store.transact(lambda uow, held=held: uow.documents.advance(held, was=DocumentState.ACCEPTED))
    found = await store.read(lambda uow: uow.documents.held(None, 2))
    assert [document.key for document in found] == [document.key for document in made[1:3]]
    assert [one.key for one in await store.read(lambda uow: uow.documents.held(found[-1].key, 2))] == [made[3].key]
    stuck = rows.delivery(made[0], state=DeliveryState.HELD)
    await store.transact(lambda uow: uow.documents.add_deliveries([stuck]))
    assert await store.read(lambda uow: uow.documents.count_held()) == (3, 1)


async def test_advancing_writes_every_mutable_field_and_nothing_else(store: LedgerStore) -> None:
    document = await added(store, rows.document())
    changed = replace(
        document,
        state=DocumentState.SEALED,
        reason="why",
        attachments=document.attachments[:1],
        envelope=rows.blob("new"),
        changed_at=rows.later(2),
        last_leaf="ef" * 32,
    )
    await store.transact(lambda uow: uow.documents.advance(replace(changed, principal="x"), was=DocumentState.ACCEPTED))
    assert await store.read(lambda uow: uow.documents.find(document.key)) == changed


async def test_advancing_from_another_state_writes_nothing(store: LedgerStore) -> None:
    document = await added(store, rows.document())
    for key in (document.key, rows.document().key):
        with pytest.raises(StaleStateError):
            await store.transact(
                lambda uow, key=key: uow.documents.advance(
                    replace(document, key=key, state=DocumentState.ROUTED), was=DocumentState.WRAPPED
                )
            )
    assert await store.read(lambda uow: uow.documents.find(document.key)) == document


async def test_deliveries_come_back_whole_in_the_order_of_adding(store: LedgerStore) -> None:
    document = await added(store, rows.document())
    wards = [OrganId(f"Z79.{n}") for n in (5, 3, 9)]
    made = [rows.delivery(document, ward, transfer="t-1" if n else None) for n, ward in enumerate(wards)]
    made[2] = rows.delivered(made[2])
    await store.transact(lambda uow: uow.documents.add_deliveries(made))
    await store.transact(lambda uow: uow.documents.add_deliveries([]))
    assert await store.read(lambda uow: uow.documents.deliveries(document.key)) == tuple(made)
    assert await store.read(lambda uow: uow.documents.deliveries(document.key, TransferKey("t-1"))) == tuple(made[1:])
    assert await store.read(lambda uow: uow.documents.delivery(document.key, wards[2])) == made[2]
    assert await store.read(lambda uow: uow.documents.find_delivery(made[1].key)) == made[1]


async def test_deliveries_page_by_page_and_counted_by_state(store: LedgerStore) -> None:
    document, another = await added(store, rows.document()), await added(store, rows.document())
    wards = [OrganId(f"Z79.{n}") for n in (5, 3, 9, 1, 7)]
    made = [rows.delivery(document, ward) for ward in wards]
    made[1] = rows.delivered(made[1])
    foreign = rows.delivery(another)
    await store.transact(lambda uow: uow.documents.add_deliveries([*made[:3], foreign, *made[3:]]))
    found: list[Delivery] = []
    after: DeliveryKey | None = None
    while page := await store.read(lambda uow, a=after: uow.documents.deliveries_after(document.key, a, 2)):
        assert len(page) <= 2
        found += page
        after = page[-1].key
    assert found == made
    for cursor in (foreign.key, DeliveryKey("nobody's")):
        assert await store.read(lambda uow, a=cursor: uow.documents.deliveries_after(document.key, a, 2)) == ()
    asked = [document.key, another.key, rows.document().key]
    assert await store.read(lambda uow: uow.documents.delivery_counts(asked)) == {
        document.key: {DeliveryState.QUEUED: 4, DeliveryState.DELIVERED: 1},
        another.key: {DeliveryState.QUEUED: 1},
    }
    assert await store.read(lambda uow: uow.documents.delivery_counts([])) == {}


async def test_deliveries_advance_all_or_not_at_all(store: LedgerStore) -> None:
    document = await added(store, rows.document())
    one, two = rows.delivery(document), rows.delivery(document, rows.OTHER_WARD, state=DeliveryState.SENDING)
    await store.transact(lambda uow: uow.documents.add_deliveries([one, two]))
    queued = {one.key: DeliveryState.QUEUED, two.key: DeliveryState.QUEUED}

    def stale(uow: UnitOfWork) -> None:
        with pytest.raises(StaleStateError):
            uow.documents.advance_deliveries([rows.delivered(one), rows.delivered(two)], was=queued)

    await store.transact(stale)  # the unit itself commits
    assert await store.read(lambda uow: uow.documents.deliveries(document.key)) == (one, two)
    was = queued | {two.key: DeliveryState.SENDING}
    await store.transact(
        lambda uow: uow.documents.advance_deliveries([rows.delivered(one), rows.delivered(two)], was=was)
    )
    assert await store.read(lambda uow: uow.documents.deliveries(document.key)) == (
        rows.delivered(one),
        rows.delivered(two),
    )


async def test_all_deliveries_of_a_transfer_move_at_once_or_not_at_all(store: LedgerStore) -> None:
    document = await added(store, rows.document())
    one = rows.delivery(document, transfer="t-1")
    two = rows.delivery(document, rows.OTHER_WARD, transfer="t-1")
    other = rows.delivery(document, OrganId("Z79.9"), transfer="t-2")
    await store.transact(lambda uow: uow.documents.add_deliveries([one, two, other]))
    at = document.changed_at + timedelta(minutes=1)

    def move(was: DeliveryState, now: DeliveryState) -> Callable[[UnitOfWork], None]:
        return lambda uow: uow.documents.move_deliveries(document.key, TransferKey("t-1"), moves=(was, now), at=at)

    await store.transact(move(DeliveryState.QUEUED, DeliveryState.SENDING))
    sending = [replace(delivery, state=DeliveryState.SENDING, changed_at=at) for delivery in (one, two)]
    assert await store.read(lambda uow: uow.documents.deliveries(document.key)) == (*sending, other)

    indeterminate = replace(two, state=DeliveryState.INDETERMINATE)
    await store.transact(
        lambda uow: uow.documents.advance_deliveries([indeterminate], was={two.key: DeliveryState.SENDING})
    )

    def stale(uow: UnitOfWork) -> None:
        with pytest.raises(StaleStateError):
            move(DeliveryState.SENDING, DeliveryState.QUEUED)(uow)

    await store.transact(stale)  # the unit itself commits
    assert [row.state for row in await store.read(lambda uow: uow.documents.deliveries(document.key))] == [
        DeliveryState.SENDING,
        DeliveryState.INDETERMINATE,
        DeliveryState.QUEUED,
    ]


async def test_sequences_start_at_one_have_no_gaps_and_keep_their_handle_for_the_year(store: LedgerStore) -> None:
    made = count()

    def numbered(uow: UnitOfWork, *, year: int = 2026) -> dict[OrganId, tuple[int, bytes]]:
        handle = lambda: next(made).to_bytes(16, "big")  # noqa: E731 - an iterator of its own for each
        return dict(uow.documents.next_sequence(rows.PARTY, [rows.WARD, rows.OTHER_WARD], year, handle))

    def undone(uow: UnitOfWork) -> None:
        numbered(uow)
        raise LookupError

    first = await store.transact(numbered)
    assert {number for number, _ in first.values()} == {1}
    assert len({handle for _, handle in first.values()}) == 2
    with pytest.raises(LookupError):
        await store.transact(undone)
    second = await store.transact(numbered)
    assert second == {ward: (2, handle) for ward, (_, handle) in first.items()}
    third = await store.transact(lambda uow: numbered(uow, year=2027))
    assert {number for number, _ in third.values()} == {3}
    assert {handle for _, handle in third.values()}.isdisjoint(handle for _, handle in first.values())


async def test_streams_are_of_a_sender_and_a_recipient(store: LedgerStore) -> None:
    def number(uow: UnitOfWork, sender: OrganId, recipients: list[OrganId]) -> list[int]:
        return [n for n, _ in uow.documents.next_sequence(sender, recipients, 2026, lambda: bytes(16)).values()]

    many = [OrganId(f"Z79.{n}") for n in range(1_000)]
    assert await store.transact(lambda uow: number(uow, rows.PARTY, many)) == [1] * 1_000
    assert await store.transact(lambda uow: number(uow, rows.PARTY, [*many[500:502], rows.WARD])) == [2, 2, 1]
    assert await store.transact(lambda uow: number(uow, rows.WARD, many[:1])) == [1]


async def keys_of_newest(store: LedgerStore, *senders: OrganId, limit: int = 10, **fields: object) -> list[str]:
    before, state = fields.get("before"), fields.get("state")
    found = await store.read(lambda uow: uow.documents.newest(frozenset(senders), before, limit, state))  # type: ignore[arg-type]
    return [document.key for document in found]


async def test_the_newest_documents_come_first_and_are_those_of_their_senders(store: LedgerStore) -> None:
    other, third = OrganId("Z79.98"), OrganId("Z79.97")
    made = [
        await added(store, rows.document(sender=sender)) for sender in (rows.PARTY, other, rows.PARTY, third, other)
    ]
    keys = [document.key for document in made]
    assert await keys_of_newest(store, rows.PARTY, other) == [keys[4], keys[2], keys[1], keys[0]]
    assert await keys_of_newest(store, rows.PARTY, other, limit=2) == [keys[4], keys[2]]
    assert await keys_of_newest(store, rows.PARTY, other, limit=2, before=keys[2]) == [keys[1], keys[0]]
    assert await keys_of_newest(store, other, before=keys[1]) == []
    assert await keys_of_newest(store) == []
    (found,) = await store.read(lambda uow: uow.documents.newest(frozenset({third}), None, 9, None))
    assert found == made[3]


async def test_the_newest_can_be_those_of_one_state(store: LedgerStore) -> None:
    made = [await added(store, rows.document()) for _ in range(6)]
    for document in made[::2]:
        held = replace(document, state=DocumentState.HELD)
        await store.transact(lambda uow, held=held: uow.documents.advance(held, was=DocumentState.ACCEPTED))
    held_keys = [document.key for document in made[::2]][::-1]
    assert await keys_of_newest(store, rows.PARTY, state=DocumentState.HELD) == held_keys
    assert await keys_of_newest(store, rows.PARTY, state=DocumentState.HELD, before=held_keys[0], limit=1) == [
        held_keys[1]
    ]
    assert await keys_of_newest(store, rows.PARTY, state=DocumentState.ROUTED) == []


async def test_status_messages_are_not_among_the_documents(store: LedgerStore) -> None:
    document = await added(store, rows.document())
    await added(store, rows.document(kind=MessageKind.STATUS, metadata=None, status=rows.status(), attachments=()))
    assert await keys_of_newest(store, rows.PARTY) == [document.key]


async def test_pages_of_many_senders_put_together_are_all_documents(store: LedgerStore) -> None:
    senders = [OrganId(f"Z79.05.{n:03}") for n in range(9)]
    made = [await added(store, rows.document(sender=senders[n * n % 9])) for n in range(60)]
    found: list[str] = []
    while page := await keys_of_newest(store, *senders, limit=7, before=found[-1] if found else None):
        found += page
    assert found == [document.key for document in reversed(made)]


async def test_what_comes_between_two_pages_is_neither_in_the_way_nor_told_twice(store: LedgerStore) -> None:
    """Two bodies; after every page each hands in another, and one of the older is held."""
    pair = (rows.PARTY, OrganId("Z79.98"))
    made = [await added(store, rows.document(sender=pair[n % 3 % 2])) for n in range(20)]
    found: list[str] = []
    for number in range(99):
        page = await keys_of_newest(store, *pair, limit=3, before=found[-1] if found else None)
        if not page:
            break
        found += page
        for sender in pair:
            await added(store, rows.document(sender=sender))
        held = replace(made[number], state=DocumentState.HELD)
        await store.transact(lambda uow, held=held: uow.documents.advance(held, was=DocumentState.ACCEPTED))
    assert found == [document.key for document in reversed(made)]
