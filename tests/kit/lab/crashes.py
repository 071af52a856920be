"""F-01, F-03: processes that are killed, a database server that crashes."""

import asyncio
import random
from collections.abc import Callable

from tests.kit.lab.fault import Done, Order, hurt
from tests.kit.lab.killer import kill, kill_until
from tests.kit.lab.servers import durable_server
from tests.kit.lab.site import Site, site
from tests.kit.lab.traffic import Letter, Traffic, make_letter, offices, until_read
from tests.kit.postgres import PostgresServer

DATABASE_CRASHES_MIN = 3


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
        hurt(made.kills >= order.documents // 50, f"only {made.kills} kills")
        return Done(kills=made.kills)


async def database_crash(order: Order) -> Done:
    """F-03: both gateways on PostgreSQL; the server stops as after a power cut, and now and then a gateway with it."""
    server = await durable_server(order)
    async with site(order.folder, seed=order.seed, server=server) as made:
        letters = [make_letter(made, order.seed, number) for number in range(1, order.documents + 1)]
        async with made.gateways, offices(made, order.seed) as traffic:
            crashes = await _crash_while(made, server, traffic, order, letters=letters)
            await made.rest()
            await until_read(made, traffic)
        hurt(crashes >= DATABASE_CRASHES_MIN, f"only {crashes} crashes")
        return Done(kills=made.kills, notes={"crashes of the server": crashes})


async def _crash_while(
    made: Site, server: PostgresServer, traffic: Traffic, order: Order, *, letters: list[Letter]
) -> int:
    chance, crashes = random.Random(order.seed), 0

    async def crash(ended: Callable[[], bool]) -> None:
        nonlocal crashes
        while not ended():
            await asyncio.sleep(chance.uniform(0.5, 2.0))
            await asyncio.to_thread(server.crash)
            crashes += 1
            if crashes % 3 == 0:
                await kill(made, chance.choice(["party", "government"]))

    async with asyncio.TaskGroup() as group:
        group.create_task(traffic.run(letters))
        group.create_task(crash(traffic.handed_in.is_set))
    return crashes
