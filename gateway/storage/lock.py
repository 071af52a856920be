"""One process, one writer: an exclusive lock on `<database>.lock` for as long as the store is open.

SQLite's own locks would let a second gateway in between two transactions, and Debian 12's SQLite 3.40 is inside the range
of the WAL-reset error, which needs two connections that write (reliability.md, head). The kernel drops the lock when the
process dies, however it dies. The descriptor is not inheritable (PEP 446): programs we start and forkserver children do
not keep it alive after us.
"""

import fcntl
import os
from pathlib import Path
from threading import Event
from typing import Final

from gateway.core.errors import SiteError

LOOKERS_MAX: Final = 100
PAUSE_SECONDS: Final = 0.01
"""Who only asks (`probes.lock_holder`) holds the lock SHARED for some microseconds: a start waits for those, no other."""


class DatabaseLock:
    """The lock of one database file. Taken when made, until `release`."""

    def __init__(self, database: Path, /) -> None:
        """Take the lock at once, or after those who are just asking who holds it.

        Raises:
            SiteError: `store.locked` when another process (or another store of this one) holds it.
        """
        path = database.with_name(f"{database.name}.lock")
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _taken(self._descriptor):
            self.release()
            raise SiteError("store.locked", path=str(database), holder=_holder(path))
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give the lock back. May be called twice. The file stays: removing it would race with the next holder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _taken(descriptor: int) -> bool:
    for _ in range(LOOKERS_MAX):
        if _flock(descriptor, fcntl.LOCK_EX):
            return True
        if not _flock(descriptor, fcntl.LOCK_SH):  # somebody has it for himself
            return False
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        Event().wait(PAUSE_SECONDS)
    return False


def _flock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    """Process id that the holder wrote: a hint for people, decides nothing."""
    return path.read_text(encoding="ascii", errors="replace")[:20].strip() or "unknown"
