"""How the demo is told to end, and by whom it is not (`nohup`)."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.demo import run as demo_run
from gateway.demo.network import Network
from gateway.demo.processes import Gateways
from gateway.demo.world import DemoWorld

SETTLED_SECONDS = 0.1
"""In which a signal that is listened to has long been heard."""


@pytest.fixture(params=[signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def ignored(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """What whoever started us told us not to listen to."""
    number: signal.Signals = request.param
    before = signal.signal(number, signal.SIG_IGN)
    yield number
    signal.signal(number, before)


class OneEnds(Gateways):
    """A gateway ends by itself a little after that signal came."""

    def __init__(self, world: DemoWorld, number: signal.Signals) -> None:
        super().__init__(Network(folder=Path("demo"), world=world, sides={}, offices={}))
        self._number = number

    async def ended(self) -> tuple[str, int]:
        os.kill(os.getpid(), self._number)
        await asyncio.sleep(SETTLED_SECONDS)
        return "party", -signal.SIGKILL

    def log(self, name: str) -> Path:
        return Path(name)


async def test_a_signal_that_was_switched_off_does_not_end_the_demo(ignored: signal.Signals) -> None:
    """`nohup gateway demo` was ended by the hang-up all the same."""
    with demo_run._told_to_end() as told:
        assert signal.getsignal(ignored) is signal.SIG_IGN
        os.kill(os.getpid(), ignored)
        await asyncio.sleep(SETTLED_SECONDS)
    assert told == []
    assert signal.getsignal(ignored) is signal.SIG_IGN


async def test_nor_does_it_end_a_demo_that_stays_up(world: DemoWorld, ignored: signal.Signals) -> None:
    assert "SIGKILL" in await demo_run._until_interrupted(OneEnds(world, ignored))
    assert signal.getsignal(ignored) is signal.SIG_IGN


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
async def test_a_signal_that_is_listened_to_ends_both(world: DemoWorld, number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with demo_run._told_to_end():
            assert await demo_run._until_interrupted(OneEnds(world, number)) == ""
        assert await asyncio.create_task(_told_of(number)) == [number]
    finally:
        signal.signal(number, before)


async def _told_of(number: signal.Signals) -> list[int]:
    with demo_run._told_to_end() as told:
        os.kill(os.getpid(), number)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()
    return told
