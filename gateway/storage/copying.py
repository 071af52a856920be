"""A copy of an SQLite database while others write to it: one snapshot, in steps, and in a file of its own.

SQLite begins a stepwise backup anew whenever somebody else has written (sqlite.org/backup.html), so beside a busy service it
would never end. Here the source is inside a read transaction from before the first step to after the last: all steps read its
snapshot, and nobody waits for anybody (WAL). The log file beside the database grows meanwhile, and is taken in afterwards.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from gateway.core.errors import SiteError
from gateway.storage import schema
from gateway.storage.faults import as_site_error
from gateway.storage.folders import sync_file
from gateway.storage.lock import DatabaseLock

STEP_PAGES: Final = 2_000
"""8 MB, in a few milliseconds: between two steps Ctrl-C is heard."""


def copy_database(source: Path, target: Path, *, on_step: Callable[[int], None] = lambda _: None) -> None:
    """Copy a database to a file that is not there yet. `on_step` is told how many pages are left.

    Raises:
        SiteError: `store.damaged`, `store.busy`, `store.full`; `store.version` when there is no database.
    """
    if not source.exists():
        raise SiteError("store.version", found="none", expected=schema.NEWEST)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as read,
            closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            read.execute("BEGIN")
            # The snapshot is taken by the first statement.
            read.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            read.backup(copy, pages=STEP_PAGES, progress=lambda _status, left, _total: on_step(left))
            read.execute("COMMIT")
            settle(copy)
    except sqlite3.Error as error:
        raise as_site_error(error) from error
    sync_file(target)


def schema_version() -> str:
    """The version of the schema that this program reads."""
    return schema.NEWEST


def settle_database(path: Path) -> None:
    """All of a database that nobody has open in its one file, durably."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        settle(database)
    sync_file(path)


def settle(database: sqlite3.Connection) -> None:
    """All of it in the one file, without a log beside it: one that is only looked at gets no second file either."""
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def hold_database(path: Path) -> Iterator[None]:
    """Nobody serves this database, and nobody begins to, until the end.

    Raises:
        SiteError: `store.locked`.
    """
    lock = DatabaseLock(path)
    try:
        yield
    finally:
        lock.release()
