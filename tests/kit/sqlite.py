"""SQLite databases for tests: the history of the schema is run once in each process, and every test gets a copy."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from gateway.audit import sequence
from gateway.storage import SqliteStore, open_sqlite
from gateway.storage.group_commit import Sequencer
from tests.kit.postgres import fail
from tests.kit.schemas import upgrade


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gateway-sqlite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    upgrade(folder / "gateway.db")
    return folder / "gateway.db"


def copy_template(path: Path) -> None:
    """An empty database with this program's schema."""
    shutil.copyfile(_template(), path)
    path.chmod(0o600)


def open_test_sqlite(path: Path, sequencer: Sequencer = sequence) -> SqliteStore:
    """A store with this program's schema; a new one, where there is none."""
    if not path.exists():
        copy_template(path)
    return open_sqlite(path, sequencer=sequencer, on_fatal=fail, migrate=True)
