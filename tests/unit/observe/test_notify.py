"""What the service manager is told, over a real datagram socket."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.core.metrics import CPU_SECONDS, PROCESSES, RESIDENT_BYTES
from gateway.observe import ServiceManager, process_readings
from tests.kit.clock import ManualClock


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.setblocking(False)
        yield heard


def told(heard: socket.socket) -> list[str]:
    lines = []
    with suppress(BlockingIOError):
        while True:
            lines.append(heard.recv(4_096).decode())
    return lines


def test_lines_arrive_in_one_datagram(manager: socket.socket) -> None:
    ours = ServiceManager({"NOTIFY_SOCKET": manager.getsockname()}, clock=ManualClock())
    ours.tell("READY=1", "STATUS=sẵn sàng")
    ours.tell("STOPPING=1")
    assert told(manager) == ["READY=1\nSTATUS=sẵn sàng", "STOPPING=1"]


def test_a_reload_says_when_it_began(manager: socket.socket) -> None:
    clock = ManualClock()
    clock.advance(12.5)
    ServiceManager({"NOTIFY_SOCKET": manager.getsockname()}, clock=clock).reloading()
    assert told(manager) == ["RELOADING=1\nMONOTONIC_USEC=12500000"]


def test_an_abstract_address_begins_with_an_at() -> None:
    name = f"gateway-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0" + name)
        heard.setblocking(False)
        ServiceManager({"NOTIFY_SOCKET": "@" + name}, clock=ManualClock()).tell("READY=1")
        assert told(heard) == ["READY=1"]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/no/such"}, {"NOTIFY_SOCKET": "x"}])
def test_where_nobody_listens_nothing_happens(environ: dict[str, str]) -> None:
    ServiceManager(environ, clock=ManualClock()).tell("READY=1")


async def test_the_watchdog_is_told_twice_in_each_period(manager: socket.socket) -> None:
    clock = ManualClock()
    environ = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "20000000"}
    alive = asyncio.create_task(ServiceManager(environ, clock=clock).keep_alive())
    while clock.monotonic() < 100:
        await asyncio.sleep(0)
    alive.cancel()
    with suppress(asyncio.CancelledError):
        await alive
    beats = told(manager)
    assert set(beats) == {"WATCHDOG=1"}
    assert 10 <= len(beats) <= 12


async def test_without_a_watchdog_nobody_is_told() -> None:
    await ServiceManager({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "soon"}, clock=ManualClock()).keep_alive()


def test_the_kernel_s_counts_of_processes_that_are_there() -> None:
    readings = process_readings({"us": lambda: (os.getpid(),), "gone": lambda: (2**22 + 1,)})
    found = {(reading.metric, *reading.labels): reading.value for reading in readings}
    assert (found[PROCESSES, "us"], found[PROCESSES, "gone"]) == (1, 0)
    assert found[RESIDENT_BYTES, "us"] > 10_000_000
    assert 0 < found[CPU_SECONDS, "us"] < 10_000
    assert found[CPU_SECONDS, "gone"] == 0
