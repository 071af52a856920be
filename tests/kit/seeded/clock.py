"""The clock of one machine: the loop's time since the beginning, and whatever somebody set it wrong by."""

import asyncio
from datetime import datetime, timedelta

from tests.kit.seeded.materials import START
from tests.kit.simloop import SimLoop


class WorldClock:
    """The port `Clock` on a `SimLoop`. A step moves the wall clock; what is monotonic stays so."""

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop
        self.offset = timedelta()

    def now(self) -> datetime:
        return START + timedelta(seconds=self._loop.time()) + self.offset

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
