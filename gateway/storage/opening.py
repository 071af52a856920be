"""Whichever database a gateway is configured for: a file is SQLite, a URL is PostgreSQL."""

from pathlib import Path

from gateway.core.ports import Meter
from gateway.observe import UNMEASURED
from gateway.storage.entrance import OnFatal
from gateway.storage.group_commit import Sequencer
from gateway.storage.postgres import PostgresStore, open_postgres, open_postgres_reader
from gateway.storage.reader import ReadOnlyStore, open_reader
from gateway.storage.sqlite import SqliteStore, open_sqlite

ServiceStore = SqliteStore | PostgresStore


def open_store(
    place: Path | str,
    *,
    sequencer: Sequencer,
    on_fatal: OnFatal,
    relaxed: bool = False,
    meter: Meter = UNMEASURED,
) -> ServiceStore:
    """The store of a service, its schema brought up to date. `relaxed`: see `open_postgres`.

    Raises:
        SiteError: `store.locked`, `store.version`, `store.damaged`, `config.invalid`.
    """
    if isinstance(place, Path):
        return open_sqlite(place, sequencer=sequencer, on_fatal=on_fatal, migrate=True, meter=meter)
    return open_postgres(place, sequencer=sequencer, on_fatal=on_fatal, migrate=True, relaxed=relaxed, meter=meter)


def open_store_for_reading(place: Path | str, *, patience: float | None = None) -> ReadOnlyStore:
    """The same database for those who only read, beside a running service. `patience`: see `engine.opened`.

    Raises:
        SiteError: `store.version`, `store.damaged`, `config.invalid`.
    """
    return open_reader(place, patience=patience) if isinstance(place, Path) else open_postgres_reader(place)
