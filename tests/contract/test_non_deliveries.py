"""The promises of `NonDeliveries`: what expired is kept once, its notice never changes, and only signed ones are told."""

from dataclasses import replace

import pytest

from gateway.core.ids import DocumentKey, TransferKey
from gateway.core.non_delivery import NonDelivery
from tests.contract.stores import LedgerStore
from tests.kit import rows


async def expired(store: LedgerStore, *names: str) -> list[NonDelivery]:
    """Transfers of one document that expired."""
    document = rows.document()
    made = [
        NonDelivery(
            transfer=TransferKey(name),
            document=document.key,
            expired_at=rows.later(n),
            attempts=n,
            last_tried_at=rows.later(n - 1) if n else None,
            last_reason="máy bận" if n else "",
        )
        for n, name in enumerate(names)
    ]
    await store.transact(lambda uow: uow.documents.add(document))
    await store.transact(lambda uow: uow.transfers.add([rows.transfer(document, slip=rows.slip(one)) for one in names]))
    await store.transact(lambda uow: [uow.non_deliveries.add(one) for one in made])
    return made


async def told(store: LedgerStore, document: DocumentKey, after: str | None = None, limit: int = 9) -> list[str]:
    last = None if after is None else TransferKey(after)
    found = await store.read(lambda uow: uow.non_deliveries.after(document, last, limit))
    return [one.transfer for one in found]


async def test_what_expired_is_found_as_it_was_stored(store: LedgerStore) -> None:
    for one in await expired(store, "a", "b"):
        assert await store.read(lambda uow, one=one: uow.non_deliveries.find(one.transfer)) == one
    assert await store.read(lambda uow: uow.non_deliveries.find(TransferKey("nothing"))) is None


async def test_a_notice_is_kept_once_and_never_changes(store: LedgerStore) -> None:
    (one,) = await expired(store, "a")
    assert await store.transact(lambda uow: uow.non_deliveries.sign(one.transfer, b"notice", rows.later(9)))
    assert not await store.transact(lambda uow: uow.non_deliveries.sign(one.transfer, b"other", rows.later(10)))
    kept = await store.read(lambda uow: uow.non_deliveries.find(one.transfer))
    assert kept == replace(one, notice=b"notice", signed_at=rows.later(9))


async def test_only_signed_ones_are_told_page_by_page(store: LedgerStore) -> None:
    (first, *_) = await expired(store, "a", "b", "c", "d")
    for name in ("d", "a", "c"):
        await store.transact(lambda uow, name=name: uow.non_deliveries.sign(TransferKey(name), b"n", rows.NOW))
    assert await told(store, first.document) == ["a", "c", "d"]
    assert await told(store, first.document, limit=2) == ["a", "c"]
    assert await told(store, first.document, after="c") == ["d"]
    assert await told(store, DocumentKey("another")) == []


async def test_a_notice_is_not_stored_before_it_is_signed(store: LedgerStore) -> None:
    (one,) = await expired(store, "a")
    with pytest.raises(AssertionError):
        await store.transact(lambda uow: uow.non_deliveries.add(replace(one, notice=b"x", signed_at=rows.NOW)))
