"""Whoever ends the lab ends all that it has started: gateways are sessions of their own, and would live on."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = "GATEWAY_FAULT_LAB"
"""In the environment of everything that a lab starts, with the lab's own process id."""
GUARDED = b"postgres"
"""Servers have a guard, which ends them and removes their files once we are gone."""


def mark_what_is_started() -> None:
    os.environ[MARK] = str(os.getpid())


def end_when_told(task: "asyncio.Task[object]") -> asyncio.Event:
    """SIGTERM ends every process at once, and then the task, which puts everything else away; whether it came."""
    told = asyncio.Event()

    def end() -> None:
        told.set()
        end_all()
        task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
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
