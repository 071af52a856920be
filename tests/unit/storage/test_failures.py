"""What a failing disk means to the process: it ends, with an exit code that says whether to start it again."""

import errno
import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway import rooms
from gateway.core.errors import SiteError
from gateway.storage import EXIT_DISK, EXIT_DISK_AGAIN, exit_of_failure, open_blobs, used_share
from gateway.storage.failures import EXIT_OTHER
from gateway.storage.faults import FatalStoreError
from tests.kit.blobs import stored

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
FAILED = OSError(errno.EIO, "Input/output error")


def test_the_second_failure_within_an_hour_keeps_it_down(tmp_path: Path) -> None:
    memory = tmp_path / "disk-failure"
    for minutes, code in ((0, EXIT_DISK), (59, EXIT_DISK_AGAIN), (120, EXIT_DISK), (179, EXIT_DISK_AGAIN)):
        assert exit_of_failure(FAILED, memory, NOW + timedelta(minutes=minutes)) == code
    assert memory.stat().st_mode & 0o777 == 0o600


def test_a_memory_that_cannot_be_read_or_written_is_none(tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(b"\xff\x00")
    assert exit_of_failure(FAILED, tmp_path / "junk", NOW) == EXIT_DISK
    assert exit_of_failure(FAILED, tmp_path / "no" / "folder", NOW) == EXIT_DISK


def test_a_full_disk_is_no_failing_one_and_a_mistake_of_ours_is_neither(tmp_path: Path) -> None:
    memory, full = tmp_path / "disk-failure", FatalStoreError("database or disk is full")
    full.__cause__ = sqlite3.OperationalError("database or disk is full")
    full.__cause__.sqlite_errorcode = sqlite3.SQLITE_FULL
    assert [exit_of_failure(full, memory, NOW) for _ in range(3)] == [EXIT_DISK] * 3
    assert exit_of_failure(SiteError("audit.inconsistent"), memory, NOW) == EXIT_OTHER
    assert not memory.exists()


@pytest.mark.parametrize(
    ("number", "code", "dies"),
    [
        (errno.EIO, "store.failing", True),
        (errno.EUCLEAN, "store.failing", True),
        (errno.ENOSPC, "store.full", False),
        (errno.EROFS, "store.full", False),
        (errno.EMFILE, "store.damaged", False),
    ],
)
async def test_what_a_blob_meets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, *, dies: bool
) -> None:
    died: list[BaseException] = []
    blobs = open_blobs(tmp_path / "blobs", on_fatal=died.append)
    await stored(blobs, b"before")

    def fails(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(SiteError) as told:
        await stored(blobs, b"after")
    assert told.value.code == code
    assert bool(died) == dies
    assert list((tmp_path / "blobs" / "drafts").iterdir()) == []


def test_a_disk_that_is_mounted_read_only_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert used_share(tmp_path) < 1
    real = os.statvfs(tmp_path)
    fields = (*tuple(real)[:8], real.f_flag | os.ST_RDONLY, real.f_namemax)
    monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result(fields))
    assert used_share(tmp_path) == 1.0


def test_one_failure_that_several_meet_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Database, blobs and the signer's memory stand on one disk: the second of them must not keep the gateway down."""
    codes: list[int] = []

    def timer(_seconds: float, _end: Callable[[int], None], given: tuple[int]) -> SimpleNamespace:
        return SimpleNamespace(start=lambda: codes.extend(given))

    monkeypatch.setattr(rooms, "Timer", timer)
    for _ in range(3):
        rooms.ending(tmp_path)(FAILED)
    assert codes == [EXIT_DISK]
    assert exit_of_failure(FAILED, tmp_path / "disk-failure", datetime.now(UTC)) == EXIT_DISK_AGAIN
