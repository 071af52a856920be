"""Times and bounds of one connection, whichever door it came to; real sockets."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.access import Share, SharedListener, open_listener
from gateway.core.errors import GatewayError, SenderError, SiteError
from gateway.http import Connection, Door, Runner, dress, let_go, refusal, serve
from tests.kit.clock import ManualClock
from tests.kit.office_tls import NAME, tls_office
from tests.kit.peer_raw import RawConnection
from tests.kit.peer_tls import CLIENT, Order
from tests.kit.peer_world import peer_world

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def said(error: GatewayError, path: str, _trace_id: str) -> bytes:
    return f'{{"code": "{error.code}", "path": "{path}"}}'.encode()


class Bench:
    """A listener whose one handler waits until it may answer."""

    runner: Runner

    def __init__(self, listener: SharedListener) -> None:
        self.listener = listener
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = 0

    async def answer(self, _request: web.Request) -> web.Response:
        self.asked += 1
        await self.may_answer.wait()
        return web.Response(text="good")

    @property
    def connections(self) -> list[Any]:
        assert self.runner.server is not None
        return self.runner.server.connections

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.listener.getsockname()[1])
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


@asynccontextmanager
async def bench(**door: Any) -> AsyncIterator[Bench]:
    app = web.Application()
    listener = open_listener("127.0.0.1", 0, share=Share(), clock=ManualClock())
    made = Bench(listener)
    app.router.add_get("/", made.answer)
    app.on_response_prepare.append(dress)
    door = {"name": "test", "document": said, "entropy": secrets.token_bytes, **door}
    made.runner = await serve(app, Door(**door), listener, shutdown_seconds=0.2)
    try:
        yield made
    finally:
        await made.runner.cleanup()


async def an_answer(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(5):
        return await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(4)


async def trickled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    """Seconds until the door has had enough of a head that comes byte by byte."""
    loop = asyncio.get_running_loop()
    began, end = loop.time(), asyncio.create_task(reader.read())
    for letter in b"GET / HTTP/1.1\r\nX-Slow: " + b"x" * 1_000:
        writer.write(bytes([letter]))
        await asyncio.sleep(0.02)
        if end.done():
            break
    with contextlib.suppress(ConnectionError):  # our next byte may have met a closed door
        assert await asyncio.wait_for(end, 5) == b""
    return loop.time() - began


async def test_no_head_may_trickle_in_neither_the_first_nor_a_later_one() -> None:
    async with bench(head_seconds=0.3) as door:
        async with door.connected() as (reader, writer):
            assert 0.2 < await trickled(reader, writer) < 3
        async with door.connected() as (reader, writer):
            writer.write(GET)
            await an_answer(reader)
            await asyncio.sleep(0.5)
            writer.write(GET)
            await an_answer(reader)
            assert 0.2 < await trickled(reader, writer) < 3


async def test_a_body_is_no_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of a request that is being served have other bounds, however slowly they come."""
    async with bench(head_seconds=0.1) as door:
        door.may_answer.clear()
        async with door.connected() as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n")
            for _ in range(20):
                writer.write(b"x")
                await asyncio.sleep(0.02)
            door.may_answer.set()
            assert b"200 OK" in await an_answer(reader)


async def test_a_gateway_s_first_head_has_to_come_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutual TLS is no reason to wait for ever: a peer's program hangs as well as anybody's."""
    monkeypatch.setattr("gateway.peer.server.Door", partial(Door, head_seconds=0.3))
    async with peer_world(tmp_path) as world:
        port = world.runner.addresses[0][1]
        for speak in (True, False):
            async with await RawConnection.open(port, world.client_tls(world.origin)) as raw:
                if speak:
                    assert 0.2 < await trickled(raw.reader, raw.writer) < 3
                else:
                    assert await raw.ended()


async def test_an_idle_connection_is_closed() -> None:
    async with bench(keepalive_seconds=0.2) as door, door.connected() as (reader, writer):
        writer.write(GET)
        await an_answer(reader)
        async with asyncio.timeout(5):
            assert await reader.read() == b""


async def test_requests_in_a_row_wait_in_the_kernel_and_not_in_our_memory() -> None:
    async with bench() as door:
        door.may_answer.clear()
        async with door.connected() as (reader, writer):
            writer.write(GET * 5_000)
            async with asyncio.timeout(5):
                while not door.asked:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
            (connection,) = door.connections
            assert len(connection._messages) <= 32
            assert not connection.transport.is_reading()
            door.may_answer.set()
            for _ in range(5_000):
                await an_answer(reader)
            assert door.asked == 5_000


async def test_what_is_closed_finishes_its_request_and_says_so() -> None:
    async with bench() as door:
        door.may_answer.clear()
        async with door.connected() as (reader, writer):
            writer.write(GET)
            async with asyncio.timeout(5):
                while not door.asked:
                    await asyncio.sleep(0.01)
            (connection,) = door.connections
            assert isinstance(connection, Connection)
            connection.let_go()
            door.may_answer.set()
            assert b"\r\nconnection: close\r\n" in (await an_answer(reader)).lower()
            assert await reader.read() == b""


async def test_new_anchors_end_the_connections_of_certificates_and_no_others(tmp_path: Path) -> None:
    async with tls_office(tmp_path) as office:
        one = office.offices.issue(Order(name="qlvb.test", usages=(CLIENT,)))
        await office.pin(one)
        key = await office.key()

        async def opened(identity: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection(
                "127.0.0.1", office.port, ssl=office.tls(identity), server_hostname=NAME
            )

        async def ask(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], *headers: str) -> bytes:
            reader, writer = connection
            writer.write("\r\n".join(["HEAD /api/v1/me HTTP/1.1", "Host: a", *headers, "", ""]).encode())
            async with asyncio.timeout(5):
                return await reader.readuntil(b"\r\n\r\n")

        with_certificate, with_key = await opened(one), await opened(None)
        assert b" 200 " in await ask(with_certificate)
        assert b" 200 " in await ask(with_key, f"Authorization: Bearer {key}")
        let_go(office.runner)
        async with asyncio.timeout(5):
            assert await with_certificate[0].read() == b""
        assert b" 200 " in await ask(with_key, f"Authorization: Bearer {key}")
        for _, writer in (with_certificate, with_key):
            writer.transport.abort()


async def test_closing_gives_up_handshakes_that_are_not_done(tmp_path: Path) -> None:
    """A stranger who says nothing must not make a stop take longer; nor one who does not take his leave."""
    loop = asyncio.get_running_loop()
    async with tls_office(tmp_path) as office:
        bare = [await asyncio.open_connection("127.0.0.1", office.port) for _ in range(3)]
        half = await asyncio.open_connection("127.0.0.1", office.port)
        half[1].write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        done = await asyncio.open_connection("127.0.0.1", office.port, ssl=office.tls(), server_hostname=NAME)
        async with asyncio.timeout(5):
            while len(office.listener.places) < 5:
                await asyncio.sleep(0.01)
        began = loop.time()
    assert loop.time() - began < 2
    for reader, writer in (*bare, half, done):
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize(
    ("error", "header"),
    [
        (SenderError("rate.limit", seconds=7), ("Retry-After", "7")),
        (SenderError("store.busy"), ("Retry-After", "5")),
        (SiteError("store.full"), ("Retry-After", "60")),
        (SenderError("access.no_key"), ("WWW-Authenticate", 'Bearer realm="gateway"')),
        (SenderError("request.method", method="PUT", allowed="GET, POST"), ("Allow", "GET, POST")),
        (SenderError("not_found"), ("Content-Type", "application/problem+json")),
    ],
)
def test_an_answer_carries_what_its_code_needs(error: GatewayError, header: tuple[str, str]) -> None:
    answer = refusal(error, b"{}")
    assert (answer.status, answer.headers[header[0]]) == (error.facts.status, header[1])
    assert ("Retry-After" in answer.headers) == (answer.status in (429, 503, 507))
