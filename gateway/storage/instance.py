"""One service per database: a lock of the server's, held by a session of its own for as long as the store is open.

It is an advisory lock and not a lease in a table, because what it guards is a *process*: the server drops it when the
process dies, however it dies, so a restart after kill -9 need not wait for anything to run out; and nobody's clock matters.
Work is claimed by leases in rows all the same. Several nodes on one database will hold this lock SHARED, each of them, and
those who must be alone (an upgrade, a restore) EXCLUSIVE, as a single service does today.

When the session is lost (the server was restarted), the lock is gone: `hold` takes it again, or says that somebody else
was faster.
"""

from threading import Event
from typing import Final

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from gateway.core.errors import SiteError
from gateway.storage.faults import ConnectionLostError, translated
from gateway.storage.postgres_engine import reached, single_engine
from gateway.storage.postgres_url import masked, read_url

_KEY: Final = 0x65646F63
"""Advisory locks are per database, so a constant does: the letters "edoc"."""
_LOCK: Final = text("SELECT pg_try_advisory_lock(:key)")
_PING: Final = text("SELECT 1")
_HOLDER: Final = text(
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
    " JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = :key AND l.objsubid = 1 LIMIT 1"
)
_TRIES: Final = 15
_PAUSE_SECONDS: Final = 0.2
"""A service that was just killed: its sessions end as soon as the server has finished what they were at."""


def instance_holder(url: str) -> str | None:
    """Name of the session that holds the lock of a database; None when nobody does.

    Raises:
        SiteError: `config.invalid` when the server cannot be reached.
    """
    engine = single_engine(read_url(url))
    try:
        with reached(engine) as connection:
            holder = connection.execute(_HOLDER, {"key": _KEY}).scalar()
            return None if holder is None else str(holder)
    finally:
        engine.dispose()


class InstanceLock:
    """The lock of one database. Taken when made, until `release`. Used by one thread at a time."""

    def __init__(self, url: URL, /) -> None:
        """Take the lock, waiting a moment for one who is going.

        Raises:
            SiteError: `store.locked` when another process (or another store of this one) holds it; `config.invalid`.
        """
        self._url = url
        self._engine = single_engine(url)
        with reached(self._engine):
            pass
        self._connection: Connection | None = None
        try:
            self._take(_TRIES)
        except BaseException:
            self.release()
            raise

    def hold(self) -> None:
        """Make sure that it is still ours.

        Raises:
            SiteError: `store.locked` when another has it now: this process must end.
            ConnectionLostError: the server cannot be asked at the moment.
        """
        try:
            if self._connection is not None:
                self._connection.execute(_PING)
                return
        except DBAPIError:
            self._drop()
        try:
            self._take(_TRIES)
        except DBAPIError as error:
            self._drop()
            fault = translated(error)
            raise fault if isinstance(fault, SiteError) else ConnectionLostError("store.busy") from error

    def release(self) -> None:
        """Give the lock back. May be called twice."""
        self._drop()
        self._engine.dispose()

    def _take(self, tries: int) -> None:
        connection = self._connection = self._engine.connect()
        for _ in range(tries):
            if connection.execute(_LOCK, {"key": _KEY}).scalar_one():
                return
            Event().wait(_PAUSE_SECONDS)
        holder = connection.execute(_HOLDER, {"key": _KEY}).scalar() or "unknown"
        self._drop()
        raise SiteError("store.locked", path=masked(self._url), holder=str(holder))

    def _drop(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.invalidate()
            connection.close()
