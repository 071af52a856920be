"""Blobs as files: order of durability, drafts, modes, damage, cancellation."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import Digest
from gateway.core.model import BlobRef
from gateway.storage import FileBlobs, open_blobs
from gateway.storage.blobs import DRAFTS
from tests.kit.blobs import stored, streamed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_files_and_folders_are_for_their_owner_alone(folder: Path) -> None:
    blobs = open_blobs(folder)
    ref = await stored(blobs, b"hello")
    assert blobs.path(ref) == folder / ref.digest[:2] / ref.digest
    assert blobs.path(ref).stat().st_mode & 0o777 == 0o600
    assert {path.stat().st_mode & 0o777 for path in (folder, folder / DRAFTS, blobs.path(ref).parent)} == {0o700}


async def test_equal_content_is_one_file_and_a_rotten_twin_is_healed(folder: Path) -> None:
    blobs = open_blobs(folder)
    ref = await stored(blobs, b"hello")
    blobs.path(ref).write_bytes(b"hellp")
    with pytest.raises(SiteError, match=r"blob\.damaged"):
        await blobs.read(ref)
    assert await streamed(blobs, stream(b"hel", b"lo"), limit=5) == ref
    assert await blobs.read(ref) == b"hello"
    assert files(folder) == [blobs.path(ref)]


@pytest.mark.parametrize("harm", [b"", b"hell", b"hellp", b"hello!", None])
async def test_a_blob_that_is_missing_or_changed_is_damaged(folder: Path, harm: bytes | None) -> None:
    blobs = open_blobs(folder)
    ref = await stored(blobs, b"hello")
    if harm is None:
        blobs.path(ref).unlink()
    else:
        blobs.path(ref).write_bytes(harm)
    with pytest.raises(SiteError) as refused:
        await blobs.read(ref)
    assert refused.value.code == "blob.damaged"


async def test_drafts_of_a_crash_are_swept_at_start_and_blobs_stay(folder: Path) -> None:
    ref = await stored(open_blobs(folder), b"hello")
    (folder / DRAFTS / "tmpabc").write_bytes(b"half a fi")
    assert await FileBlobs(folder).read(ref) == b"hello"  # who only reads sweeps nothing
    assert len(files(folder)) == 2
    assert await open_blobs(folder).read(ref) == b"hello"
    assert len(files(folder)) == 1


async def test_nothing_stays_of_a_stream_that_was_refused_or_broke(folder: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 600_000
        raise ConnectionResetError

    blobs = open_blobs(folder)
    with pytest.raises(SenderError):
        await streamed(blobs, stream(b"x" * 600_000, b"y"), limit=600_000)
    with pytest.raises(ConnectionResetError):
        await streamed(blobs, broken(), limit=1_000_000)
    await drained()
    assert files(folder) == []


async def test_nothing_stays_of_a_cancelled_stream_and_no_descriptor_leaks(folder: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 300_000
            await asyncio.sleep(0)

    blobs = open_blobs(folder)
    await stored(blobs, b"warm up")
    descriptors = open_descriptors()
    for pause in (0, 0.001, 0.01, 0.02):
        task = asyncio.create_task(streamed(blobs, endless(), limit=10**12))
        await asyncio.sleep(pause)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await drained()
    assert len(files(folder)) == 1
    assert open_descriptors() <= descriptors


async def test_a_path_can_only_be_of_a_digest(folder: Path) -> None:
    for digest in ("../../etc/passwd", "", "A" * 64, "a" * 63 + "\n"):
        with pytest.raises(AssertionError):
            open_blobs(folder).path(BlobRef(digest=Digest(digest), size=1))


async def test_a_folder_that_cannot_be_written_is_our_operators_turn(folder: Path) -> None:
    blobs = open_blobs(folder)
    (folder / DRAFTS).rmdir()
    with pytest.raises(SiteError, match=r"store\.damaged"):
        await stored(blobs, b"hello")


@pytest.mark.parametrize("failing", [1, 2])
async def test_what_cannot_be_synced_ends_the_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """The draft's own fsync, and that of the folder which has its name."""
    told: list[BaseException] = []
    blobs = open_blobs(folder, on_fatal=told.append)
    await stored(blobs, b"hello")
    synced, real = 0, os.fsync

    def fsync(descriptor: int) -> None:
        nonlocal synced
        synced += 1
        if synced == failing:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(SiteError, match=r"store\.failing"):
        await stored(blobs, b"hello")
    assert len(told) == 1


async def test_a_full_disk_ends_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[BaseException] = []
    blobs = open_blobs(folder, on_fatal=told.append)

    def fsync(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fsync)
        with pytest.raises(SiteError, match=r"store\.full"):
            await stored(blobs, b"hello")
    assert not told
    await stored(blobs, b"hello")


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def drained() -> None:
    """Wait for the threads that clear up behind a failed put."""
    await asyncio.get_running_loop().shutdown_default_executor()
