"""Turnstiles: where units that must not overlap go through one at a time, in an order that all others see.

Where every unit has a transaction of its own, numbers that the database gives become visible out of order: a reader who has
seen inbox row 7 would never look for row 6, which commits a moment later. Whoever is inside a turnstile keeps it until its
transaction ends, so the next one comes after it in every respect. On SQLite, with its one writer, nobody ever waits here.
"""

from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from gateway.storage.tables import turnstiles


class Turnstile(StrEnum):
    """What is done by one unit at a time."""

    INBOX = "inbox"
    """Arrivals: cursors grow in the order in which rows become visible; `seen` holds until the unit ends."""
    DIRECTORY = "directory"
    """Activations of registry editions."""
    CHECKPOINTS = "checkpoints"
    """Publishing: only a newer one is kept."""


_ENTER: Final = select(turnstiles.c.last).where(turnstiles.c.name == bindparam("the_name")).with_for_update()
_COUNT: Final = (
    update(turnstiles)
    .where(turnstiles.c.name == bindparam("the_name"))
    .values(last=turnstiles.c.last + bindparam("count"))
    .returning(turnstiles.c.last)
)
_FIRST: Final = insert(turnstiles)


def enter(connection: Connection, turnstile: Turnstile) -> None:
    """Wait until nobody else is inside, and stay until the transaction ends. A reading unit just walks by."""
    connection.execute(_ENTER, {"the_name": turnstile.value})


def count(connection: Connection, turnstile: Turnstile, count: int) -> range:
    """Enter, and take the next numbers, without gaps and undone with the transaction."""
    names = {"the_name": turnstile.value, "count": count}
    last: int | None = connection.execute(_COUNT, names).scalar_one_or_none()
    if last is None:
        connection.execute(_FIRST, {"name": turnstile.value, "last": count})
        last = count
    return range(last - count + 1, last + 1)
