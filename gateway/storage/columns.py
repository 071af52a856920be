"""The columns that the tables are made of, the same types on every dialect (see `tables`)."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.schema import SchemaItem

from gateway.storage.naming import NAMES

Whole: Final = BigInteger().with_variant(Integer(), "sqlite")

METADATA: Final = MetaData(naming_convention=NAMES)


def only(rows: str) -> dict[str, Any]:
    """Of an index over a part of the rows."""
    return {"sqlite_where": text(rows), "postgresql_where": text(rows)}


def strict(name: str, *items: SchemaItem, **options: Any) -> Table:
    """A table."""
    return Table(name, METADATA, *items, sqlite_strict=True, **options)


def words(name: str) -> Column[str]:
    """A text."""
    return Column(name, Text, nullable=False)


def maybe_words(name: str) -> Column[str]:
    """A text that may be absent."""
    return Column(name, Text, nullable=True)


def whole(name: str) -> Column[int]:
    """A number."""
    return Column(name, Whole, nullable=False)


def maybe_whole(name: str) -> Column[int]:
    """A number that may be absent."""
    return Column(name, Whole, nullable=True)


def octets(name: str) -> Column[bytes]:
    """Bytes."""
    return Column(name, LargeBinary, nullable=False)


def row_number() -> Column[int]:
    """A number in the order of writing, given by the database."""
    return Column("row", Whole, primary_key=True, autoincrement=True)
