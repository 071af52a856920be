"""The promises of the port `Scanner`: on ClamAV's real daemon over a unix socket and over TCP, and on the one of the tests."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.core.errors import SiteError
from gateway.core.ports import Scanner
from gateway.core.scanning import ScanResult
from gateway.malware import Clamd, parse_place
from gateway.observe import SystemClock
from tests.kit.scanner import MARKER, SIGNATURE, FakeScanner, needs_clamd, real_clamd

BYTES_MAX = 3_000_000
SECONDS = 30.0


@dataclass(frozen=True)
class World:
    """A scanner, and the ways to take it away and to bring it back."""

    scanner: Scanner
    away: Callable[[], None]
    back: Callable[[], None]


def client(url: str) -> Clamd:
    return Clamd(parse_place(url), seconds=SECONDS, bytes_max=BYTES_MAX, clock=SystemClock())


@contextmanager
def over_unix() -> Iterator[World]:
    with real_clamd() as daemon:
        yield World(client(f"unix:{daemon.socket}"), daemon.stop, daemon.start)


@contextmanager
def over_tcp() -> Iterator[World]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with real_clamd(f"TCPSocket {port}", "TCPAddr 127.0.0.1") as daemon:
        yield World(client(f"tcp://127.0.0.1:{port}"), daemon.stop, daemon.start)


@contextmanager
def of_the_tests() -> Iterator[World]:
    fake = FakeScanner(bytes_max=BYTES_MAX)
    yield World(fake, lambda: setattr(fake, "away", True), lambda: setattr(fake, "away", False))


@pytest.fixture(
    scope="module",
    params=[pytest.param(over_unix, marks=needs_clamd), pytest.param(over_tcp, marks=needs_clamd), of_the_tests],
)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with request.param() as made:
        yield made


def file(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("data", [b"", b"a", b"a" * 1_000_000], ids=["empty", "a byte", "many pieces"])
async def test_what_holds_nothing_bad_is_clean(world: World, tmp_path: Path, data: bytes) -> None:
    assert (await world.scanner.scan(file(tmp_path, data))).result is ScanResult.CLEAN


@pytest.mark.parametrize("before", [0, 300_000, 262_144 - 10], ids=["at once", "late", "across two pieces"])
async def test_malware_is_found_wherever_it_stands_and_named(world: World, tmp_path: Path, before: int) -> None:
    scan = await world.scanner.scan(file(tmp_path, b"x" * before + MARKER + b"y" * 1_000))
    assert scan.result is ScanResult.INFECTED
    assert scan.name.removesuffix(".UNOFFICIAL") == SIGNATURE


async def test_what_it_does_not_look_at_is_too_large_and_not_clean(world: World, tmp_path: Path) -> None:
    scan = await world.scanner.scan(file(tmp_path, b"x" * (BYTES_MAX + 1)))
    assert scan.result is ScanResult.TOO_LARGE
    assert scan.reason
    assert (await world.scanner.scan(file(tmp_path, b"x" * BYTES_MAX))).result is ScanResult.CLEAN


async def test_a_file_that_is_not_there_is_no_answer_of_the_scanner(world: World, tmp_path: Path) -> None:
    with pytest.raises(SiteError) as caught:
        await world.scanner.scan(tmp_path / "none")
    assert caught.value.code == "blob.damaged"


async def test_a_scanner_that_is_away_never_says_clean_and_comes_back_by_itself(world: World, tmp_path: Path) -> None:
    assert (await world.scanner.state()).answers
    world.away()
    try:
        scan = await world.scanner.scan(file(tmp_path, b"a"))
        assert (scan.result, bool(scan.reason)) == (ScanResult.AWAY, True)
        state = await world.scanner.state()
        assert (state.answers, bool(state.reason)) == (False, True)
    finally:
        world.back()
    assert (await world.scanner.state()).answers
    assert (await world.scanner.scan(file(tmp_path, b"a"))).result is ScanResult.CLEAN


@needs_clamd
async def test_what_clamd_itself_finds_too_large_is_so_however_it_says_it(tmp_path: Path) -> None:
    """Its own limits below ours: it hangs up in the middle, or looks at a part and says so (AlertExceedsMax)."""
    big = file(tmp_path, b"x" * 2_500_000)
    for limit, reason in (("StreamMaxLength 1M", "StreamMaxLength"), ("MaxFileSize 1M", "Heuristics.Limits.Exceeded")):
        with real_clamd(limit) as daemon:
            scan = await client(f"unix:{daemon.socket}").scan(big)
        assert scan.result is ScanResult.TOO_LARGE
        assert scan.reason.startswith(reason)
