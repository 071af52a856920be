"""Deliver: one attempt of one transfer, and what follows from its outcome.

    queued ──attempt──> sending ──receipt checked──> receipted        each recipient delivered or refused
                           │  ├──try later, unreachable──> queued     again after a back-off
                           │  ├──no answer──> indeterminate           the next attempt asks first, never guesses
                           │  └──refused as a whole──> refused
                           └──deadline passed──> expired

`sending` is durable before the first byte leaves, so that after a power cut the transfer is asked for, not sent blindly.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from gateway.core.errors import CATALOGUE, GatewayError, PeerError, SiteError
from gateway.core.events import AuditEvent, EventKind
from gateway.core.ids import GatewayId, OrganId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.model import Delivery, Transfer
from gateway.core.ports import (
    Answered,
    CarryResult,
    Indeterminate,
    TransferRefused,
    Transport,
    TryLater,
    Unknown,
    Unreachable,
)
from gateway.core.states import DeliveryState, Evidence, Outcome, TransferState, advance, is_final
from gateway.core.work import Claim, Destination, RoadReport
from gateway.exchange import receipts
from gateway.exchange.desk import Desk
from gateway.observe import bound_ids, logger

_log = logger(__name__)

Backoff = Callable[[int], float]
"""Seconds to wait after this many failures in a row."""

_EVENTS: Final = {
    DeliveryState.DELIVERED: EventKind.DELIVERED,
    DeliveryState.REFUSED: EventKind.DELIVERY_REFUSED,
    DeliveryState.EXPIRED: EventKind.DELIVERY_EXPIRED,
}


class TransferDelivery:
    """The conductor of work items of kind `transfer`."""

    def __init__(self, *, desk: Desk, transports: Callable[[GatewayId], Transport], backoff: Backoff) -> None:
        self._desk = desk
        self._transports = transports
        self._backoff = backoff

    async def handle(self, claim: Claim) -> RoadReport:
        """One attempt. Whatever happens, the outcome, the next due time and the leaves are one transaction."""
        transfer = await self._begin(claim)
        if transfer is None:
            return RoadReport.NEUTRAL
        trace_id = await self._trace_of(transfer)
        with bound_ids(transfer=transfer.slip.transfer, peer=transfer.slip.destination, trace_id=trace_id):
            result = await self._attempt(transfer)
            report = await self._settle(claim, transfer, result)
            _log.info("transfer.attempted", outcome=type(result).__name__, recipients=len(transfer.slip.recipients))
            return report

    async def _trace_of(self, transfer: Transfer) -> str:
        """The trace that the office's request began, so that one trace leads through both gateways."""
        document = await self._desk.store.read(lambda uow: uow.documents.find(transfer.document))
        return document.trace_id if document else ""

    async def _begin(self, claim: Claim) -> Transfer | None:
        """Make `sending` durable; an attempt that was cut short before counts as indeterminate. None: nothing to do."""
        now = self._desk.clock.now()

        def unit(uow: UnitOfWork) -> Transfer | None:
            transfer = uow.transfers.find(TransferKey(claim.item.subject))
            if transfer is None:
                raise SiteError("store.damaged", reason=f"transfer {claim.item.subject}")
            if is_final(transfer.state):
                uow.work.finish(claim)
                return None
            if now >= transfer.deadline:
                self._end(uow, claim, transfer, TransferState.EXPIRED, "delivery.expired")
                return None
            if transfer.state is TransferState.INDETERMINATE:
                return transfer
            if transfer.state is TransferState.SENDING:
                return self._move(uow, transfer, TransferState.INDETERMINATE, DeliveryState.INDETERMINATE)
            return self._move(uow, transfer, TransferState.SENDING, DeliveryState.SENDING)

        return await self._desk.store.transact(unit)

    async def _attempt(self, transfer: Transfer) -> CarryResult:
        transport = self._transports(transfer.slip.destination)
        if transfer.state is TransferState.INDETERMINATE:
            result = await transport.inquire(transfer)
            if not isinstance(result, Unknown):
                return result
        return await transport.carry(transfer, self._desk.blobs.path(transfer.slip.envelope))

    async def _settle(self, claim: Claim, transfer: Transfer, result: CarryResult) -> RoadReport:
        match result:
            case Answered(receipt):
                return await self._answered(claim, transfer, receipt)
            case TransferRefused(code):
                await self._transact(
                    lambda uow: self._end(uow, claim, transfer, TransferState.REFUSED, known_code(code))
                )
                return RoadReport.GOOD
            case TryLater(reason, after):
                await self._again(claim, transfer, _not_handed_over(transfer), reason, after)
                return RoadReport.BAD
            case Unreachable(reason):
                await self._again(claim, transfer, _not_handed_over(transfer), reason, None)
                return RoadReport.BAD
            case Indeterminate(reason):
                await self._again(claim, transfer, TransferState.INDETERMINATE, reason, None)
                return RoadReport.BAD

    async def _answered(self, claim: Claim, transfer: Transfer, receipt: bytes) -> RoadReport:
        """Only a receipt whose every line checks ends the transfer; a bad one is nobody's answer (peer.receipt)."""
        try:
            lines = receipts.check(receipt, transfer.slip, self._desk.directory.current())
        except PeerError as error:
            await self._again(claim, transfer, TransferState.INDETERMINATE, str(error), None)
            return RoadReport.BAD
        outcomes = {line.organ_id: (line.outcome, known_code(line.code)) for line in lines}

        def unit(uow: UnitOfWork) -> None:
            fresh = self._fresh(uow, transfer)
            done = replace(
                fresh,
                state=advance(fresh.state, TransferState.RECEIPTED),
                answer=receipt,
                reason="",
                changed_at=self._desk.clock.now(),
            )
            uow.transfers.advance(done, was=fresh.state)
            self._receipted(uow, done, outcomes, sha256(receipt).hexdigest())
            uow.work.finish(claim)
            uow.work.set_destination(Destination(name=transfer.slip.destination))

        await self._transact(unit)
        return RoadReport.GOOD

    def _receipted(
        self,
        uow: UnitOfWork,
        transfer: Transfer,
        outcomes: Mapping[OrganId, tuple[Outcome, str]],
        receipt_digest: str,
    ) -> None:
        ends = {Outcome.RECEIVED: DeliveryState.DELIVERED, Outcome.REFUSED: DeliveryState.REFUSED}
        deliveries = uow.documents.deliveries(transfer.document, transfer.slip.transfer)
        moved = []
        for delivery in deliveries:
            outcome, code = outcomes[delivery.recipient]
            moved.append(self._moved(uow, delivery, ends[outcome], (code, receipt_digest), transfer.changed_at))
        uow.documents.advance_deliveries(moved, was={delivery.key: delivery.state for delivery in deliveries})

    async def _again(
        self, claim: Claim, transfer: Transfer, state: TransferState, reason: str, after: float | None
    ) -> None:
        """Give the lease back. Failures of the road count for the peer, not for the document (reliability.md B2.4)."""
        now = self._desk.clock.now()
        delivery_state = DeliveryState.QUEUED if state is TransferState.QUEUED else DeliveryState.INDETERMINATE

        def unit(uow: UnitOfWork) -> None:
            road = uow.work.destination(transfer.slip.destination)
            wait = after if after is not None else self._backoff(road.failures)
            due_at = now + timedelta(seconds=wait)
            uow.work.set_destination(replace(road, failures=road.failures + 1, not_before=due_at))
            fresh = self._fresh(uow, transfer)
            if fresh.state is not state:
                fresh = self._move(uow, fresh, state, delivery_state)
            uow.transfers.advance(replace(fresh, reason=reason[:500], attempts=fresh.attempts + 1), was=fresh.state)
            uow.work.postpone(claim, due_at)

        await self._transact(unit)

    def _end(self, uow: UnitOfWork, claim: Claim, transfer: Transfer, state: TransferState, code: str) -> None:
        """The transfer is over without a receipt: every delivery that still waits ends the same way."""
        now = self._desk.clock.now()
        fresh = self._fresh(uow, transfer)
        uow.transfers.advance(
            replace(fresh, state=advance(fresh.state, state), reason=code, changed_at=now), was=fresh.state
        )
        end = DeliveryState.EXPIRED if state is TransferState.EXPIRED else DeliveryState.REFUSED
        deliveries = uow.documents.deliveries(transfer.document, transfer.slip.transfer)
        moved = [self._moved(uow, delivery, end, (code, ""), now) for delivery in deliveries]
        uow.documents.advance_deliveries(moved, was={delivery.key: delivery.state for delivery in deliveries})
        uow.work.finish(claim)

    def _moved(
        self, uow: UnitOfWork, delivery: Delivery, state: DeliveryState, why: tuple[str, str], now: datetime
    ) -> Delivery:
        """The delivery at its end, with its leaf; `why` is (refusal code, digest of the receipt)."""
        code, receipt_digest = why
        leaf = self._desk.journal.record(
            uow,
            AuditEvent(
                kind=_EVENTS[state],
                at=now,
                subject=delivery.key,
                document=delivery.document,
                previous=delivery.last_leaf,
                sequence=delivery.sequence,
                recipient=delivery.recipient,
                private={
                    "code": code,
                    "receipt": receipt_digest,
                    "to": delivery.recipient,
                    "transfer": delivery.transfer or "",
                },
            ),
        )
        return replace(
            delivery,
            state=advance(delivery.state, state),
            reason=code,
            evidence=Evidence.RECEIPT if receipt_digest else delivery.evidence,
            changed_at=now,
            last_leaf=leaf,
        )

    def _move(self, uow: UnitOfWork, transfer: Transfer, state: TransferState, deliveries: DeliveryState) -> Transfer:
        """Both vocabularies move together; the passing states of an attempt write no leaf (audit.md: sampled)."""
        now = self._desk.clock.now()
        moved = replace(transfer, state=advance(transfer.state, state), changed_at=now)
        uow.transfers.advance(moved, was=transfer.state)
        waiting = uow.documents.deliveries(transfer.document, transfer.slip.transfer)
        uow.documents.advance_deliveries(
            [replace(delivery, state=advance(delivery.state, deliveries), changed_at=now) for delivery in waiting],
            was={delivery.key: delivery.state for delivery in waiting},
        )
        return moved

    def _fresh(self, uow: UnitOfWork, transfer: Transfer) -> Transfer:
        """The row as it is in this transaction: the attempt itself took place outside of any."""
        fresh = uow.transfers.find(transfer.slip.transfer)
        if fresh is None:
            raise SiteError("store.damaged", reason=f"transfer {transfer.slip.transfer}")
        return fresh

    async def _transact(self, unit: Callable[[UnitOfWork], None]) -> None:
        await self._desk.store.transact(unit)


def _not_handed_over(transfer: Transfer) -> TransferState:
    """Where a transfer goes that this attempt did not hand over: what was indeterminate before stays so."""
    return TransferState.QUEUED if transfer.state is TransferState.SENDING else TransferState.INDETERMINATE


def known_code(code: str) -> str:
    """A peer may know codes that we do not: those read `peer.refused` on our side (docs/PROTOCOL.md section 8)."""
    return code if not code or code in CATALOGUE else "peer.refused"


def is_temporary(error: GatewayError) -> bool:
    """Whether the same request may succeed later without anybody's mending it."""
    return error.facts.retryable
