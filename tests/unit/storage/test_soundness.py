"""A damaged file is found at the start, as far as the start has the time to look; what must be done is always looked at."""

import sqlite3
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from gateway.storage import soundness
from gateway.storage.soundness import FIRST, flaw_of

ROWS = 5_000
PAGE = 4096


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Much that is finished, a little that is to be done."""
    path = tmp_path_factory.mktemp("years") / "gateway.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE openings (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT")
    connection.execute("CREATE TABLE work (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
    connection.executemany("INSERT INTO openings VALUES (?, ?)", ((n, f"{n:0200}") for n in range(ROWS)))
    connection.executemany("INSERT INTO work VALUES (?, ?)", ((n, f"{n:0200}") for n in range(300)))
    connection.commit()
    connection.close()
    return path


def damaged(path: Path, table: str, to: Path) -> Path:
    """A copy in which the last page of a table is not what it was."""
    connection = sqlite3.connect(path)
    query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno DESC LIMIT 1"
    try:
        (number,) = connection.execute(query, (table,)).fetchone()
    except sqlite3.OperationalError:
        pytest.skip("this SQLite has no dbstat")
    connection.close()
    content = bytearray(path.read_bytes())
    content[(number - 1) * PAGE : (number - 1) * PAGE + 100] = b"\xff" * 100
    to.write_bytes(content)
    return to


def look(path: Path, patience: float | None) -> str:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return flaw_of(connection, patience)
    except sqlite3.DatabaseError as error:  # so damaged that it cannot even be looked at
        return str(error)
    finally:
        connection.close()


@pytest.mark.parametrize("patience", [None, 0.0, 60.0])
def test_a_sound_file_is_sound(years: Path, patience: float | None) -> None:
    assert look(years, patience) == ""


class Endless(sqlite3.Connection):
    """A file so large that looking at it never ends."""

    def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
        whole = statement == "PRAGMA quick_check(1)"
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
        return super().execute(endless if whole else statement, *parameters)


def test_who_has_no_patience_goes_on_and_says_so(years: Path) -> None:
    connection = sqlite3.connect(years, isolation_level=None, factory=Endless)
    connection.execute("BEGIN IMMEDIATE")
    with patch.object(soundness, "_log") as log:
        assert flaw_of(connection, 0.01) == ""
    log.info.assert_called_once_with("store.looked_at_in_part", seconds=0.01)
    assert connection.in_transaction
    connection.execute("INSERT INTO work VALUES (1000, 'more')")
    connection.execute("ROLLBACK")
    assert connection.execute("SELECT count(*) FROM openings").fetchone() == (ROWS,)
    connection.close()


@pytest.mark.parametrize("patience", [None, 60.0])
def test_damage_is_found_by_who_has_it(years: Path, tmp_path: Path, patience: float | None) -> None:
    assert look(damaged(years, "openings", tmp_path / "bad.db"), patience)


@pytest.mark.parametrize("patience", [None, 0.0])
def test_what_has_to_be_done_is_always_looked_at(years: Path, tmp_path: Path, patience: float | None) -> None:
    assert "work" in FIRST
    assert look(damaged(years, "work", tmp_path / "bad.db"), patience)
