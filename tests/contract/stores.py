"""The stores that the suites of the ledgers run on. A new database joins by one line in `STORES`."""

from collections.abc import Callable
from pathlib import Path

from gateway.audit import sequence
from gateway.storage import MemoryStore, PostgresStore, SqliteStore, open_memory, open_sqlite
from tests.kit.postgres import fail, open_test_store

__all__ = ["STORES", "LedgerStore", "fail"]

LedgerStore = SqliteStore | MemoryStore | PostgresStore


def _sqlite(folder: Path) -> SqliteStore:
    return open_sqlite(folder / "gateway.db", sequencer=sequence, on_fatal=fail, migrate=True)


def _memory(_folder: Path) -> MemoryStore:
    return open_memory(sequencer=sequence)


STORES: dict[str, Callable[[Path], LedgerStore]] = {
    "sqlite": _sqlite,
    "memory": _memory,
    "postgres": lambda _folder: open_test_store(),
}
