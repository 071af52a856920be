"""The store on a PostgreSQL server: each unit in its own transaction, in a small pool of threads; readers beside them."""

import asyncio
from collections.abc import Callable
from threading import Event, Thread
from typing import Final, TypeVar

from sqlalchemy import Engine

from gateway.core import metrics
from gateway.core.errors import SiteError
from gateway.core.ledgers import UnitOfWork
from gateway.core.ports import CommitListener, Meter
from gateway.observe import UNMEASURED, logger
from gateway.storage import schema
from gateway.storage.attempts import Attempts
from gateway.storage.entrance import Entrance, OnFatal
from gateway.storage.faults import ConnectionLostError, FatalStoreError
from gateway.storage.group_commit import Sequencer, Settled
from gateway.storage.instance import InstanceLock
from gateway.storage.jobs import Job, count_units, tell
from gateway.storage.placing import PlacingTurns
from gateway.storage.postgres_engine import (
    check_server,
    reached,
    snapshots_engine,
    unhurried,
    warn_of_open_road,
    writers_engine,
)
from gateway.storage.postgres_url import read_url
from gateway.storage.reader import ReadOnlyStore, reader_of
from gateway.storage.snapshot import SnapshotReaders

T = TypeVar("T")

WRITERS_MAX: Final = 4
"""Threads that run units, each with its connection: two busy cores gain nothing from eight (measured; docs/POSTGRESQL.md)."""
KEEPER_SECONDS: Final = 1.0
"""How often the lock is looked at, and leaves that were left behind are placed."""

_log = logger(__name__)


class PostgresStore:
    """Implements `gateway.core.ports.Store`. Made by `open_postgres`."""

    def __init__(  # noqa: PLR0913 - made in one place
        self,
        *,
        writers: Engine,
        snapshots: Engine,
        lock: InstanceLock,
        turns: PlacingTurns,
        on_fatal: OnFatal,
        meter: Meter = UNMEASURED,
    ) -> None:
        self._meter = meter
        self._writers = writers
        self._entrance = Entrance(SnapshotReaders(snapshots), on_fatal=on_fatal)
        self._lock = lock
        self._turns = turns
        self._listener: CommitListener | None = None
        self._closing = Event()
        self._threads = [Thread(target=self._write, name=f"store-writer-{n}", daemon=True) for n in range(WRITERS_MAX)]
        self._keeper = Thread(target=self._keep, name="store-keeper", daemon=True)
        for thread in (*self._threads, self._keeper):
            thread.start()

    def set_listener(self, listener: CommitListener) -> None:
        """Who is told after each commit. Earlier commits are not told again."""
        self._listener = listener

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a unit of work; returns once it is on disk. Cancelling the caller does not stop a unit that was taken in."""
        return await self._entrance.transact(work)

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a reading unit on one snapshot, beside the writers."""
        return await self._entrance.read(work)

    def check_room(self) -> None:
        """See `Entrance.check_room`."""
        self._entrance.check_room()

    async def close(self) -> None:
        """Write what was taken in, then close the connections and give the lock back. May be called twice."""
        self._entrance.close()
        self._closing.set()
        for thread in (*self._threads, self._keeper):
            await asyncio.to_thread(thread.join)
        await self._entrance.close_readers()
        self._writers.dispose()
        self._lock.release()

    # --- the writers' threads ----------------------------------------------------------------------------------------

    def _write(self) -> None:
        attempts = Attempts(self._writers)
        while jobs := self._entrance.take(1):
            try:
                self._run(attempts, jobs[0])
            except BaseException as error:  # noqa: BLE001 - border: a dead writer thread must never be silent
                self._entrance.die(error, jobs)
        attempts.close()

    def _run(self, attempts: Attempts, job: Job) -> None:
        with self._meter.timed(metrics.STORE_COMMIT_SECONDS):
            done = Settled(error=self._entrance.refusal()) if self._entrance.dead else attempts.run(job.work)
        count_units(self._meter, [done])
        try:
            if done.work_added and self._listener is not None:
                self._listener.committed(work_added=True, head=None)
            if done.leaves_added:
                self._place(attempts, self._turns.left())
        finally:
            # Whatever became of the leaves, this unit is durable: its caller hears of it.
            tell([job], [done])

    def _place(self, attempts: Attempts, number: int | None = None) -> None:
        head = self._turns.place(attempts, number)
        if head is not None and self._listener is not None:
            self._listener.committed(work_added=False, head=head)

    # --- the keeper's thread -----------------------------------------------------------------------------------------

    def _keep(self) -> None:
        """Look after what no unit looks after: the lock, and leaves that were left behind."""
        attempts = Attempts(self._writers)
        while not self._closing.wait(KEEPER_SECONDS):
            try:
                self._lock.hold()
                if self._turns.behind:
                    self._place(attempts)
            except ConnectionLostError as error:
                _log.warning("store.unreachable", reason=str(error))
            except BaseException as error:  # noqa: BLE001 - border: see `_write`
                self._entrance.die(error)
                break
        attempts.close()


def open_postgres(  # noqa: PLR0913 - keywords, most of them for tests and demo
    url: str,
    *,
    sequencer: Sequencer,
    on_fatal: OnFatal,
    migrate: bool = False,
    relaxed: bool = False,
    meter: Meter = UNMEASURED,
) -> PostgresStore:
    """Open the database with its lock, check server and schema, place what a crash left, and start the writers.

    `migrate` makes the tables, or brings older ones up to date first. `relaxed` (demo and tests only) accepts a server
    without fsync.

    Raises:
        SiteError: `config.invalid`, `store.locked`, `store.version`, `store.damaged`.
    """
    place = read_url(url)
    warn_of_open_road(place)
    lock = InstanceLock(place)
    turns = PlacingTurns(sequencer)
    writers = writers_engine(place, connections=WRITERS_MAX + 1)
    try:
        _prepare(writers, migrate=migrate, relaxed=relaxed)
        _place_leftovers(writers, turns)
    except BaseException:
        writers.dispose()
        lock.release()
        raise
    return PostgresStore(
        writers=writers,
        snapshots=snapshots_engine(place),
        lock=lock,
        turns=turns,
        on_fatal=on_fatal,
        meter=meter,
    )


def open_postgres_reader(url: str) -> ReadOnlyStore:
    """Open a database of this program's version for reading only, beside a running service; needs no lock.

    Raises:
        SiteError: `config.invalid`, `store.version`.
    """
    return reader_of(snapshots_engine(read_url(url)), reached)


def _prepare(engine: Engine, *, migrate: bool, relaxed: bool) -> None:
    """Server and schema are as they must be afterwards."""
    with reached(engine) as connection:
        with connection.begin():
            check_server(connection, relaxed=relaxed)
        if migrate:
            with unhurried(connection):
                schema.upgrade(connection)
        schema.refuse_other(connection)


def _place_leftovers(engine: Engine, turns: PlacingTurns) -> None:
    attempts = Attempts(engine)
    try:
        turns.place(attempts)
    except FatalStoreError as error:
        raise SiteError("store.damaged", reason=str(error)) from error
    finally:
        attempts.close()
