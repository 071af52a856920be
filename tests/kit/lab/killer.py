"""kill -9, again and again, a while after each became ready."""

import asyncio
import random
from collections.abc import Callable

from tests.kit.lab.books import SIDES
from tests.kit.lab.site import Site

SOONEST, LATEST = 0.5, 2.0
"""Seconds after it became ready (reliability.md B4, F-01)."""


async def kill_until(site: Site, ended: Callable[[], bool], seed: int) -> None:
    """Both sides, each at its own moments, until `ended`; then both run."""
    async with asyncio.TaskGroup() as group:
        for number, side in enumerate(SIDES):
            group.create_task(_kill_one(site, side, ended, random.Random(seed + number)))


async def _kill_one(site: Site, side: str, ended: Callable[[], bool], chance: random.Random) -> None:
    while True:
        await asyncio.sleep(chance.uniform(SOONEST, LATEST))
        if ended():
            return
        await kill(site, side)


async def kill(site: Site, side: str) -> None:
    """One side, as a power cut would, and up again."""
    site.gateways.kill(side)
    site.kills += 1
    await site.gateways.start(side)
    await site.gateways.ready(side)
