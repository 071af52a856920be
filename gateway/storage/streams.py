"""The streams that number deliveries: one for each (sender, recipient), from 1 without gaps, with a handle for each year."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sqlalchemy import and_, bindparam, insert, select, text, update

from gateway.core.ids import GatewayId, OrganId, TransferKey
from gateway.storage.bulk import execute_many
from gateway.storage.reopened import reopened_base
from gateway.storage.rows import among, chunks, locked
from gateway.storage.statements import Statements
from gateway.storage.tables import UNDER_WAY, deliveries, documents, stream_handles, streams

_NUMBERS: Final = locked(
    select(streams.c.recipient, streams.c.next_number)
    .where(streams.c.sender == bindparam("sender"), among(streams.c.recipient, "recipients"))
    .order_by(streams.c.recipient)
)
_NEW_STREAM: Final = insert(streams)
_COUNT: Final = (
    update(streams)
    .where(streams.c.sender == bindparam("the_sender"), streams.c.recipient == bindparam("the_recipient"))
    .values(next_number=bindparam("next_number"))
)
_HANDLES: Final = select(stream_handles.c.recipient, stream_handles.c.handle).where(
    and_(
        stream_handles.c.sender == bindparam("sender"),
        stream_handles.c.year == bindparam("year"),
        among(stream_handles.c.recipient, "recipients"),
    )
)
_NEW_HANDLE: Final = insert(stream_handles)


_WHERE_TO: Final = locked(
    select(streams.c.recipient, streams.c.destination, streams.c.since)
    .where(streams.c.sender == bindparam("sender"), among(streams.c.recipient, "recipients"))
    .order_by(streams.c.recipient)
)
_UNDER_WAY: Final = (
    select(deliveries.c.transfer)
    .join(documents, documents.c.key == deliveries.c.document)
    .where(
        deliveries.c.recipient == bindparam("recipient"),
        text(f"deliveries.{UNDER_WAY}"),
        documents.c.sender == bindparam("sender"),
        deliveries.c.transfer.is_not(None),
    )
    .order_by(deliveries.c.row)
    .limit(bindparam("rows"))
)
_DIRECT: Final = (
    update(streams)
    .where(streams.c.sender == bindparam("the_sender"), streams.c.recipient == bindparam("the_recipient"))
    .values(destination=bindparam("destination"), since=bindparam("since"))
)


class Streams:
    """The part of the ledger of documents that counts, on one connection."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection

    def next_sequence(
        self, sender: OrganId, recipients: Sequence[OrganId], year: int, handle: Callable[[], bytes]
    ) -> Mapping[OrganId, tuple[int, bytes]]:
        """The next number of each stream (sender, recipient) and its handle for the year. See `Documents.next_sequence`."""
        assert len(set(recipients)) == len(recipients), "a recipient twice in one document"
        # Everybody takes streams in the same order, or two units would each wait for what the other has.
        ordered = sorted(recipients)
        numbers = self._count(sender, ordered)
        handles = self._handles(sender, ordered, year, handle)
        return {recipient: (numbers[recipient], handles[recipient]) for recipient in recipients}

    def direct_streams(
        self, sender: OrganId, destination: GatewayId, numbers: Mapping[OrganId, int]
    ) -> frozenset[OrganId]:
        """Remember where these numbers go; whose smaller numbers went elsewhere. See `Documents.direct_streams`."""
        changed, moved = [], []
        for some in chunks(sorted(numbers)):
            for row in self._connection.execute(_WHERE_TO, {"sender": sender, "recipients": list(some)}):
                if row.destination == destination:
                    continue
                # Of a stream of before it may not be known where it went: then it is taken to have gone there, too.
                since = numbers[row.recipient] if row.destination else row.since
                changed.append({"the_sender": sender, "the_recipient": row.recipient, "since": since})
                if since > 1:
                    moved.append(OrganId(row.recipient))
        if changed:
            execute_many(self._connection, _DIRECT, [one | {"destination": destination} for one in changed])
        return frozenset(moved)

    def under_way(self, sender: OrganId, recipients: Sequence[OrganId], limit: int) -> tuple[TransferKey, ...]:
        """Transfers with letters of these streams that are on their way. See `Documents.under_way`."""
        found: dict[TransferKey, None] = {}
        each = 1 + limit // len(recipients)
        for recipient in sorted(recipients):
            names = {"sender": sender, "recipient": recipient, "rows": each}
            found.update((TransferKey(key), None) for key in self._connection.execute(_UNDER_WAY, names).scalars())
        return tuple(found)

    def stream_beginnings(
        self, sender: OrganId, destination: GatewayId, recipients: Sequence[OrganId]
    ) -> Mapping[OrganId, int]:
        """Where streams begin that came from another gateway. See `Documents.stream_beginnings`."""
        found: dict[OrganId, int] = {}
        for some in chunks(sorted(recipients)):
            rows = self._connection.execute(_WHERE_TO, {"sender": sender, "recipients": list(some)})
            found.update(
                (OrganId(row.recipient), row.since) for row in rows if row.destination == destination and row.since > 1
            )
        return found

    def _count(self, sender: OrganId, recipients: Sequence[OrganId]) -> dict[OrganId, int]:
        known: dict[OrganId, int] = {}
        for some in chunks(recipients):
            rows = self._connection.execute(_NUMBERS, {"sender": sender, "recipients": list(some)})
            known.update((OrganId(row.recipient), row.next_number) for row in rows)
        new = [recipient for recipient in recipients if recipient not in known]
        # After a restore nobody knows what was given in a stream that is not here: it begins beyond all that.
        first = 1 + (reopened_base(self._connection) if new else 0)
        if new:
            rows_new = [{"sender": sender, "recipient": r, "next_number": first + 1, "since": first} for r in new]
            execute_many(self._connection, _NEW_STREAM, rows_new)
        if old := [{"the_sender": sender, "the_recipient": r, "next_number": n + 1} for r, n in known.items()]:
            execute_many(self._connection, _COUNT, old)
        return {recipient: known.get(recipient, first) for recipient in recipients}

    def _handles(
        self, sender: OrganId, recipients: Sequence[OrganId], year: int, handle: Callable[[], bytes]
    ) -> dict[OrganId, bytes]:
        known: dict[OrganId, bytes] = {}
        for some in chunks(recipients):
            rows = self._connection.execute(_HANDLES, {"sender": sender, "year": year, "recipients": list(some)})
            known.update((OrganId(row.recipient), row.handle) for row in rows)
        new = {recipient: handle() for recipient in recipients if recipient not in known}
        if new:
            rows_new = [{"sender": sender, "recipient": r, "year": year, "handle": h} for r, h in new.items()]
            execute_many(self._connection, _NEW_HANDLE, rows_new)
        return known | new
