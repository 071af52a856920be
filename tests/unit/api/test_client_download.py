"""Files that a client saves: over lines that are cut, from servers that say something else the second time."""

import asyncio
import errno
import fcntl
import hashlib
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.api import ApiProblem, OfficeClient, Patience
from gateway.api.client_download import LEFT_BYTES_MIN, Download
from gateway.core.content_digest import format_content_digest
from gateway.core.errors import GatewayError, RoadError, SenderError, SiteError
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


# --- a client that was killed ---------------------------------------------------------------------------------------------

LARGE = DATA * 2
CUT = 40 * CHUNK_BYTES


@pytest.fixture
async def large(world: World) -> InboxEntry:
    return await world.desks.deliver(WARD, ("bản đồ.bin", "application/octet-stream", LARGE), sender=PARTY)


def part_of(folder: Path) -> Path:
    (part,) = (one for one in folder.iterdir() if one.name != "a")
    assert re.fullmatch(r"\.gateway-[0-9a-f]{32}\.part", part.name)
    return part


async def left_by_a_client(world: World, entry: InboxEntry, folder: Path) -> Path:
    """What is there when the patience of a client is at its end; to who comes next it is the same as if it was killed."""
    async with cutting(world.port, [CUT, *[1] * 9]) as road, client_at(road.port, Pauses(), 2) as client:
        with pytest.raises(RoadError):
            await client.attachment(entry.key, 1, folder / "a")
    return part_of(folder)


@pytest.fixture
def ranges(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked for, one after the other; empty is all of it."""
    asked: list[str] = []
    really = Download.asking

    def asking(download: Download) -> dict[str, str]:
        headers = really(download)
        asked.append(headers.get("Range", ""))
        return headers

    monkeypatch.setattr(Download, "asking", asking)
    return asked


async def saved_whole(world: World, entry: InboxEntry, folder: Path) -> None:
    async with client_at(world.port, Pauses()) as client:
        assert await client.attachment(entry.key, 1, folder / "a") == len(LARGE)
    assert (folder / "a").read_bytes() == LARGE


async def test_the_next_client_goes_on_where_one_was_killed(
    world: World, large: InboxEntry, folder: Path, ranges: list[str]
) -> None:
    part = await left_by_a_client(world, large, folder)
    size = part.stat().st_size
    assert LEFT_BYTES_MIN <= size < len(LARGE)
    ranges.clear()
    await saved_whole(world, large, folder)
    assert ranges == [f"bytes={size}-"]
    assert [one.name for one in folder.iterdir()] == ["a"]


async def test_what_came_to_its_end_before_the_kill_is_not_fetched_again(
    world: World, large: InboxEntry, folder: Path, ranges: list[str]
) -> None:
    part = await left_by_a_client(world, large, folder)
    part.write_bytes(LARGE)
    ranges.clear()
    await saved_whole(world, large, folder)
    assert ranges == []
    assert [one.name for one in folder.iterdir()] == ["a"]


@pytest.mark.parametrize("left", [bytes(LEFT_BYTES_MIN), bytes(len(LARGE)), bytes(len(LARGE) + 1), b""])
async def test_what_the_power_took_away_is_fetched_anew(
    world: World, large: InboxEntry, folder: Path, left: bytes
) -> None:
    """A file that was not on the disk yet when the power failed is as long as it should be, and holds zeros."""
    part = await left_by_a_client(world, large, folder)
    part.write_bytes(left)
    await saved_whole(world, large, folder)
    assert [one.name for one in folder.iterdir()] == ["a"]


async def test_a_part_of_another_file_is_left_alone(world: World, large: InboxEntry, folder: Path) -> None:
    part = await left_by_a_client(world, large, folder)
    other = part.rename(part.with_name(f".gateway-{'0' * 32}.part"))
    await saved_whole(world, large, folder)
    assert other.stat().st_size
    assert sorted(one.name for one in folder.iterdir()) == sorted([other.name, "a"])


async def test_two_clients_that_save_the_same_do_not_write_one_file(
    world: World, large: InboxEntry, folder: Path, ranges: list[str]
) -> None:
    part = await left_by_a_client(world, large, folder)
    ranges.clear()
    with part.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        await saved_whole(world, large, folder)
    assert ranges == [""]
    assert part.exists()


@pytest.mark.parametrize("planted", ["a link", "a pipe"])
async def test_what_others_put_under_that_name_is_not_written(
    world: World, large: InboxEntry, folder: Path, tmp_path: Path, planted: str
) -> None:
    part = await left_by_a_client(world, large, folder)
    theirs = tmp_path / "theirs"
    theirs.write_bytes(b"theirs")
    part.unlink()
    part.symlink_to(theirs) if planted == "a link" else os.mkfifo(part)
    await saved_whole(world, large, folder)
    assert theirs.read_bytes() == b"theirs"
    assert part.is_symlink() or part.is_fifo()


class Refusing:
    """A gateway that refuses as often, and then says what a file is."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, *errors: GatewayError) -> None:
        self.errors = list(errors)
        self._really = world.desks.attachment
        monkeypatch.setattr(world.desks, "attachment", self)

    async def __call__(self, *asked: Any, **how: Any) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        return await self._really(*asked, **how)


async def test_what_is_there_already_is_not_thrown_away_because_the_gateway_is_busy(
    world: World, large: InboxEntry, folder: Path, ranges: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    part = await left_by_a_client(world, large, folder)
    size = part.stat().st_size
    ranges.clear()
    refusing = Refusing(world, monkeypatch, *(SiteError("store.busy") for _ in range(4)))
    await saved_whole(world, large, folder)
    assert refusing.errors == []
    assert ranges == [f"bytes={size}-"]


async def test_whose_own_file_it_is_is_asked_until_it_is_said(
    world: World, large: InboxEntry, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await saved_whole(world, large, folder)
    Refusing(world, monkeypatch, SiteError("store.busy"), SiteError("store.busy"))
    async with client_at(world.port, Pauses()) as client:
        assert await client.is_saved(large.key, 1, folder / "a")
        (folder / "a").write_bytes(b"another")
        assert not await client.is_saved(large.key, 1, folder / "a")


async def test_why_nothing_is_said_of_a_file_is_told(
    world: World, large: InboxEntry, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = await left_by_a_client(world, large, folder)
    size = part.stat().st_size
    Refusing(world, monkeypatch, *(SenderError("entry.recalled") for _ in range(9)))
    async with client_at(world.port, Pauses()) as client:
        for asking in (
            lambda: client.is_saved(large.key, 1, part),
            lambda: client.attachment(large.key, 1, folder / "a"),
        ):
            with pytest.raises(ApiProblem) as problem:
                await asking()
            assert problem.value.code == "entry.recalled"
    assert part.stat().st_size == size


async def test_who_only_asks_what_there_is_has_opened_nothing(world: World, large: InboxEntry, folder: Path) -> None:
    """The sender of a recall is told who had opened its letter."""
    (folder / "a").write_bytes(b"another")
    async with client_at(world.port, Pauses()) as client:
        for position in (0, 1):
            await client.is_saved(large.key, position, folder / "a")
        assert world.desks.opened[large.key] == 0
        for fetched in (client.content(large.key, folder / "b"), client.attachment(large.key, 1, folder / "c")):
            await fetched
    assert world.desks.opened[large.key] == 2


async def test_a_little_is_not_kept(world: World, large: InboxEntry, folder: Path) -> None:
    async with cutting(world.port, [ENOUGH, *[1] * 9]) as road, client_at(road.port, Pauses(), 2) as client:
        with pytest.raises(RoadError):
            await client.attachment(large.key, 1, folder / "a")
    assert list(folder.iterdir()) == []


async def test_a_part_with_a_second_name_is_not_written(
    world: World, large: InboxEntry, folder: Path, tmp_path: Path
) -> None:
    """A hard link that somebody planted, or a snapshot made of links: another file would be overwritten."""
    part = await left_by_a_client(world, large, folder)
    theirs = tmp_path / "precious"
    theirs.write_bytes(b"precious")
    part.unlink()
    os.link(theirs, part)
    await saved_whole(world, large, folder)
    assert theirs.read_bytes() == b"precious"


@asynccontextmanager
async def answering(*answers: bytes, head: bytes = b"") -> AsyncIterator[tuple[Loopback, list[bytes]]]:
    """A server that gives these answers to GET in turn, the last one for ever, and closes; and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        is_head = request.startswith(b"HEAD")
        asked.append(request)
        gets = sum(not one.startswith(b"HEAD") for one in asked)
        writer.write(head if is_head else answers[min(gets, len(answers)) - 1])
        await writer.drain()
        await asyncio.sleep(READ_SECONDS)
        writer.close()

    server = Loopback(serve)
    await server.start()
    try:
        yield server, asked
    finally:
        await server.close()


def whole_answer(body: bytes) -> bytes:
    return answer("200 OK", body, len(DATA), Connection="close", **WHOLE)


@pytest.mark.parametrize("how", ["a link under its name", "no locks"])
async def test_no_parts_pile_up_that_nobody_will_find(folder: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Up to two gibibytes each time that the line was cut."""
    if how == "no locks":

        def none(*_: object) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(fcntl, "flock", none)
    else:
        name = hashlib.sha256(b'"one"').hexdigest()[:32]
        (folder / f".gateway-{name}.part").symlink_to("nowhere")
    nothing = answer("206 Partial Content", b"", len(DATA), Connection="close")
    for _ in range(2):
        road = answering(whole_answer(DATA[:1_500_000]), nothing, head=whole_answer(b""))
        async with road as (server, _asked), client_at(server.port, Pauses(), 2) as client:
            with pytest.raises(RoadError):
                await client.attachment("key", 1, folder / "a")
    assert [one for one in folder.iterdir() if not one.is_symlink()] == []


async def test_who_begins_anew_each_time_is_not_asked_for_ever(folder: Path) -> None:
    """Cut early and late by turns, each second answer looked like going on."""
    answers = [whole_answer(DATA[: 400_000 if n % 2 else 70_000]) for n in range(60)]
    async with answering(*answers) as (server, asked), client_at(server.port, Pauses(), 30) as client:
        with pytest.raises(RoadError):
            await client.attachment("key", 1, folder / "a")
    assert len(asked) < 20


async def test_a_file_that_is_all_here_is_not_asked_for_again(folder: Path) -> None:
    """The last mark of a chunked answer was lost: what follows the whole file is no part of it (416)."""
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in WHOLE.items())
    chunked = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{head}\r\n{len(DATA):x}\r\n".encode() + DATA
    async with answering(chunked) as (server, asked), client_at(server.port, Pauses(), 2) as client:
        assert await client.attachment("key", 1, folder / "a") == len(DATA)
    assert len(asked) == 1
    assert [one.name for one in folder.iterdir()] == ["a"]


async def test_a_part_that_is_longer_than_the_file_is_thrown_away(folder: Path) -> None:
    """Each further call ended with the same 416, until somebody deleted a hidden file by hand."""
    part = folder / f".gateway-{hashlib.sha256(WHOLE['ETag'].encode()).hexdigest()[:32]}.part"
    part.write_bytes(DATA[:LEFT_BYTES_MIN])
    beyond = answer("416 Range Not Satisfiable", b"", 0, Connection="close")
    road = answering(beyond, whole_answer(DATA), head=whole_answer(b""))
    async with road as (server, asked), client_at(server.port, Pauses(), 2) as client:
        assert await client.attachment("key", 1, folder / "a") == len(DATA)
    assert len(asked) == 3
    assert (folder / "a").read_bytes() == DATA


async def test_what_is_known_to_be_damaged_is_not_kept(folder: Path) -> None:
    part = folder / f".gateway-{hashlib.sha256(WHOLE['ETag'].encode()).hexdigest()[:32]}.part"
    part.write_bytes(bytes(1_500_000))
    wrong = whole_answer(DATA[::-1])
    rest_of_it = rest(1_500_000, DATA[1_500_000:])
    road = answering(rest_of_it, wrong, head=whole_answer(b""))
    async with road as (server, _), client_at(server.port, Pauses(), 2) as client:
        with pytest.raises(RoadError):
            await client.attachment("key", 1, folder / "a")
    assert list(folder.iterdir()) == []


async def test_a_new_file_takes_no_other_one_s_name(world: World, large: InboxEntry, folder: Path) -> None:
    target = folder / "a"
    async with OfficeClient(world.url, WARD_KEY) as client:
        target.write_bytes(b"theirs")
        with pytest.raises(FileExistsError):
            await client.attachment(large.key, 1, target, new=True)
        assert target.read_bytes() == b"theirs"
        await client.attachment(large.key, 1, target)
        tag = (await client._announced(f"/inbox/{large.key}/attachments/1"))["ETag"]
        part = folder / f".gateway-{hashlib.sha256(tag.encode()).hexdigest()[:32]}.part"
        part.unlink(missing_ok=True)
        os.link(target, part)  # killed between the two
        assert await client.is_saved(large.key, 1, target)
    assert [one.name for one in folder.iterdir()] == ["a"]


# --- what no later run can use --------------------------------------------------------------------------------------------


async def findable_part(client: OfficeClient, entry: InboxEntry, folder: Path) -> Path:
    """Where the next client would look for what was left."""
    tag = (await client._announced(f"/inbox/{entry.key}/attachments/1"))["ETag"]
    return folder / f".gateway-{hashlib.sha256(tag.encode()).hexdigest()[:32]}.part"


def names_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


async def test_of_two_gets_of_one_file_the_later_one_leaves_nothing(
    world: World, large: InboxEntry, folder: Path
) -> None:
    """Hidden, it took as much room again, for ever."""
    await saved_whole(world, large, folder)
    async with client_at(world.port, Pauses()) as client:
        with pytest.raises(FileExistsError):
            await client.attachment(large.key, 1, folder / "a", new=True)
    assert names_in(folder) == ["a"]
    assert (folder / "a").read_bytes() == LARGE


@pytest.mark.parametrize("found", [True, False])
async def test_a_second_name_goes_also_when_the_saved_file_is_replaced(
    world: World, large: InboxEntry, folder: Path, found: bool
) -> None:
    """Killed between the two names, then `--force`: the name that was left kept all of the first file."""
    await saved_whole(world, large, folder)
    async with client_at(world.port, Pauses()) as client:
        part = await findable_part(client, large, folder)
    os.link(folder / "a", part if found else part.with_name(f".gateway-{'0' * 32}.part"))
    await saved_whole(world, large, folder)
    assert names_in(folder) == ["a"]


async def test_a_part_of_a_file_that_is_saved_by_now_goes(world: World, large: InboxEntry, folder: Path) -> None:
    await saved_whole(world, large, folder)
    async with client_at(world.port, Pauses()) as client:
        part = await findable_part(client, large, folder)
        part.write_bytes(LARGE[:LEFT_BYTES_MIN])
        assert await client.is_saved(large.key, 1, folder / "a")
    assert names_in(folder) == ["a"]


@pytest.mark.parametrize("left", ["a second name", "a part", "another one's file"])
async def test_what_another_client_is_at_is_not_taken_away(
    world: World, large: InboxEntry, folder: Path, tmp_path: Path, left: str
) -> None:
    """Between the two names, say: it would not find the one that it takes away itself, or take away a third one's."""
    await saved_whole(world, large, folder)
    async with client_at(world.port, Pauses()) as client:
        part = await findable_part(client, large, folder)
        if left == "a part":
            part.write_bytes(LARGE[:LEFT_BYTES_MIN])
        else:
            os.link(folder / "a", tmp_path / "theirs") if left == "a second name" else (tmp_path / "theirs").touch()
            os.link(tmp_path / "theirs", part)
        with part.open("rb") as held:
            if left != "another one's file":
                fcntl.flock(held, fcntl.LOCK_EX)
            assert await client.is_saved(large.key, 1, folder / "a")
    assert part.exists()


@pytest.mark.parametrize("meanwhile", ["unlinked", "named", "begun anew"])
async def test_what_the_other_client_finished_just_now_is_not_written_and_a_new_part_is_found_again(
    world: World, large: InboxEntry, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """Between opening it and having its lock: what came then lay under a name that nobody looks for, or was thrown away."""
    async with client_at(world.port, Pauses()) as client:
        part = await findable_part(client, large, folder)
    really, theirs, turns = fcntl.flock, tmp_path / "theirs", iter([True])

    def flock(file: Any, how: int) -> None:
        if next(turns, False):
            part.write_bytes(b"theirs")
            part.unlink() if meanwhile == "unlinked" else part.rename(theirs)
            if meanwhile == "begun anew":
                part.touch()
        really(file, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    assert await left_by_a_client(world, large, folder) == part
    assert meanwhile == "unlinked" or theirs.read_bytes() == b"theirs"
    assert len(kept := part.read_bytes()) >= LEFT_BYTES_MIN
    assert LARGE.startswith(kept)


async def test_whoever_never_gets_that_name_saves_the_file_all_the_same(
    world: World, large: InboxEntry, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = fcntl.flock
    async with client_at(world.port, Pauses()) as client:
        part = await findable_part(client, large, folder)

    def flock(file: Any, how: int) -> None:
        part.unlink()
        really(file, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    await saved_whole(world, large, folder)
    assert names_in(folder) == ["a"]
