"""Ledger of documents that arrived for our bodies. The message of an envelope is kept once for all its recipients."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, insert, select, text, update

from gateway.core.clock import from_millis, to_millis
from gateway.core.errors import SiteError
from gateway.core.ids import Digest, EntryKey, OrganId, TransferKey
from gateway.core.ledgers import StaleStateError
from gateway.core.message import DocumentMessage
from gateway.core.model import BlobRef, InboxEntry, InboxPage
from gateway.core.states import BusinessStatus
from gateway.storage.bulk import execute_many
from gateway.storage.codec import ATTACHMENTS, DOCUMENT_MESSAGE, TEXTS, reading
from gateway.storage.named_blobs import name_blobs
from gateway.storage.named_lock import NamedLock, acquire, next_numbers
from gateway.storage.reopened import reopened_base
from gateway.storage.rows import among, chunks, compare_and_set, maybe_millis, maybe_moment, unique, update_if
from gateway.storage.statements import Row, Statements
from gateway.storage.tables import inbox, inbox_messages

_ADD: Final = insert(inbox)
_KNOWN_MESSAGES: Final = select(inbox_messages.c.digest).where(among(inbox_messages.c.digest, "digests"))
_ADD_MESSAGE: Final = insert(inbox_messages)
_ENTRIES: Final[Select[Any]] = select(inbox, inbox_messages.c.message).join(inbox_messages)
_BY_KEY: Final = _ENTRIES.where(inbox.c.key == bindparam("key")).with_for_update(of=inbox, key_share=True)
_OLDEST: Final = (
    select(inbox.c.cursor)
    .where(
        inbox.c.recipient == bindparam("recipient"),
        inbox.c.cursor > bindparam("after"),
        inbox.c.cursor < bindparam("before"),
    )
    .order_by(inbox.c.cursor)
    .limit(bindparam("rows"))
)
_BY_CURSORS: Final = select(inbox).where(among(inbox.c.cursor, "cursors"))
_BY_KEYS: Final = select(inbox).where(among(inbox.c.key, "keys"))
_MESSAGES: Final = select(inbox_messages).where(among(inbox_messages.c.digest, "digests"))
_NEWEST: Final = select(func.max(inbox.c.cursor))
_SEEN: Final = (
    select(inbox.c.envelope_digest, inbox.c.recipient)
    .where(inbox.c.sender == bindparam("sender"), inbox.c.document_id == bindparam("document_id"))
    .order_by(inbox.c.cursor)
)
_ENTER: Final = (
    update(inbox)
    .where(inbox.c.key == bindparam("the_key"), text("inbox.cursor < 0"))
    .values(
        {"cursor": bindparam("the_cursor"), "last_leaf": bindparam("last_leaf"), "changed_at": bindparam("changed_at")}
    )
)
_ADVANCE: Final = update_if(
    inbox, "business_status", ("business_status", "business_description", "opened_at", "changed_at", "last_leaf")
)

_BEYOND: Final = 2**63 - 1
"""Greater than every cursor."""


class InboxLedger:
    """Implements `gateway.core.ledgers.Inbox` on one connection."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection

    def add(self, entries: Sequence[InboxEntry], *, staged: Sequence[InboxEntry] = ()) -> None:
        """Store new entries; their cursors follow the last one given, in the order of `entries`. Staged ones have none."""
        everything = [*entries, *staged]
        if not everything:
            return
        # By identity: all entries of a transfer hold the same message object, and encoding it costs a millisecond.
        texts = {id(entry.message): entry.message for entry in everything}
        encoded = {which: _encoded(message) for which, message in texts.items()}
        with unique(self._connection, "transfer.duplicate"):
            cursors = [*next_numbers(self._connection, NamedLock.INBOX, len(entries))] if entries else []
            cursors += [-one for one in next_numbers(self._connection, NamedLock.STAGED, len(staged))] if staged else []
            self._add_messages(dict(encoded.values()))
            rows = [_values(entry, encoded[id(entry.message)][0]) for entry in everything]
            numbered = [row | {"cursor": cursor} for row, cursor in zip(rows, cursors, strict=True)]
            execute_many(self._connection, _ADD, numbered)
        name_blobs(self._connection, [blob for entry in everything for blob in _blobs(entry)])

    def enter(self, entries: Sequence[tuple[EntryKey, str]], at: datetime) -> None:
        """Give staged entries their cursors, in this order."""
        if not entries:
            return
        with self._connection.begin_nested():
            cursors = next_numbers(self._connection, NamedLock.INBOX, len(entries))
            changes = [
                {"the_key": key, "the_cursor": cursor, "last_leaf": leaf, "changed_at": to_millis(at)}
                for (key, leaf), cursor in zip(entries, cursors, strict=True)
            ]
            if execute_many(self._connection, _ENTER, changes) != len(changes):
                raise StaleStateError

    def _add_messages(self, messages: dict[str, str]) -> None:
        known: set[str] = set()
        for some in chunks(list(messages)):
            known.update(self._connection.execute(_KNOWN_MESSAGES, {"digests": list(some)}).scalars())
        new = [{"digest": digest, "message": text} for digest, text in messages.items() if digest not in known]
        if new:
            execute_many(self._connection, _ADD_MESSAGE, new)

    def find(self, key: EntryKey) -> InboxEntry | None:
        """The entry of a key."""
        row = self._connection.execute(_BY_KEY, {"key": key}).one_or_none()
        return None if row is None else _entry(row, _decoded(row.message_digest, row.message))

    def several(self, keys: Sequence[EntryKey]) -> tuple[InboxEntry, ...]:
        """The entries of these keys, in that order."""
        rows = [row for some in chunks(keys) for row in self._connection.execute(_BY_KEYS, {"keys": list(some)})]
        found = {entry.key: entry for entry in self._entries(rows)}
        return tuple(found[key] for key in keys)

    def seen(self, sender: OrganId, document_id: str) -> tuple[Digest, frozenset[OrganId]] | None:
        """Digest of the first envelope of (sender, document_id), and every body that has it; so it stays in this unit."""
        acquire(self._connection, NamedLock.INBOX)
        rows = self._connection.execute(_SEEN, {"sender": sender, "document_id": document_id}).all()
        if not rows:
            return None
        return Digest(rows[0].envelope_digest), frozenset(OrganId(row.recipient) for row in rows)

    def page(self, organs: frozenset[OrganId], after: int, limit: int) -> InboxPage:
        """Entries of those bodies after a cursor, oldest first; one cursor more is read to know whether more follow.

        Each body's are one range of an index, and of each only what is older than the page so far is read: one statement
        over all bodies would read and sort everything that follows the cursor. The unit is one snapshot, so that no
        body's range is newer than another's.
        """
        assert limit > 0, "a page without rows"
        cursors: list[int] = []
        for recipient in sorted(organs):
            before = cursors[-1] if len(cursors) > limit else _BEYOND
            names = {"recipient": recipient, "after": max(after, 0), "before": before, "rows": limit + 1}
            found = self._connection.execute(_OLDEST, names).scalars()
            cursors = sorted([*cursors, *found])[: limit + 1]
        return InboxPage(entries=self.at(cursors[:limit]), more=len(cursors) > limit)

    def newest(self) -> int:
        """The last cursor that was given; after a restore one beyond those that were."""
        newest = max(0, self._connection.execute(_NEWEST).scalar_one() or 0)
        return max(newest, reopened_base(self._connection))

    def at(self, cursors: Sequence[int]) -> tuple[InboxEntry, ...]:
        """The entries at these cursors, in that order (not a verb of the port)."""
        rows = [
            row for some in chunks(cursors) for row in self._connection.execute(_BY_CURSORS, {"cursors": list(some)})
        ]
        found = dict(zip((row.cursor for row in rows), self._entries(rows), strict=True))
        return tuple(found[cursor] for cursor in cursors)

    def _entries(self, rows: Sequence[Row]) -> list[InboxEntry]:
        """Each message is read and decoded once, however many of the rows are of its envelope: it names all recipients."""
        digests = list(dict.fromkeys(row.message_digest for row in rows))
        messages = {
            row.digest: _decoded(row.digest, row.message)
            for some in chunks(digests)
            for row in self._connection.execute(_MESSAGES, {"digests": list(some)})
        }
        if len(messages) != len(digests):
            raise SiteError("store.damaged", reason="an entry's message is not there")
        return [_entry(row, messages[row.message_digest]) for row in rows]

    def advance(self, entry: InboxEntry, *, was: BusinessStatus) -> None:
        """Write business status, description, opened_at, changed_at and last_leaf, if the stored status is `was`."""
        changes = {
            "business_status": entry.business_status.value,
            "business_description": entry.business_description,
            "opened_at": maybe_millis(entry.opened_at),
            "changed_at": to_millis(entry.changed_at),
            "last_leaf": entry.last_leaf,
        }
        compare_and_set(self._connection, _ADVANCE, {**changes, "the_key": entry.key, "was": was.value})


def _blobs(entry: InboxEntry) -> list[BlobRef]:
    return [entry.envelope, *(file.blob for file in entry.attachments)]


def _encoded(message: DocumentMessage) -> tuple[str, str]:
    text = DOCUMENT_MESSAGE.encode(message)
    return hashlib.sha256(text.encode()).hexdigest(), text


@reading
def _decoded(digest: str, text: str) -> DocumentMessage:
    """The message of a text that is the one which was stored: nobody is shown what rotted."""
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        raise SiteError("store.damaged", reason="a stored message is not what its digest says")
    return DOCUMENT_MESSAGE.decode(text)


def _values(entry: InboxEntry, message_digest: str) -> dict[str, Any]:
    return {
        "key": entry.key,
        "recipient": entry.recipient,
        "sender": entry.sender,
        "document_id": entry.document_id,
        "transfer": entry.transfer,
        "message_digest": message_digest,
        "envelope_digest": entry.envelope.digest,
        "envelope_size": entry.envelope.size,
        "attachments": ATTACHMENTS.encode(entry.attachments),
        "verdicts": TEXTS.encode(entry.verdicts),
        "sequence": entry.sequence,
        "business_status": entry.business_status.value,
        "business_description": entry.business_description,
        "received_at": to_millis(entry.received_at),
        "changed_at": to_millis(entry.changed_at),
        "last_leaf": entry.last_leaf,
        "opened_at": maybe_millis(entry.opened_at),
    }


@reading
def _entry(row: Row, message: DocumentMessage) -> InboxEntry:
    return InboxEntry(
        key=EntryKey(row.key),
        cursor=max(row.cursor, 0),
        recipient=OrganId(row.recipient),
        sender=OrganId(row.sender),
        document_id=row.document_id,
        transfer=TransferKey(row.transfer),
        message=message,
        envelope=BlobRef(digest=Digest(row.envelope_digest), size=row.envelope_size),
        attachments=ATTACHMENTS.decode(row.attachments),
        verdicts=TEXTS.decode(row.verdicts),
        sequence=row.sequence,
        business_status=BusinessStatus(row.business_status),
        business_description=row.business_description,
        received_at=from_millis(row.received_at),
        changed_at=from_millis(row.changed_at),
        last_leaf=row.last_leaf,
        opened_at=maybe_moment(row.opened_at),
    )
