"""Uploads on a disk that fails, fills or is taken away, and pieces that are cut off in the middle of a write."""

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from gateway.core import large_limits
from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.model import BlobRef
from gateway.core.ports import UploadId
from gateway.storage import FileUploads, open_blobs, open_uploads
from gateway.storage import uploads as module
from tests.kit.clock import ManualClock

DATA = bytes(range(256)) * 4_096
OURS = UploadId(owner="peer/party.example", name="one")
WHOLE = BlobRef(digest=Digest(hashlib.sha256(DATA).hexdigest()), size=len(DATA))


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def died() -> list[BaseException]:
    return []


@pytest.fixture
def uploads(tmp_path: Path, clock: ManualClock, died: list[BaseException]) -> FileUploads:
    open_blobs(tmp_path / "blobs")
    return opened(tmp_path, clock, died)


def opened(folder: Path, clock: ManualClock, died: list[BaseException]) -> FileUploads:
    return open_uploads(folder / "blobs", clock=clock, on_fatal=died.append)


async def code_of(work: object) -> str:
    with pytest.raises(SiteError) as refused:
        await work  # type: ignore[misc]
    return refused.value.code


async def stands(uploads: FileUploads) -> int:
    found = await uploads.find(OURS)
    assert found is not None
    return found.offset


async def goes_on(uploads: FileUploads) -> None:
    """The rest of it comes, and is what was announced."""
    offset = await stands(uploads)
    assert (await uploads.append(OURS, offset, pieces(DATA[offset:]))).offset == len(DATA)


def once(number: int) -> Callable[[int], None]:
    """An fsync that fails the first time; afterwards the kernel says that all is well."""
    left, real = [OSError(number, os.strerror(number))], os.fsync

    def sync(descriptor: int) -> None:
        if left:
            raise left.pop()
        real(descriptor)

    return sync


@pytest.mark.parametrize("number", [errno.EIO, errno.EUCLEAN])
async def test_a_disk_that_fails_ends_the_process_and_what_it_has_lost_never_counts(
    uploads: FileUploads,
    tmp_path: Path,
    clock: ManualClock,
    died: list[BaseException],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    await uploads.begin(OURS, WHOLE)
    await uploads.append(OURS, 0, pieces(DATA[:1_000]))
    monkeypatch.setattr(large_limits, "UPLOAD_FLUSH_BYTES", 300_000)
    monkeypatch.setattr(os, "fsync", once(number))
    assert await code_of(uploads.append(OURS, 1_000, pieces(DATA[1_000:400_000], b"rest"))) == "store.failing"
    assert [type(one) for one in died] == [OSError]
    assert await code_of(uploads.append(OURS, 1_000, pieces(DATA[1_000:]))) == "store.failing"
    assert len(died) == 1
    later = opened(tmp_path, clock, died)
    assert await stands(later) == 1_000
    await goes_on(later)


async def test_what_an_fsync_did_not_take_for_want_of_room_is_sent_again(
    uploads: FileUploads, died: list[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    await uploads.begin(OURS, WHOLE)
    monkeypatch.setattr(large_limits, "UPLOAD_FLUSH_BYTES", 300_000)
    monkeypatch.setattr(os, "fsync", once(errno.ENOSPC))
    assert await code_of(uploads.append(OURS, 0, pieces(DATA[:400_000], b"rest"))) == "store.full"
    assert (await stands(uploads), died) == (0, [])
    await goes_on(uploads)


async def test_a_write_that_found_room_for_half_of_it_is_not_written_twice(
    uploads: FileUploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    await uploads.begin(OURS, WHOLE)
    real, calls = os.write, [0]

    def write(descriptor: int, data: memoryview) -> int:
        calls[0] += 1
        if calls[0] == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, memoryview(data)[:100_000])

    monkeypatch.setattr(os, "write", write)
    assert await code_of(uploads.append(OURS, 0, pieces(DATA[:300_000]))) == "store.full"
    await goes_on(uploads)


async def test_who_is_cancelled_while_it_is_written_has_it_written_once(
    uploads: FileUploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    await uploads.begin(OURS, WHOLE)
    real, writing, go_on = os.write, Event(), Event()

    def write(descriptor: int, data: memoryview) -> int:
        writing.set()
        assert go_on.wait(10)
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    task = asyncio.create_task(uploads.append(OURS, 0, pieces(DATA[:300_000], DATA[300_000:])))
    assert await asyncio.to_thread(writing.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await stands(uploads) == 300_000
    await goes_on(uploads)


async def test_what_its_disk_does_not_give_back_is_begun_anew(
    uploads: FileUploads, died: list[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file's bytes are no reason to end, as with a blob that has rotted."""

    def unreadable(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    await uploads.begin(OURS, WHOLE)
    with monkeypatch.context() as bad:
        bad.setattr(module, "file_digest", unreadable)
        assert await code_of(uploads.append(OURS, 0, pieces(DATA))) == "store.damaged"
    assert (await stands(uploads), died) == (0, [])
    await goes_on(uploads)


class OneRound(ManualClock):
    """Nobody wakes who sleeps on it."""

    def __init__(self) -> None:
        super().__init__()
        self.slept = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.set()
        await asyncio.Event().wait()


async def test_a_disk_that_is_read_only_for_a_while_does_not_end_the_tidying(
    uploads: FileUploads, tmp_path: Path, died: list[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    await uploads.begin(OURS, WHOLE)
    clock = OneRound()
    later = opened(tmp_path, clock, died)
    clock.advance(large_limits.UPLOAD_IDLE_SECONDS_MAX + 1)

    def unlink(path: Path, *, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "unlink", unlink)
    running, slept = asyncio.create_task(later.run()), asyncio.create_task(clock.slept.wait())
    await asyncio.wait({running, slept}, return_when=asyncio.FIRST_COMPLETED)
    assert not running.done()
    for task in (running, slept):
        task.cancel()
    await asyncio.gather(running, slept, return_exceptions=True)


async def test_the_oldest_of_what_was_handed_in_is_forgotten_also_after_a_start(
    uploads: FileUploads, tmp_path: Path, clock: ManualClock, died: list[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_limits, "UPLOADS_SPENT_MAX", 8)
    ids = [replace(OURS, name=str(number)) for number in range(9)]
    for one in ids:
        clock.advance(1)
        await uploads.begin(one, WHOLE)
    for one in ids[:8]:
        clock.advance(1)
        await uploads.spend(one)
    later = opened(tmp_path, clock, died)
    await later.spend(ids[8])
    assert [await later.find(one) is not None for one in ids] == [False] + [True] * 8
