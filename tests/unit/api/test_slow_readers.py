"""Who reads too slowly is cut, whatever it reads; who reads slowly but steadily gets everything. Real sockets."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from gateway.core import limits
from gateway.core.ids import EntryKey
from tests.kit.logs import caught_logs, logged_events
from tests.kit.peer_tls import Authority
from tests.unit.api.world import CITY_KEY, PARTY, WARD, World, running

LARGE = 24 * limits.MIB
"""More than the buffers of two kernels and of TLS hold."""
STALL = 0.5

Pair = tuple[ssl.SSLContext | None, ssl.SSLContext | None]
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def large(world: World) -> str:
    """A large file has arrived; its key."""
    return (await world.desks.deliver(PARTY, ("a.bin", "", bytes(LARGE)), sender=WARD)).key


@pytest.fixture(params=["plain", "tls"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    """What both ends of a connection need: nothing, or TLS, which has buffers of its own."""
    if request.param == "plain":
        return None, None
    (tmp_path / "tls").mkdir()
    authority = Authority(tmp_path / "tls")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*authority.issue("gateway.test").files)
    return server, ssl.create_default_context(cafile=str(authority.file))


async def connect(world: World, path: str, pair: Pair = (None, None)) -> Ends:
    """Somebody who asks, with small buffers of its own, and has read nothing yet."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * limits.KIB)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", world.port))
    reader, writer = await asyncio.open_connection(
        sock=sock, limit=4 * limits.KIB, ssl=pair[1], server_hostname="gateway.test" if pair[1] else None
    )
    head = f"GET /api/v1{path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {CITY_KEY}\r\n\r\n"
    writer.write(head.encode())
    return reader, writer


def held(world: World) -> list[str]:
    """Files of the blob store that this process has open."""
    return [file.path for file in psutil.Process().open_files() if file.path.startswith(str(world.blobs.folder))]


async def nothing(reader: asyncio.StreamReader) -> int:
    """Read the head, and then never again."""
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.Event().wait()
    return 0


async def a_byte_now_and_then(reader: asyncio.StreamReader) -> int:
    read = 0
    try:
        while await reader.read(1):
            read += 1
            await asyncio.sleep(STALL / 10)
    except ConnectionError:
        pass
    return read


async def steadily(reader: asyncio.StreamReader) -> int:
    read = 0
    await reader.readuntil(b"\r\n\r\n")
    while read < LARGE and (data := await reader.read(64 * limits.KIB)):
        read += len(data)
        if read % (4 * limits.MIB) < len(data):
            await asyncio.sleep(STALL / 5)
    return read


async def gone(world: World) -> None:
    """Until nobody is connected any more and no file is held."""
    async with asyncio.timeout(10):
        while world.runner.server.connections or held(world):  # type: ignore[union-attr]
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("how", [nothing, a_byte_now_and_then])
async def test_who_does_not_take_his_download_holds_nothing(
    tmp_path: Path, pair: Pair, how: Callable[[asyncio.StreamReader], Awaitable[int]]
) -> None:
    async with running(tmp_path, ssl_context=pair[0], stall_seconds=STALL) as world:
        key = await large(world)
        with caught_logs() as stream:
            reader, writer = await connect(world, f"/inbox/{key}/attachments/1", pair)
            reading = asyncio.ensure_future(how(reader))
            async with asyncio.timeout(5):
                while not held(world):
                    await asyncio.sleep(0.01)
            await gone(world)
            reading.cancel()
            writer.close()
        assert "connection.stalled" in [line["event"] for line in logged_events(stream)]


async def test_who_reads_slowly_but_steadily_gets_everything(tmp_path: Path, pair: Pair) -> None:
    async with running(tmp_path, ssl_context=pair[0], stall_seconds=STALL) as world:
        key = await large(world)
        reader, writer = await connect(world, f"/inbox/{key}/attachments/1", pair)
        started = asyncio.get_running_loop().time()
        assert await steadily(reader) == LARGE
        assert asyncio.get_running_loop().time() - started > STALL
        writer.close()


async def test_a_long_list_that_nobody_reads_is_cut_too(tmp_path: Path) -> None:
    async with running(tmp_path, stall_seconds=STALL) as world:
        entry = await world.desks.deliver(PARTY, ("a.pdf", "", b"x"), sender=WARD)
        verbose = replace(entry.message, content="x" * 120_000)
        for number in range(200):
            world.desks.entries[EntryKey(f"e{number}")] = replace(entry, message=verbose, cursor=number + 2)
        reader, writer = await connect(world, "/inbox?limit=200")
        await reader.readuntil(b"\r\n\r\n")
        await gone(world)
        writer.close()


async def test_whoever_hangs_up_half_way_is_no_fault_of_ours(tmp_path: Path) -> None:
    """Each client that was killed while it saved a file stood in the log as `internal`, with a page of Python."""
    with caught_logs() as stream:
        async with running(tmp_path) as world:
            key = await large(world)
            reader, writer = await connect(world, f"/inbox/{key}/attachments/1")
            await reader.readexactly(1000)
            writer.transport.abort()
            await gone(world)
    events = logged_events(stream)
    assert [line for line in events if line["event"] == "request.refused"] == []
    assert [line["event"] for line in events if line["event"].startswith("connection.")] == ["connection.gone"]
