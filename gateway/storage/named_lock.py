"""Named locks: what units do one at a time, in an order that all others see. Each is a row, locked until the commit.

Where every unit has a transaction of its own, numbers that the database gives become visible out of order: a reader who has
seen inbox row 7 would never look for row 6, which commits a moment later. Whoever has a lock keeps it until its
transaction ends, so the next one comes after it in every respect. On SQLite, with its one writer, nobody ever waits here.
"""

from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, insert, select, update

from gateway.storage.statements import Statements
from gateway.storage.tables import named_locks


class NamedLock(StrEnum):
    """What is done by one unit at a time."""

    INBOX = "inbox"
    """Arrivals: cursors grow in the order in which rows become visible; `seen` holds until the unit ends."""
    STAGED = "staged"
    """Entries that are staged: each has a number below zero until it gets its cursor."""
    DIRECTORY = "directory"
    """Activations of registry editions."""
    CHECKPOINTS = "checkpoints"
    """Publishing: only a newer one is kept."""


_ACQUIRE: Final = select(named_locks.c.last).where(named_locks.c.name == bindparam("the_name")).with_for_update()
_COUNT: Final = (
    update(named_locks)
    .where(named_locks.c.name == bindparam("the_name"))
    .values(last=named_locks.c.last + bindparam("count"))
    .returning(named_locks.c.last)
)
_FIRST: Final = insert(named_locks)


def acquire(connection: Statements, lock: NamedLock) -> None:
    """Wait until nobody else has it, and keep it until the transaction ends. A reading unit just walks by."""
    connection.execute(_ACQUIRE, {"the_name": lock.value})


def next_numbers(connection: Statements, lock: NamedLock, count: int) -> range:
    """Acquire it, and take its next numbers, without gaps and undone with the transaction."""
    names = {"the_name": lock.value, "count": count}
    last: int | None = connection.execute(_COUNT, names).scalar_one_or_none()
    if last is None:
        connection.execute(_FIRST, {"name": lock.value, "last": count})
        last = count
    return range(last - count + 1, last + 1)
