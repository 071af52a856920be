"""Schemas as programs of every version left them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alembic import command
from sqlalchemy import Engine

from gateway.audit import sequence
from gateway.storage import migrating, open_store


def _fail(error: BaseException) -> None:
    raise AssertionError("the store died") from error


def upgrade(place: Path | str) -> None:
    """Bring a database to this program's schema, as a service does that starts and ends at once."""
    store = open_store(place, sequencer=sequence, on_fatal=_fail, relaxed=True)
    with ThreadPoolExecutor(1) as beside:  # there may be a running loop here
        beside.submit(asyncio.run, store.close()).result()


def revisions() -> list[str]:
    """All of them, oldest first."""
    return list(migrating.revisions())


def make_at(engine: Engine, revision: str) -> None:
    """The tables of an empty database as the program of that revision made them."""
    config = migrating.read_config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
