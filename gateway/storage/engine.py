"""SQLite connections as the store wants them: whose transactions are ours alone, and durable (reliability.md B2.9).

The driver's own transaction control is off (`isolation_level` None) and SQLAlchemy's `begin` event says BEGIN: otherwise
pysqlite opens transactions of its own between our savepoints (SQLAlchemy documentation, SQLite, "Transaction control").
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as DriverConnection
from sqlite3 import Error as DriverError
from typing import Any, Final, cast

from sqlalchemy import Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from gateway.core.errors import SiteError
from gateway.storage.faults import as_site_error
from gateway.storage.soundness import flaw_of

READERS_MAX: Final = 2
"""Reading connections, each in its thread: two busy ones already slow the writer twentyfold (GIL; measured.md)."""
BUSY_MILLISECONDS: Final = 5_000
"""Only somebody outside the service can hold the write lock, and only for a moment."""
JOURNAL_BYTES_MAX: Final = 64 * 1024 * 1024

WRITER_CACHE_KIB: Final = 32 * 1024
"""The writer's own pages. Digests come in no order, so each row goes to another page of its index: in SQLite's 2 MiB not even
the inner pages of a million documents' indexes stay."""
READER_CACHE_KIB: Final = 4 * 1024
_COMMON: Final = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}",
    # No memory map: an I/O error would be a signal instead of a result code.
    "PRAGMA mmap_size = 0",
)
_WRITING: Final = (
    "PRAGMA journal_mode = WAL",
    # FULL: fsync at every commit. NORMAL may lose the last commits when the power fails (reliability.md B1).
    "PRAGMA synchronous = FULL",
    f"PRAGMA cache_size = -{WRITER_CACHE_KIB}",
    f"PRAGMA journal_size_limit = {JOURNAL_BYTES_MAX}",
)


def writing_engine(path: Path) -> Engine:
    """The one writing connection to a database file; every transaction takes the write lock at once."""
    engine = _engine(f"sqlite:///{path}", pool_size=1)
    _on_connect(engine, (*_COMMON, *_WRITING))
    _on_begin(engine, "BEGIN IMMEDIATE")
    return engine


def reading_engine(path: Path) -> Engine:
    """Connections that cannot write. A transaction is one snapshot, from its first statement on."""
    uri = f"{path.absolute().as_uri()}?mode=ro&uri=true"
    engine = _engine(f"sqlite:///{uri}", pool_size=READERS_MAX)
    _on_connect(engine, (*_COMMON, "PRAGMA query_only = ON", f"PRAGMA cache_size = -{READER_CACHE_KIB}"))
    _on_begin(engine, "BEGIN")
    return engine


def memory_engine() -> Engine:
    """One connection to a database in memory."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    _on_connect(engine, _COMMON)
    _on_begin(engine, "BEGIN")
    return engine


def keep_temporaries_in_memory(connection: Connection) -> None:
    """For a connection that has only small transactions from now on.

    Every change inside a savepoint first copies the page as it was (a circular to 336 bodies: 1,850 pages, 7 MiB), by
    default into a file of the temporary folder: two writes for each, and a unit that fails where that disk is full.
    A migration sorts whole tables, and is not to do so in memory.
    """
    driver(connection).execute("PRAGMA temp_store = MEMORY")


def driver(connection: Connection) -> DriverConnection:
    """The sqlite3 connection underneath."""
    return cast("DriverConnection", connection.connection.dbapi_connection)


@contextmanager
def opened(engine: Engine, *, patience: float | None = None) -> Iterator[Connection]:
    """A first connection to a database that was found sound, as far as was looked in `patience` seconds (None: all of it).

    Raises:
        SiteError: `store.damaged` for a file that is no database or is damaged; `store.busy`, `store.full`.
    """
    try:
        with engine.connect() as connection:
            with connection.begin():
                flaw = flaw_of(driver(connection), patience)
            if flaw:
                raise SiteError("store.damaged", reason=flaw)
            yield connection
    except (DBAPIError, DriverError) as error:
        raise as_site_error(error) from error


def _engine(url: str, *, pool_size: int) -> Engine:
    return create_engine(
        url, poolclass=QueuePool, pool_size=pool_size, max_overflow=0, connect_args={"check_same_thread": False}
    )


def _on_connect(engine: Engine, pragmas: tuple[str, ...]) -> None:
    def connected(connection: DriverConnection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(pragma)

    event.listen(engine, "connect", connected)


def _on_begin(engine: Engine, statement: str) -> None:
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    event.listen(engine, "begin", begun)
