"""What the load generator sees of the sender's deliveries."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.load import Deliveries
from tests.kit.postgres import change, session_server

TABLE = 'CREATE TABLE deliveries ("row" bigint PRIMARY KEY, document text, state text, changed_at bigint)'
Write = Callable[[str], None]


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path | str, Write]]:
    """Where the table is, and how to write into it."""
    if request.param == "sqlite":
        path = tmp_path / "gateway.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            yield path, lambda statement: [*connection.execute(statement)].clear()
        return
    url = session_server().empty_database()
    yield url, lambda statement: change(url, statement)


def test_a_delivery_that_is_seen_after_later_ones_is_not_missed(database: tuple[Path | str, Write]) -> None:
    """On a server a unit that began first may be committed last: its rows have the smaller numbers."""
    place, write = database
    write(TABLE)
    with closing(Deliveries(place)) as deliveries:
        write("INSERT INTO deliveries VALUES (2, 'late', 'delivered', 2000)")
        assert deliveries.finished({"early", "late"}) == {"late": 2.0}
        write("INSERT INTO deliveries VALUES (1, 'early', 'delivered', 3000)")
        assert deliveries.finished({"early"}) == {"early": 3.0}


def test_what_is_not_delivered_is_told(database: tuple[Path | str, Write]) -> None:
    place, write = database
    write(TABLE)
    write("INSERT INTO deliveries VALUES (1, 'd', 'delivered', 1000), (2, 'd', 'queued', 1000), (3, 'x', 'held', 1000)")
    with closing(Deliveries(place)) as deliveries:
        assert deliveries.finished({"d"}) == {}
        assert deliveries.describe({"d", "e"}) == "d: 1 of 2 delivered, delivered to queued; e: no delivery yet"
        with pytest.raises(AssertionError, match="not delivered"):
            deliveries.finished({"x", "d"})
