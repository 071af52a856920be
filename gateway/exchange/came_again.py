"""A transfer that comes again because we asked for it after a restore: we had it, and lost it with the database."""

from datetime import datetime

from gateway.core.events import AuditEvent, EventKind
from gateway.core.ledgers import UnitOfWork
from gateway.core.model import TransferSlip
from gateway.exchange.desk import Desk


def note_again(uow: UnitOfWork, slip: TransferSlip, at: datetime, desk: Desk) -> None:
    """Say so in the log, where it was asked for: an office may have fetched it the first time."""
    if not uow.resyncs.is_wanted(slip.origin, slip.transfer):
        return
    said = {"origin": slip.origin, "from": slip.sender, "document_id": slip.document_id, "transfer": slip.transfer}
    kind, key = EventKind.RECEIVED_AGAIN, slip.transfer
    desk.journal.record(uow, AuditEvent(kind=kind, at=at, subject=key, document=key, private=said))
