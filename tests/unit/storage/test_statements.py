"""Statements handed to the driver: what SQLAlchemy would have found, in lists of every length, and its errors."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, bindparam, insert, null, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from gateway.storage.engine import driver, memory_engine
from gateway.storage.rows import among
from gateway.storage.statements import Statements

_TABLE = Table(
    "things", MetaData(), Column("row", Integer, primary_key=True), Column("name", Text), Column("count", Integer)
)
_ADD = insert(_TABLE)
_ALL = select(_TABLE).order_by(_TABLE.c.row)
_AMONG = select(_TABLE.c.name).where(among(_TABLE.c.row, "rows")).order_by(_TABLE.c.row)
_OTHERS = select(_TABLE.c.name).where(_TABLE.c.row.not_in(bindparam("rows", expanding=True)), _TABLE.c.count < 4)
_RAISE = (
    update(_TABLE)
    .where(_TABLE.c.row == bindparam("the_row"), _TABLE.c.count == 1)
    .values(count=_TABLE.c.count + 10, name=null())
    .returning(_TABLE.c.count)
)


@pytest.fixture
def statements() -> Iterator[Statements]:
    engine = memory_engine()
    with engine.connect() as connection, connection.begin():
        _TABLE.metadata.create_all(connection)
        made = Statements(connection)
        for row in range(1, 8):
            made.execute(_ADD, {"row": row, "name": f"n{row}", "count": row})
        yield made
    engine.dispose()


def test_rows_have_names_and_places(statements: Statements) -> None:
    first, *rest = statements.execute(_ALL)
    assert (first.row, first.name, first.count) == (first[0], first[1], first[2]) == (1, "n1", 1)
    assert len(rest) == 6
    assert statements.execute(_AMONG, {"rows": [9]}).one_or_none() is None


@pytest.mark.parametrize("rows", [[], [3], [1, 2], [1, 2, 3], [1, 2, 3, 4, 5, 6, 7], [2, 8, 9, 10, 11]])
def test_a_list_of_any_length_finds_what_is_in_it(statements: Statements, rows: list[int]) -> None:
    there = [row for row in range(1, 8) if row in rows]
    assert statements.execute(_AMONG, {"rows": rows}).scalars() == [f"n{row}" for row in there]
    others = [f"n{row}" for row in range(1, 4) if row not in rows]
    assert statements.execute(_OTHERS, {"rows": rows}).scalars() == others


def test_what_a_statement_says_itself_is_given_too(statements: Statements) -> None:
    assert statements.execute(_RAISE, {"the_row": 1}).scalar_one() == 11
    assert statements.execute(_RAISE, {"the_row": 2}).scalar_one_or_none() is None
    assert statements.execute(_ALL).all()[0].name is None


def test_one_that_is_asked_for_is_not_one_of_many(statements: Statements) -> None:
    with pytest.raises(AssertionError, match="more than one"):
        statements.execute(_ALL).one_or_none()


def test_a_savepoint_is_undone_alone(statements: Statements) -> None:
    statements.execute(_ADD, {"row": 8, "name": "kept", "count": 0})

    def undone() -> None:
        with statements.begin_nested():
            statements.execute(_ADD, {"row": 9, "name": "undone", "count": 0})
            with statements.begin_nested():
                statements.execute(_ADD, {"row": 10, "name": "undone", "count": 0})
            statements.execute(_ADD, {"row": 1, "name": "twice", "count": 0})

    with pytest.raises(IntegrityError):
        undone()
    with statements.begin_nested():
        statements.execute(_ADD, {"row": 11, "name": "kept", "count": 0})
    assert [row.row for row in statements.execute(_ALL)] == [*range(1, 9), 11]


def test_errors_are_sqlalchemy_s_and_tell_no_values(statements: Statements) -> None:
    with pytest.raises(IntegrityError) as told:
        statements.execute(_ADD, {"row": 1, "name": "a secret", "count": 0})
    assert told.value.orig is not None
    assert "a secret" not in str(told.value)
    driver(statements.connection).execute("DROP TABLE things")
    with pytest.raises(OperationalError):
        statements.execute(_ALL)
