"""The store of seeded worlds: the real tables and statements on `:memory:`, run inline, without threads."""

from collections.abc import Callable
from typing import TypeVar, cast

from sqlalchemy import Connection

from gateway.core.errors import SiteError
from gateway.core.ledgers import UnitOfWork
from gateway.core.ports import CommitListener
from gateway.storage.engine import driver, memory_engine
from gateway.storage.group_commit import GroupCommit, Sequencer
from gateway.storage.snapshot import read_once
from gateway.storage.tables import metadata

T = TypeVar("T")


class MemoryStore:
    """Implements `gateway.core.ports.Store`; nothing of it outlives `close`. Made by `open_memory`."""

    def __init__(self, *, connection: Connection, sequencer: Sequencer) -> None:
        self._connection = connection
        self._group = GroupCommit(connection, sequencer=sequencer)
        self._listener: CommitListener | None = None

    def set_listener(self, listener: CommitListener) -> None:
        """Who is told after each commit."""
        self._listener = listener

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a unit of work, at once."""
        self._refuse_closed()
        report = self._group.commit([work])
        if self._listener is not None and (report.work_added or report.head is not None):
            self._listener.committed(work_added=report.work_added, head=report.head)
        error = report.settled[0].error or report.sequencer_error
        if error is not None:
            raise error
        return cast("T", report.settled[0].value)

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a reading unit, at once."""
        self._refuse_closed()
        driver(self._connection).execute("PRAGMA query_only = ON")
        try:
            return read_once(self._connection, work)
        finally:
            driver(self._connection).execute("PRAGMA query_only = OFF")

    def check_room(self) -> None:
        """Look whether a unit would be taken in now.

        Raises:
            SiteError: `store.busy` when the store is closed.
        """
        self._refuse_closed()

    async def close(self) -> None:
        """Forget everything. May be called twice."""
        self._connection.close()
        self._connection.engine.dispose()

    def _refuse_closed(self) -> None:
        if self._connection.closed:
            raise SiteError("store.busy")


def open_memory(*, sequencer: Sequencer) -> MemoryStore:
    """An empty store in memory."""
    connection = memory_engine().connect()
    with connection.begin():
        metadata.create_all(connection)
    return MemoryStore(connection=connection, sequencer=sequencer)
