"""Is the database writable, is it sound, are the blobs what their names say?"""

import asyncio
import fcntl
import hashlib
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from gateway.core.health import Check, Finding, found
from gateway.core.ids import DIGEST
from gateway.core.limits import CHUNK_BYTES, MIB
from gateway.core.ports import Store
from gateway.storage import schema
from gateway.storage.instance import instance_holder
from gateway.storage.opening import open_store_for_reading

SAMPLE_BLOBS: Final = 20
SAMPLE_BYTES_MAX: Final = 64 * MIB
"""Together: hashed in a quarter of a second."""


class StoreProbe:
    """For `/readyz`: the writer takes a unit and commits it."""

    check: Final = Check.DATABASE

    def __init__(self, store: Store) -> None:
        self._store = store

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`: an empty unit has to pass through the queue, the write lock and a commit."""
        await self._store.transact(lambda _: None)
        return (found("probe.database.writable"),)


class DatabaseProbe:
    """For `doctor`: the database is there, of our version, and sound; beside the service or without it.

    `place`: a file, which is checked whole (`quick_check`), or the URL of a server, which looks after its own pages.
    """

    check: Final = Check.DATABASE

    def __init__(self, place: Path | str) -> None:
        self._place = place

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        if isinstance(self._place, Path) and not self._place.exists():
            return (found("probe.database.absent", path=self._place),)
        store = await asyncio.to_thread(open_store_for_reading, self._place)
        await store.close()
        holder = await asyncio.to_thread(lock_holder, self._place)
        return (found("probe.database.good", version=schema.NEWEST, holder=holder or ""),)


def lock_holder(database: Path | str) -> str | None:
    """Who holds the database: the process id a service wrote down, or its session at the server; None when nobody does.

    Raises:
        SiteError: `config.invalid` when the server cannot be reached.
    """
    if isinstance(database, str):
        return instance_holder(database)
    path = database.with_name(f"{database.name}.lock")
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return path.read_text(encoding="ascii", errors="replace")[:20].strip() or "unknown"
    except OSError:
        return None
    return None


class BlobsProbe:
    """For `doctor`: the folder can be written to, and some blobs from all over it are what their names say."""

    check: Final = Check.BLOBS

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> tuple[Finding, ...]:
        if not self._folder.is_dir():
            return (found("probe.blobs.absent", path=self._folder),)
        if not os.access(self._folder, os.R_OK | os.W_OK | os.X_OK):
            return (found("probe.blobs.closed", path=self._folder),)
        count, left, damaged = 0, SAMPLE_BYTES_MAX, []
        for path in islice(_spread(self._folder), SAMPLE_BLOBS):
            size, digest = _digest(path)
            if digest != path.name:
                damaged.append(found("probe.blobs.damaged", digest=path.name, path=path))
            count, left = count + 1, left - size
            if left <= 0:
                break
        return tuple(damaged) or (found("probe.blobs.good", count=count),)


def _spread(folder: Path) -> Iterator[Path]:
    """One blob of each subfolder, then a second one of each ..."""
    shelves = [
        sorted(islice(shelf.iterdir(), SAMPLE_BLOBS))
        for shelf in sorted(folder.iterdir())
        if len(shelf.name) == 2 and shelf.is_dir()
    ]
    for row in range(SAMPLE_BLOBS):
        for shelf in shelves:
            if row < len(shelf) and DIGEST.fullmatch(shelf[row].name):
                yield shelf[row]


def _digest(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a blob; an empty digest when it cannot be read."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
    except OSError:
        return size, ""
    return size, digest.hexdigest()
