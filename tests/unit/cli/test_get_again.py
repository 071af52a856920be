"""`gateway get`, killed and given once more."""

import asyncio
import json
import os
import stat
import sys
from asyncio.subprocess import DEVNULL
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gateway.api import OfficeClient
from gateway.api.client_download import LEFT_BYTES_MIN
from gateway.core.errors import RoadError
from gateway.core.limits import CHUNK_BYTES, MIB
from tests.kit.loopback import Loopback
from tests.unit.api.world import PARTY, PDF, WARD, WARD_KEY
from tests.unit.cli.world import NAME, Office

LARGE = bytes(range(256)) * (8 * MIB // 256)
CARRIED_BYTES = 4 * MIB
"""What the road carries of the file; then it is silent, and somebody loses his patience."""


async def test_a_get_that_was_killed_is_simply_given_again(
    running: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had saved was in its own way: the clerk had to fetch all of it once more, by force."""
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    entry = await running.desks.deliver(
        WARD, ("a.pdf", "application/pdf", PDF), ("b.pdf", "application/pdf", PDF + b"\n"), sender=PARTY
    )
    line = ("get", entry.key, "-o", str(tmp_path))
    assert await running.run(*line) == 0
    told = capsys.readouterr().out
    inode = (tmp_path / "a.pdf").stat().st_ino
    (tmp_path / "b.pdf").unlink()
    assert await running.run(*line) == 0
    assert capsys.readouterr().out == told
    assert (tmp_path / "b.pdf").read_bytes() == PDF + b"\n"
    assert (tmp_path / "a.pdf").stat().st_ino == inode
    (tmp_path / "b.pdf").unlink()
    (tmp_path / "b.pdf").symlink_to(tmp_path / "a.pdf")
    assert await running.run(*line) == 7
    assert await running.run(*line, "--force") == 0


async def test_what_a_get_calls_saved_keeps_its_name_when_the_power_fails(
    running: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is durable only after an fsync of its folder: the names were printed, and could be gone."""
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    entry = await running.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    folder = tmp_path / "đến"
    synced: list[tuple[list[str], str]] = []
    really = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            synced.append((sorted(one.name for one in folder.iterdir()), capsys.readouterr().out))
        really(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert await running.run("get", entry.key, "-o", str(folder)) == 0
    assert synced[-1] == (sorted([f"{entry.key}.edxml", "a.pdf"]), "")


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, left: int) -> None:
    while left > 0 and (piece := await source.read(min(left, CHUNK_BYTES))):
        sink.write(piece)
        await sink.drain()
        left -= len(piece)
    await asyncio.Event().wait()  # until the road is closed


async def test_a_get_that_was_killed_in_a_file_goes_on_in_it(
    running: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    entry = await running.desks.deliver(WARD, ("bản đồ.zip", "application/zip", LARGE), sender=PARTY)
    port = int(running.url.rpartition(":")[2])

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        road.adopt(back)
        await asyncio.gather(pump(reader, back, MIB), pump(there, writer, CARRIED_BYTES))

    road = Loopback(carry)
    await road.start()
    reach = ("--url", f"https://127.0.0.1:{road.port}", "--ca", str(running.ca), "--tls-name", NAME)
    folder = tmp_path / "đến"
    line = ("get", entry.key, "-o", str(folder))
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("gateway"), *reach, *line, stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        async with asyncio.timeout(30):
            while not any(part.stat().st_size >= LEFT_BYTES_MIN for part in folder.glob(".gateway-*.part")):
                await asyncio.sleep(0.01)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await road.close()
    assert sorted(one.name for one in folder.iterdir() if one.suffix != ".part") == [f"{entry.key}.edxml"]
    (part,) = folder.glob(".gateway-*.part")
    with part.open("rb") as kept:  # its inode stays its own while it is open: a new file cannot have the same by chance
        assert await running.run(*line) == 0
        assert part.name not in {one.name for one in folder.iterdir()}
        saved = folder / "bản đồ.zip"
        assert saved.read_bytes() == LARGE
        assert saved.stat().st_ino == os.fstat(kept.fileno()).st_ino


async def test_of_two_letters_fetched_at_once_no_file_takes_the_other_s_name(
    running: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both said "saved", and one file was there."""
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    entries = [
        await running.desks.deliver(WARD, ("a.pdf", "application/pdf", content), sender=PARTY)
        for content in (PDF, PDF + b"\n")
    ]
    meeting = asyncio.Barrier(2)
    really = OfficeClient.content

    async def content(client: OfficeClient, key: str, path: Path, *, new: bool) -> int:
        await meeting.wait()
        return await really(client, key, path, new=new)

    monkeypatch.setattr(OfficeClient, "content", content)
    folder = str(tmp_path / "x")
    codes = await asyncio.gather(*(running.run("get", one.key, "-o", folder) for one in entries))
    assert sorted(codes) == [0, 7]


class Meeting:
    """While the second attached file is fetched, somebody puts that content under its name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, target: Path, content: bytes) -> None:
        self.synced: list[list[str]] = []
        """The names in the folder, each time that they were seen to be on the disk."""
        self._folder, self._fsync, really = target.parent, os.fsync, OfficeClient.attachment

        async def attachment(client: OfficeClient, key: str, position: int, path: Path, *, new: bool) -> int:
            if position == 2:
                target.write_bytes(content)
            return await really(client, key, position, path, new=new)

        monkeypatch.setattr(OfficeClient, "attachment", attachment)
        monkeypatch.setattr(os, "fsync", self.fsync)

    def fsync(self, descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            self.synced.append(sorted(one.name for one in self._folder.iterdir()))
        self._fsync(descriptor)


@pytest.fixture
async def three(running: Office, monkeypatch: pytest.MonkeyPatch) -> str:
    """Key of a document with three files."""
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    files = [(f"{name}.pdf", "application/pdf", PDF + name.encode()) for name in "abc"]
    return (await running.desks.deliver(WARD, *files, sender=PARTY)).key


async def test_whose_name_is_taken_half_way_hears_what_is_saved(
    running: Office, three: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said that nothing was written, with half of the document in the folder, not yet sure of its names."""
    folder = tmp_path / "x"
    folder.mkdir()
    meeting = Meeting(monkeypatch, folder / "b.pdf", b"theirs")
    assert await running.run("get", three, "-o", str(folder), "--json") == 7
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "cli.partly_saved"
    saved = f"{three}.edxml, a.pdf"
    assert error["detail"] == f"cli.partly_saved · path={folder / 'b.pdf'} · saved={saved}"
    for what, todo in ((error["what_vi"], error["todo_vi"]), (error["what_en"], error["todo_en"])):
        assert str(folder / "b.pdf") in what
        assert saved in what
        assert "--force" in todo
        assert "-o" in todo
    there = sorted([f"{three}.edxml", "a.pdf", "b.pdf"])
    assert sorted(one.name for one in folder.iterdir()) == there
    assert meeting.synced[-1] == there
    assert (folder / "b.pdf").read_bytes() == b"theirs"


async def test_the_same_file_that_came_meanwhile_is_the_file(
    running: Office, three: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command twice at once: one of them was refused for what it would have written itself."""
    folder = tmp_path / "x"
    folder.mkdir()
    Meeting(monkeypatch, folder / "b.pdf", PDF + b"b")
    assert await running.run("get", three, "-o", str(folder)) == 0
    assert sorted(one.name for one in folder.iterdir()) == sorted([f"{three}.edxml", "a.pdf", "b.pdf", "c.pdf"])


async def test_a_name_that_is_taken_from_the_start_is_found_before_anything_is_written(
    running: Office, three: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "c.pdf").write_bytes(b"theirs")
    assert await running.run("get", three, "-o", str(folder), "--json") == 7
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "cli.exists"
    assert [one.name for one in folder.iterdir()] == ["c.pdf"]


async def test_what_is_saved_keeps_its_name_also_when_the_next_file_cannot_be_fetched(
    running: Office, three: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    meeting = Meeting(monkeypatch, folder / "b.pdf", b"")

    async def silent(*_: object, **__: object) -> int:
        raise RoadError("peer.unreachable")

    monkeypatch.setattr(OfficeClient, "attachment", silent)
    assert await running.run("get", three, "-o", str(folder)) == 5
    assert meeting.synced[-1:] == [[f"{three}.edxml"]]


@pytest.mark.parametrize(
    "attached",
    [
        {},
        [1],
        [{"name": "a", "position": 0}],
        [{"name": "a", "position": True}],
        [{"name": "a", "position": [1]}],
        [{"name": 5, "position": 1}],
        [{"name": "a", "position": 1}, {"name": "b", "position": 1}],
    ],
    ids=str,
)
async def test_an_answer_that_names_no_files_is_none(
    running: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attached: object
) -> None:
    """What was never fetched was called saved, and the rest was a program error."""
    monkeypatch.setenv("GATEWAY_API_KEY", WARD_KEY)
    entry = await running.desks.deliver(WARD, ("a.pdf", "application/pdf", PDF), sender=PARTY)
    really = OfficeClient._ask

    async def ask(client: OfficeClient, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = await really(client, method, path, **more)
        return {**answer, "attachments": attached} if "attachments" in answer else answer

    monkeypatch.setattr(OfficeClient, "_ask", ask)
    assert await running.run("get", entry.key, "-o", str(tmp_path / "x")) == 5
    assert not (tmp_path / "x").exists() or list((tmp_path / "x").iterdir()) == []
