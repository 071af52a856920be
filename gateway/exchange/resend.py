"""Resend: a transfer that its destination received, confirmed and then lost is handed over once more, byte for byte.

The delivery was delivered and stays so; the first receipt stays where it is. The second one is checked like the first and kept
beside it. Whoever carries it again after a power failure gets the same receipt.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from gateway.core.carrying import Answered, Indeterminate
from gateway.core.errors import PeerError
from gateway.core.events import AuditEvent, EventKind
from gateway.core.ids import GatewayId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import LEASE_SECONDS
from gateway.core.model import Transfer
from gateway.core.ports import Transport
from gateway.core.work import Claim, Destination, RoadReport
from gateway.exchange import receipts
from gateway.exchange.desk import Desk
from gateway.exchange.gaps import gaps_of, owe_notice
from gateway.exchange.resync_tokens import digest_of
from gateway.exchange.roads import Roads
from gateway.observe import bound_ids, logger

_log = logger(__name__)


class Resending:
    """The conductor of work items of kind `resend`."""

    def __init__(self, *, desk: Desk, transports: Callable[[GatewayId], Transport], roads: Roads) -> None:
        self._desk = desk
        self._transports = transports
        self._roads = roads

    async def handle(self, claim: Claim) -> RoadReport:
        """One attempt."""
        desk = self._desk
        transfer = await desk.store.transact(lambda uow: self._begin(uow, claim))
        if transfer is None:
            return RoadReport.NEUTRAL
        peer = transfer.slip.destination
        with bound_ids(transfer=transfer.slip.transfer, peer=peer):
            result = await self._transports(peer).carry(transfer, desk.blobs.path(transfer.slip.envelope))
            if isinstance(result, Answered):
                try:
                    receipts.check(result.receipt, transfer.slip, desk.directory.current())
                except PeerError as error:
                    result = Indeterminate(str(error))
                else:
                    await desk.store.transact(lambda uow: self._answered(uow, claim, transfer, result.receipt))
                    _log.info("resend.answered")
                    return RoadReport.GOOD
            return await self._roads.again_later(claim, peer, result)

    def give_up(self, uow: UnitOfWork, claim: Claim, code: str) -> None:
        """Nothing moves here: whoever asked sees that it has not come, and asks again."""

    def _begin(self, uow: UnitOfWork, claim: Claim) -> Transfer | None:
        uow.work.renew(claim, self._desk.clock.now() + timedelta(seconds=LEASE_SECONDS))
        transfer = uow.transfers.find(TransferKey(claim.item.subject))
        if transfer is None or transfer.answer is None:
            uow.work.finish(claim)
            return None
        if gaps_of(uow, transfer):  # that its stream begins later there was told once, and may be forgotten, too
            owe_notice(uow, transfer.slip, self._desk.clock.now())
        return transfer

    def _answered(self, uow: UnitOfWork, claim: Claim, transfer: Transfer, receipt: bytes) -> None:
        now, key = self._desk.clock.now(), transfer.slip.transfer
        resend = uow.resyncs.resend(key)
        if resend is not None and resend.answer != receipt:
            uow.resyncs.put_resend(replace(resend, answer=receipt))
            said = {"peer": transfer.slip.destination, "transfer": key, "receipt": digest_of(receipt)}
            event = AuditEvent(kind=EventKind.RESENT, at=now, subject=key, document=transfer.document, private=said)
            self._desk.journal.record(uow, event)
        uow.work.set_destination(Destination(name=transfer.slip.destination))
        uow.work.finish(claim)
