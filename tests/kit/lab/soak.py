"""F-30: everything together, for a length of time: traffic without a pause, and one misfortune after the other.

The government's gateway is killed, the roads lose answers, cut, part and trickle, the party's disks fill and are widened, and
what was sent is said again. The party's gateway is not killed: over its life its memory must not grow.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from tests.kit.lab.books import SIDES
from tests.kit.lab.disks import SmallDisk, small_disks
from tests.kit.lab.fault import Done, Order, hurt
from tests.kit.lab.killer import kill
from tests.kit.lab.memory import MemoryWatch, slope_per_hour
from tests.kit.lab.proxy import Weather
from tests.kit.lab.replay import Repeater
from tests.kit.lab.site import NotAtRestError, Site, site
from tests.kit.lab.traffic import Letter, Traffic, make_letter, offices, until_read

KILLED = "government"
DISK_SIZE = "6g"
"""Room for the documents of hours, in memory. It is not filled, but made as small as what is in it."""
WATCHED_SECONDS = 1_800.0
"""A life shorter than this says nothing of growth: its slope is told, not judged."""
SLOPE_MAX = 12.0
"""MiB in an hour."""
KINDS_MIN = 5
REPEAT_SECONDS = 2.0
PACE_SECONDS = 0.2
"""36,000 letters in two hours: at full speed it were 110,000, and their check, which reads every file cold, took longer yet."""


@dataclass
class Soak:
    """What is being done, and how often it was."""

    made: Site
    disks: list[SmallDisk]
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)

    async def misfortunes(self, ended: Callable[[], bool]) -> None:
        """One after the other, in an order of chance, with a calm between them."""
        kinds: tuple[Callable[[], Awaitable[None]], ...] = (
            self.killing,
            self.killing,
            self.lost_answers,
            self.bad_roads,
            self.partition,
            self.full_disk,
        )
        while not ended():
            for misfortune in self.chance.sample(kinds, len(kinds)):
                if ended():
                    return
                self.counts[misfortune.__name__] += 1
                await misfortune()
                await asyncio.sleep(self.chance.uniform(1, 5))

    async def killing(self) -> None:
        for _ in range(self.chance.randint(1, 4)):
            await asyncio.sleep(self.chance.uniform(0.5, 2.0))
            await kill(self.made, KILLED)

    async def lost_answers(self) -> None:
        await self._weather(Weather(lose_answer=0.2))

    async def bad_roads(self) -> None:
        await self._weather(Weather(cut=0.2, reset=0.5, delay=0.2, trickle=0.05))

    async def _weather(self, weather: Weather) -> None:
        for proxy in self.made.proxies.values():
            proxy.weather = weather
        await asyncio.sleep(self.chance.uniform(5, 20))
        for proxy in self.made.proxies.values():
            proxy.weather = Weather()

    async def partition(self) -> None:
        sides = self.chance.choice([SIDES[:1], SIDES[1:], SIDES])
        seconds = self.chance.uniform(5, 30)
        await asyncio.gather(*(self.made.proxies[side].partition(seconds) for side in sides))

    async def full_disk(self) -> None:
        disk = self.chance.choice(self.disks[1:])  # that of data ends whom it meets in a commit: F-11 does that
        await asyncio.to_thread(disk.squeeze)
        await asyncio.sleep(self.chance.uniform(1, 5))
        await asyncio.to_thread(disk.widen, DISK_SIZE)


async def everything(order: Order) -> Done:
    """As long as the order says; then everything is mended, comes to rest and is checked."""
    end = time.monotonic() + 60 * order.minutes
    async with site(order.folder, seed=order.seed) as made, small_disks(made, DISK_SIZE) as disks:
        soak = Soak(made, disks, random.Random(order.seed))
        traffic_ended = asyncio.Event()
        async with made.gateways, offices(made, order.seed) as traffic, made.kept_running():
            traffic.patient = True
            async with MemoryWatch(lambda: made.gateways.pids, every=5.0) as memory, asyncio.TaskGroup() as group:
                group.create_task(soak.misfortunes(traffic_ended.is_set))
                repeater = Repeater(made, "party", order.seed, pause=REPEAT_SECONDS)
                group.create_task(_repeat(repeater, traffic_ended.is_set))
                await traffic.run(_until(made, order.seed, end), every=PACE_SECONDS)
                traffic_ended.set()
            await _rest(made, traffic)
    kinds = {**soak.counts, "repeated": sum(repeater.counts.values())}
    hurt(order.minutes < 5 or sum(map(bool, kinds.values())) >= KINDS_MIN, f"only {kinds}")
    life = memory.longest_life("party")
    slope = slope_per_hour(life)
    wrong = list(repeater.wrong)
    if life and life[-1][0] - life[0][0] >= WATCHED_SECONDS and slope > SLOPE_MAX:
        wrong.append(f"the party's gateway grows by {slope:.1f} MiB in an hour")
    notes: dict[str, object] = {"minutes": order.minutes, **kinds, "ended by itself": made.ends}
    notes |= {"MiB at most": {side: round(mib) for side, mib in memory.highest.items()}}
    hurt(2 * len(life) > len(memory.seen["party"]), "no life of the party's gateway is half as long as the run")
    return Done(kills=made.kills, wrong=wrong, notes=notes | {"MiB more in an hour": round(slope, 1)})


def _until(made: Site, seed: int, end: float) -> Iterator[Letter]:
    for number in count(1):
        if time.monotonic() >= end:
            return
        yield make_letter(made, seed, number)


async def _repeat(repeater: Repeater, ended: Callable[[], bool]) -> None:
    """By and by: where nobody can be reached, the next attempt is the lab's and no finding."""
    while not ended():
        with suppress(OSError):
            await repeater.run(ended)
        await asyncio.sleep(1)


async def _rest(made: Site, traffic: Traffic) -> None:
    """Hours of work may have been put off; what moves is waited for."""
    while True:
        left = await made.on_the_way()
        try:
            await made.rest(300)
            break
        except NotAtRestError:
            if await made.on_the_way() >= left:
                raise
    await until_read(made, traffic, 300)
