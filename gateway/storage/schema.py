"""The schema's version: bring a database up to date, or refuse the one that this program does not know.

The revisions in `migrations/versions` are the history; `tables` is the present. One upgrade is one transaction, however
many revisions it takes: a power failure in the middle leaves the old schema.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from gateway.core.errors import SiteError

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def upgrade(connection: Connection) -> None:
    """Bring the schema to this program's version.

    Raises:
        SiteError: `store.version` when it is newer than this program.
    """
    refuse_newer(connection)
    with _free_to_rebuild(connection):
        create(connection)


def create(connection: Connection) -> None:
    """Make this program's tables in an empty database, inside the caller's transaction."""
    # Alembic tells its context at every start; which revisions ran is in the schema itself.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _free_to_rebuild(connection: Connection) -> Iterator[None]:
    """SQLite makes a table anew where others change it, and asks to look away from foreign keys meanwhile.

    That cannot be said inside a transaction; a revision that needs it checks them itself before it ends (as SQLite's
    documentation of ALTER TABLE lays down).
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection
    driver.cursor().execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.cursor().execute("PRAGMA foreign_keys = ON")


def refuse_newer(connection: Connection) -> None:
    """Refuse a version that is not in this program's history.

    Raises:
        SiteError: `store.version`.
    """
    found = current(connection)
    script = ScriptDirectory.from_config(_config())
    if found is not None and found not in {revision.revision for revision in script.walk_revisions()}:
        raise SiteError("store.version", found=found, expected=newest())


def refuse_other(connection: Connection) -> None:
    """Refuse every version but this program's own.

    Raises:
        SiteError: `store.version`.
    """
    found = current(connection)
    if found != newest():
        raise SiteError("store.version", found=found or "none", expected=newest())


def current(connection: Connection) -> str | None:
    """Version of the database; None when it is empty."""
    with connection.begin():
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """Version that this program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "no migrations"
    return head


def _config() -> Config:
    config = Config()
    # Alembic interpolates this option like configparser: a per cent sign in the path must be doubled.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
