"""The promises of the port `Intake`: new documents are refused first, everything that writes last."""

from pathlib import Path

import pytest

from gateway.api import ALWAYS
from gateway.core.errors import GatewayError, SiteError
from gateway.core.ids import OrganId
from gateway.core.ledgers import UnitOfWork
from gateway.core.patience import STEPS_AGE_SECONDS_MAX
from gateway.core.ports import Intake
from gateway.core.work import WorkKind
from gateway.delivery import StepsWatch, steps_watch
from gateway.storage import DiskThresholds, DiskWatch
from tests.contract.stores import LedgerStore
from tests.kit import rows
from tests.kit.clock import ManualClock

BOUNDS = DiskThresholds(filling=0.85, full=0.92, read_only=0.97)


ONE, OTHER = OrganId("Z79.01"), OrganId("Z79.02")


async def hand_in(store: LedgerStore, sender: OrganId, count: int, *, due: float = 0) -> None:
    def unit(uow: UnitOfWork) -> None:
        for _ in range(count):
            document = rows.document(sender=sender)
            uow.documents.add(document)
            uow.work.add(rows.item(document.key, due, kind=WorkKind.DOCUMENT, destination=""))

    await store.transact(unit)


def refusal(watch: Intake, *organs: OrganId) -> str:
    try:
        watch.admit(document=True, organs=frozenset(organs))
    except GatewayError as error:
        return f"{error.facts.status} {error.code} {error.params['seconds']}"
    return ""


async def test_a_queue_that_is_too_long_takes_nothing_new_until_it_is_shorter(
    store: LedgerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps_watch, "STEPS_WAITING_MAX", 6)
    monkeypatch.setattr(steps_watch, "STEPS_WAITING_OF_ONE_MAX", 4)
    watch = StepsWatch(store=store, clock=ManualClock(rows.NOW))
    await watch.measure()
    assert refusal(watch, ONE) == ""
    await hand_in(store, ONE, 4)
    await watch.measure()
    assert refusal(watch, ONE) == "429 queue.share 30"
    assert refusal(watch, OTHER) == refusal(watch, ONE, OTHER) == ""
    await hand_in(store, OTHER, 2)
    await watch.measure()
    assert refusal(watch, OTHER) == "503 queue.full 30"
    watch.admit(document=False, organs=frozenset({ONE}))  # an answer to what is here is always taken
    claims = await store.transact(lambda uow: uow.work.claim(rows.NOW, lease=60, windows={}, limit=3))
    await store.transact(lambda uow: [uow.work.finish(one) for one in claims])
    await watch.measure()
    assert refusal(watch, ONE) == refusal(watch, OTHER) == ""


async def test_a_queue_whose_oldest_waits_too_long_takes_nothing_new(store: LedgerStore) -> None:
    watch = StepsWatch(store=store, clock=ManualClock(rows.NOW))
    await hand_in(store, ONE, 1, due=-STEPS_AGE_SECONDS_MAX)
    await watch.measure()
    assert refusal(watch, OTHER) == ""
    await hand_in(store, ONE, 1, due=-STEPS_AGE_SECONDS_MAX - 1)
    await watch.measure()
    assert refusal(watch, OTHER) == "503 queue.full 30"
    await store.transact(lambda uow: uow.work.claim(rows.NOW, lease=60, windows={}, limit=2))
    await watch.measure()
    assert refusal(watch, OTHER) == "", "what is being worked on does not wait"


async def at(used: float) -> Intake:
    watch = DiskWatch((Path("/"),), thresholds=BOUNDS, clock=ManualClock(), used=lambda _: used)
    await watch.measure()
    return watch


async def test_where_there_is_room_both_are_let_in() -> None:
    for intake in (ALWAYS, await at(0.0), await at(0.86)):
        intake.admit(document=True)
        intake.admit(document=False)


async def test_new_documents_are_refused_first() -> None:
    intake = await at(0.92)
    intake.admit(document=False)
    with pytest.raises(SiteError) as caught:
        intake.admit(document=True)
    assert (caught.value.code, caught.value.facts.retryable) == ("store.full", True)


async def test_everything_that_writes_is_refused_last() -> None:
    intake = await at(0.97)
    for document in (True, False):
        with pytest.raises(SiteError) as caught:
            intake.admit(document=document)
        assert caught.value.code == "store.full"
