"""Copying files so that they are there after a power failure, and are what they were."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.limits import CHUNK_BYTES

LOCK: Final = ".lock"


def empty_folder(folder: Path, code: str) -> None:
    """A folder for its owner alone in which nothing stands yet; the lock of a database that is not there is nothing.

    Raises:
        SiteError: the code; something stands there.
    """
    if folder.exists() and (not folder.is_dir() or any(path.suffix != LOCK for path in folder.iterdir())):
        raise SiteError(code, path=str(folder))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_durably(path: Path, data: bytes) -> None:
    """A new file for its owner alone, with these bytes."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        sync(file.fileno())


def copy_durably(source: Path, target: Path) -> None:
    """A copy of a file, for its owner alone."""
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with source.open("rb") as reading, os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(reading, file, CHUNK_BYTES)
        file.flush()
        sync(file.fileno())


def copy_blob(source: Path, target: Path, digest: Digest) -> int | None:
    """A copy of a blob under its shelf; its size, or None where there is none with that digest (and then no copy)."""
    place, origin = target / digest[:2] / digest, source / digest[:2] / digest
    place.parent.mkdir(mode=0o700, exist_ok=True)
    hashed = hashlib.sha256()
    with place.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        for chunk in _to_be_had(origin):
            hashed.update(chunk)
            file.write(chunk)
        file.flush()
        sync(file.fileno())
    if hashed.hexdigest() != digest:
        place.unlink()
        return None
    return place.stat().st_size


def _to_be_had(origin: Path) -> Iterator[bytes]:
    """What there is of a file: one that is not there, or that its disk gives back in part only, ends early."""
    try:
        with origin.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.EIO}:
            raise


def sync_tree(folder: Path) -> None:
    """Make the names in a folder and in those below it durable."""
    for one in (*(path for path in folder.rglob("*") if path.is_dir()), folder, folder.parent):
        descriptor = os.open(one, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            sync(descriptor)
        finally:
            os.close(descriptor)


def sync(descriptor: int) -> None:
    """On the disk, not on its way."""
    os.fsync(descriptor)
