"""Bytes on their way to the end of an upload's file.

What a write or an fsync left that failed is not known: a piece that has failed writes nothing more, and goes no further than
its last fsync.
"""

import os
from pathlib import Path
from threading import Lock

from gateway.core.errors import Conflict
from gateway.storage.disk_errors import DiskErrors


class Piece:
    """One lock for all its methods: a cancelled caller closes while a thread writes."""

    def __init__(self, path: Path, offset: int, size: int, disk: DiskErrors) -> None:
        """`offset`: where it begins; `size`: of the whole file, which nobody writes beyond."""
        self._path = path
        self._offset = self._durable = offset
        self._size = size
        self._disk = disk
        self._lock = Lock()
        self._file: int | None = None
        self._failed = False

    @property
    def unflushed(self) -> int:
        """Bytes that are written and not durable yet."""
        return self._offset - self._durable

    def write(self, data: bytes) -> None:
        """Append. The first time whatever stood behind the offset is cut off.

        Raises:
            Conflict: `upload.offset`: more than was announced.
        """
        with self._lock, self._disk.touched():
            self._write(data)

    def flush(self) -> int:
        """Make it durable; how far it goes now."""
        with self._lock, self._disk.touched():
            return self._flush()

    def end(self, last: bytes) -> int:
        """Append what is left and make it durable, unless it has failed; how far it goes now."""
        with self._lock, self._disk.touched():
            if not self._failed:
                self._write(last)
                self._flush()
            return self._durable

    def close(self) -> None:
        """Whatever came of it."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _write(self, data: bytes) -> None:
        if self._offset + len(data) > self._size:
            raise Conflict("upload.offset", offset=self._offset)
        self._failed = True
        descriptor = self._open() if self._file is None else self._file
        rest = memoryview(data)
        while rest:
            written = os.write(descriptor, rest)
            self._offset += written
            rest = rest[written:]
        self._failed = False

    def _open(self) -> int:
        if not self._offset:  # what stood there may be a blob by now: never write into that
            self._path.unlink(missing_ok=True)
        self._file = descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(descriptor, self._offset)
        os.lseek(descriptor, self._offset, os.SEEK_SET)
        return descriptor

    def _flush(self) -> int:
        self._failed = True
        if self._file is not None:
            os.fsync(self._file)
        self._failed = False
        self._durable = self._offset
        return self._durable
