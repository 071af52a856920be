"""What every ledger that counts has to know of restores: beyond which number everything begins that is given now."""

from typing import Final

from sqlalchemy import func, select

from gateway.core.restore_limits import REOPENED_NUMBERS_PER_SECOND
from gateway.storage.statements import Statements
from gateway.storage.tables import reopenings

_LAST: Final = select(func.max(reopenings.c.number))
_ALL: Final = select(reopenings.c.number, reopenings.c.kept).order_by(reopenings.c.number)


def reopened_base(connection: Statements) -> int:
    """Beyond every number that was given before the last restore; 0 where there was none."""
    return int(connection.execute(_LAST).scalar_one_or_none() or 0) * REOPENED_NUMBERS_PER_SECOND


def feed_leaps(connection: Statements) -> tuple[tuple[int, int], ...]:
    """Positions of the feed between which there is nothing, because a restore came between them."""
    leaps, base = [], 0
    for row in connection.execute(_ALL):
        following = row.number * REOPENED_NUMBERS_PER_SECOND
        leaps.append((base + row.kept - 1, following + row.kept - 1))
        base = following
    return tuple(leaps)
