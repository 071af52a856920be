"""Small habits that every ledger shares: instants, blob references, the two kinds of guarded write."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Self, TypeVar

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Select,
    Table,
    Update,
    bindparam,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType

from gateway.core.clock import from_millis, to_millis
from gateway.core.errors import Conflict
from gateway.core.ids import Digest
from gateway.core.ledgers import StaleStateError
from gateway.core.model import BlobRef
from gateway.storage.statements import Statement, Statements

T = TypeVar("T")
S = TypeVar("S", bound=Select[Any])
Values = Mapping[str, Any]

IN_MAX: Final = 500
"""Values in one IN list: far below SQLite's 32,766 and PostgreSQL's 65,535 parameters, and few distinct statements."""


def maybe_millis(moment: datetime | None) -> int | None:
    """Milliseconds of an instant that may be absent."""
    return None if moment is None else to_millis(moment)


def maybe_moment(millis: int | None) -> datetime | None:
    """The instant of milliseconds that may be absent."""
    return None if millis is None else from_millis(millis)


def maybe_blob(digest: str | None, size: int | None) -> BlobRef | None:
    """The blob reference of two columns that are both there or both absent."""
    return None if digest is None or size is None else BlobRef(digest=Digest(digest), size=size)


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in pieces of `IN_MAX`."""
    for start in range(0, len(values), IN_MAX):
        yield values[start : start + IN_MAX]


class _Among(FunctionElement[bool]):
    """Column and list of `among`."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: OperatorType | None = None) -> Self:  # noqa: ARG002 - SQLAlchemy's signature
        """A condition as it stands: compared with a number, as SQLite's booleans are, no index would serve it."""
        return self


def among(column: Column[Any], name: str) -> ColumnElement[bool]:
    """Whether the column's value is one of the list bound to `name`, of at most `IN_MAX` values.

    PostgreSQL gets the list as one array: a list of so many parameters is as many texts to write and to read.
    """
    return _Among(column, bindparam(name, expanding=True, type_=column.type))


@compiles(_Among)
def _in_list(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = element.clauses
    return compiler.process(column.in_(values), **options)


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = element.clauses
    assert isinstance(values, BindParameter)
    array = compiler.process(bindparam(values.key, type_=ARRAY(column.type)), **options)
    return f"{compiler.process(column, **options)} = ANY ({array.replace(')s', ')b')})"


def locked(statement: S) -> S:
    """The same SELECT for rows that the unit may write back: nobody else changes them before it ends.

    Without it a unit on PostgreSQL could decide on a row that another one changes meanwhile, and overwrite that change.
    SQLite has one writer and renders nothing; reading units render nothing either (`postgres_engine`). Foreign keys to the
    row are not in its way (NO KEY).
    """
    return statement.with_for_update(key_share=True)


def is_duplicate(error: IntegrityError) -> bool:
    """Whether a unique or primary key was broken (and not a foreign key, a check or NOT NULL: those are our mistakes)."""
    name = getattr(error.orig, "sqlite_errorname", "")
    return name in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"} or (
        getattr(error.orig, "sqlstate", "") == "23505"  # unique_violation, PostgreSQL appendix A
    )


@contextmanager
def unique(connection: Statements, code: str) -> Iterator[None]:
    """Writes that may meet a row of the same name: undone alone, and `Conflict` with this code.

    The savepoint lets the unit go on after the refusal: PostgreSQL would otherwise abort its whole transaction, and
    SQLite would keep the rows of a batch that came before the refused one.
    """
    try:
        with connection.begin_nested():
            yield
    except IntegrityError as error:
        if is_duplicate(error):
            raise Conflict(code) from error
        raise


def update_if(table: Table, state: str, names: Sequence[str]) -> Update:
    """The statement of a compare-and-set: writes these columns of the row `the_key`, if its column `state` still is `was`."""
    return (
        update(table)
        .where(table.c.key == bindparam("the_key"), table.c[state] == bindparam("was"))
        .values({name: bindparam(name) for name in names})
    )


def compare_and_set(connection: Statements, statement: Statement, values: Values) -> None:
    """An UPDATE of one row whose WHERE names the expected state.

    Raises:
        StaleStateError: no row was in that state; nothing was written.
    """
    if connection.execute(statement, dict(values)).rowcount != 1:
        raise StaleStateError
