"""A transfer that comes again because we asked for it after a restore: we had it, and lost it with the database."""

from datetime import datetime

from gateway.core.directory import Snapshot
from gateway.core.errors import PeerError
from gateway.core.events import AuditEvent, EventKind
from gateway.core.ids import GatewayId
from gateway.core.ledgers import UnitOfWork
from gateway.core.model import TransferSlip
from gateway.exchange.desk import Desk
from gateway.exchange.duties import admit


async def admit_transfer(origin: GatewayId, slip: TransferSlip, snapshot: Snapshot, *, desk: Desk) -> None:
    """Duties 2 and 6; a transfer that we asked for again may be older.

    Raises:
        PeerError, SiteError: see `duties.admit`.
    """
    try:
        admit(slip, origin=origin, own=desk.own, snapshot=snapshot, moment=desk.clock.now())
    except PeerError as error:
        if error.code != "transfer.sent_at":
            raise
        if not await desk.store.read(lambda uow: uow.resyncs.is_wanted(origin, slip.transfer)):
            raise


def note_again(uow: UnitOfWork, slip: TransferSlip, at: datetime, desk: Desk) -> None:
    """Say so in the log, where it was asked for: an office may have fetched it the first time."""
    if not uow.resyncs.is_wanted(slip.origin, slip.transfer):
        return
    said = {"origin": slip.origin, "from": slip.sender, "document_id": slip.document_id, "transfer": slip.transfer}
    kind, key = EventKind.RECEIVED_AGAIN, slip.transfer
    desk.journal.record(uow, AuditEvent(kind=kind, at=at, subject=key, document=key, private=said))
