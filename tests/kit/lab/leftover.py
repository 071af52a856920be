"""Whoever ends the lab ends all that it has started: gateways are sessions of their own, and would live on."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from tests.kit.seeded.world import WORLDS, memory_folder

MARK = "GATEWAY_FAULT_LAB"
"""In the environment of everything that a lab starts, with the lab's own process id."""
ENDING = (signal.SIGTERM, signal.SIGINT)
GUARDED = b"postgres"
"""Servers have a guard, which ends them and removes their files once we are gone."""


def mark_what_is_started() -> None:
    os.environ[MARK] = str(os.getpid())


@contextmanager
def places_of_its_own() -> Iterator[None]:
    """Whoever is killed leaves his temporary files, on the disk and in memory: they go with the lab that started him.

    The lab's own stay where they are: it removes them itself, when it ends.
    """
    gettempdir()  # asked once, and kept
    disk = TemporaryDirectory(prefix="gateway-lab-", dir="/tmp", ignore_cleanup_errors=True)
    memory = TemporaryDirectory(prefix="gateway-lab-", dir=memory_folder(), ignore_cleanup_errors=True)
    with disk, memory:
        os.environ |= {"TMPDIR": disk.name, WORLDS: memory.name}
        yield


def end_when_told(task: "asyncio.Task[object]") -> asyncio.Event:
    """SIGTERM or Ctrl-C ends every process at once, then the task, which puts everything else away; whether it came.

    Once: `make` says it again, and whoever is interrupted while he puts things away leaves them.
    """
    told, loop = asyncio.Event(), asyncio.get_running_loop()

    def end() -> None:
        told.set()
        for number in ENDING:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
        end_all()
        task.cancel()

    for number in ENDING:
        loop.add_signal_handler(number, end)
    return told


def end_all() -> None:
    """Kill everything that this lab has started and that still runs."""
    for pid in started(os.getpid()):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def started(lab: int) -> Iterator[int]:
    """Process ids of what a lab has started."""
    mark = f"{MARK}={lab}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(lab):
            with suppress(OSError):
                marked = mark in (entry / "environ").read_bytes().split(b"\0")
                if marked and GUARDED not in (entry / "cmdline").read_bytes():
                    yield int(entry.name)
