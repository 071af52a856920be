"""PostgreSQL connections as the store wants them: durable, bounded in time, and of a server that is fit for it.

Writing units run at READ COMMITTED: each statement sees what was committed before it, a row that somebody else is changing
is waited for, and a unit can rely on a row that it read `locked` (docs/adr/0005-postgresql.md says why, and what each ledger
does for "one order"). Reading units are one snapshot, REPEATABLE READ READ ONLY; their SELECTs lock nothing.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, NullPool, Select, create_engine, event, text
from sqlalchemy.dialects.postgresql.psycopg import PGCompiler_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from gateway.core.errors import SiteError
from gateway.observe import logger
from gateway.storage.engine import READERS_MAX
from gateway.storage.postgres_url import unfit
from gateway.storage.sqlstates import UNIQUE_VIOLATION

SERVER_VERSION_MIN: Final = 140_000
"""PostgreSQL 14: the oldest with security updates in 2026."""
CONNECT_SECONDS_MAX: Final = 10
STATEMENT_MILLISECONDS_MAX: Final = 30_000
"""One statement. A unit has 20 ms; pages of a whole log are the longest reads."""
LOCK_MILLISECONDS_MAX: Final = 5_000
"""Waiting for a row that another unit changes: longer than any unit lives."""
IDLE_MILLISECONDS_MAX: Final = 60_000
"""A transaction in which nothing happens is a process that froze: its locks are taken from it."""

_COLLIDED: Final = "gateway.collided"
_SYNCHRONOUS: Final = (
    "SELECT set_config('synchronous_commit',"
    " CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)"
)
_SESSION: Final = (
    f"SET statement_timeout = {STATEMENT_MILLISECONDS_MAX}",
    f"SET lock_timeout = {LOCK_MILLISECONDS_MAX}",
    f"SET idle_in_transaction_session_timeout = {IDLE_MILLISECONDS_MAX}",
    "SET idle_session_timeout = 0",
    # A commit is on disk when it returns, here and on every synchronous standby; what is stronger than `on` stays.
    _SYNCHRONOUS,
    # The server notices a host that is gone in a minute, not in two hours; until then its locks would stay.
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3",
)
_WRITING: Final = {
    # A unit finds its rows by their keys, however large the tables have become. Left to the statistics, which are always
    # older than the rows, the server reads a whole table now and then: the log's, in every commit.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # Where there is nothing but a scan it would look so dear that it was compiled first (PostgreSQL 17 and before).
    "jit": "off",
    # And the plan of a statement is always that one: it need not be made anew for each execution.
    "plan_cache_mode": "force_generic_plan",
}
_READING: Final = ("SET default_transaction_read_only = on", "SET default_transaction_isolation = 'repeatable read'")
_CHECK: Final = text(
    "SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS version_text,"
    " current_setting('server_encoding') AS encoding, 'Z' < 'a' AND 'a' < 'ă' AS by_code_point,"
    " pg_is_in_recovery() AS standby, current_setting('fsync') AS fsync,"
    " current_setting('full_page_writes') AS full_page_writes"
)

_log = logger(__name__)


class _SnapshotCompiler(PGCompiler_psycopg):
    """A reading unit locks nothing: a read-only transaction may not, and its snapshot does not move anyway."""

    def for_update_clause(self, select: Select[Any], **_kw: Any) -> str:  # noqa: ARG002 - SQLAlchemy's signature
        """Render no FOR UPDATE."""
        return ""


def writers_engine(url: URL, *, connections: int) -> Engine:
    """Connections for writing units."""
    engine = _engine(url, "writer", isolation_level="READ COMMITTED", poolclass=QueuePool, pool_size=connections)
    event.listen(engine, "handle_error", _note_collision)
    _on_connect(engine, _set(_WRITING))
    return engine


def snapshots_engine(url: URL) -> Engine:
    """Connections that cannot write. A transaction is one snapshot, from its first statement on."""
    engine = _engine(url, "reader", poolclass=QueuePool, pool_size=READERS_MAX)
    engine.dialect.statement_compiler = _SnapshotCompiler
    _on_connect(engine, _READING)
    return engine


def single_engine(url: URL) -> Engine:
    """One connection at a time, closed after use; each statement is a transaction of its own unless told otherwise."""
    return _engine(url, "instance", isolation_level="AUTOCOMMIT", poolclass=NullPool)


@contextmanager
def reached(engine: Engine) -> Iterator[Connection]:
    """A first connection to a server.

    Raises:
        SiteError: `config.invalid` when it cannot be reached or does not let us in.
    """
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise unfit(str(error.orig).partition("\n")[0]) from None
    with connection:
        yield connection


def check_server(connection: Connection, *, relaxed: bool) -> None:
    """Refuse a server that would lose, confuse or misorder what it is given.

    `relaxed` (demo and tests): a server without fsync is only warned of.

    Raises:
        SiteError: `store.version` for one that is too old; `config.invalid`.
    """
    row = connection.execute(_CHECK).one()
    if row.version < SERVER_VERSION_MIN:
        expected = f"PostgreSQL {SERVER_VERSION_MIN // 10_000} or later"
        raise SiteError("store.version", found=f"PostgreSQL {row.version_text}", expected=expected)
    if row.encoding != "UTF8":
        raise unfit(f"the database's encoding is {row.encoding}, not UTF8")
    if not row.by_code_point:
        # A language's order changes with the C library, and every index on a text would then be wrong.
        raise unfit("the database's collation is not C: create it with LOCALE 'C' (docs/POSTGRESQL.md)")
    if row.standby:
        raise unfit("the server is a standby and cannot write")
    unsafe = [name for name in ("fsync", "full_page_writes") if getattr(row, name) != "on"]
    if unsafe and not relaxed:
        raise unfit(f"the server runs with {', '.join(unsafe)} = off: it would lose documents when the power fails")
    if unsafe:
        _log.warning("store.not_durable", settings=unsafe)


@contextmanager
def unhurried(connection: Connection) -> Iterator[None]:
    """A statement may take as long as it takes, and read whole tables: migrations of large ones."""
    _say(connection, ("SET statement_timeout = 0", *(f"RESET {name}" for name in _WRITING)))
    yield
    _say(connection, (f"SET statement_timeout = {STATEMENT_MILLISECONDS_MAX}", *_set(_WRITING)))


def _set(settings: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"SET {name} = {value}" for name, value in settings.items())


def _say(connection: Connection, statements: tuple[str, ...]) -> None:
    with connection.begin():
        for statement in statements:
            connection.exec_driver_sql(statement)


def warn_of_open_road(url: URL) -> None:
    """Say that another machine could be the database, or listen: a network without a server certificate that is checked."""
    hosts = (url.host, url.query.get("host"))
    local = all(not host or str(host).startswith(("/", "localhost", "127.", "::1")) for host in hosts)
    if not local and url.query.get("sslmode") not in {"verify-ca", "verify-full"}:
        _log.warning("store.unverified", sslmode=str(url.query.get("sslmode", "prefer")))


def collided(connection: Connection) -> bool:
    """Whether some statement since `forget_collision` met a row that is there already, though the unit went on."""
    return bool(connection.info.get(_COLLIDED))


def forget_collision(connection: Connection) -> None:
    """Begin anew."""
    connection.info.pop(_COLLIDED, None)


def _note_collision(context: Any) -> None:
    if context.connection is not None and getattr(context.original_exception, "sqlstate", "") == UNIQUE_VIOLATION:
        context.connection.info[_COLLIDED] = True


def _engine(url: URL, role: str, **options: Any) -> Engine:
    known = {
        "application_name": f"gateway {role} {socket.gethostname()}:{os.getpid()}"[:63],
        "client_encoding": "utf8",
        "connect_timeout": str(CONNECT_SECONDS_MAX),
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
        "tcp_user_timeout": "30000",
    }
    arguments = {name: value for name, value in known.items() if name not in url.query}
    if options["poolclass"] is QueuePool:
        options["max_overflow"] = 0
    try:
        engine = create_engine(url, connect_args=arguments, hide_parameters=True, **options)
    except ModuleNotFoundError as error:
        raise unfit("psycopg is not installed: pip install 'edoc-gateway[postgres]'") from error
    _on_connect(engine, _SESSION)
    return engine


def _on_connect(engine: Engine, statements: tuple[str, ...]) -> None:
    def connected(connection: Any, _record: Any) -> None:
        before, connection.autocommit = connection.autocommit, True
        for statement in statements:
            connection.execute(statement)
        connection.autocommit = before

    event.listen(engine, "connect", connected)
