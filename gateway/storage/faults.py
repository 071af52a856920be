"""What the database's errors mean to the store, and which of them end it.

After an I/O error nothing can be trusted: SQLite reports a failed fsync for one commit and then accepts the next ones
(reliability.md B2.5), because the kernel marks the pages that it could not write as clean. So the store stops, the
process ends, and the next start recovers from the write-ahead log, as PostgreSQL does by itself; there the store stops
only when the server says that its own files are damaged.

PostgreSQL quotes values in the details of its errors. Of those errors only the first line, which names the rule that was
broken, goes on.
"""

import sqlite3
from collections.abc import Iterator
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from gateway.core.errors import SiteError
from gateway.storage.sqlstates import Meaning, meaning

_PRIMARY: Final = 0xFF
"""Extended result codes carry the primary one in their low byte (sqlite.org/rescode.html)."""

_FATAL: Final = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class FatalStoreError(Exception):
    """The database cannot be trusted any more; the cause says why. Never leaves this room."""


class AgainError(Exception):
    """The server undid the transaction for another's sake: the unit is run again. Never leaves this room."""


class ConnectionLostError(SiteError):
    """`store.busy`: the server is gone or has hung up; a new connection may do."""


def translated(error: BaseException) -> BaseException:
    """The error as callers may see it; anything that is not the database's stays what it is.

    Returns:
        `FatalStoreError` when the store must stop; `SiteError` `store.full` or `store.busy`; `AssertionError` for a broken
        constraint or a write in a reading unit (our own mistakes); else the error itself. PostgreSQL alone: `AgainError`
        and `ConnectionLostError`.
    """
    if isinstance(error, DBAPIError) and not isinstance(error.orig, sqlite3.Error):
        return _server_fault(error)
    codes = {code & _PRIMARY for code in _codes(error)}
    if codes & _FATAL:
        return _caused(FatalStoreError(str(error)), error)
    if sqlite3.SQLITE_FULL in codes:
        return _caused(SiteError("store.full"), error)
    if isinstance(error, DBAPIError):
        return _statement_fault(error, codes)
    if isinstance(error, StopIteration):  # a future cannot carry it, and its caller would wait for ever (PEP 479)
        return _caused(RuntimeError("a unit of work raised StopIteration"), error)
    return error


def as_site_error(error: Exception) -> SiteError:
    """The same for those who open or copy a database and stop nothing: what is not `store.full` or `store.busy` is damage."""
    fault = translated(error)
    return fault if isinstance(fault, SiteError) else SiteError("store.damaged", reason=str(error))


def _statement_fault(error: DBAPIError, codes: set[int]) -> BaseException:
    if isinstance(error, OperationalError) and not any(codes):
        # Not SQLite says so but Python, of a row that came back: it quotes what is in it, so that is no part of ours.
        return SiteError("store.damaged", reason="a stored text is no UTF-8")
    if codes & _BUSY:
        return _caused(SiteError("store.busy"), error)
    if codes & {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_READONLY}:
        return _caused(AssertionError(str(error.orig)), error)
    return error


def _server_fault(error: DBAPIError) -> BaseException:
    """PostgreSQL's error in our words. Its own text is no part of them, nor of their cause: it may quote a row."""
    said = f"{sqlstate(error)} {_first_line(error)}"
    match _meaning(error):
        case Meaning.AGAIN:
            return AgainError(said)
        case Meaning.LOST:
            return ConnectionLostError("store.busy", reason=said)
        case Meaning.BUSY:
            return SiteError("store.busy", reason=said)
        case Meaning.FULL:
            return SiteError("store.full")
        case Meaning.DAMAGED:
            return FatalStoreError(said)
        case Meaning.MISTAKE:
            return AssertionError(said)


def _meaning(error: DBAPIError) -> Meaning:
    state = sqlstate(error)
    if error.connection_invalidated:
        return Meaning.LOST
    if state is None:  # the client library said it, not the server: of the connection, or of a value it cannot send
        return Meaning.LOST if isinstance(error, OperationalError | InterfaceError) else Meaning.MISTAKE
    return meaning(state)


def sqlstate(error: DBAPIError) -> str | None:
    """PostgreSQL's five characters; None when the server did not get to say anything."""
    return getattr(error.orig, "sqlstate", None)


def _first_line(error: DBAPIError) -> str:
    diagnosis = getattr(error.orig, "diag", None)
    return getattr(diagnosis, "message_primary", None) or str(error.orig).partition("\n")[0]


def is_full(error: BaseException) -> bool:
    """Whether it came from an SQLite that found no room."""
    return any(code & _PRIMARY == sqlite3.SQLITE_FULL for code in _codes(error))


def _codes(error: BaseException) -> Iterator[int]:
    """Result codes of the error and of what it came from: undoing a lost transaction hides the first fault."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        origin = link.orig if isinstance(link, DBAPIError) else link
        if isinstance(origin, sqlite3.Error):
            yield getattr(origin, "sqlite_errorcode", 0)
        link = link.__cause__ or link.__context__


def _caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error
