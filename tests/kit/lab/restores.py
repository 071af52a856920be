"""F-17: a gateway is put back to what it was when a backup was taken in the middle of the traffic; the peers know more."""

import asyncio
import json
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable
from pathlib import Path

from tests.kit.lab.fault import Done, Order, hurt
from tests.kit.lab.site import NotAtRestError, Site, site
from tests.kit.lab.traffic import Letter, Traffic, make_letter, offices, until_read

SIDE = "government"
"""Whose bodies receive most: what is lost there, the other side believes delivered."""
BUSY_SHARE = 0.25
"""Of the letters so many are handed in before the backup, as many after it, and the rest after the restore."""


async def restored(order: Order) -> Done:
    """The backup is taken while letters flow; more flow; then the machine dies, and the backup is put back."""
    async with site(order.folder, seed=order.seed) as made:
        letters = [make_letter(made, order.seed, number) for number in range(1, order.documents + 1)]
        first, then, rest = _split(made, letters)
        backup = order.folder / "backup"
        async with made.gateways, offices(made, order.seed) as traffic:
            await traffic.run(first)
            await made.rest()  # what its own bodies hand in after the backup would be theirs alone to hand in again
            await _flowing(traffic, then, while_=gateway(made, "backup", "-o", str(backup)))
            await made.rest()
            await until_read(made, traffic)
            before = arrived(made)
            await put_back(made, SIDE, backup)
            lost = before - arrived(made)
            await _flowing(traffic, rest, while_=back_in_service(made, SIDE))
            await made.rest()
            await all_came_again(made, SIDE)
            await made.rest()
            await until_read(made, traffic)
        hurt(lost > 0, "nothing was lost that anybody believed delivered")
        named = made.books.rows(SIDE, "SELECT named, lost FROM resyncs")
        return Done(kills=made.kills, notes={"entries lost": lost, "transfers named, come again": list(named[0])})


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


async def gateway(made: Site, *line: str, side: str = SIDE) -> dict[str, object]:
    """A command of that gateway's operator, and what it says."""
    config = str(made.network.sides[side].config)
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "--json", *line, "--config", config, stdout=PIPE, stderr=PIPE
    )
    said, errors = await program.communicate()
    assert program.returncode == 0, errors.decode(errors="replace")[-2000:]
    answer: dict[str, object] = json.loads(said)
    return answer


async def put_back(made: Site, side: str, backup: Path) -> dict[str, object]:
    """The machine dies with its disk; the backup is put into a state folder that is new."""
    async with made.turn:
        made.gateways.kill(side)
        made.kills += 1
        await made.gateways.stop(side)
        state = made.state(side)
        await asyncio.to_thread(shutil.move, state, state.with_name("lost"))
        return await gateway(made, "restore", str(backup), side=side)


async def back_in_service(made: Site, side: str) -> None:
    """Started, killed in the middle of asking, and started again."""
    for _ in range(2):
        await made.gateways.start(side)
        await made.gateways.ready(side)
        await asyncio.sleep(0.5)
        made.gateways.kill(side)
        made.kills += 1
        await made.gateways.stop(side)
    await made.gateways.start(side)
    await made.gateways.ready(side)


async def all_came_again(made: Site, side: str, seconds: float = 240) -> None:
    """Every peer has been asked for everything, and all that was missing is there."""
    state: list[object] = []
    try:
        async with asyncio.timeout(seconds):
            while not state or any(one != ("done",) for one in state):
                await asyncio.sleep(0.2)
                state = made.books.rows(side, "SELECT state FROM resyncs")
    except TimeoutError:
        raise NotAtRestError(f"after {seconds:.0f} s the peers have been asked this far: {state}") from None
