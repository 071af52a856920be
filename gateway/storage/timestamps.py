"""Ledger of the timestamps that are owed to sealed files; the archive copies are named here, so nobody removes them."""

from typing import Any, Final

from sqlalchemy import bindparam, func, insert, select, text

from gateway.core.clock import from_millis, to_millis
from gateway.core.ids import Digest, DocumentKey, TimestampKey
from gateway.core.model import BlobRef
from gateway.core.owed import OwedTimestamp, TimestampState, Unpaid
from gateway.core.validation import Level
from gateway.storage.codec import reading
from gateway.storage.named_blobs import name_blobs
from gateway.storage.rows import compare_and_set, locked, maybe_blob, maybe_millis, maybe_moment, update_if
from gateway.storage.statements import Row, Statements
from gateway.storage.tables import UNPAID, owed_timestamps

_ADD: Final = insert(owed_timestamps)
_BY_KEY: Final = locked(select(owed_timestamps).where(owed_timestamps.c.key == bindparam("key")))
_OF_DOCUMENT: Final = locked(
    select(owed_timestamps).where(owed_timestamps.c.document == bindparam("document")).order_by(owed_timestamps.c.row)
)
_ADVANCE: Final = update_if(
    owed_timestamps,
    "state",
    (
        "level",
        "state",
        "archive_digest",
        "archive_size",
        "stamped_at",
        "reason",
        "since",
        "changed_at",
        "last_leaf",
    ),
)
_UNPAID: Final = (
    select(owed_timestamps.c.state, func.count().label("items"), func.min(owed_timestamps.c.since).label("oldest"))
    .where(text(UNPAID))
    .group_by(owed_timestamps.c.state)
)


class TimestampLedger:
    """Implements `gateway.core.owed.Timestamps` on one connection."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection

    def add(self, owed: OwedTimestamp) -> None:
        """Store a new one."""
        self._connection.execute(_ADD, _values(owed))
        name_blobs(self._connection, _blobs(owed))

    def find(self, key: TimestampKey) -> OwedTimestamp | None:
        """The one of a key."""
        row = self._connection.execute(_BY_KEY, {"key": key}).one_or_none()
        return None if row is None else _owed(row)

    def of_document(self, document: DocumentKey) -> tuple[OwedTimestamp, ...]:
        """All of a document, in the order of adding."""
        return tuple(_owed(row) for row in self._connection.execute(_OF_DOCUMENT, {"document": document}))

    def advance(self, owed: OwedTimestamp, *, was: TimestampState) -> None:
        """Write what changes, if the stored state is `was`."""
        compare_and_set(self._connection, _ADVANCE, {**_changes(owed), "the_key": owed.key, "was": was.value})
        name_blobs(self._connection, _blobs(owed))

    def unpaid(self) -> Unpaid:
        """How many are not paid."""
        found = {row.state: row for row in self._connection.execute(_UNPAID)}
        counts = {state: found[state.value].items if state.value in found else 0 for state in TimestampState}
        return Unpaid(
            waiting=counts[TimestampState.WAITING],
            given_up=counts[TimestampState.GIVEN_UP],
            oldest=maybe_moment(min((row.oldest for row in found.values()), default=None)),
        )


def _blobs(owed: OwedTimestamp) -> list[BlobRef]:
    return [owed.sealed] if owed.archive is None else [owed.sealed, owed.archive]


def _changes(owed: OwedTimestamp) -> dict[str, Any]:
    return {
        "level": owed.level.value,
        "state": owed.state.value,
        "archive_digest": owed.archive.digest if owed.archive else None,
        "archive_size": owed.archive.size if owed.archive else None,
        "stamped_at": maybe_millis(owed.stamped_at),
        "reason": owed.reason,
        "since": to_millis(owed.since),
        "changed_at": to_millis(owed.changed_at),
        "last_leaf": owed.last_leaf,
    }


def _values(owed: OwedTimestamp) -> dict[str, Any]:
    return _changes(owed) | {
        "key": owed.key,
        "document": owed.document,
        "position": owed.position,
        "sealed_digest": owed.sealed.digest,
        "sealed_size": owed.sealed.size,
        "owed": owed.owed.value,
    }


@reading
def _owed(row: Row) -> OwedTimestamp:
    return OwedTimestamp(
        key=TimestampKey(row.key),
        document=DocumentKey(row.document),
        position=row.position,
        sealed=BlobRef(digest=Digest(row.sealed_digest), size=row.sealed_size),
        level=Level(row.level),
        owed=Level(row.owed),
        state=TimestampState(row.state),
        archive=maybe_blob(row.archive_digest, row.archive_size),
        stamped_at=maybe_moment(row.stamped_at),
        reason=row.reason,
        since=from_millis(row.since),
        changed_at=from_millis(row.changed_at),
        last_leaf=row.last_leaf,
    )
