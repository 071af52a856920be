"""Ledger of amendments: what senders say afterwards of documents they have sent, one row for each recipient and side."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import bindparam, insert, select

from gateway.core.amendments import Amendment, AmendmentKind, Handling, Side
from gateway.core.clock import from_millis, to_millis
from gateway.core.ids import AmendmentKey, EntryKey, OrganId
from gateway.core.states import AmendmentState, BusinessStatus, DeliveryState
from gateway.storage.bulk import execute_many
from gateway.storage.codec import reading
from gateway.storage.named_lock import NamedLock, acquire
from gateway.storage.rows import (
    among,
    chunks,
    compare_and_set,
    locked,
    maybe_millis,
    maybe_moment,
    unique,
    update_if,
)
from gateway.storage.statements import Row, Statements
from gateway.storage.tables import amendments, deliveries, inbox

_ADD: Final = insert(amendments)
_OF: Final = locked(
    select(amendments)
    .where(
        amendments.c.side == bindparam("the_side"),
        amendments.c.sender == bindparam("the_sender"),
        amendments.c.document_id == bindparam("the_document_id"),
    )
    .order_by(amendments.c.row)
)
_FIND: Final = _OF.where(
    amendments.c.recipient == bindparam("the_recipient"),
    amendments.c.kind == bindparam("the_kind"),
    amendments.c.by == bindparam("the_by"),
)
_WITH_REACHED: Final = select(amendments, deliveries.c.state.label("reached")).outerjoin(
    # A carrier that is an inbox entry is no document's key: UUIDs.
    deliveries,
    (deliveries.c.document == amendments.c.carrier)
    & (deliveries.c.recipient == amendments.c.recipient)
    & (deliveries.c.state != DeliveryState.REROUTED.value),
)
_ABOUT: Final = _WITH_REACHED.where(among(amendments.c.subject, "keys"))
_CARRIED: Final = _WITH_REACHED.where(among(amendments.c.carrier, "keys"))
_ADVANCE: Final = update_if(
    amendments,
    "state",
    ("subject", "carrier", "state", "words", "opened_at", "standing", "forwarded", "answered_at", "changed_at"),
)
_ENTRY: Final = select(inbox.c.key).where(
    inbox.c.recipient == bindparam("recipient"),
    inbox.c.sender == bindparam("sender"),
    inbox.c.document_id == bindparam("document_id"),
)


class AmendmentLedger:
    """Implements `gateway.core.amendments.Amendments` on one connection."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection

    def add(self, amendments: Sequence[Amendment]) -> None:
        """Store new ones."""
        if amendments:
            with unique(self._connection, "transfer.duplicate"):
                execute_many(self._connection, _ADD, [_values(one) for one in amendments])

    def find(self, like: Amendment) -> Amendment | None:
        """The one of the same name."""
        names = _named(like.side, like.sender, like.document_id)
        names |= {"the_recipient": like.recipient, "the_kind": like.kind.value, "the_by": like.by}
        row = self._connection.execute(_FIND, names).one_or_none()
        return None if row is None else _amendment(row, "")

    def of(self, side: Side, sender: OrganId, document_id: str) -> tuple[Amendment, ...]:
        """All that amend this document."""
        rows = self._connection.execute(_OF, _named(side, sender, document_id))
        return tuple(_amendment(row, "") for row in rows)

    def about(self, keys: Sequence[str]) -> tuple[Amendment, ...]:
        """Those whose subject or carrier is one of these."""
        found = {
            row.row: _amendment(row, row.reached or "")
            for some in chunks(keys)
            for statement in (_ABOUT, _CARRIED)
            for row in self._connection.execute(statement, {"keys": list(some)})
        }
        return tuple(found[number] for number in sorted(found))

    def advance(self, amendment: Amendment, *, was: AmendmentState) -> None:
        """Write subject, carrier, state, words, handling, answered_at and changed_at, if the stored state is `was`."""
        compare_and_set(self._connection, _ADVANCE, {**_changes(amendment), "the_key": amendment.key, "was": was.value})

    def entry(self, recipient: OrganId, sender: OrganId, document_id: str) -> EntryKey | None:
        """The inbox entry of that document for that body; so it stays in this unit."""
        acquire(self._connection, NamedLock.INBOX)
        names = {"recipient": recipient, "sender": sender, "document_id": document_id}
        found = self._connection.execute(_ENTRY, names).scalar_one_or_none()
        return None if found is None else EntryKey(found)


def _named(side: Side, sender: OrganId, document_id: str) -> dict[str, str]:
    return {"the_side": side.value, "the_sender": sender, "the_document_id": document_id}


def _changes(amendment: Amendment) -> dict[str, Any]:
    handling = amendment.handling
    return {
        "subject": amendment.subject,
        "carrier": amendment.carrier,
        "state": amendment.state.value,
        "words": amendment.words,
        "opened_at": maybe_millis(handling.opened_at) if handling else None,
        "standing": handling.standing.value if handling else None,
        "forwarded": int(handling.forwarded) if handling else None,
        "answered_at": maybe_millis(amendment.answered_at),
        "changed_at": to_millis(amendment.changed_at),
    }


def _values(amendment: Amendment) -> dict[str, Any]:
    return _changes(amendment) | {
        "key": amendment.key,
        "side": amendment.side.value,
        "kind": amendment.kind.value,
        "sender": amendment.sender,
        "recipient": amendment.recipient,
        "document_id": amendment.document_id,
        "by": amendment.by,
        "reason": amendment.reason,
        "asked_at": to_millis(amendment.asked_at),
    }


@reading
def _amendment(row: Row, reached: str) -> Amendment:
    handling = None
    if row.standing is not None:
        standing, forwarded = BusinessStatus(row.standing), bool(row.forwarded)
        handling = Handling(opened_at=maybe_moment(row.opened_at), standing=standing, forwarded=forwarded)
    return Amendment(
        key=AmendmentKey(row.key),
        side=Side(row.side),
        kind=AmendmentKind(row.kind),
        sender=OrganId(row.sender),
        recipient=OrganId(row.recipient),
        document_id=row.document_id,
        by=row.by,
        subject=row.subject,
        carrier=row.carrier,
        state=AmendmentState(row.state),
        reason=row.reason,
        asked_at=from_millis(row.asked_at),
        words=row.words,
        handling=handling,
        answered_at=maybe_moment(row.answered_at),
        changed_at=from_millis(row.changed_at),
        reached=reached,
    )
