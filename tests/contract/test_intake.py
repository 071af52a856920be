"""The promises of the port `Intake`: new documents are refused first, everything that writes last."""

from pathlib import Path

import pytest

from gateway.api import ALWAYS
from gateway.core.errors import SiteError
from gateway.core.ports import Intake
from gateway.storage import DiskThresholds, DiskWatch
from tests.kit.clock import ManualClock

BOUNDS = DiskThresholds(filling=0.85, full=0.92, read_only=0.97)


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
