"""F-17: a gateway is put back to what it was when a backup was taken in the middle of the traffic; the peers know more."""

import asyncio
import shutil
from collections.abc import Awaitable
from pathlib import Path

from tests.kit.lab.fault import Done, Order, hurt
from tests.kit.lab.servers import durable_server
from tests.kit.lab.site import NotAtRestError, Site, site
from tests.kit.lab.traffic import Letter, Traffic, make_letter, offices, until_read
from tests.kit.operator_line import gateway
from tests.kit.postgres import PostgresServer

SIDE = "government"
"""Whose bodies receive most: what is lost there, the other side believes delivered."""
BUSY_SHARE = 0.25
"""Of the letters so many are handed in before the backup, as many after it, and the rest after the restore."""


async def restored(order: Order) -> Done:
    """Both gateways on SQLite."""
    return await _restored(order, None)


async def restored_on_postgres(order: Order) -> Done:
    """Both on PostgreSQL."""
    return await _restored(order, await durable_server(order))


async def _restored(order: Order, server: PostgresServer | None) -> Done:
    """The backup is taken while letters flow; more flow; then the machine dies, and the backup is put back."""
    async with site(order.folder, seed=order.seed, server=server) as made:
        letters = [make_letter(made, order.seed, number) for number in range(1, order.documents + 1)]
        first, then, rest = _split(made, letters)
        backup = order.folder / "backup"
        async with made.gateways, offices(made, order.seed) as traffic:
            await traffic.run(first)
            await made.rest()  # what its own bodies hand in after the backup would be theirs alone to hand in again
            await _flowing(traffic, then, while_=operate(made, "backup", "-o", str(backup)))
            await made.rest()
            await until_read(made, traffic)
            before = arrived(made)
            await put_back(made, backup, server)
            lost = before - arrived(made)
            await _flowing(traffic, rest, while_=back_in_service(made))
            await made.rest()
            await all_came_again(made)
            await made.rest()
            await until_read(made, traffic)
        hurt(lost > 0, "nothing was lost that anybody believed delivered")
        named = made.books.rows(SIDE, "SELECT named, lost FROM resyncs")
        return Done(kills=made.kills, notes={"entries lost": lost, "transfers named, come again": [*named[0]]})


def _split(made: Site, letters: list[Letter]) -> tuple[list[Letter], list[Letter], list[Letter]]:
    """Before the backup and after the restore anybody writes; in between only whose gateway loses nothing."""
    share = round(len(letters) * BUSY_SHARE)
    between = [letter for letter in letters[share:] if made.books.hosts[letter.sender] != SIDE][: 2 * share]
    others = [letter for letter in letters[share:] if letter not in between]
    return letters[:share], between, others


async def _flowing(traffic: Traffic, letters: list[Letter], *, while_: Awaitable[object]) -> None:
    """Letters are handed in before, during and after something happens."""
    middle = len(letters) // 2
    async with asyncio.TaskGroup() as group:
        group.create_task(traffic.run(letters[:middle]))
        await asyncio.sleep(1.0)
        await while_
    await traffic.run(letters[middle:])


def arrived(made: Site) -> int:
    return int(made.books.rows(SIDE, "SELECT count(*) FROM inbox")[0][0])


async def operate(made: Site, *line: str) -> None:
    """A command of that gateway's operator, which must do what it says."""
    said = await gateway(made.network, SIDE, *line)
    assert said.code == 0, said.errors[-2000:]


async def put_back(made: Site, backup: Path, server: PostgresServer | None) -> None:
    """The machine dies with its disk, and its database; the backup is put into a state folder that is new."""
    async with made.turn:
        await made.gateways.end(SIDE)
        made.kills += 1
        state = made.state(SIDE)
        await asyncio.to_thread(shutil.move, state, state.with_name("lost"))
        if server is not None:
            await asyncio.to_thread(server.empty, made.books.databases[SIDE])
        await operate(made, "restore", str(backup))


async def back_in_service(made: Site) -> None:
    """Started, killed in the middle of asking, and started again."""
    for _ in range(2):
        await made.gateways.start(SIDE)
        await made.gateways.ready(SIDE)
        await asyncio.sleep(0.5)
        await made.gateways.end(SIDE)
        made.kills += 1
    await made.gateways.start(SIDE)
    await made.gateways.ready(SIDE)


async def all_came_again(made: Site, seconds: float = 240) -> None:
    """Every peer has been asked for everything, and all that was missing is there."""
    state: list[object] = []
    try:
        async with asyncio.timeout(seconds):
            while not state or any(one != ("done",) for one in state):
                await asyncio.sleep(0.2)
                state = await asyncio.to_thread(made.books.rows, SIDE, "SELECT state FROM resyncs")
    except TimeoutError:
        raise NotAtRestError(f"after {seconds:.0f} s the peers have been asked this far: {state}") from None
