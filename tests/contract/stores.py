"""The stores that the suites of the ledgers run on. A new database joins by one line in `STORES`."""

from collections.abc import Callable
from pathlib import Path

from gateway.audit import sequence
from gateway.storage import MemoryStore, SqliteStore, open_memory, open_sqlite

LedgerStore = SqliteStore | MemoryStore


def fail(error: BaseException) -> None:
    raise AssertionError("the store died") from error


def _sqlite(folder: Path) -> SqliteStore:
    return open_sqlite(folder / "gateway.db", sequencer=sequence, on_fatal=fail, migrate=True)


def _memory(_folder: Path) -> MemoryStore:
    return open_memory(sequencer=sequence)


STORES: dict[str, Callable[[Path], LedgerStore]] = {"sqlite": _sqlite, "memory": _memory}
