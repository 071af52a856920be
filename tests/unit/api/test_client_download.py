"""Files that a client saves: over lines that are cut, from servers that say something else the second time."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.api import OfficeClient, Patience
from gateway.core.content_digest import format_content_digest
from gateway.core.errors import RoadError
from gateway.core.limits import CHUNK_BYTES
from gateway.core.model import InboxEntry
from tests.kit.clock import ManualClock
from tests.kit.loopback import Loopback
from tests.unit.api.world import PARTY, WARD, WARD_KEY, World

DATA = bytes(range(256)) * 8_192
FEW, ENOUGH = CHUNK_BYTES // 2, 6 * CHUNK_BYTES
"""Bytes of an answer before the line is cut: too few to be called going on, and enough."""
DIGEST = hashlib.sha256(DATA).digest()
WHOLE = {"Content_Digest": format_content_digest(DIGEST), "ETag": '"one"'}
READ_SECONDS = 0.2
"""Time to read what came before the cut: what the client's library holds of it then is lost, and asked for again."""


class Pauses(ManualClock):
    """A clock that remembers how long somebody would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.kept.append(seconds)


@asynccontextmanager
async def cutting(port: int, after: Sequence[int]) -> AsyncIterator[Loopback]:
    """A road to that port which is cut after so many bytes of each answer in turn; then it holds."""
    cuts = iter(after)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        road.adopt(back)
        back.write(await reader.readuntil(b"\r\n\r\n"))
        left = next(cuts, None)
        while piece := await there.read(CHUNK_BYTES if left is None else min(left, CHUNK_BYTES)):
            writer.write(piece)
            await writer.drain()
            if left is not None and not (left := left - len(piece)):
                await asyncio.sleep(READ_SECONDS)
                break
        writer.close() if left is None else writer.transport.abort()
        back.close()

    road = Loopback(carry)
    await road.start()
    try:
        yield road
    finally:
        await road.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where files are saved."""
    made = tmp_path / "saved"
    made.mkdir()
    return made


@pytest.fixture
async def entry(world: World) -> InboxEntry:
    return await world.desks.deliver(WARD, ("bản đồ.bin", "application/octet-stream", DATA), sender=PARTY)


def client_at(port: int, clock: ManualClock, seconds: float = 30) -> OfficeClient:
    return OfficeClient(f"http://127.0.0.1:{port}", WARD_KEY, patience=Patience(seconds, clock))


async def test_a_file_goes_on_where_its_line_was_cut(world: World, entry: InboxEntry, folder: Path) -> None:
    clock = Pauses()
    async with (
        cutting(world.port, [ENOUGH, FEW, ENOUGH, ENOUGH]) as road,
        client_at(road.port, clock) as client,
    ):
        size = await client.attachment(entry.key, 1, folder / "a")
    assert (size, (folder / "a").read_bytes()) == (len(DATA), DATA)
    assert [one.name for one in folder.iterdir()] == ["a"]
    assert clock.kept == [1, 2, 1, 1], "only who brought next to nothing is asked later"


async def test_whoever_brings_nothing_more_is_not_asked_for_ever(world: World, entry: InboxEntry, folder: Path) -> None:
    clock = Pauses()
    async with (
        cutting(world.port, [ENOUGH, *[1] * 99]) as road,
        client_at(road.port, clock) as client,
    ):
        with pytest.raises(RoadError):
            await client.attachment(entry.key, 1, folder / "a")
    assert clock.kept == [1, 2, 4, 8], "15 of 30 seconds: another 16 are too many"
    assert list(folder.iterdir()) == []


async def test_a_line_that_brought_nothing_at_all_is_left_at_once(
    world: World, entry: InboxEntry, folder: Path
) -> None:
    clock = Pauses()
    async with cutting(world.port, [1] * 9) as road, client_at(road.port, clock) as client:
        with pytest.raises(RoadError):
            await client.attachment(entry.key, 1, folder / "a")
    assert clock.kept == []


def answer(status: str, body: bytes, length: int | None = None, /, **headers: str) -> bytes:
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return (
        f"HTTP/1.1 {status}\r\n{named}Content-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body
    )


BEGUN = answer("200 OK", DATA[:ENOUGH], len(DATA), **WHOLE)


def rest(first: int, body: bytes, digest: bytes = DIGEST) -> bytes:
    extent = f"bytes {first}-{first + len(body) - 1}/{len(DATA)}"
    return answer("206 Partial", body, Content_Range=extent, Repr_Digest=format_content_digest(digest))


OTHER = bytes(len(DATA) // 2)
SECOND: dict[str, tuple[bytes, bytes | None]] = {
    "the rest": (rest(ENOUGH, DATA[ENOUGH:]), DATA),
    "all of it again": (answer("200 OK", DATA, **WHOLE), DATA),
    "another file by now": (
        answer("200 OK", OTHER, Content_Digest=format_content_digest(hashlib.sha256(OTHER).digest())),
        OTHER,
    ),
    "another place": (rest(ENOUGH - 1, DATA[ENOUGH:]), None),
    "other bytes": (rest(ENOUGH, bytes(len(DATA) - ENOUGH)), None),
    "of another file": (rest(ENOUGH, DATA[ENOUGH:], hashlib.sha256(b"").digest()), None),
    "no extent": (answer("206 Partial", DATA[ENOUGH:], Repr_Digest=format_content_digest(DIGEST)), None),
    "more than there is": (rest(ENOUGH, DATA[ENOUGH:] + b"more"), None),
    "a part that nobody asked for": (b"", None),
}


@pytest.mark.parametrize("second", SECOND)
async def test_the_second_answer_is_believed_only_as_the_rest_of_the_first(second: str, folder: Path) -> None:
    said, becomes = SECOND[second]
    answers = [BEGUN, said] if said else [rest(0, DATA)]
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answers[len(asked) - 1])
        await writer.drain()
        await asyncio.sleep(READ_SECONDS)
        writer.close()

    server = Loopback(serve)
    await server.start()
    async with client_at(server.port, Pauses()) as client:
        if becomes is None:
            with pytest.raises(RoadError):
                await client.attachment("key", 1, folder / "a")
            assert list(folder.iterdir()) == []
        else:
            assert await client.attachment("key", 1, folder / "a") == len(becomes)
            assert (folder / "a").read_bytes() == becomes
    await server.close()
    assert len(asked) == len(answers), "what is wrong is not asked for once more"
    if said:
        found = re.search(rb"\r\nRange: bytes=(\d+)-\r\n", asked[1])
        assert found is not None
        assert int(found[1]) == ENOUGH
        assert b'\r\nIf-Range: "one"\r\n' in asked[1]
