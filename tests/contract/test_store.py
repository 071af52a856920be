"""The promises of the port `Store`."""

import asyncio
from dataclasses import dataclass, field
from typing import NoReturn

import pytest

from gateway.core.errors import SiteError
from gateway.core.events import TreeHead
from gateway.core.ledgers import UnitOfWork
from tests.contract.stores import LedgerStore
from tests.kit import rows


@dataclass
class Heard:
    """A commit listener that remembers."""

    heads: list[int] = field(default_factory=list)
    work: int = 0

    def committed(self, *, work_added: bool, head: TreeHead | None) -> None:
        self.work += work_added
        if head is not None:
            self.heads.append(head.size)


async def test_a_unit_returns_what_it_made_and_the_next_one_sees_it(store: LedgerStore) -> None:
    document = rows.document()
    assert await store.transact(lambda uow: (uow.documents.add(document), "made")[1]) == "made"
    assert await store.transact(lambda uow: uow.documents.find(document.key)) == document
    assert await store.read(lambda uow: uow.documents.find(document.key)) == document


async def test_a_unit_that_raises_leaves_nothing_and_its_own_error_comes_out(store: LedgerStore) -> None:
    def work(uow: UnitOfWork) -> NoReturn:
        uow.documents.add(rows.document())
        uow.log.append(rows.leaf())
        uow.work.add(rows.item("x"))
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await store.transact(work)
    assert await store.read(lambda uow: uow.documents.page(None, 10)) == ()
    assert await store.read(lambda uow: uow.log.openings(0, 10)) == ()
    assert await store.read(lambda uow: uow.work.next_due()) is None
    assert (await store.read(lambda uow: uow.log.head())).size == 0


async def test_a_unit_that_raises_stop_iteration_does_not_leave_its_caller_waiting(store: LedgerStore) -> None:
    for verb in (store.transact, store.read):
        with pytest.raises(RuntimeError):
            await asyncio.wait_for(verb(lambda _uow: next(iter(()))), 5)


async def test_the_failure_of_one_unit_does_not_undo_its_neighbours(store: LedgerStore) -> None:
    good = [rows.document() for _ in range(40)]

    def failing(uow: UnitOfWork) -> NoReturn:
        uow.documents.add(rows.document())
        raise LookupError

    results = await asyncio.gather(
        *(store.transact(lambda uow, d=d: uow.documents.add(d)) for d in good[:20]),
        store.transact(failing),
        *(store.transact(lambda uow, d=d: uow.documents.add(d)) for d in good[20:]),
        return_exceptions=True,
    )
    assert [type(result) for result in results if result is not None] == [LookupError]
    assert list(await store.read(lambda uow: uow.documents.page(None, 100))) == sorted(good, key=lambda d: d.key)


async def test_a_write_in_a_reading_unit_fails_and_stays_undone(store: LedgerStore) -> None:
    with pytest.raises(AssertionError):
        await store.read(lambda uow: uow.documents.add(rows.document()))
    with pytest.raises(AssertionError):
        await store.read(lambda uow: uow.log.append(rows.leaf()))
    assert await store.read(lambda uow: uow.documents.page(None, 10)) == ()
    document = rows.document()
    await store.transact(lambda uow: uow.documents.add(document))  # and the store still writes
    assert await store.read(lambda uow: uow.documents.find(document.key)) == document


async def test_a_broken_constraint_is_our_own_mistake_and_no_sql_error_escapes(store: LedgerStore) -> None:
    with pytest.raises(AssertionError):
        await store.transact(lambda uow: uow.documents.add_deliveries([rows.delivery(rows.document())]))


async def test_cancelling_the_caller_does_not_lose_the_unit(store: LedgerStore) -> None:
    document = rows.document()
    task = asyncio.create_task(store.transact(lambda uow: uow.documents.add(document)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(5):  # a store may run units beside each other: what comes later need not wait for it
        while await store.read(lambda uow: uow.documents.find(document.key)) is None:
            await asyncio.sleep(0.005)


async def test_leaves_are_sequenced_in_the_commit_that_left_them_and_the_listener_is_told(store: LedgerStore) -> None:
    heard = Heard()
    store.set_listener(heard)

    def work(uow: UnitOfWork) -> TreeHead:
        uow.log.append(rows.leaf())
        uow.log.append(rows.leaf())
        uow.work.add(rows.item("x"))
        return uow.log.head()

    assert (await store.transact(work)).size == 0  # the tree grows after the unit ...
    assert (await store.read(lambda uow: uow.log.head())).size == 2  # ... and before anybody is answered
    await store.transact(lambda uow: uow.work.add(rows.item("y")))
    await store.transact(lambda _uow: None)
    await store.close()
    assert heard == Heard(heads=[2], work=2)


async def test_closing_twice_is_harmless_and_a_closed_store_refuses(store: LedgerStore) -> None:
    store.check_room()
    await store.close()
    await store.close()
    with pytest.raises(SiteError, match=r"store\.busy"):
        store.check_room()
    with pytest.raises(SiteError, match=r"store\.busy"):
        await store.transact(lambda _uow: None)
    with pytest.raises(SiteError, match=r"store\.busy"):
        await store.read(lambda _uow: None)


async def test_closing_finishes_what_was_taken_in(store: LedgerStore) -> None:
    tasks = [asyncio.create_task(store.transact(lambda uow: uow.work.add(rows.item("x")))) for _ in range(200)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*tasks) == [None] * 200
