"""F-01, F-03, F-12: processes that are killed, a database server that crashes, system calls that fail."""

import asyncio
import random
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.kit.lab.fault import Done, MissingError, Order, hurt
from tests.kit.lab.killer import kill, kill_until
from tests.kit.lab.site import Site, site
from tests.kit.lab.traffic import Letter, Traffic, make_letter, offices, until_read
from tests.kit.postgres import PostgresServer

DATABASE_CRASHES_MIN = 3
INJECTIONS = (
    ("fsync", "EIO", 2),
    ("fdatasync", "EIO", 2),
    ("fdatasync", "ENOSPC", 5),
    ("pwrite64", "ENOSPC", 7),
    ("pwrite64", "EIO", 5),
    ("write", "ENOSPC", 20),
    ("openat", "EMFILE", 30),
    ("rename", "EIO", 1),
    ("ftruncate", "EIO", 1),
    ("unlink", "EIO", 1),
    ("sendto", "ECONNRESET", 9),
    ("accept4", "EMFILE", 2),
    ("mmap", "ENOMEM", 40),
)
"""System call, error, and at which call of each thread (strace counts by thread), and again after as many more."""
LETTERS_EACH = 6
SICK_SECONDS = 12.0
INJECTED_MIN = 9
"""Of those calls so many must really have failed: which ones a gateway makes depends on what it is doing."""


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


def durable_server() -> PostgresServer:
    """With fsync, for it will be crashed."""
    try:
        return PostgresServer(durable=True)
    except pytest.skip.Exception as skipped:
        raise MissingError(str(skipped)) from None


async def database_crash(order: Order) -> Done:
    """F-03: both gateways on PostgreSQL; the server stops as after a power cut, and now and then a gateway with it."""
    server = await asyncio.to_thread(durable_server)
    try:
        async with site(order.folder, seed=order.seed, server=server) as made:
            letters = [make_letter(made, order.seed, number) for number in range(1, order.documents + 1)]
            async with made.gateways, offices(made, order.seed) as traffic:
                crashes = await _crash_while(made, server, traffic, order, letters=letters)
                await made.rest()
                await until_read(made, traffic)
            hurt(crashes >= DATABASE_CRASHES_MIN, f"only {crashes} crashes")
            done = Done(kills=made.kills, notes={"crashes of the server": crashes})
            done.close = lambda: asyncio.to_thread(server.stop)
            return done
    except BaseException:
        await asyncio.to_thread(server.stop)
        raise


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


async def failing_calls(order: Order) -> Done:
    """F-12: one system call of the sender's gateway fails, another one in each run; then it is killed and runs undisturbed."""
    strace = shutil.which("strace")
    if strace is None:
        raise MissingError("strace is not installed")
    async with site(order.folder, seed=order.seed) as made:
        letters = (make_letter(made, order.seed, number) for number in count(1))
        failed: dict[tuple[str, str], int] = {}
        async with made.gateways, offices(made, order.seed) as traffic, made.kept_running():
            traffic.patient = True
            for call, error, when in INJECTIONS:
                await made.gateways.stop("party")
                inject = f"inject={call}:error={error}:when={when}+{when}"
                # -D: the gateway stays our child, so that a kill meets it and not strace
                told = order.folder / f"{call}-{error}-{when}.strace"
                options = ("-D", "-f", "-qq", "-o", str(told), "--seccomp-bpf", "-e", f"trace={call}", "-e", inject)
                made.gateways.under["party"] = (strace, *options)
                await made.gateways.start("party")
                async with asyncio.TaskGroup() as group:
                    handed = group.create_task(traffic.run([next(letters) for _ in range(LETTERS_EACH)]))
                    await asyncio.wait({handed}, timeout=SICK_SECONDS)
                    made.gateways.under.clear()
                    await kill(made, "party")
                failed[call, error] = await asyncio.to_thread(_injected, told)
            await made.rest()
            await until_read(made, traffic)
        hurt(sum(map(bool, failed.values())) >= INJECTED_MIN, f"calls that failed: {failed}")
        return Done(kills=made.kills, notes={"calls that failed": sum(failed.values()), "ended by itself": made.ends})


def _injected(told: Path) -> int:
    """How many calls strace made to fail."""
    return told.read_bytes().count(b"(INJECTED)") if told.exists() else 0
