"""Ledger of the order of streams on the receiving side. In the common case one statement reads and one writes it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, bindparam, case, delete, exists, func, insert, or_, select, text, update

from gateway.core.clock import from_millis, to_millis
from gateway.core.ids import EntryKey, OrganId, TransferKey
from gateway.core.order import StagedEntry, Standing, Stream, Waiting
from gateway.core.patience import PUT_OFF_SECONDS_MAX
from gateway.storage.bulk import execute_many
from gateway.storage.codec import reading
from gateway.storage.named_lock import NamedLock, acquire
from gateway.storage.rows import among, chunks, maybe_millis, maybe_moment
from gateway.storage.statements import Row, Statements
from gateway.storage.stream_tables import OVERDUE, STAGED
from gateway.storage.tables import incoming_numbers, incoming_streams

_STREAM: Final = and_(
    incoming_numbers.c.sender == bindparam("the_sender"), incoming_numbers.c.recipient == bindparam("the_recipient")
)
_STREAMS: Final = select(incoming_streams).where(
    incoming_streams.c.sender == bindparam("the_sender"), among(incoming_streams.c.recipient, "recipients")
)
_NEW: Final = insert(incoming_streams)
_WRITE: Final = (
    update(incoming_streams)
    .where(
        incoming_streams.c.sender == bindparam("the_sender"), incoming_streams.c.recipient == bindparam("the_recipient")
    )
    .values(expected=bindparam("expected"), waiting=bindparam("waiting"), overdue_at=bindparam("overdue_at"))
)
_COVERED: Final = select(
    exists().where(
        _STREAM, incoming_numbers.c.first <= bindparam("number"), incoming_numbers.c.last >= bindparam("number")
    )
)
_WAIT: Final = insert(incoming_numbers)
_WAITING: Final = select(incoming_numbers).where(_STREAM).order_by(incoming_numbers.c.first).limit(bindparam("rows"))
_SETTLE: Final = delete(incoming_numbers).where(_STREAM, incoming_numbers.c.first <= bindparam("through"))
_WAITED_OUT: Final = and_(
    incoming_numbers.c.since.is_not(None),
    or_(incoming_numbers.c.ends_at <= bindparam("now"), incoming_numbers.c.ends_at > bindparam("latest")),
)
_READY: Final = (
    select(
        incoming_numbers.c.recipient,
        func.max(case((_WAITED_OUT, incoming_numbers.c.first), else_=0)).label("until"),
    )
    .join(
        incoming_streams,
        and_(
            incoming_streams.c.sender == incoming_numbers.c.sender,
            incoming_streams.c.recipient == incoming_numbers.c.recipient,
        ),
    )
    .where(
        incoming_numbers.c.sender == bindparam("the_sender"),
        or_(_WAITED_OUT, incoming_numbers.c.first <= incoming_streams.c.expected),
    )
    .group_by(incoming_numbers.c.recipient)
    .order_by(incoming_numbers.c.recipient)
    .limit(bindparam("rows"))
)
_NEXT_END: Final = select(func.min(incoming_numbers.c.ends_at)).where(
    incoming_numbers.c.sender == bindparam("the_sender"), text(STAGED)
)
_STAGED: Final = select(func.count().label("staged"), func.min(incoming_numbers.c.since).label("oldest")).where(
    text(STAGED)
)
_OVERDUE: Final = (
    select(func.count())
    .select_from(incoming_streams)
    .where(text(OVERDUE), incoming_streams.c.overdue_at >= bindparam("after"))
)


class OrderLedger:
    """Implements `gateway.core.order.Order` on one connection."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection

    def streams(self, sender: OrganId, recipients: Collection[OrganId]) -> Mapping[OrganId, Stream]:
        """The stream of each recipient; arrivals are one at a time, so it stays as it is in this unit."""
        acquire(self._connection, NamedLock.INBOX)
        found = {recipient: Stream(recipient=recipient) for recipient in recipients}
        for some in chunks(sorted(recipients)):
            rows = self._connection.execute(_STREAMS, {"the_sender": sender, "recipients": list(some)})
            found.update((OrganId(row.recipient), _stream(row)) for row in rows)
        return found

    def put(self, sender: OrganId, streams: Sequence[Stream]) -> None:
        """Write streams back."""
        if new := [{"sender": sender, "recipient": s.recipient, **_values(s)} for s in streams if not s.known]:
            execute_many(self._connection, _NEW, new)
        if old := [{"the_sender": sender, "the_recipient": s.recipient, **_values(s)} for s in streams if s.known]:
            execute_many(self._connection, _WRITE, old)

    def is_waiting(self, sender: OrganId, recipient: OrganId, number: int) -> bool:
        """Whether a row that waits covers this number."""
        return bool(self._connection.execute(_COVERED, _named(sender, recipient) | {"number": number}).scalar_one())

    def wait(self, sender: OrganId, waiting: Sequence[Waiting]) -> None:
        """Store rows that wait."""
        if waiting:
            execute_many(self._connection, _WAIT, [{"sender": sender, **_row(one)} for one in waiting])

    def waiting(self, sender: OrganId, recipient: OrganId, limit: int) -> tuple[Waiting, ...]:
        """The first rows of a stream that wait, by number."""
        rows = self._connection.execute(_WAITING, _named(sender, recipient) | {"rows": limit})
        return tuple(_waiting(row) for row in rows)

    def settle(self, sender: OrganId, recipient: OrganId, through: int) -> None:
        """Remove the rows of a stream whose first number is at most `through`."""
        self._connection.execute(_SETTLE, _named(sender, recipient) | {"through": through})

    def ready(self, sender: OrganId, now: datetime, limit: int) -> Mapping[OrganId, int]:
        """Streams of a sender in which something can come in now, and up to which number nothing is waited for."""
        latest = now + timedelta(seconds=PUT_OFF_SECONDS_MAX)
        names = {"the_sender": sender, "now": to_millis(now), "latest": to_millis(latest), "rows": limit}
        return {OrganId(row.recipient): row.until for row in self._connection.execute(_READY, names)}

    def next_end(self, sender: OrganId) -> datetime | None:
        """When the first wait in a sender's streams ends."""
        return maybe_moment(self._connection.execute(_NEXT_END, {"the_sender": sender}).scalar_one_or_none())

    def standing(self, overdue_since: datetime) -> Standing:
        """All streams together."""
        (row,) = self._connection.execute(_STAGED)
        overdue = self._connection.execute(_OVERDUE, {"after": to_millis(overdue_since)}).scalar_one()
        return Standing(staged=row.staged, oldest=maybe_moment(row.oldest), overdue=overdue)


def _named(sender: OrganId, recipient: OrganId) -> dict[str, Any]:
    return {"the_sender": sender, "the_recipient": recipient}


def _values(stream: Stream) -> dict[str, Any]:
    overdue_at = maybe_millis(stream.overdue_at)
    return {"expected": stream.expected, "waiting": stream.waiting, "overdue_at": overdue_at}


def _row(one: Waiting) -> dict[str, Any]:
    return {
        "recipient": one.recipient,
        "first": one.first,
        "last": one.last,
        "entry": one.entry.key if one.entry else None,
        "transfer": one.entry.transfer if one.entry else "",
        "leaf": one.entry.leaf if one.entry else "",
        "since": to_millis(one.entry.since) if one.entry else None,
        "ends_at": to_millis(one.entry.ends_at) if one.entry else None,
    }


@reading
def _stream(row: Row) -> Stream:
    return Stream(
        recipient=OrganId(row.recipient),
        expected=row.expected,
        waiting=row.waiting,
        overdue_at=maybe_moment(row.overdue_at),
        known=True,
    )


@reading
def _waiting(row: Row) -> Waiting:
    entry = None
    if row.entry is not None:
        entry = StagedEntry(
            key=EntryKey(row.entry),
            transfer=TransferKey(row.transfer),
            leaf=row.leaf,
            since=from_millis(row.since),
            ends_at=from_millis(row.ends_at),
        )
    return Waiting(recipient=OrganId(row.recipient), first=row.first, last=row.last, entry=entry)
