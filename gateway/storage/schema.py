"""The schema's version: bring a database up to date, or refuse the one that this program does not know.

The revisions in `migrations/versions` are the history; `tables` is the present. What runs them (`storage.migrating`) brings
Alembic along, a tenth of the time that a gateway takes to load, so it is loaded by who finds an older version, or none.
"""

import importlib
from typing import Any, Final

from sqlalchemy import Connection, column, inspect, select, table

from gateway.core.errors import SiteError

NEWEST: Final = "0014"
"""The last of the revisions: the version that this program knows."""
_VERSIONS: Final = table("alembic_version", column("version_num"))
"""Alembic's own, with one row."""


def upgrade(connection: Connection) -> None:
    """Bring the schema to this program's version.

    Raises:
        SiteError: `store.version` when it is newer than this program.
    """
    found = current(connection)
    if found == NEWEST:
        return
    migrating = _migrating()
    if found is not None and found not in migrating.revisions():
        raise SiteError("store.version", found=found, expected=NEWEST)
    migrating.upgrade(connection, NEWEST)


def create(connection: Connection) -> None:
    """Make this program's tables in an empty database, inside the caller's transaction."""
    _migrating().create(connection, NEWEST)


def refuse_other(connection: Connection) -> None:
    """Refuse every version but this program's own.

    Raises:
        SiteError: `store.version`.
    """
    found = current(connection)
    if found != NEWEST:
        raise SiteError("store.version", found=found or "none", expected=NEWEST)


def current(connection: Connection) -> str | None:
    """Version of the database; None when it is empty."""
    with connection.begin():
        if not inspect(connection).has_table(_VERSIONS.name):
            return None
        found: str | None = connection.scalar(select(_VERSIONS.c.version_num))
        return found


def _migrating() -> Any:
    return importlib.import_module("gateway.storage.migrating")
