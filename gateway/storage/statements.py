"""Statements compiled once and handed to the driver, and their rows as light as they come.

`Connection.execute` of SQLAlchemy takes 50 to 80 µs for a statement for which SQLite needs 5 to 10: it looks the compiled form
up by the statement's structure, prepares the parameters by their types, and wraps the result. Our statements are constants
of their modules and our columns texts, integers and bytes, which every driver takes and gives as they are. So each is
compiled once, by SQLAlchemy and for the dialect of its connection, and from then on its text goes to the driver.

On SQLite that is the driver itself; its errors go up as SQLAlchemy would have raised them. A server's statements go
through `exec_driver_sql`, which knows what to do when the connection is lost.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any, Final, Protocol, cast

from sqlalchemy import CompoundSelect, Connection, CursorResult, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Delete
from sqlalchemy.sql.compiler import SQLCompiler

from gateway.storage.engine import driver

STATEMENTS_MAX: Final = 1_024
"""There are about 150, some in a few forms, for each engine; tests have many engines."""

Statement = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]] | Insert | Update | Delete
Values = Mapping[str, Any]
_Make = Callable[[Iterable[Any]], "Row"]


class Row(Protocol):
    """One row: its columns by name, and by position."""

    def __getattr__(self, name: str) -> Any: ...
    def __getitem__(self, position: int) -> Any: ...


class Found:
    """What a statement brought: its rows, all of them read, and how many it met."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Row], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def all(self) -> list[Row]:
        """All rows."""
        return self._rows

    def one_or_none(self) -> Row | None:
        """The row, if there is one; of more than one, none was meant."""
        assert len(self._rows) <= 1, "more than one row"
        return self._rows[0] if self._rows else None

    def scalars(self) -> list[Any]:
        """The first column."""
        return [row[0] for row in self._rows]

    def scalar_one_or_none(self) -> Any:
        """The first column of the row, if there is one."""
        row = self.one_or_none()
        return None if row is None else row[0]

    def scalar_one(self) -> Any:
        """The first column of the row, which is there."""
        (row,) = self._rows
        return row[0]


class Statements:
    """A connection as the ledgers see it."""

    __slots__ = ("_driver", "connection", "dialect")

    def __init__(self, connection: Connection, /) -> None:
        self.connection = connection
        self.dialect: Dialect = connection.dialect
        self._driver = driver(connection) if self.dialect.name == "sqlite" else None

    def execute(self, statement: Statement, values: Values | None = None) -> Found:
        """Run a constant statement of its module with these values for its parameters."""
        given = values or {}
        lists = tuple([(name, _length(value)) for name, value in given.items() if type(value) is list])
        # What is not given to an INSERT or UPDATE is not written; to the others their parameters are known.
        names = tuple(given) if isinstance(statement, Insert | Update) else ()
        plan = _plan(statement, self.dialect, names, lists)
        if self._driver is None:
            return plan.found(self.connection.exec_driver_sql(plan.text, plan.named(given)))
        try:
            cursor = self._ask(plan.text, plan.ordered(given))
            if cursor.description is None:
                return Found([], cursor.rowcount)
            make = plan.maker(tuple([column[0] for column in cursor.description]))
            rows = [make(row) for row in cursor.fetchall()]
            return Found(rows, cursor.rowcount)
        except sqlite3.Error as error:
            raise self._as_raised(plan.text, error) from error

    def _ask(self, text: str, parameters: list[Any]) -> sqlite3.Cursor:
        assert self._driver is not None
        return self._driver.execute(text, parameters)

    def execute_text(self, text: str, rows: Sequence[Any]) -> int:
        """Run a text of the driver's own for each of these; how many rows it met."""
        if self._driver is None:
            return self.connection.exec_driver_sql(text, cast("Any", rows)).rowcount
        try:
            return self._driver.executemany(text, rows).rowcount
        except sqlite3.Error as error:
            raise self._as_raised(text, error) from error

    def exec_driver_sql(self, text: str, parameters: Any = None) -> CursorResult[Any]:
        """Run a text through SQLAlchemy, which nobody does who is in a hurry."""
        return self.connection.exec_driver_sql(text, parameters)

    def begin_nested(self) -> AbstractContextManager[Any]:
        """A savepoint: what the block did is undone alone when it raises."""
        return self.connection.begin_nested() if self._driver is None else self._savepoint(self._driver)

    @staticmethod
    @contextmanager
    def _savepoint(database: sqlite3.Connection) -> Iterator[None]:
        database.execute("SAVEPOINT nested")
        try:
            yield
        except BaseException:
            if database.in_transaction:  # else SQLite has undone all of it
                database.execute("ROLLBACK TO nested")
                database.execute("RELEASE nested")
            raise
        database.execute("RELEASE nested")

    def _as_raised(self, text: str, error: sqlite3.Error) -> BaseException:
        """The error as SQLAlchemy wraps it, without the values."""
        return DBAPIError.instance(text, None, error, sqlite3.Error, hide_parameters=True, dialect=self.dialect)


class _Plan:
    """A statement for the driver: its text, and what goes where."""

    __slots__ = ("_constants", "_lists", "_make", "_order", "text")

    def __init__(self, compiled: SQLCompiler, lists: Mapping[str, int]) -> None:
        bound = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
        self._make: _Make | None = None
        self._lists: Mapping[str, Sequence[str]] = {}
        order = compiled.positiontup
        self.text = str(compiled)
        if compiled.post_compile_params:
            examples = {name: [None] * length for name, length in lists.items()}
            state = compiled.construct_expanded_state({**dict.fromkeys(compiled.binds), **bound, **examples})
            self.text, order = state.statement, list(state.positiontup or ())
            self._lists = state.parameter_expansion
        self._order = None if order is None else tuple(order)
        self._constants = bound

    def named(self, given: Values) -> dict[str, Any]:
        """The parameters by name."""
        values = {**self._constants, **given}
        for name, places in self._lists.items():
            listed = values.pop(name)
            # The last stands in for those that are not there: a list of another length would be another statement.
            values.update(zip(places, [*listed, *listed[-1:] * (len(places) - len(listed))], strict=True))
        return values

    def ordered(self, given: Values) -> list[Any]:
        """The parameters where the driver counts them."""
        values = self.named(given) if self._constants or self._lists else given
        return [values[name] for name in self._order or ()]

    def maker(self, names: tuple[str, ...]) -> _Make:
        """What makes a row of a tuple with these columns."""
        if self._make is None:
            self._make = _maker(names)
        return self._make

    def found(self, result: CursorResult[Any]) -> Found:
        """The rows of a server's answer."""
        if not result.returns_rows:
            return Found([], result.rowcount)
        make = self.maker(tuple(result.keys()))
        return Found([make(row) for row in result.all()], result.rowcount)


def _length(listed: Sequence[Any]) -> int:
    """Of a list in a statement: a power of two, so that there are few such statements."""
    return 1 << (len(listed) - 1).bit_length() if listed else 0


@lru_cache(STATEMENTS_MAX)
def _plan(statement: Statement, dialect: Dialect, names: tuple[str, ...], lists: tuple[tuple[str, int], ...]) -> _Plan:
    if isinstance(statement, Insert | Update):
        # Inline: nothing of the new row is asked for unless the statement says so.
        compiled = statement.inline().compile(dialect=dialect, column_keys=list(names))
    else:
        compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return _Plan(compiled, dict(lists))


@lru_cache(STATEMENTS_MAX)
def _maker(names: tuple[str, ...]) -> _Make:
    """What makes a row of a tuple with these columns."""
    known_late: Any = namedtuple  # noqa: PYI024 - its fields are known only now
    return cast("_Make", known_late("Row", names, rename=True)._make)
