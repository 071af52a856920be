"""Reading units: a fixed number of read-only connections, each unit in one transaction, in a thread beside the writer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gateway.core.errors import SiteError
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import STORE_QUEUE_MAX
from gateway.storage.engine import READERS_MAX
from gateway.storage.faults import ConnectionLostError, FatalStoreError, translated
from gateway.storage.unit import Unit

T = TypeVar("T")


class SnapshotReaders:
    """The reading half of a store on a file."""

    def __init__(self, engine: Engine, /) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(READERS_MAX, thread_name_prefix="store-reader")
        self._waiting = 0
        self._closed = False

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a reading unit on one snapshot.

        Raises:
            SiteError: `store.busy` when too many wait or the store is closed; `store.damaged`.
        """
        if self._closed or self._waiting >= STORE_QUEUE_MAX:
            raise SiteError("store.busy")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)
        finally:
            self._waiting -= 1

    def _run(self, work: Callable[[UnitOfWork], T]) -> T:
        try:
            return self._once(work)
        except ConnectionLostError:
            # The server may have been restarted since this connection was last used: once more, on a new one.
            return self._once(work)

    def _once(self, work: Callable[[UnitOfWork], T]) -> T:
        try:
            with self._engine.connect() as connection:
                return read_once(connection, work)
        except FatalStoreError as error:
            raise SiteError("store.damaged", reason=str(error)) from error
        except DBAPIError as error:  # it could not even be connected
            fault = translated(error)
            raise (
                SiteError("store.damaged", reason=str(fault)) if isinstance(fault, FatalStoreError) else fault
            ) from None

    async def close(self) -> None:
        """Finish what was begun and close the connections. May be called twice."""
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()


def read_once(connection: Connection, work: Callable[[UnitOfWork], T]) -> T:
    """Run a reading unit in a transaction that is always rolled back.

    Raises:
        AssertionError: the unit wrote.
        FatalStoreError: the database cannot be read.
    """
    try:
        with connection.begin() as transaction:
            unit = Unit(connection)
            value = work(unit)
            unit.log.flush()
            transaction.rollback()
            return value
    except BaseException as error:
        fault = translated(error)
        if fault is error:
            raise
        raise fault from error
