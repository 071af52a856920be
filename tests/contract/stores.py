"""The stores that the suites of the ledgers run on. A new database joins by one line in `STORES`."""

from collections.abc import Callable
from pathlib import Path

from gateway.audit import sequence
from gateway.storage import MemoryStore, PostgresStore, SqliteStore, open_memory, open_postgres, open_sqlite
from tests.kit.postgres import session_server

LedgerStore = SqliteStore | MemoryStore | PostgresStore


def fail(error: BaseException) -> None:
    raise AssertionError("the store died") from error


def _sqlite(folder: Path) -> SqliteStore:
    return open_sqlite(folder / "gateway.db", sequencer=sequence, on_fatal=fail, migrate=True)


def _memory(_folder: Path) -> MemoryStore:
    return open_memory(sequencer=sequence)


def _postgres(_folder: Path) -> PostgresStore:
    return open_postgres(session_server().database(), sequencer=sequence, on_fatal=fail, relaxed=True)


STORES: dict[str, Callable[[Path], LedgerStore]] = {"sqlite": _sqlite, "memory": _memory, "postgres": _postgres}
