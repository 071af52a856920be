"""Migrating: the revisions in `migrations/versions` run on a database that is not of this program's version yet.

Alembic is loaded with this file, by who has something to migrate (`storage.schema`). One upgrade is one transaction, however
many revisions it takes: a power failure in the middle leaves the old schema.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, to: str) -> None:
    """Run the revisions up to that one, in a transaction of their own."""
    with _free_to_rebuild(connection):
        create(connection, to)


def create(connection: Connection, to: str) -> None:
    """The same inside the caller's transaction, for an empty database."""
    # Alembic tells its context at every start; which revisions ran is in the schema itself.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = read_config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def revisions() -> tuple[str, ...]:
    """All that this program knows, oldest first."""
    script = ScriptDirectory.from_config(read_config())
    return tuple(revision.revision for revision in script.walk_revisions())[::-1]


def read_config() -> Config:
    """Alembic's own, without a file."""
    config = Config()
    # Alembic interpolates this option like configparser: a per cent sign in the path must be doubled.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


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
