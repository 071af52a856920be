"""A PostgreSQL database as an SQLite file, and back: the tables are the same, so a backup has one shape.

Reading is one snapshot (REPEATABLE READ, read only): whoever writes meanwhile is not waited for, and waits for nobody. Putting
back is one transaction, tables and all: a power failure in the middle leaves an empty database, which nobody mistakes for a
gateway's.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy.exc import DBAPIError

from gateway.core.errors import SiteError
from gateway.storage import schema
from gateway.storage.copying import settle
from gateway.storage.engine import opened, writing_engine
from gateway.storage.faults import as_site_error
from gateway.storage.folders import sync_file
from gateway.storage.instance import InstanceLock
from gateway.storage.postgres_engine import check_server, reached, snapshots_engine, unhurried, writers_engine
from gateway.storage.postgres_url import masked, read_url
from gateway.storage.tables import metadata

ROWS: Final = 200
"""Rows that are on their way at once: about 10 MB of the widest (a message to 168 bodies has 45 KB)."""


# --- out of the server -------------------------------------------------------------------------------------------------


def copy_server(url: str, target: Path) -> None:
    """Copy a database of this program's version to an SQLite file that is not there yet, in one snapshot.

    Raises:
        SiteError: `config.invalid`, `store.version`, `store.busy`, `store.damaged`, `store.full`.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    _empty_file(target)
    engine = snapshots_engine(read_url(url))
    try:
        with reached(engine) as connection, closing(sqlite3.connect(target, isolation_level=None)) as copy:
            schema.refuse_other(connection)
            copy.execute("BEGIN IMMEDIATE")
            with connection.begin():
                for table in metadata.sorted_tables:
                    _copy_table(connection, table, copy)
            copy.execute("COMMIT")
            settle(copy)
    except (DBAPIError, sqlite3.Error) as error:
        raise as_site_error(error) from error
    finally:
        engine.dispose()
    sync_file(target)


def _empty_file(path: Path) -> None:
    """This program's tables, and nothing in them."""
    engine = writing_engine(path)
    try:
        with opened(engine) as connection:
            schema.upgrade(connection)
    finally:
        engine.dispose()


def _copy_table(connection: Connection, table: Table, copy: sqlite3.Connection) -> None:
    names = [column.name for column in table.columns]
    copy.execute(f'DELETE FROM "{table.name}"')  # noqa: S608 - a name of ours; a migration may have put rows there
    rows = connection.execution_options(yield_per=ROWS).execute(select(table))
    insert = f'INSERT INTO "{table.name}" ({_quoted(names)}) VALUES ({", ".join("?" * len(names))})'  # noqa: S608 - as above
    for some in rows.partitions(ROWS):
        copy.executemany(insert, [tuple(row) for row in some])


# --- back into a server ------------------------------------------------------------------------------------------------


@contextmanager
def hold_server(url: str) -> Iterator[None]:
    """Nobody serves this database, and nobody begins to, until the end.

    Raises:
        SiteError: `store.locked`, `config.invalid`.
    """
    lock = InstanceLock(read_url(url))
    try:
        yield
    finally:
        lock.release()


def refuse_full_server(url: str) -> None:
    """See that a database has no tables of ours.

    Raises:
        SiteError: `restore.not_empty`, `config.invalid`.
    """
    place = read_url(url)
    engine = writers_engine(place, connections=1)
    try:
        with reached(engine) as connection:
            if schema.current(connection) is not None:
                raise SiteError("restore.not_empty", path=masked(place))
    finally:
        engine.dispose()


def load_server(source: Path, url: str, *, relaxed: bool = False) -> None:
    """Put an SQLite file of this program's version into an empty database: all of it, or nothing.

    Raises:
        SiteError: `restore.not_empty`, `config.invalid`, `store.busy`, `store.damaged`.
    """
    refuse_full_server(url)
    engine = writers_engine(read_url(url), connections=1)
    try:
        with (
            reached(engine) as connection,
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as copy,
        ):
            with connection.begin():
                check_server(connection, relaxed=relaxed)
            with unhurried(connection), connection.begin():
                schema.create(connection)
                for table in metadata.sorted_tables:
                    _load_table(copy, table, connection)
    except (DBAPIError, sqlite3.Error) as error:
        raise as_site_error(error) from error
    finally:
        engine.dispose()


def _load_table(copy: sqlite3.Connection, table: Table, connection: Connection) -> None:
    names = [column.name for column in table.columns]
    connection.execute(table.delete())
    driver: Any = connection.connection.dbapi_connection
    rows = copy.execute(f'SELECT {_quoted(names)} FROM "{table.name}"')  # noqa: S608 - names of ours
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({_quoted(names)}) FROM STDIN') as into:
        while some := rows.fetchmany(ROWS):
            for row in some:
                into.write_row(row)
    _count_on(connection, table)


def _count_on(connection: Connection, table: Table) -> None:
    """Numbers that the database gives follow the greatest one."""
    column = table.autoincrement_column
    if column is None:
        return
    sequence = connection.execute(
        text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name}
    ).scalar_one()
    if sequence is None:
        return
    greatest = cast("int | None", connection.execute(select(func.max(column))).scalar_one())
    values = {"sequence": sequence, "last": max(1, greatest or 0), "called": (greatest or 0) > 0}
    connection.execute(text("SELECT setval(CAST(:sequence AS regclass), :last, :called)"), values)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
