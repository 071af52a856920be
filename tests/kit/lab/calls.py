"""F-12: a system call of a gateway fails while it takes documents in and carries them.

strace is attached to a gateway that runs, makes one call of each of its threads fail, and is taken off again; the letters of
that run are handed in until somebody says yes. Then the gateway is killed, if it has not ended by itself, which it must when
a sync has failed. What was acknowledged must be there in the end, whatever the call was.
"""

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.kit.lab.fault import Done, MissingError, Order, hurt
from tests.kit.lab.site import Site, site
from tests.kit.lab.traffic import Letter, make_letter, offices, until_read

SIDE = "party"
INJECTED = b"(INJECTED)"
SYNCS = ("fsync", "fdatasync")
ATTACH_SECONDS = 10.0
SICK_SECONDS = 4.0
"""So long the letters of a run have, before the gateway is killed under them."""
END_SECONDS = 5.0
FATAL = frozenset({70, 74, 75})
"""How a gateway ends that cannot go on: a fault of ours, its disk, its disk again within the hour. We start it again."""
OFF_SECONDS = 2.0
HAPPENED_MIN = 0.7
"""Of the runs so many must have had their failure: which calls a gateway makes depends on what it is doing."""


@dataclass(frozen=True)
class Injection:
    """The `when`-th call of each thread, and no other."""

    call: str
    error: str
    when: int = 1

    @property
    def option(self) -> str:
        return f"inject={self.call}:error={self.error}:when={self.when}"

    def __str__(self) -> str:
        return f"{self.call}-{self.error}-{self.when}"


INJECTIONS = (
    Injection("fdatasync", "EIO", 1),
    Injection("fdatasync", "EIO", 2),
    Injection("fdatasync", "EIO", 5),
    Injection("fdatasync", "ENOSPC", 3),
    Injection("fsync", "EIO", 1),
    Injection("fsync", "EIO", 2),
    Injection("fsync", "EIO", 3),
    Injection("fsync", "ENOSPC", 1),
    Injection("pwrite64", "EIO", 2),
    Injection("pwrite64", "EIO", 31),
    Injection("pwrite64", "ENOSPC", 3),
    Injection("pwrite64", "ENOSPC", 64),
    Injection("write", "ENOSPC", 1),
    Injection("write", "EIO", 2),
    Injection("openat", "EMFILE", 1),
    Injection("openat", "ENOSPC", 2),
    Injection("openat", "EIO", 3),
    Injection("rename", "EIO", 1),
    Injection("rename", "ENOSPC", 1),
    Injection("unlink", "EIO", 1),
    Injection("sendto", "ECONNRESET", 3),
    Injection("accept4", "EMFILE", 1),
    Injection("mmap", "ENOMEM", 1),
)
"""A sample of what one accept and one delivery call (strace counts by thread)."""


async def failing_calls(order: Order) -> Done:
    """Each injection in turn; afterwards nothing fails any more, and everything must come to rest."""
    if shutil.which("strace") is None:
        raise MissingError("strace is not installed")
    injected, wrong = Counter[str](), list[str]()
    async with site(order.folder, seed=order.seed) as made:
        letters = _both_ways(made, order.seed)
        async with made.gateways, offices(made, order.seed) as traffic:
            traffic.patient = True
            for injection in _as_many(order.documents // 2):
                told = order.folder / f"{injection}.strace"
                async with asyncio.TaskGroup() as group:
                    async with _failing(made, injection, told) as process:
                        handed = group.create_task(traffic.run([next(letters), next(letters)]))
                        await asyncio.wait({handed}, timeout=SICK_SECONDS)
                    failed = _failed(told)
                    injected[str(injection)] += len(failed)
                    wrong += await _ended(made, process, injection, failed)
                    await _again(made)
            await made.rest()
            await until_read(made, traffic)
    happened = sum(map(bool, injected.values()))
    hurt(happened >= HAPPENED_MIN * len(injected), f"calls that failed: {dict(injected)}")
    notes = {"calls that failed": sum(injected.values()), "of kinds": happened, "ended by itself": made.ends}
    return Done(kills=made.kills, notes=notes, wrong=wrong)


def _as_many(runs: int) -> Iterator[Injection]:
    """The sample, from its beginning, as often as it takes."""
    for number in range(runs):
        yield INJECTIONS[number % len(INJECTIONS)]


def _both_ways(made: Site, seed: int) -> Iterator[Letter]:
    """One that this side takes in, one that comes to it, and so on."""
    waiting: dict[bool, list[Letter]] = {True: [], False: []}
    turn = True
    for number in count(1):
        letter = make_letter(made, seed, number)
        waiting[letter.sender == made.offices[0]].append(letter)
        while waiting[turn]:
            yield waiting[turn].pop(0)
            turn = not turn


@asynccontextmanager
async def _failing(made: Site, injection: Injection, told: Path) -> AsyncIterator[Process]:
    """strace upon the running gateway; it is off at the end."""
    process, pid = made.gateways.process(SIDE), made.gateways.pids[SIDE]
    options = ("-f", "-y", "-p", str(pid), "-o", str(told), "-e", f"trace={injection.call}", "-e", injection.option)
    strace = await asyncio.create_subprocess_exec("strace", *options, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
    assert strace.stderr
    try:
        async with asyncio.timeout(ATTACH_SECONDS):
            said = await strace.stderr.readline()
        if b"attached" not in said:
            raise MissingError(f"strace may not attach here: {said.decode(errors='replace').strip()}")
        yield process
    finally:
        await _off(strace)


async def _off(strace: Process) -> None:
    """Take it off. One that waits for threads which are gone for good is killed, and lets go of everything by that."""
    for how in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(strace.pid, how)
        with suppress(TimeoutError):
            await asyncio.wait_for(strace.communicate(), OFF_SECONDS)
            return


def _failed(told: Path) -> list[bytes]:
    """Every call that was made to fail, as strace tells it."""
    return [line for line in told.read_bytes().splitlines() if INJECTED in line]


async def _ended(made: Site, process: Process, injection: Injection, failed: list[bytes]) -> list[str]:
    """Whoever could not sync must have ended by itself, at once, and said why by its status."""
    must = injection.call in SYNCS and injection.error == "EIO" and bool(failed)
    if must:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), END_SECONDS)
    ended = process.returncode is not None
    made.ends += ended
    if must and not ended:
        return [f"{injection}: a sync failed, and the gateway goes on: {failed[0].decode(errors='replace')}"]
    if ended and process.returncode not in FATAL:
        return [f"{injection}: the gateway ended with status {process.returncode}"]
    return []


async def _again(made: Site) -> None:
    """Kill it, if it still runs, and start it."""
    if not made.gateways.has_ended(SIDE):
        made.gateways.kill(SIDE)
        made.kills += 1
    await made.gateways.start(SIDE)
    await made.gateways.ready(SIDE)
