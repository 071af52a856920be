"""kill -9, again and again, a while after each became ready."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

from tests.kit.lab.books import SIDES
from tests.kit.lab.site import Site

SOONEST, LATEST = 0.5, 2.0
"""Seconds after it became ready (reliability.md B4, F-01)."""
PROGRESS = 30
"""So many deliveries must have ended between two kills of one side: where a start takes ten seconds, the two would otherwise
never be alive together, and the lab would test nothing but starting."""


async def kill_until(site: Site, ended: Callable[[], bool], seed: int) -> None:
    """Both sides, each at its own moments, until `ended`; then both run."""
    async with asyncio.TaskGroup() as group:
        for number, side in enumerate(SIDES):
            group.create_task(_kill_one(site, side, ended, random.Random(seed + number)))


async def _kill_one(site: Site, side: str, ended: Callable[[], bool], chance: random.Random) -> None:
    last = 0
    while True:
        await asyncio.sleep(chance.uniform(SOONEST, LATEST))
        while not ended() and (now := await site.finished()) < last + PROGRESS:
            await asyncio.sleep(0.1)
        if ended():
            return
        last = now
        await kill(site, side)


async def kill(site: Site, side: str) -> None:
    """One side, as a power cut would, and up again."""
    async with site.turn:
        with suppress(ProcessLookupError):  # it has just ended by itself
            site.gateways.kill(side)
        site.kills += 1
        await site.gateways.start(side)
    await site.gateways.ready(side)
