"""One process, one writer: an exclusive lock on `<database>.lock` for as long as the store is open.

SQLite's own locks would let a second gateway in between two transactions, and Debian 12's SQLite 3.40 is inside the range
of the WAL-reset error, which needs two connections that write (reliability.md, head). The kernel drops the lock when the
process dies, however it dies. The descriptor is not inheritable (PEP 446): programs we start and forkserver children do
not keep it alive after us.
"""

import fcntl
import os
from pathlib import Path

from gateway.core.errors import SiteError


class DatabaseLock:
    """The lock of one database file. Taken when made, until `release`."""

    def __init__(self, database: Path, /) -> None:
        """Take the lock at once.

        Raises:
            SiteError: `store.locked` when another process (or another store of this one) holds it.
        """
        path = database.with_name(f"{database.name}.lock")
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise SiteError("store.locked", path=str(database), holder=_holder(path)) from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give the lock back. May be called twice. The file stays: removing it would race with the next holder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _holder(path: Path) -> str:
    """Process id that the holder wrote: a hint for people, decides nothing."""
    return path.read_text(encoding="ascii", errors="replace")[:20].strip() or "unknown"
