"""The store on an SQLite file: one writer thread with group commit, readers beside it, an exclusive lock."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TypeVar, cast

from sqlalchemy import Engine

from gateway.core import metrics
from gateway.core.errors import SiteError
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import GROUP_COMMIT_UNITS_MAX, STORE_QUEUE_MAX
from gateway.core.ports import CommitListener, Meter
from gateway.observe import UNMEASURED, logger
from gateway.storage import schema
from gateway.storage.engine import opened, reading_engine, writing_engine
from gateway.storage.folders import sync_folder
from gateway.storage.group_commit import GroupCommit, GroupReport, Sequencer, Settled
from gateway.storage.jobs import Job, count_units, tell
from gateway.storage.lock import DatabaseLock
from gateway.storage.snapshot import SnapshotReaders
from gateway.storage.waiting import WaitingUnits

T = TypeVar("T")
OnFatal = Callable[[BaseException], None]
"""Told once, from the writer thread, that the store is dead. The process must end at once and without ceremony
(`os._exit`): an orderly close would write to files that cannot be trusted; the next start recovers from the log."""


class SqliteStore:
    """Implements `gateway.core.ports.Store`. Made by `open_sqlite`."""

    def __init__(  # noqa: PLR0913 - what `open_sqlite` made, each once
        self,
        *,
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
        self._group = GroupCommit(self._connection, sequencer=sequencer)
        self._readers = SnapshotReaders(readers)
        self._on_fatal = on_fatal
        self._meter = meter
        self._listener: CommitListener | None = None
        self._fatal: BaseException | None = None
        self._waiting: WaitingUnits[Job] = WaitingUnits(limit=STORE_QUEUE_MAX)
        self._thread = Thread(target=self._write, name="store-writer", daemon=True)
        self._thread.start()

    def set_listener(self, listener: CommitListener) -> None:
        """Who is told after each commit. Earlier commits are not told again."""
        self._listener = listener

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a unit of work; returns once it is on disk. Cancelling the caller does not stop a unit that was taken in."""
        loop = asyncio.get_running_loop()
        job = Job(work, loop.create_future(), loop)
        if not self._waiting.offer(job):
            raise self._refusal()
        return cast("T", await job.future)

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run a reading unit on one snapshot, beside the writer."""
        if self._fatal is not None:
            raise self._refusal()
        return await self._readers.read(work)

    def check_room(self) -> None:
        """Look, without waiting, whether a unit handed in now would be taken in.

        Raises:
            SiteError: `store.busy`, `store.damaged`, as `transact` would.
        """
        if not self._waiting.has_room():
            raise self._refusal()

    async def close(self) -> None:
        """Write what was taken in, then close the files and give the lock back. May be called twice."""
        self._waiting.close()
        await asyncio.to_thread(self._thread.join)
        await self._readers.close()
        if self._fatal is None:
            # Readers first: the last connection to close writes the log back into the database file.
            self._connection.close()
            self._writer.dispose()
            self._lock.release()

    def _refusal(self) -> SiteError:
        if self._fatal is not None:
            return SiteError("store.damaged", reason=str(self._fatal))
        return SiteError("store.busy")

    # --- the writer thread -------------------------------------------------------------------------------------------

    def _write(self) -> None:
        while jobs := self._waiting.take(GROUP_COMMIT_UNITS_MAX):
            try:
                self._commit(jobs)
            except BaseException as error:  # noqa: BLE001 - border: a dead writer thread must never be silent
                self._die(error, jobs)
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

    def _announce(self, report: GroupReport) -> None:
        if self._listener is not None and (report.work_added or report.head is not None):
            self._listener.committed(work_added=report.work_added, head=report.head)
        if report.sequencer_error is not None:
            raise report.sequencer_error

    def _die(self, error: BaseException, jobs: Sequence[Job]) -> None:
        """Refuse everything from now on, tell whoever waits, and have the process ended."""
        self._fatal = error
        self._waiting.close()
        left = list(jobs)
        while more := self._waiting.take(GROUP_COMMIT_UNITS_MAX):
            left += more
        logger(__name__).critical("store.fatal", error=str(error), cause=type(error).__name__)
        tell(left, [Settled(error=self._refusal())] * len(left))
        self._on_fatal(error)


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
        writer=writer,
        readers=reading_engine(path),
        lock=lock,
        sequencer=sequencer,
        on_fatal=on_fatal,
        meter=meter,
    )


def upgrade(path: Path) -> None:
    """Bring a database that nobody has open to this program's schema; creates it when it is not there.

    Raises:
        SiteError: `store.locked`, `store.version`, `store.damaged`.
    """
    lock = DatabaseLock(path)
    try:
        _prepared(path, migrate=True).dispose()
    finally:
        lock.release()


def _prepared(path: Path, *, migrate: bool) -> Engine:
    """The writing engine of a database that is sound and of our version."""
    if migrate:
        _create(path)
    elif not path.exists():
        raise SiteError("store.version", found="none", expected=schema.newest())
    engine = writing_engine(path)
    try:
        with opened(engine) as connection:
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
