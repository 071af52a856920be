"""F-06, F-07, F-08, F-09: what goes wrong between two gateways that are well."""

import asyncio
import random
from collections import Counter

from tests.kit.lab.books import SIDES
from tests.kit.lab.fault import Done, Order, hurt
from tests.kit.lab.proxy import Weather
from tests.kit.lab.replay import Repeater
from tests.kit.lab.site import site
from tests.kit.lab.traffic import make_letter, offices, until_read

LOST_ANSWERS = 0.2
COUNTED = ("lost_answers", "cuts", "resets", "trickles")


async def lost_answers(order: Order) -> Done:
    """F-08: every fifth answer to a transfer is swallowed after the other side has stored it."""
    async with site(order.folder, seed=order.seed) as made:
        letters = [make_letter(made, order.seed, number) for number in range(1, order.documents + 1)]
        async with made.gateways, offices(made, order.seed) as traffic:
            for proxy in made.proxies.values():
                proxy.weather.lose_answer = LOST_ANSWERS
            await traffic.run(letters)
            await made.rest()
            await until_read(made, traffic)
        lost = sum(proxy.counts.lost_answers for proxy in made.proxies.values())
        hurt(lost >= order.documents // 20, f"only {lost} answers were lost")
        return Done(notes={"answers lost": lost})


async def replays(order: Order) -> Done:
    """F-09: any of the last hundred transfers is said again, changed, and under another name, while requests are delayed."""
    async with site(order.folder, seed=order.seed) as made:
        letters = [make_letter(made, order.seed, number) for number in range(1, order.documents + 1)]
        async with made.gateways, offices(made, order.seed) as traffic:
            for proxy in made.proxies.values():
                proxy.weather.delay = 0.02  # requests overtake each other
            repeaters = [Repeater(made, side, order.seed) for side in SIDES]
            async with asyncio.TaskGroup() as group:
                for repeater in repeaters:
                    group.create_task(repeater.run(traffic.handed_in.is_set))
                await traffic.run(letters)
            await made.rest()
            await until_read(made, traffic)
        counts = sum((repeater.counts for repeater in repeaters), Counter[str]())
        wrong = [what for repeater in repeaters for what in repeater.wrong]
        hurt(counts["repeated Answered"] >= order.documents // 4, f"only {dict(counts)} were said again")
        return Done(notes=dict(counts), wrong=wrong)


async def partitions(order: Order) -> Done:
    """F-06: nobody gets through, in one direction or in both, for a few seconds, again and again."""
    chance, cuts = random.Random(order.seed), 0
    async with site(order.folder, seed=order.seed) as made:
        letters = [make_letter(made, order.seed, number) for number in range(1, order.documents + 1)]
        async with made.gateways, offices(made, order.seed) as traffic:

            async def cut() -> None:
                nonlocal cuts
                while not traffic.handed_in.is_set():
                    sides = chance.choice([SIDES[:1], SIDES[1:], SIDES])
                    seconds = chance.uniform(2, 8)
                    await asyncio.gather(*(made.proxies[side].partition(seconds) for side in sides))
                    cuts += 1
                    await asyncio.sleep(chance.uniform(1, 4))

            async with asyncio.TaskGroup() as group:
                group.create_task(cut())
                await traffic.run(letters)
            await made.rest()
            await until_read(made, traffic)
        refused = sum(proxy.counts.refused for proxy in made.proxies.values())
        hurt(cuts > 0 and refused > 0, f"{cuts} partitions, {refused} turned away")
        return Done(notes={"partitions": cuts, "connections turned away": refused})


async def bad_roads(order: Order) -> Done:
    """F-07: one conversation in ten is cut in the middle, half of those rudely; all wait; some trickle byte by byte."""
    async with site(order.folder, seed=order.seed) as made:
        letters = [make_letter(made, order.seed, number) for number in range(1, order.documents + 1)]
        async with made.gateways, offices(made, order.seed) as traffic:
            for proxy in made.proxies.values():
                proxy.weather = Weather(lose_answer=0.05, cut=0.2, reset=0.5, delay=0.3, trickle=0.05)
            await traffic.run(letters)
            await made.rest()
            await until_read(made, traffic)
        counts = [proxy.counts for proxy in made.proxies.values()]
        notes = {what: sum(getattr(count, what) for count in counts) for what in COUNTED}
        hurt(all(notes.values()), f"only {notes}")
        return Done(notes=notes)
