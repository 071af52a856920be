"""The store as somebody from outside reads it: beside a running service or after it, without its lock.

A read-only connection neither writes to the database nor moves its write-ahead log into it (sqlite.org/wal.html, "Read-Only
Databases"). When no service runs it makes the two files beside the database (`-wal`, empty, and `-shm`) and leaves them,
so it must run as the service's own user.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine

from gateway.core.ledgers import UnitOfWork
from gateway.storage import schema
from gateway.storage.engine import opened, reading_engine
from gateway.storage.snapshot import SnapshotReaders

T = TypeVar("T")


class ReadOnlyStore:
    """Implements `gateway.core.ports.Store` for those who only read. Made by `open_reader`."""

    def __init__(self, readers: SnapshotReaders, /) -> None:
        self._readers = readers

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:  # noqa: ARG002 - the port's signature
        """Always refused (AssertionError): who writes goes through the service."""
        raise AssertionError("this store only reads")

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a reading unit on one snapshot."""
        return await self._readers.read(work)

    def check_room(self) -> None:
        """Always refused (AssertionError), as `transact`."""
        raise AssertionError("this store only reads")

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self._readers.close()


def open_reader(path: Path, *, patience: float | None = None) -> ReadOnlyStore:
    """Open a database of this program's version for reading only. `patience`: see `engine.opened`.

    Raises:
        SiteError: `store.version`, `store.damaged`.
    """
    return reader_of(reading_engine(path), partial(opened, patience=patience))


def reader_of(engine: Engine, first: Callable[[Engine], AbstractContextManager[Connection]]) -> ReadOnlyStore:
    """The reading store on these connections, once the `first` of them has found a schema of this program's version.

    Raises:
        SiteError: `store.version`, and what `first` raises.
    """
    try:
        with first(engine) as connection:
            schema.refuse_other(connection)
    except BaseException:
        engine.dispose()
        raise
    return ReadOnlyStore(SnapshotReaders(engine))
