"""Looking across the ledgers, for whoever inspects them. Every statement but one is bounded by an index and a limit."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, TextClause, and_, bindparam, case, exists, func, or_, select, text, tuple_

from gateway.core.clock import to_millis
from gateway.core.ids import Digest, DocumentKey, EntryKey, OrganId, TransferKey, uuid7
from gateway.core.inspection import Arrival, Arriving, Overdue, Stream
from gateway.core.model import InboxEntry
from gateway.core.states import MessageKind
from gateway.core.work import WorkKind
from gateway.storage.inbox import InboxLedger
from gateway.storage.reopened import reopened_base
from gateway.storage.rows import among, chunks, maybe_moment
from gateway.storage.statements import Row, Statements
from gateway.storage.tables import (
    LIVE,
    dead_letters,
    deliveries,
    documents,
    fences,
    inbox,
    incoming_numbers,
    incoming_streams,
    named_blobs,
    streams,
    transfers,
    work,
)
from gateway.storage.work_tables import URGENT

_NEWEST: Final = select(documents.c.key).order_by(documents.c.key.desc()).limit(bindparam("rows"))
_SAME_NAME: Final = (
    select(documents.c.key)
    .where(documents.c.sender == bindparam("sender"), documents.c.document_id == bindparam("document_id"), text(LIVE))
    .order_by(documents.c.key)
)
_CURSORS: Final = (
    select(inbox.c.cursor).where(inbox.c.cursor > bindparam("after")).order_by(inbox.c.cursor).limit(bindparam("rows"))
)
_ARRIVAL: Final[Select[Any]] = select(
    inbox.c.recipient,
    inbox.c.sender,
    inbox.c.document_id,
    inbox.c.sequence,
    inbox.c.envelope_digest,
    inbox.c.key,
    inbox.c.transfer,
    inbox.c.cursor,
)
_IS_STAGED: Final = text("inbox.cursor < 0")
_ARRIVALS_OF: Final[Select[Any]] = _ARRIVAL.where(
    inbox.c.sender == bindparam("sender"), inbox.c.document_id == bindparam("document_id")
).order_by(inbox.c.cursor)
_NEWEST_ARRIVALS: Final[Select[Any]] = (
    _ARRIVAL.where(inbox.c.recipient == bindparam("recipient")).order_by(inbox.c.cursor.desc()).limit(bindparam("rows"))
)
_ARRIVING: Final = select(incoming_streams).where(
    incoming_streams.c.recipient == bindparam("recipient"), among(incoming_streams.c.sender, "senders")
)
_WAITING_PAIRS: Final = (
    select(incoming_numbers.c.sender, incoming_numbers.c.recipient)
    .distinct()
    .order_by(incoming_numbers.c.sender, incoming_numbers.c.recipient)
    .limit(bindparam("rows"))
)
_STAGED: Final = select(inbox.c.key).where(among(inbox.c.key, "keys"), _IS_STAGED)
_UNHELD: Final[Select[Any]] = (
    _ARRIVAL.where(
        _IS_STAGED,
        ~exists().where(
            incoming_numbers.c.sender == inbox.c.sender,
            incoming_numbers.c.recipient == inbox.c.recipient,
            incoming_numbers.c.first == inbox.c.sequence,
            incoming_numbers.c.entry == inbox.c.key,
        ),
    )
    .order_by(inbox.c.cursor)
    .limit(bindparam("rows"))
)
_BLOBS: Final = (
    select(named_blobs.c.digest)
    .where(named_blobs.c.digest > bindparam("after"))
    .order_by(named_blobs.c.digest)
    .limit(bindparam("rows"))
)
_AT_WORK: Final = select(work.c.subject).where(work.c.kind == bindparam("kind"), among(work.c.subject, "subjects"))
_DEAD: Final = select(dead_letters.c.subject).where(
    dead_letters.c.kind == bindparam("kind"), among(dead_letters.c.subject, "subjects")
)
_LAST_FENCE: Final = select(func.max(fences.c.last))
_GREATEST_FENCE: Final = select(func.max(work.c.fence))
_STREAMS: Final = (
    select(streams)
    .where(tuple_(streams.c.sender, streams.c.recipient) > tuple_(bindparam("sender"), bindparam("recipient")))
    .order_by(streams.c.sender, streams.c.recipient)
    .limit(bindparam("rows"))
)
_STREAM: Final = select(streams).where(
    streams.c.sender == bindparam("sender"), streams.c.recipient == bindparam("recipient")
)
_RECENT: Final = (  # of one kind: so the index of the sender's rows has them in order
    select(documents.c.key)
    .where(documents.c.sender == bindparam("sender"), documents.c.kind == bindparam("kind"))
    .order_by(documents.c.key.desc())
    .limit(bindparam("rows"))
    .subquery()
)
_NUMBERS: Final = select(deliveries.c.sequence).where(
    deliveries.c.document.in_(select(_RECENT.c.key)),
    deliveries.c.recipient == bindparam("recipient"),
    deliveries.c.sequence > 0,
)
_HOLDS: Final = select(
    exists().where(
        deliveries.c.document == documents.c.key,
        documents.c.sender == bindparam("sender"),
        deliveries.c.recipient == bindparam("recipient"),
        deliveries.c.sequence == bindparam("number"),
    )
)


_TRIED: Final = work.c.kind == WorkKind.TRANSFER.value
_LATE: Final = (
    select(func.count())
    .select_from(work)
    .where(_TRIED, or_(work.c.subject < bindparam("before"), work.c.subject > bindparam("ahead")))
)
_LATE_URGENT: Final = _LATE.where(URGENT)


def _oldest(*which: ColumnElement[bool] | TextClause) -> Select[int]:
    first = select(func.min(work.c.subject)).where(_TRIED, *which).scalar_subquery()
    return select(transfers.c.sent_at).where(transfers.c.key == first)


_OLDEST: Final = _oldest()
_OLDEST_URGENT: Final = _oldest(URGENT)


_WAITS: Final = and_(work.c.due_at <= bindparam("now"), work.c.lease_until.is_(None))
_STEPS: Final = (
    select(documents.c.sender, func.count().label("items"), func.min(case((_WAITS, work.c.due_at))).label("oldest"))
    .join(documents, documents.c.key == work.c.subject)
    .where(work.c.kind == WorkKind.DOCUMENT.value)
    .group_by(documents.c.sender)
)


class InspectionLedger:
    """Implements `gateway.core.inspection.Inspections` on one connection."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection

    def newest_documents(self, limit: int) -> tuple[DocumentKey, ...]:
        """The newest keys of the outgoing side."""
        return tuple(map(DocumentKey, self._connection.execute(_NEWEST, {"rows": limit}).scalars()))

    def of_the_same_name(self, sender: OrganId, document_id: str) -> tuple[DocumentKey, ...]:
        """Outgoing rows of one name that are not refused."""
        names = {"sender": sender, "document_id": document_id}
        return tuple(map(DocumentKey, self._connection.execute(_SAME_NAME, names).scalars()))

    def entries_after(self, after: int, limit: int) -> tuple[InboxEntry, ...]:
        """Inbox entries after a cursor."""
        cursors = self._connection.execute(_CURSORS, {"after": after, "rows": limit}).scalars()
        return InboxLedger(self._connection).at(cursors)

    def arrivals_of(self, sender: OrganId, document_id: str) -> tuple[Arrival, ...]:
        """Every inbox row of one name."""
        rows = self._connection.execute(_ARRIVALS_OF, {"sender": sender, "document_id": document_id})
        return tuple(map(_arrival, rows))

    def newest_arrivals(self, recipient: OrganId, limit: int) -> tuple[Arrival, ...]:
        """The newest inbox rows of a body."""
        return tuple(map(_arrival, self._connection.execute(_NEWEST_ARRIVALS, {"recipient": recipient, "rows": limit})))

    def arriving(self, recipient: OrganId, senders: Collection[OrganId]) -> Mapping[OrganId, Arriving]:
        """The streams from these senders to a body."""
        found: dict[OrganId, Arriving] = {}
        for some in chunks(sorted(senders)):
            for row in self._connection.execute(_ARRIVING, {"recipient": recipient, "senders": list(some)}):
                stream = Arriving(expected=row.expected, waiting=row.waiting, kept_from=row.kept_from)
                found[OrganId(row.sender)] = stream
        return found

    def waiting_pairs(self, limit: int) -> tuple[tuple[OrganId, OrganId], ...]:
        """Streams in which something waits."""
        rows = self._connection.execute(_WAITING_PAIRS, {"rows": limit})
        return tuple((OrganId(row.sender), OrganId(row.recipient)) for row in rows)

    def staged(self, keys: Collection[EntryKey]) -> frozenset[EntryKey]:
        """Those of the entries that are staged."""
        return frozenset(
            EntryKey(key)
            for some in chunks(sorted(keys))
            for key in self._connection.execute(_STAGED, {"keys": list(some)}).scalars()
        )

    def unheld(self, limit: int) -> tuple[Arrival, ...]:
        """Staged entries for whose number nothing waits."""
        return tuple(map(_arrival, self._connection.execute(_UNHELD, {"rows": limit})))

    def blobs_after(self, after: Digest, limit: int) -> tuple[Digest, ...]:
        """Digests that rows name."""
        return tuple(map(Digest, self._connection.execute(_BLOBS, {"after": after, "rows": limit}).scalars()))

    def standing(self, kind: WorkKind, subjects: Collection[str]) -> frozenset[str]:
        """Those that have a work item or a dead letter."""
        found: set[str] = set()
        for some in chunks(sorted(subjects)):
            names = {"kind": kind.value, "subjects": list(some)}
            for statement in (_AT_WORK, _DEAD):
                found.update(self._connection.execute(statement, names).scalars())
        return frozenset(found)

    def overdue(self, before: datetime, ahead: datetime, *, urgent: bool) -> Overdue:
        """Transfers that are tried since before that time, or were made after `ahead`.

        Keys are ordered by time, so no transfer is read but the oldest.
        """
        count, oldest = (_LATE_URGENT, _OLDEST_URGENT) if urgent else (_LATE, _OLDEST)
        sent_at = self._connection.execute(oldest, {}).scalar_one_or_none()
        names = {"before": uuid7(before, bytes), "ahead": uuid7(ahead, bytes)}
        late = self._connection.execute(count, names).scalar_one()
        return Overdue(count=int(late), oldest=maybe_moment(sent_at))

    def steps(self, now: datetime) -> Mapping[OrganId, tuple[int, datetime | None]]:
        """What waits to be routed, by sender."""
        found = self._connection.execute(_STEPS, {"now": to_millis(now)})
        return {OrganId(row.sender): (row.items, maybe_moment(row.oldest)) for row in found}

    def fences(self) -> tuple[int, int]:
        """The last fence given, and the greatest one borne."""
        last, greatest = (
            self._connection.execute(statement).scalar_one_or_none() for statement in (_LAST_FENCE, _GREATEST_FENCE)
        )
        return last or 0, greatest or 0

    def streams_after(self, after: tuple[OrganId, OrganId], limit: int) -> tuple[Stream, ...]:
        """Streams after a pair."""
        names = {"sender": after[0], "recipient": after[1], "rows": limit}
        since = 1 + reopened_base(self._connection)
        return tuple(_stream(row, since) for row in self._connection.execute(_STREAMS, names))

    def stream(self, sender: OrganId, recipient: OrganId) -> Stream | None:
        """The stream of a pair."""
        row = self._connection.execute(_STREAM, {"sender": sender, "recipient": recipient}).one_or_none()
        return None if row is None else _stream(row, 1 + reopened_base(self._connection))

    def numbers(self, sender: OrganId, recipient: OrganId, limit: int) -> tuple[int, ...]:
        """Numbers of a stream among the sender's newest rows."""
        names = {"sender": sender, "recipient": recipient, "rows": limit}
        kinds = [self._connection.execute(_NUMBERS, names | {"kind": kind.value}).scalars() for kind in MessageKind]
        return tuple(number for found in kinds for number in found)

    def holds_number(self, sender: OrganId, recipient: OrganId, number: int) -> bool:
        """Whether a number of a stream is borne by anything."""
        names = {"sender": sender, "recipient": recipient, "number": number}
        return bool(self._connection.execute(_HOLDS, names).scalar_one())


def _arrival(row: Row) -> Arrival:
    return Arrival(
        recipient=OrganId(row.recipient),
        sender=OrganId(row.sender),
        document_id=row.document_id,
        sequence=row.sequence,
        envelope=Digest(row.envelope_digest),
        key=EntryKey(row.key),
        transfer=TransferKey(row.transfer),
        cursor=max(row.cursor, 0),
    )


def _stream(row: Row, since: int) -> Stream:
    sender, recipient = OrganId(row.sender), OrganId(row.recipient)
    return Stream(sender=sender, recipient=recipient, next_number=row.next_number, since=since)
