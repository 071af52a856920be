"""The promises of `Timestamps`: what is owed is found, paid by compare-and-set, counted, and its archive copy is named."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.ids import TimestampKey
from gateway.core.ledgers import StaleStateError, UnitOfWork
from gateway.core.owed import OwedTimestamp, TimestampState, Unpaid
from gateway.core.validation import Level
from tests.contract.stores import STORES, LedgerStore
from tests.kit import rows


def paid(owed: OwedTimestamp) -> OwedTimestamp:
    return replace(
        owed,
        level=Level.B_T,
        state=TimestampState.STAMPED,
        archive=rows.blob(f"archive of {owed.key}"),
        stamped_at=rows.later(60),
        changed_at=rows.later(61),
        last_leaf="aa" * 32,
    )


async def add(store: LedgerStore, *kept: OwedTimestamp) -> None:
    def unit(uow: UnitOfWork) -> None:
        for one in kept:
            uow.timestamps.add(one)

    await store.transact(unit)


async def with_document(store: LedgerStore, count: int = 1, **fields: object) -> list[OwedTimestamp]:
    document = rows.document()
    await store.transact(lambda uow: uow.documents.add(document))
    kept = [rows.owed(document, **fields) for _ in range(count)]
    await add(store, *kept)
    return kept


async def test_what_is_owed_is_found_by_key_and_by_document_in_order(store: LedgerStore) -> None:
    first, second = await with_document(store, 2)
    (other,) = await with_document(store, 1)
    assert await store.read(lambda uow: uow.timestamps.find(first.key)) == first
    assert await store.read(lambda uow: uow.timestamps.find(TimestampKey("none"))) is None
    assert await store.read(lambda uow: uow.timestamps.of_document(first.document)) == (first, second)
    assert await store.read(lambda uow: uow.timestamps.of_document(other.document)) == (other,)


async def test_paying_writes_every_field_that_may_change_and_names_the_archive_copy(store: LedgerStore) -> None:
    (owed,) = await with_document(store)
    now = paid(owed)
    assert now.archive is not None
    await store.transact(lambda uow: uow.timestamps.advance(now, was=TimestampState.WAITING))
    assert await store.read(lambda uow: uow.timestamps.find(owed.key)) == now
    digests = (owed.sealed.digest, now.archive.digest)
    assert await store.read(lambda uow: uow.blobs.named(digests)) == frozenset(digests)


async def test_a_second_payment_finds_another_state_and_writes_nothing(store: LedgerStore) -> None:
    (owed,) = await with_document(store)
    await store.transact(lambda uow: uow.timestamps.advance(paid(owed), was=TimestampState.WAITING))
    again = replace(paid(owed), archive=rows.blob("another"))
    with pytest.raises(StaleStateError):
        await store.transact(lambda uow: uow.timestamps.advance(again, was=TimestampState.WAITING))
    assert await store.read(lambda uow: uow.timestamps.find(owed.key)) == paid(owed)
    assert await store.read(lambda uow: uow.blobs.named((again.copy.digest,))) == frozenset()


async def test_what_is_not_paid_is_counted_with_the_oldest(store: LedgerStore) -> None:
    assert await store.read(lambda uow: uow.timestamps.unpaid()) == Unpaid()
    old, _ = await with_document(store, 2, since=rows.later(-50))
    (given_up,) = await with_document(store, 1, since=rows.later(-90), state=TimestampState.GIVEN_UP)
    found = await store.read(lambda uow: uow.timestamps.unpaid())
    assert found == Unpaid(waiting=2, given_up=1, oldest=rows.later(-90))
    await store.transact(lambda uow: uow.timestamps.advance(paid(given_up), was=TimestampState.GIVEN_UP))
    await store.transact(lambda uow: uow.timestamps.advance(paid(old), was=TimestampState.WAITING))
    found = await store.read(lambda uow: uow.timestamps.unpaid())
    assert found == Unpaid(waiting=1, given_up=0, oldest=rows.later(-50))


async def test_what_a_unit_owed_that_failed_is_not_owed(store: LedgerStore) -> None:
    (known,) = await with_document(store)
    with pytest.raises(ZeroDivisionError):
        await store.transact(lambda uow: (uow.timestamps.add(replace(known, key=TimestampKey("other"))), 1 / 0))
    assert await store.read(lambda uow: uow.timestamps.of_document(known.document)) == (known,)


async def test_what_is_owed_outlives_the_process(tmp_path: Path) -> None:
    store = STORES["sqlite"](tmp_path)
    try:
        (owed,) = await with_document(store)
    finally:
        await store.close()
    again = STORES["sqlite"](tmp_path)
    try:
        assert await again.read(lambda uow: uow.timestamps.find(owed.key)) == owed
        assert (await again.read(lambda uow: uow.timestamps.unpaid())).waiting == 1
    finally:
        await again.close()
