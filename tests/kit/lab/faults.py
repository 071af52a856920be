"""The table of faults (reliability.md B4), in the order in which they run."""

import asyncio
from collections import Counter

from tests.kit.lab.books import SIDES
from tests.kit.lab.fault import Done, Fault, Order, hurt
from tests.kit.lab.killer import kill_until
from tests.kit.lab.mutants import find_mutants
from tests.kit.lab.replay import Repeater
from tests.kit.lab.site import site
from tests.kit.lab.traffic import make_letter, offices, until_read

LOST_ANSWERS = 0.2


async def kill_nine(order: Order) -> Done:
    """F-01: both gateways are killed 0.5 to 2 s after each became ready, as long as anybody hands in."""
    async with site(order.folder, seed=order.seed) as made:
        letters = [make_letter(made, order.seed, number) for number in range(1, order.documents + 1)]
        async with made.gateways, offices(made, order.seed) as traffic:
            async with asyncio.TaskGroup() as group:
                group.create_task(traffic.run(letters))
                group.create_task(kill_until(made, traffic.handed_in.is_set, order.seed))
            await made.rest()
            await until_read(made, traffic)
        hurt(made.kills >= min(4, order.documents // 50), f"only {made.kills} kills")
        return Done(kills=made.kills)


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


async def planted_bugs(order: Order) -> Done:
    """F-28: the worlds of `tests/kit/seeded` with each mutant; and the checks of this lab with books that were spoilt."""
    caught, notes = await find_mutants()
    return Done(mutants=(sum(caught.values()), len(caught)), checked=False, notes=notes)


FAULTS: dict[str, Fault] = {
    fault.id: fault
    for fault in (
        Fault("F-01", "kill -9 of both gateways", kill_nine, 2_000, 10_000),
        Fault("F-08", "answers cut after delivery", lost_answers, 400, 5_000),
        Fault("F-09", "duplicates, reordering, replays", replays, 400, 5_000),
        Fault("F-28", "planted bugs", planted_bugs, 0, 0),
    )
}
