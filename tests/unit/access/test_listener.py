"""The listening socket counts every connection before a byte was read; real sockets on loopback."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.access import Rate, Share, SharedListener, open_listener
from gateway.access.listener import RELIEF
from gateway.access.places import Place, Places
from gateway.http.acceptor import Acceptor
from tests.kit.clock import ManualClock
from tests.kit.logs import caught_logs, logged_events
from tests.kit.rate_limits import WIDE

HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


class Echo(asyncio.Protocol):
    """Says what it hears; `=name` is a good credential of that name, `!` one that is not good any more."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._place.cut_by(transport.abort)

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"="):
            self._place.known(data[1:].decode())
        if data == b"!":
            self._place.unknown()
        self._transport.write(data)


@asynccontextmanager
async def listening(
    *, clock: ManualClock | None = None, count: Callable[[str], object] = str, **share: object
) -> AsyncIterator[SharedListener]:
    """An echo server."""
    bounds = Share(**{"arrivals": WIDE, **share})  # type: ignore[arg-type]
    listener = open_listener(HERE, 0, share=bounds, clock=clock or ManualClock(), count=count)
    acceptor = Acceptor(listener, Echo, ssl_context=None)
    acceptor.start()
    try:
        yield listener
    finally:
        acceptor.close()
        while CALLERS:
            await CALLERS.pop().leave()


class Caller:
    """Connects from an address."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        CALLERS.append(self)

    @classmethod
    async def at(cls, listener: SharedListener, source: str = HERE) -> "Caller":
        port = listener.getsockname()[1]
        caller = cls(*await asyncio.open_connection(HERE, port, local_addr=(source, 0)))
        await caller.says()
        return caller

    async def says(self, what: bytes = b"x") -> bool:
        """Whether it is heard."""
        try:
            self._writer.write(what)
            async with asyncio.timeout(5):
                return await self._reader.read(100) == what
        except ConnectionError:
            return False

    async def leave(self) -> None:
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


CALLERS: list[Caller] = []


async def heard(callers: list[Caller]) -> list[bool]:
    return [await caller.says() for caller in callers]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.01)


async def test_one_address_has_its_share_and_its_oldest_goes() -> None:
    async with listening(open=3) as listener:
        here = [await Caller.at(listener) for _ in range(5)]
        there = [await Caller.at(listener, ELSEWHERE) for _ in range(3)]
        assert await heard(here) == [False, False, True, True, True]
        assert await heard(there) == [True] * 3
        assert len(listener.places) == 6


async def test_all_strangers_together_have_a_bound_and_the_oldest_goes() -> None:
    async with listening(open=3, strangers=4) as listener:
        callers = [await Caller.at(listener, f"127.0.0.{n}") for n in range(1, 7)]
        assert await heard(callers) == [False] * 2 + [True] * 4


async def test_who_has_shown_something_good_is_not_touched() -> None:
    """504 connections from 8 addresses had shut every office out: its own, and each one that it wanted to open."""
    async with listening(open=63, strangers=500) as listener:
        office = await Caller.at(listener)
        assert await office.says(b"=office")
        for n in range(504):
            await Caller.at(listener, f"127.0.1.{n % 8}")
        assert await office.says()
        another = await Caller.at(listener)
        assert await another.says(b"=office")
        assert (listener.places.strangers, len(listener.places)) == (499, 501)


async def test_beyond_its_share_a_principal_is_served_among_the_strangers() -> None:
    async with listening(open=2, per_principal=2, known=3) as listener:
        first, second, third = [await Caller.at(listener, f"127.0.0.{n}") for n in (1, 2, 3)]
        assert [await one.says(b"=office") for one in (first, second, third)] == [True] * 3
        assert listener.places.strangers == 1, "the third is known, too, but it is one too many"
        for _ in range(2):
            await Caller.at(listener, "127.0.0.3")
        assert await heard([first, second, third]) == [True, True, False]
        others = [await Caller.at(listener, f"127.0.0.{n}") for n in (4, 5)]
        assert [await one.says(b"=%d" % n) for n, one in enumerate(others)] == [True, True]
        assert listener.places.strangers == 3, "three are known, and no more in all"
        await first.leave()
        await until(lambda: len(listener.places) == 5)
        assert await others[1].says(b"=1")
        assert listener.places.strangers == 2, "what has become free is taken at the next request"


async def test_what_is_not_good_any_more_is_a_stranger_again() -> None:
    async with listening(open=1) as listener:
        caller = await Caller.at(listener)
        assert await caller.says(b"=office")
        assert await caller.says(b"!")
        await Caller.at(listener)
        assert not await caller.says()


async def test_a_place_is_free_again_when_a_connection_has_ended() -> None:
    async with listening(open=2) as listener:
        for _ in range(3):
            callers = [await Caller.at(listener) for _ in range(2)]
            assert await heard(callers) == [True, True]
            assert await callers[0].says(b"=office")
            for caller in callers:
                await caller.leave()
            await until(lambda: len(listener.places) == 0)
        places = listener.places
        assert (places._by_address, places._by_name) == ({}, {}), "nothing is kept of who has gone"


async def test_a_flood_is_one_line_a_minute_and_counted() -> None:
    clock, counted = ManualClock(), list[str]()
    with caught_logs() as stream:
        async with listening(clock=clock, open=1, count=counted.append) as listener:
            for _ in range(20):
                await Caller.at(listener)
            clock.advance(60)
            await Caller.at(listener)
    lines = [line for line in logged_events(stream) if line["event"] == "listener.full"]
    assert [(line["reason"], line["last"], line["closed"]) for line in lines] == [
        ("address", HERE, 1),
        ("address", HERE, 19),
    ]
    assert counted == ["address"] * 20


async def test_connections_that_say_nothing_count_from_the_first_moment() -> None:
    """Bare TCP connections: no protocol has seen them yet, and they take places all the same."""
    async with listening(open=2) as listener:
        bare = [socket.create_connection(listener.getsockname()) for _ in range(2)]
        await until(lambda: len(listener.places) == 2)
        caller = await Caller.at(listener)
        assert await caller.says()
        assert bare[0].recv(1) == b"", "the oldest has gone"
        for one in bare:
            one.close()
        await until(lambda: len(listener.places) == 1)


async def test_without_descriptors_it_waits_tells_it_once_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio would write a stack into the log every second, and the strangers would keep what they have."""
    counted: list[str] = []
    real_accept, left = socket.socket.accept, 5

    def accept(self: socket.socket) -> tuple[socket.socket, object]:
        nonlocal left
        if left:
            left -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return real_accept(self)

    monkeypatch.setattr("gateway.http.acceptor.PAUSE_SECONDS", 0.01)
    with caught_logs() as stream:
        async with listening(open=100, count=counted.append) as listener:
            left = 0
            strangers = [await Caller.at(listener) for _ in range(RELIEF + 1)]
            left = 5
            monkeypatch.setattr(socket.socket, "accept", accept)
            caller = await Caller.at(listener)
            assert await caller.says()
            assert await heard(strangers[:2]) == [False, False]
    lines = [line for line in logged_events(stream) if line["event"] == "listener.full"]
    assert [line["reason"] for line in lines] == ["descriptors"]
    assert counted.count("descriptors") == 5 + RELIEF + 1
    assert left == 0


def test_a_connection_gives_its_place_back_once_however_it_ends() -> None:
    listener = open_listener(HERE, 0, share=Share(), clock=ManualClock())
    listener.listen()
    listener.setblocking(True)
    for _ in range(2):
        with socket.create_connection(listener.getsockname()):
            accepted, place = listener.accept()
            assert len(listener.places) == 1
            accepted.close()
            accepted.close()
            place.known("late")
            assert len(listener.places) == 0
    with socket.create_connection(listener.getsockname()):
        accepted, place = listener.accept()
        del accepted, place
        assert len(listener.places) == 0
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
        for _ in range(3):
            caller = await Caller.at(listener)
            assert await caller.says()
            await caller.leave()
        assert not await (await Caller.at(listener)).says()
        assert await (await Caller.at(listener, ELSEWHERE)).says()
        clock.advance(1)
        assert await heard([await Caller.at(listener) for _ in range(2)]) == [True, False]


def test_moving_keeps_the_counts_whatever_comes() -> None:
    """Every order of arrivals, credentials and departures leaves what is inside and nothing else."""
    places = Places(Share(open=2, strangers=3, per_principal=2, known=3), on_cut=lambda *_: None)
    inside: list[Place] = []
    for step in range(3_000):
        turn = (step * 7919) % 11
        if turn < 4 or not inside:
            inside.append(places.take(f"10.0.0.{step % 3}", lambda: None))
        elif turn < 8:
            inside[step % len(inside)].known("abc"[step % 3])
        elif turn == 8:
            inside[step % len(inside)].unknown()
        else:
            places.leave(inside.pop(step % len(inside)))
        strangers, known = list(places._strangers), list(places._known)
        assert len(strangers) <= 3
        assert len(known) <= 3
        assert all(not place.name for place in strangers)
        assert sum(places._by_name.values()) == len(known)
        assert max(places._by_name.values(), default=0) <= 2
        assert sum(map(len, places._by_address.values())) == len(strangers)
