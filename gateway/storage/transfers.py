"""Ledger of transfers in both directions. What was once written on a slip, or answered, stays as it is."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import bindparam, insert, or_, select, update

from gateway.core.clock import from_millis, to_millis
from gateway.core.ids import Digest, DocumentKey, GatewayId, OrganId, TransferKey
from gateway.core.ledgers import StaleStateError
from gateway.core.model import BlobRef, IncomingRecipient, IncomingTransfer, Transfer, TransferSlip
from gateway.core.states import MessageKind, Outcome, TransferState
from gateway.storage.bulk import execute_many
from gateway.storage.codec import SLIP_RECIPIENTS, reading
from gateway.storage.named_blobs import name_blobs
from gateway.storage.rows import locked, unique, update_if
from gateway.storage.statements import Row, Statements
from gateway.storage.tables import incoming_recipients, incoming_transfers, transfers

_ADD: Final = insert(transfers)
_BY_KEY: Final = locked(select(transfers).where(transfers.c.key == bindparam("key")))
_OF_DOCUMENT: Final = locked(
    select(transfers).where(transfers.c.document == bindparam("document")).order_by(transfers.c.row)
)
_PAGE: Final = (
    select(transfers).where(transfers.c.key > bindparam("after")).order_by(transfers.c.key).limit(bindparam("rows"))
)
_ADVANCE: Final = update_if(transfers, "state", ("state", "reason", "attempts", "answer", "changed_at")).where(
    or_(transfers.c.answer.is_(None), transfers.c.answer == bindparam("answer"))
)

_RECEIVE: Final = insert(incoming_transfers)
_RECEIVE_RECIPIENT: Final = insert(incoming_recipients)
_INCOMING: Final = select(incoming_transfers).where(incoming_transfers.c.key == bindparam("key"))
_INCOMING_PAGE: Final = (
    select(incoming_transfers)
    .where(incoming_transfers.c.key > bindparam("after"))
    .order_by(incoming_transfers.c.key)
    .limit(bindparam("rows"))
)
_INCOMING_RECIPIENTS: Final = (
    select(incoming_recipients)
    .where(incoming_recipients.c.transfer == bindparam("transfer"))
    .order_by(incoming_recipients.c.position)
)
_ANSWER: Final = (
    update(incoming_transfers)
    .where(incoming_transfers.c.key == bindparam("the_key"), incoming_transfers.c.answer.is_(None))
    .values(answer=bindparam("answer"))
)
_KEPT_ANSWER: Final = select(incoming_transfers.c.answer).where(incoming_transfers.c.key == bindparam("key"))


class TransferLedger:
    """Implements `gateway.core.ledgers.Transfers` on one connection."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection

    # --- outgoing ----------------------------------------------------------------------------------------------------

    def add(self, transfers: Sequence[Transfer]) -> None:
        """Store new outgoing transfers."""
        if transfers:
            execute_many(self._connection, _ADD, [_transfer_values(transfer) for transfer in transfers])
            name_blobs(self._connection, [transfer.slip.envelope for transfer in transfers])

    def find(self, key: TransferKey) -> Transfer | None:
        """The outgoing transfer of a key."""
        row = self._connection.execute(_BY_KEY, {"key": key}).one_or_none()
        return None if row is None else _transfer(row)

    def of_document(self, document: DocumentKey) -> tuple[Transfer, ...]:
        """All outgoing transfers of a document, in the order of adding."""
        return tuple(_transfer(row) for row in self._connection.execute(_OF_DOCUMENT, {"document": document}))

    def page(self, after: TransferKey | None, limit: int) -> tuple[Transfer, ...]:
        """Outgoing transfers with a key greater than `after`, oldest first."""
        return tuple(_transfer(row) for row in self._connection.execute(_PAGE, {"after": after or "", "rows": limit}))

    def advance(self, transfer: Transfer, *, was: TransferState) -> None:
        """Write state, reason, attempts, answer and changed_at, if the stored state is `was`."""
        key = transfer.slip.transfer
        changes = _changes(transfer) | {"the_key": key, "was": was.value}
        if self._connection.execute(_ADVANCE, changes).rowcount != 1:
            stored = self.find(key)
            changed = stored is not None and stored.state is was and stored.answer != transfer.answer
            assert not changed, f"the answer of transfer {key} is there already and never changes"
            raise StaleStateError

    # --- incoming ----------------------------------------------------------------------------------------------------

    def receive(self, incoming: IncomingTransfer) -> None:
        """Store an incoming transfer with its outcomes."""
        assert incoming.answer is None, "a transfer is answered after it is stored"
        key = incoming.slip.transfer
        with unique(self._connection, "transfer.conflict"):
            received = _slip_values(incoming.slip) | {"received_at": to_millis(incoming.received_at), "answer": None}
            self._connection.execute(_RECEIVE, received)
            if incoming.recipients:
                lines = [_recipient_values(key, n, line) for n, line in enumerate(incoming.recipients)]
                execute_many(self._connection, _RECEIVE_RECIPIENT, lines)
        name_blobs(self._connection, [incoming.slip.envelope])

    def incoming(self, key: TransferKey) -> IncomingTransfer | None:
        """The incoming transfer of a key."""
        row = self._connection.execute(_INCOMING, {"key": key}).one_or_none()
        return None if row is None else self._with_lines(row)

    def incoming_page(self, after: TransferKey | None, limit: int) -> tuple[IncomingTransfer, ...]:
        """Incoming transfers with a key greater than `after`."""
        rows = self._connection.execute(_INCOMING_PAGE, {"after": after or "", "rows": limit}).all()
        return tuple(self._with_lines(row) for row in rows)

    def _with_lines(self, row: Row) -> IncomingTransfer:
        lines = self._connection.execute(_INCOMING_RECIPIENTS, {"transfer": row.key})
        return _incoming(row, tuple(_recipient(line) for line in lines))

    def answer(self, key: TransferKey, answer: bytes) -> bytes:
        """Keep the answer if there is none yet; the one that is kept."""
        self._connection.execute(_ANSWER, {"the_key": key, "answer": answer})
        kept: bytes | None = self._connection.execute(_KEPT_ANSWER, {"key": key}).scalar_one_or_none()
        assert kept is not None, f"no incoming transfer {key}"
        return kept


def _slip_values(slip: TransferSlip) -> dict[str, Any]:
    return {
        "key": slip.transfer,
        "origin": slip.origin,
        "destination": slip.destination,
        "kind": slip.kind.value,
        "sender": slip.sender,
        "document_id": slip.document_id,
        "envelope_digest": slip.envelope.digest,
        "envelope_size": slip.envelope.size,
        "registry_epoch": slip.registry_epoch,
        "sent_at": to_millis(slip.sent_at),
        "slip_recipients": SLIP_RECIPIENTS.encode(slip.recipients),
    }


def _slip(row: Row) -> TransferSlip:
    return TransferSlip(
        transfer=TransferKey(row.key),
        origin=GatewayId(row.origin),
        destination=GatewayId(row.destination),
        kind=MessageKind(row.kind),
        sender=OrganId(row.sender),
        document_id=row.document_id,
        envelope=BlobRef(digest=Digest(row.envelope_digest), size=row.envelope_size),
        registry_epoch=row.registry_epoch,
        sent_at=from_millis(row.sent_at),
        recipients=SLIP_RECIPIENTS.decode(row.slip_recipients),
    )


def _changes(transfer: Transfer) -> dict[str, Any]:
    return {
        "state": transfer.state.value,
        "reason": transfer.reason,
        "attempts": transfer.attempts,
        "answer": transfer.answer,
        "changed_at": to_millis(transfer.changed_at),
    }


def _transfer_values(transfer: Transfer) -> dict[str, Any]:
    fixed = {"document": transfer.document, "deadline": to_millis(transfer.deadline)}
    return _slip_values(transfer.slip) | _changes(transfer) | fixed


@reading
def _transfer(row: Row) -> Transfer:
    return Transfer(
        slip=_slip(row),
        document=DocumentKey(row.document),
        state=TransferState(row.state),
        reason=row.reason,
        attempts=row.attempts,
        answer=row.answer,
        deadline=from_millis(row.deadline),
        changed_at=from_millis(row.changed_at),
    )


def _recipient_values(key: TransferKey, position: int, line: IncomingRecipient) -> dict[str, Any]:
    return {
        "transfer": key,
        "position": position,
        "organ_id": line.organ_id,
        "sequence": line.sequence,
        "outcome": line.outcome.value,
        "code": line.code,
        "leaf": line.leaf,
        "salt": line.salt,
    }


@reading
def _recipient(row: Row) -> IncomingRecipient:
    return IncomingRecipient(
        organ_id=OrganId(row.organ_id),
        sequence=row.sequence,
        outcome=Outcome(row.outcome),
        code=row.code,
        leaf=row.leaf,
        salt=row.salt,
    )


@reading
def _incoming(row: Row, lines: tuple[IncomingRecipient, ...]) -> IncomingTransfer:
    received_at = from_millis(row.received_at)
    return IncomingTransfer(slip=_slip(row), received_at=received_at, recipients=lines, answer=row.answer)
