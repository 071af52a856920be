"""The change feed of the audit log: which leaves concern which body, in the order of the leaves.

Positions are indexes of leaves. The sequencer gives them without gaps, and moves the head by compare-and-set, so what one
snapshot shows is a prefix of what every later one shows: nothing is filled in behind a reader on any engine. (A row
number would not do: on PostgreSQL a lower one may become visible after a higher one. docs/adr/0004.)

One body's events are one range of the key (organ, position) and end with the page. For many bodies the ranges of all of
them would have to be merged to their end; so the log is looked through in windows of positions, small ones first, and a
look that finds little stops after a bounded number of them and says how far it came.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, bindparam, insert, select

from gateway.core.clock import from_millis
from gateway.core.events import NOBODY
from gateway.core.ids import OrganId
from gateway.core.limits import FEED_LOOKS_MAX, FEED_WINDOW_LEAVES_FIRST, FEED_WINDOW_LEAVES_MAX
from gateway.core.log import FeedLook
from gateway.core.model import FeedEvent
from gateway.storage.codec import reading
from gateway.storage.rows import among, chunks
from gateway.storage.statements import Row, Statements
from gateway.storage.tables import feed, leaves, openings

_FILL: Final = insert(feed).from_select(
    ["organ", "position", "opening"],
    select(openings.c.organ, leaves.c.position + bindparam("base", type_=leaves.c.position.type), openings.c.row)
    .join_from(leaves, openings, openings.c.hash == leaves.c.hash)
    .where(
        leaves.c.position >= bindparam("first"),
        leaves.c.position < bindparam("end"),
        openings.c.organ != bindparam("nobody"),
    ),
)
_BETWEEN: Final = (feed.c.position > bindparam("after"), feed.c.position <= bindparam("last"))
_OF_ONE: Final = (
    select(feed.c.position, feed.c.opening)
    .where(feed.c.organ == bindparam("organ"), *_BETWEEN)
    .order_by(feed.c.position)
    .limit(bindparam("rows"))
)
_OF_MANY: Final = (
    select(feed.c.position, feed.c.opening)
    .where(among(feed.c.organ, "organs"), *_BETWEEN)
    .order_by(feed.c.position)
    .limit(bindparam("rows"))
)
_OPENINGS: Final[Select[Any]] = select(
    openings.c.row,
    openings.c.at,
    openings.c.event,
    openings.c.organ,
    openings.c.subject,
    openings.c.document,
    openings.c.recipient,
    openings.c.hash,
).where(among(openings.c.row, "rows"))

_Found = list[tuple[int, int]]
"""Position and row of the opening."""


Leap = tuple[int, int]
"""The last position before a restore and the one before the first after it: between them there is nothing."""


def fill(connection: Statements, first: int, end: int, base: int) -> None:
    """Let the leaves from `first` up to (not including) `end` stand in the feeds of those whom they concern.

    At their index; after a restore, at that counted from `base`.
    """
    connection.execute(_FILL, {"first": first, "end": end, "base": base, "nobody": NOBODY})


def look(
    connection: Statements, organs: Sequence[OrganId], between: tuple[int, int], limit: int, leaps: Sequence[Leap] = ()
) -> FeedLook:
    """Events of these bodies after the first of two positions and up to the other, that of the newest leaf."""
    assert limit > 0, "a page without rows"
    after, newest = between
    if after >= newest or not organs:
        return FeedLook(events=(), looked=newest, more=False)
    found, looked = _find(connection, organs, between, limit + 1, leaps)
    more = len(found) > limit
    if more:
        found = found[:limit]
        looked = found[-1][0]
    return FeedLook(events=_events(connection, found), looked=looked, more=more or looked < newest)


def _find(
    connection: Statements, organs: Sequence[OrganId], between: tuple[int, int], rows: int, leaps: Sequence[Leap]
) -> tuple[_Found, int]:
    """The first `rows` of the feed, and the position up to which was looked for them."""
    after, newest = between
    if len(organs) == 1:
        names = {"organ": organs[0], "after": after, "last": newest, "rows": rows}
        return [(row.position, row.opening) for row in connection.execute(_OF_ONE, names)], newest
    found: _Found = []
    window = FEED_WINDOW_LEAVES_FIRST
    for _ in range(FEED_LOOKS_MAX):
        after = next((end for start, end in leaps if start <= after < end), after)
        last = min(after + window, newest)
        found += _window(connection, organs, after, last, rows - len(found))
        after = last
        if len(found) >= rows or last == newest:
            break
        window = min(2 * window, FEED_WINDOW_LEAVES_MAX)
    return found, after


def _window(connection: Statements, organs: Sequence[OrganId], after: int, last: int, rows: int) -> _Found:
    found: _Found = []
    for some in chunks(organs):
        names = {"organs": list(some), "after": after, "last": last, "rows": rows}
        found += [(row.position, row.opening) for row in connection.execute(_OF_MANY, names)]
    return sorted(found)[:rows]


def _events(connection: Statements, found: _Found) -> tuple[FeedEvent, ...]:
    opened: dict[int, Row] = {}
    for some in chunks([opening for _, opening in found]):
        opened.update((row.row, row) for row in connection.execute(_OPENINGS, {"rows": list(some)}))
    return tuple(_event(position, opened[opening]) for position, opening in found)


@reading
def _event(position: int, row: Row) -> FeedEvent:
    return FeedEvent(
        position=position,
        at=from_millis(row.at),
        event=row.event,
        organ_id=OrganId(row.organ),
        subject=row.subject,
        document=row.document,
        recipient=None if row.recipient is None else OrganId(row.recipient),
        leaf_hash=row.hash.hex(),
    )
