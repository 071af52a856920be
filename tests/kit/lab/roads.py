"""F-08, F-09: what goes wrong between two gateways that are well."""

import asyncio
from collections import Counter

from tests.kit.lab.books import SIDES
from tests.kit.lab.fault import Done, Order, hurt
from tests.kit.lab.replay import Repeater
from tests.kit.lab.site import site
from tests.kit.lab.traffic import make_letter, offices, until_read

LOST_ANSWERS = 0.2


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
