"""No statement walks through what is finished: every one of the ledgers, by SQLite's own plan for it.

A gateway keeps its rows for good. A statement that looks at all rows of a table that only grows costs nothing on the day it is
written and everything five years later, so each that does is named here, with the reason why it may.
"""

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import CompoundSelect, Delete, Select, Update, create_engine
from sqlalchemy.dialects import sqlite

import gateway.storage
from gateway.storage import tables
from gateway.storage.statements import Statement, _plan

GROWING = frozenset(
    {
        *("documents", "deliveries", "owed_timestamps", "transfers", "incoming_transfers", "incoming_recipients"),
        *(
            "amendments",
            "inbox",
            "inbox_messages",
            "named_blobs",
            "openings",
            "leaves",
            "feed",
            "tree_nodes",
            "checkpoints",
        ),
        "non_deliveries",
    }
)
"""Tables whose rows stay when what they are about is finished."""
ONE_FOR_EACH_PAIR = frozenset({"streams", "stream_handles", "incoming_streams"})
"""... or of which there is one for each pair of bodies and year: never walked, either."""
SMALL = frozenset(
    {
        *("activations", "api_keys", "client_certificates", "destinations", "fences", "tree_head", "turnstiles"),
        *("pauses", "requests", "dead_letters", "reopenings", "resyncs", "restored_peers", "skipped_numbers"),
        # What is to be done, and goes when it is.
        *("work", "pending_leaves", "incoming_numbers", "resends", "wanted_transfers"),
    }
)
"""The others: settings, roads, what waits for a person, a restore and what it still asks for."""
MAY_WALK: Mapping[str, str] = {
    "inbox._ENTRIES": "never said by itself: others add what they look for",
    "amendments._WITH_REACHED": "the same",
    "inspection._ARRIVAL": "the same",
    "inspection._NEWEST": "from the end of an index, and no further than its LIMIT",
    "log._NEWEST_AT": "the last row",
    "resyncs._BEGIN": "once, when a peer was restored",
    "resyncs._GO_ON": "once, after a restore",
}
"""Statements (module and name) that do, and why they may."""
PARTIAL = frozenset(
    str(index.name)
    for table in tables.metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
)
"""Indexes over the few rows that are not finished: all of those may be looked at."""


def statements() -> Iterator[tuple[str, Statement]]:
    """Every constant statement of the ledgers, by module and name."""
    for module in pkgutil.iter_modules(gateway.storage.__path__):
        if module.ispkg:
            continue
        loaded = importlib.import_module(f"gateway.storage.{module.name}")
        for name, value in vars(loaded).items():
            for label, one in _each(name, value):
                yield f"{module.name}.{label}", one


def _each(name: str, value: Any) -> Iterator[tuple[str, Statement]]:
    if isinstance(value, Select | CompoundSelect | Update | Delete):
        yield name, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _each(f"{name}[{key}]", one)
    elif isinstance(value, tuple | list):
        for number, one in enumerate(value):
            yield from _each(f"{name}[{number}]", one)


def text_of(statement: Statement) -> str:
    """As it goes to the driver."""
    dialect = sqlite.dialect()
    binds = statement.compile(dialect=dialect).binds
    lists = tuple((name, 2) for name, bind in binds.items() if bind.expanding)
    return _plan(statement, dialect, (), lists).text


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    engine = create_engine("sqlite://")
    tables.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection.connection.dbapi_connection  # type: ignore[misc]  # sqlite3's own


def walks(database: sqlite3.Connection, text: str) -> set[str]:
    """Tables that only grow, of which the plan looks at every row."""
    parameters = [None] * len(re.findall(r"\?", text))
    steps = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {text}", parameters)]
    walked = {step.split()[1] for step in steps if step.startswith("SCAN ") and step.split()[-1] not in PARTIAL}
    return walked & (GROWING | ONE_FOR_EACH_PAIR)


def test_no_statement_walks_through_what_is_finished(database: sqlite3.Connection) -> None:
    found = {name: walks(database, text_of(statement)) for name, statement in statements()}
    assert {name: walked for name, walked in found.items() if walked and name not in MAY_WALK} == {}
    assert [name for name in MAY_WALK if not found.get(name)] == [], "named for nothing"


def test_every_table_is_of_one_kind() -> None:
    kinds = [*GROWING, *ONE_FOR_EACH_PAIR, *SMALL]
    assert sorted(kinds) == sorted(tables.metadata.tables), (
        "a new table: do its rows stay when their matter is finished?"
    )


def test_what_the_plans_are_of_is_what_the_ledgers_say() -> None:
    names = [name for name, _ in statements()]
    assert len(names) > 100
    assert {"work._OLDEST", "documents._BY_KEY", "log._LEAVES", "inbox._SEEN"} <= set(names)


@pytest.mark.parametrize(
    ("text", "walked"),
    [
        ("SELECT count(*) FROM documents", {"documents"}),
        ("SELECT key FROM documents WHERE state = ?", {"documents"}),
        ("UPDATE deliveries SET state = ? WHERE state = ?", {"deliveries"}),
        ("SELECT count(*) FROM documents WHERE state = 'held'", {"documents"}),
        ("SELECT count(*) FROM deliveries WHERE state = 'held'", set()),
        ("SELECT max(size) FROM checkpoints", set()),
        ("SELECT * FROM documents WHERE key = ?", set()),
        ("SELECT * FROM work", set()),
    ],
)
def test_a_walk_is_known_as_one(database: sqlite3.Connection, text: str, walked: set[str]) -> None:
    assert walks(database, text) == walked
