"""The stores that the suites of the ledgers run on. A new database joins by one line in `STORES`."""

from collections.abc import Callable
from pathlib import Path

from gateway.audit import sequence
from gateway.storage import MemoryStore, PostgresStore, SqliteStore, open_memory
from tests.kit.postgres import fail, open_test_store
from tests.kit.sqlite import open_test_sqlite

__all__ = ["STORES", "LedgerStore", "fail"]

LedgerStore = SqliteStore | MemoryStore | PostgresStore


def _memory(_folder: Path) -> MemoryStore:
    return open_memory(sequencer=sequence)


STORES: dict[str, Callable[[Path], LedgerStore]] = {
    "sqlite": lambda folder: open_test_sqlite(folder / "gateway.db"),
    "memory": _memory,
    "postgres": lambda _folder: open_test_store(),
}
