"""Ledger of the transfers that expired, and of the notices that tell their senders."""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, insert, select, update

from gateway.core.clock import from_millis, to_millis
from gateway.core.ids import DocumentKey, TransferKey
from gateway.core.non_delivery import NonDelivery
from gateway.storage.codec import reading
from gateway.storage.rows import locked, maybe_millis, maybe_moment
from gateway.storage.statements import Row, Statements
from gateway.storage.tables import non_deliveries

_ADD: Final = insert(non_deliveries)
_BY_TRANSFER: Final = locked(select(non_deliveries).where(non_deliveries.c.transfer == bindparam("transfer")))
_AFTER: Final = (
    select(non_deliveries)
    .where(
        non_deliveries.c.document == bindparam("document"),
        non_deliveries.c.transfer > bindparam("after"),
        non_deliveries.c.notice.is_not(None),
    )
    .order_by(non_deliveries.c.transfer)
    .limit(bindparam("rows"))
)
_SIGN: Final = (
    update(non_deliveries)
    .where(non_deliveries.c.transfer == bindparam("the_transfer"), non_deliveries.c.notice.is_(None))
    .values(notice=bindparam("notice"), signed_at=bindparam("signed_at"))
)


class NonDeliveryLedger:
    """Implements `gateway.core.non_delivery.NonDeliveries` on one connection."""

    def __init__(self, connection: Statements, /) -> None:
        self._connection = connection

    def add(self, made: NonDelivery) -> None:
        """Store a new one."""
        assert made.notice is None, "a notice is signed after its row is stored"
        values = {
            "transfer": made.transfer,
            "document": made.document,
            "expired_at": to_millis(made.expired_at),
            "attempts": made.attempts,
            "last_tried_at": maybe_millis(made.last_tried_at),
            "last_reason": made.last_reason,
            "signed_at": None,
            "notice": None,
        }
        self._connection.execute(_ADD, values)

    def find(self, transfer: TransferKey) -> NonDelivery | None:
        """That of a transfer."""
        row = self._connection.execute(_BY_TRANSFER, {"transfer": transfer}).one_or_none()
        return None if row is None else _non_delivery(row)

    def after(self, document: DocumentKey, after: TransferKey | None, limit: int) -> tuple[NonDelivery, ...]:
        """Those of a document that are signed, by transfer."""
        names = {"document": document, "after": after or "", "rows": limit}
        return tuple(_non_delivery(row) for row in self._connection.execute(_AFTER, names))

    def sign(self, transfer: TransferKey, notice: bytes, at: datetime) -> bool:
        """Keep the notice, if there is none yet."""
        values = {"the_transfer": transfer, "notice": notice, "signed_at": to_millis(at)}
        return self._connection.execute(_SIGN, values).rowcount == 1


@reading
def _non_delivery(row: Row) -> NonDelivery:
    return NonDelivery(
        transfer=TransferKey(row.transfer),
        document=DocumentKey(row.document),
        expired_at=from_millis(row.expired_at),
        attempts=row.attempts,
        last_tried_at=maybe_moment(row.last_tried_at),
        last_reason=row.last_reason,
        signed_at=maybe_moment(row.signed_at),
        notice=row.notice,
    )
