"""The store on an SQLite file: one writer thread with group commit, readers beside it, an exclusive lock."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TypeVar

from sqlalchemy import Engine

from gateway.core import metrics
from gateway.core.errors import SiteError
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import GROUP_COMMIT_UNITS_MAX, START_LOOK_SECONDS_MAX
from gateway.core.ports import CommitListener, Meter
from gateway.observe import UNMEASURED
from gateway.storage import schema
from gateway.storage.engine import driver, keep_temporaries_in_memory, opened, reading_engine, writing_engine
from gateway.storage.entrance import Entrance, OnFatal
from gateway.storage.folders import sync_folder
from gateway.storage.group_commit import GroupCommit, GroupReport, Sequencer, Settled
from gateway.storage.jobs import Job, count_units, tell
from gateway.storage.lock import DatabaseLock
from gateway.storage.snapshot import SnapshotReaders
from gateway.storage.wal import WalBound

T = TypeVar("T")


class SqliteStore:
    """Implements `gateway.core.ports.Store`. Made by `open_sqlite`."""

    def __init__(  # noqa: PLR0913 - what `open_sqlite` made, each once
        self,
        *,
        path: Path,
        writer: Engine,
        readers: Engine,
        lock: DatabaseLock,
        sequencer: Sequencer,
        on_fatal: OnFatal,
        meter: Meter = UNMEASURED,
    ) -> None:
        self._lock = lock
        self._writer = writer
        self._connection = writer.connect()
        keep_temporaries_in_memory(self._connection)
        self._group = GroupCommit(self._connection, sequencer=sequencer)
        self._wal = WalBound(driver(self._connection), path)
        self._entrance = Entrance(SnapshotReaders(readers), on_fatal=on_fatal)
        self._meter = meter
        self._listener: CommitListener | None = None
        self._thread = Thread(target=self._write, name="store-writer", daemon=True)
        self._thread.start()

    def set_listener(self, listener: CommitListener) -> None:
        """Who is told after each commit. Earlier commits are not told again."""
        self._listener = listener

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a unit of work; returns once it is on disk. Cancelling the caller does not stop a unit that was taken in."""
        return await self._entrance.transact(work)

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a reading unit on one snapshot, beside the writer."""
        return await self._entrance.read(work)

    def check_room(self) -> None:
        """See `Entrance.check_room`."""
        self._entrance.check_room()

    async def close(self) -> None:
        """Write what was taken in, then close the files and give the lock back. May be called twice."""
        self._entrance.close()
        await asyncio.to_thread(self._thread.join)
        await self._entrance.close_readers()
        if not self._entrance.dead:
            # Readers first: the last connection to close writes the log back into the database file.
            self._connection.close()
            self._writer.dispose()
            self._lock.release()

    # --- the writer thread -------------------------------------------------------------------------------------------

    def _write(self) -> None:
        while jobs := self._entrance.take(GROUP_COMMIT_UNITS_MAX):
            try:
                self._commit(jobs)
            except BaseException as error:  # noqa: BLE001 - border: a dead writer thread must never be silent
                self._entrance.die(error, jobs)
                return

    def _commit(self, jobs: Sequence[Job]) -> None:
        try:
            with self._meter.timed(metrics.STORE_COMMIT_SECONDS):
                report = self._group.commit([job.work for job in jobs])
        except SiteError as error:
            tell(jobs, [Settled(error=error)] * len(jobs))
            return
        tell(jobs, report.settled)
        count_units(self._meter, report.settled)
        self._announce(report)
        self._wal.keep()

    def _announce(self, report: GroupReport) -> None:
        if self._listener is not None and (report.work_added or report.head is not None):
            self._listener.committed(work_added=report.work_added, head=report.head)
        if report.sequencer_error is not None:
            raise report.sequencer_error


def open_sqlite(
    path: Path, *, sequencer: Sequencer, on_fatal: OnFatal, migrate: bool = False, meter: Meter = UNMEASURED
) -> SqliteStore:
    """Open the database with its lock, check it, and start the writer.

    `migrate` creates the file, or brings an older schema up to date first.

    Raises:
        SiteError: `store.locked`, `store.version`, `store.damaged`.
    """
    lock = DatabaseLock(path)
    try:
        writer = _prepared(path, migrate=migrate)
    except BaseException:
        lock.release()
        raise
    return SqliteStore(
        path=path,
        writer=writer,
        readers=reading_engine(path),
        lock=lock,
        sequencer=sequencer,
        on_fatal=on_fatal,
        meter=meter,
    )


def _prepared(path: Path, *, migrate: bool) -> Engine:
    """The writing engine of a database that is sound and of our version."""
    if migrate:
        _create(path)
    elif not path.exists():
        raise SiteError("store.version", found="none", expected=schema.NEWEST)
    engine = writing_engine(path)
    try:
        with opened(engine, patience=START_LOOK_SECONDS_MAX) as connection:
            if migrate:
                schema.upgrade(connection)
            schema.refuse_other(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _create(path: Path) -> None:
    """An empty file for its owner alone (SQLite gives the log beside it the same mode), durable in its folder."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    sync_folder(path.parent)
