"""The size of SQLite's write-ahead log, which readers could let grow for ever.

SQLite moves the log into the database at a commit, as far as no reader still needs the older pages, and begins it anew
once nobody reads from it. Where readers always overlap that moment does not come by itself ("checkpoint starvation",
sqlite.org/wal.html section 6). So, when the log is too large, the writer waits for those who are reading now: whoever
begins meanwhile reads from the database and is in nobody's way.

One who reads for long (a check of the whole log, from outside) is not waited for: the log grows until he ends. The next
attempt is made when it has grown by as much again.
"""

from pathlib import Path
from sqlite3 import SQLITE_FULL, OperationalError
from sqlite3 import Connection as DriverConnection
from typing import Final

from gateway.observe import logger
from gateway.storage.engine import BUSY_MILLISECONDS, JOURNAL_BYTES_MAX

WAIT_MILLISECONDS: Final = 250
"""How long the writer waits for readers; a page of theirs takes a few milliseconds."""

_log = logger(__name__)


class WalBound:
    """Looks after the log of one database, from the writer's thread, between two transactions."""

    def __init__(self, connection: DriverConnection, database: Path, *, limit: int = JOURNAL_BYTES_MAX) -> None:
        self._connection = connection
        self._file = database.with_name(f"{database.name}-wal")
        self._limit = self._next = limit

    def keep(self) -> None:
        """Bring the log into the database and empty it, if it is too large."""
        size = self._file.stat().st_size
        if size <= self._next:
            return
        self._connection.execute(f"PRAGMA busy_timeout = {WAIT_MILLISECONDS}")
        emptied = self._empty()
        self._connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        self._next = self._limit if emptied else size + self._limit
        if not emptied:
            _log.warning("store.log_grows", size=size)

    def _empty(self) -> bool:
        """Whether it is empty now: not while somebody reads on, nor while the disk has no room for the database to grow."""
        try:
            (busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except OperationalError as error:
            if error.sqlite_errorcode != SQLITE_FULL:
                raise
            return False
        return not busy
