"""`gateway get`, killed and given once more."""

import asyncio
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
