"""The promises of `Interventions`, and of the work ledger where people have a hand in it."""

from dataclasses import replace

import pytest

from gateway.core.interventions import Action, Pause, Request
from gateway.core.ledgers import StaleStateError, UnitOfWork
from tests.contract.stores import LedgerStore
from tests.kit.rows import item, later

PAUSE = Pause(destination="a", by="hoa", reason="bảo trì", at=later(1))
ASKED = Request(action=Action.VOID, subject="x", by="hoa", reason="gửi nhầm", at=later(1))


async def test_a_pause_is_kept_until_it_is_lifted_and_the_first_one_stays(store: LedgerStore) -> None:
    assert await store.transact(lambda uow: uow.interventions.pause(PAUSE))
    assert not await store.transact(lambda uow: uow.interventions.pause(replace(PAUSE, by="minh")))
    assert await store.transact(lambda uow: uow.interventions.pause(replace(PAUSE, destination="A")))
    assert await store.read(lambda uow: uow.interventions.paused()) == (replace(PAUSE, destination="A"), PAUSE)
    assert await store.transact(lambda uow: uow.interventions.resume("a"))
    assert not await store.transact(lambda uow: uow.interventions.resume("a"))
    assert await store.read(lambda uow: uow.interventions.paused()) == (replace(PAUSE, destination="A"),)


async def test_nothing_is_claimed_for_a_paused_destination_and_nothing_due_there_wakes_anybody(
    store: LedgerStore,
) -> None:
    def unit(uow: UnitOfWork) -> None:
        uow.work.add(item("x", -5, destination="a"))
        uow.work.add(item("y", -4, destination="b"))
        uow.interventions.pause(PAUSE)

    await store.transact(unit)
    (claim,) = await store.transact(lambda uow: uow.work.claim(later(0), lease=60, windows={"a": 5}, limit=9))
    assert claim.item.subject == "y"
    assert await store.read(lambda uow: uow.work.next_due()) is None
    assert (await store.read(lambda uow: uow.work.workload(later(99)))).oldest == {claim.item.kind: later(-4)}
    await store.transact(lambda uow: uow.interventions.resume("a"))
    assert await store.read(lambda uow: uow.work.next_due()) == later(-5)
    (claim,) = await store.transact(lambda uow: uow.work.claim(later(0), lease=60, windows={"a": 5}, limit=9))
    assert claim.item.subject == "x"


async def test_a_request_waits_once_for_each_action_and_subject(store: LedgerStore) -> None:
    newer = replace(ASKED, by="minh", at=later(5))
    other = replace(ASKED, subject="y", at=later(2))
    for request in (ASKED, newer, other):
        await store.transact(lambda uow, one=request: uow.interventions.ask(one))
    assert await store.read(lambda uow: uow.interventions.asked(Action.VOID, ["y", "x", "z"])) == (newer, other)
    assert await store.read(lambda uow: uow.interventions.asked(Action.VOID, [])) == ()
    assert await store.read(lambda uow: uow.interventions.pending(9)) == (newer, other)
    assert await store.read(lambda uow: uow.interventions.pending(1)) == (newer,)
    await store.transact(lambda uow: uow.interventions.settle(Action.VOID, "x"))
    assert await store.read(lambda uow: uow.interventions.pending(9)) == (other,)


async def test_what_is_withdrawn_is_gone_with_its_dead_letters(store: LedgerStore) -> None:
    await store.transact(lambda uow: uow.work.add(item("x")))
    (claim,) = await store.transact(lambda uow: uow.work.claim(later(0), lease=60, windows={}, limit=1))
    await store.transact(lambda uow: uow.work.bury(claim, "why", later(1)))
    await store.transact(lambda uow: uow.work.withdraw(item("x"), later(1)))
    assert await store.read(lambda uow: uow.work.dead(10)) == ()
    await store.transact(lambda uow: uow.work.add(item("x", 50)))
    await store.transact(lambda uow: uow.work.withdraw(item("x"), later(1)))
    assert await store.read(lambda uow: uow.work.queued(None, 10)) == ()


async def test_nothing_is_withdrawn_from_under_the_hands_of_whoever_works_on_it(store: LedgerStore) -> None:
    await store.transact(lambda uow: uow.work.add(item("x")))
    await store.transact(lambda uow: uow.work.claim(later(0), lease=60, windows={}, limit=1))
    with pytest.raises(StaleStateError):
        await store.transact(lambda uow: uow.work.withdraw(item("x"), later(59)))
    assert len(await store.read(lambda uow: uow.work.queued(None, 10))) == 1
    await store.transact(lambda uow: uow.work.withdraw(item("x"), later(60)))
    assert await store.read(lambda uow: uow.work.queued(None, 10)) == ()
