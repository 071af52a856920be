"""The listening socket gives every address its share, before a byte was read; real sockets on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.access import Rate, Share, SharedListener, open_listener
from tests.kit.clock import ManualClock
from tests.kit.logs import caught_logs, logged_events
from tests.kit.rate_limits import WIDE

HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


@asynccontextmanager
async def listening(
    *, clock: ManualClock | None = None, share: int = 100, total: int = 100, arrivals: Rate = WIDE
) -> AsyncIterator[SharedListener]:
    """An echo server."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    bounds = Share(open=share, arrivals=arrivals, total=total)
    listener = open_listener(HERE, 0, share=bounds, clock=clock or ManualClock())
    server = await asyncio.start_server(echo, sock=listener)
    yield listener
    server.close()


class Caller:
    """Connects from an address; `close` leaves."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def admitted(self, source: str = HERE) -> bool:
        reader, writer = await asyncio.open_connection(HERE, self._port, local_addr=(source, 0))
        self._writers.append(writer)
        try:
            writer.write(b"x")
            return await reader.read(1) == b"x"
        except ConnectionError:
            return False

    async def leave(self) -> None:
        for writer in self._writers:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        self._writers.clear()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.01)


async def test_one_address_has_its_share_and_the_others_theirs() -> None:
    async with listening(share=3) as listener:
        caller = Caller(listener.getsockname()[1])
        assert [await caller.admitted() for _ in range(6)] == [True] * 3 + [False] * 3
        assert [await caller.admitted(ELSEWHERE) for _ in range(4)] == [True] * 3 + [False]
        await caller.leave()


async def test_a_place_is_free_again_when_a_connection_has_ended() -> None:
    async with listening(share=2) as listener:
        caller = Caller(listener.getsockname()[1])
        for _ in range(3):
            assert [await caller.admitted() for _ in range(3)] == [True, True, False]
            await caller.leave()
            await until(lambda: listener._count == 0)
        assert not listener._open, "nothing is kept of who has gone"


async def test_all_addresses_together_have_a_bound_too() -> None:
    async with listening(share=3, total=4) as listener:
        caller = Caller(listener.getsockname()[1])
        found = [await caller.admitted(f"127.0.0.{n}") for n in range(1, 7)]
        assert found == [True] * 4 + [False] * 2
        await caller.leave()


async def test_a_flood_is_one_line_in_the_log() -> None:
    with caught_logs() as stream:
        async with listening(share=1) as listener:
            caller = Caller(listener.getsockname()[1])
            for _ in range(20):
                await caller.admitted()
            await caller.leave()
    assert [line["address"] for line in logged_events(stream) if line["event"] == "listener.full"] == [HERE]


async def test_connections_that_say_nothing_count_from_the_first_moment() -> None:
    """Bare TCP connections: no protocol has seen them yet, and they take places all the same."""
    async with listening(share=2) as listener:
        address = listener.getsockname()
        bare = [socket.create_connection(address) for _ in range(2)]
        await until(lambda: listener._count == 2)
        caller = Caller(address[1])
        assert not await caller.admitted()
        assert await caller.admitted(ELSEWHERE)
        for one in bare:
            one.close()
        await until(lambda: listener._count == 1)
        assert await caller.admitted()
        await caller.leave()


def test_a_connection_gives_its_place_back_once_however_it_ends() -> None:
    listener = open_listener(HERE, 0, share=Share(), clock=ManualClock())
    listener.listen()
    listener.setblocking(True)
    for _ in range(2):
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            assert listener._count == 1
            accepted.close()
            accepted.close()
            assert listener._count == 0
    with socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        del accepted
        assert listener._count == 0
    listener.close()


def test_an_address_that_is_taken_or_is_none_is_an_error() -> None:
    with open_listener(HERE, 0, share=Share(), clock=ManualClock()) as taken:
        taken.listen()
        for host, port in ((HERE, taken.getsockname()[1]), ("192.0.2.1", 0)):
            with pytest.raises(OSError):
                open_listener(host, port, share=Share(), clock=ManualClock())


def test_ipv6_is_listened_on_alone() -> None:
    with open_listener("::1", 0, share=Share(), clock=ManualClock()) as listener:
        assert listener.family is socket.AF_INET6
        assert listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1


async def test_new_connections_come_at_a_rate_even_when_the_old_ones_have_gone() -> None:
    clock = ManualClock()
    async with listening(clock=clock, arrivals=Rate(per_minute=60, burst=3)) as listener:
        caller = Caller(listener.getsockname()[1])
        for _ in range(3):
            assert await caller.admitted()
            await caller.leave()
        assert not await caller.admitted()
        assert await caller.admitted(ELSEWHERE)
        clock.advance(1)
        assert [await caller.admitted() for _ in range(2)] == [True, False]
        await caller.leave()
