"""Deliver: one attempt of one transfer, and what follows from its outcome.

    queued ──attempt──> sending ──receipt checked──> receipted        each recipient delivered or refused
                           │  ├──try later, unreachable──> queued     again after a back-off
                           │  ├──no answer──> indeterminate           the next attempt asks first, never guesses
                           │  ├──refused as a whole──> refused
                           │  └──failed by itself, again and again──> held      an operator looks
                           └──deadline passed, the peer asked once more──> expired

`sending` is durable before the first byte leaves, so that after a power cut the transfer is asked for, not sent blindly.
What the road does (no connection, a peer that is busy) puts off everything that goes there, once, however many transfers
met it; what one transfer meets (no answer, a receipt that does not check) puts off that transfer alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Final

from gateway.core.carrying import (
    Answered,
    CarryResult,
    Indeterminate,
    TransferRefused,
    TryLater,
    Unknown,
    Unreachable,
    is_of_road,
)
from gateway.core.errors import CATALOGUE, PeerError, SiteError
from gateway.core.events import EventKind
from gateway.core.ids import GatewayId, OrganId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import LEASE_SECONDS, REASON_CHARS_MAX
from gateway.core.metrics import RECEIPTS
from gateway.core.model import Delivery, Transfer
from gateway.core.ports import Transport
from gateway.core.states import DeliveryState, Evidence, Outcome, TransferState, advance, is_final
from gateway.core.work import Claim, Destination, RoadReport
from gateway.exchange import receipts
from gateway.exchange.desk import Desk
from gateway.exchange.gaps import owe_notice
from gateway.exchange.lateness import LastWords
from gateway.exchange.non_delivery import owe_non_delivery
from gateway.exchange.roads import Roads, report_of
from gateway.exchange.subjects import of_delivery
from gateway.observe import bound_ids, logger

_log = logger(__name__)

LEASE: Final = timedelta(seconds=LEASE_SECONDS)

_DELIVERED_AS: Final = {Outcome.RECEIVED: DeliveryState.DELIVERED, Outcome.REFUSED: DeliveryState.REFUSED}
_ENDS: Final = {
    TransferState.REFUSED: DeliveryState.REFUSED,
    TransferState.EXPIRED: DeliveryState.EXPIRED,
    TransferState.HELD: DeliveryState.HELD,
}
_PASSING: Final = {
    TransferState.QUEUED: DeliveryState.QUEUED,
    TransferState.SENDING: DeliveryState.SENDING,
    TransferState.INDETERMINATE: DeliveryState.INDETERMINATE,
}
"""The state that all deliveries of a transfer share until it ends."""
_EVENTS: Final = {
    DeliveryState.HELD: EventKind.HELD,
    DeliveryState.DELIVERED: EventKind.DELIVERED,
    DeliveryState.REFUSED: EventKind.DELIVERY_REFUSED,
    DeliveryState.EXPIRED: EventKind.DELIVERY_EXPIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """How a transfer ends, and with it every delivery in it."""

    state: TransferState
    code: str = ""
    answer: bytes | None = None
    outcomes: Mapping[OrganId, tuple[DeliveryState, str]] | None = None
    """By recipient; None: every delivery ends as `_ENDS` says, with the same code."""

    def of(self, recipient: OrganId) -> tuple[DeliveryState, str]:
        """State and code of one delivery."""
        return self.outcomes[recipient] if self.outcomes is not None else (_ENDS[self.state], self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """An attempt that may begin: `sending` is durable."""

    transfer: Transfer | None
    """None: there is nothing to do."""
    trace_id: str


class TransferDelivery:
    """The conductor of work items of kind `transfer`."""

    def __init__(self, *, desk: Desk, transports: Callable[[GatewayId], Transport], roads: Roads) -> None:
        """`roads`: those that whoever hears of a peer opens."""
        self._desk = desk
        self._roads = roads
        self._transports = transports
        self._last_words = LastWords(desk.clock)

    async def handle(self, claim: Claim) -> RoadReport:
        """One attempt. Whatever happens, the outcome, the next due time and the leaves are one transaction."""
        found = claim.begun
        if isinstance(found, _Begun):
            begun = found
        else:
            begun = await self._desk.store.transact(lambda uow: self._renewed(uow, claim))
        transfer, trace_id = begun.transfer, begun.trace_id
        if transfer is None:
            return RoadReport.NEUTRAL
        with bound_ids(transfer=transfer.slip.transfer, peer=transfer.slip.destination, trace_id=trace_id):
            result, last = await self._attempt(transfer)
            report = await self._settle(claim, transfer, result, last=last)
            _log.info("transfer.attempted", outcome=type(result).__name__, recipients=len(transfer.slip.recipients))
            return report

    def give_up(self, uow: UnitOfWork, claim: Claim, code: str) -> None:
        """What the unit writes that buries the item: the transfer and its deliveries are held, with the reason."""
        transfer = self._fresh(uow, TransferKey(claim.item.subject))
        if not is_final(transfer.state) and transfer.state is not TransferState.HELD:
            self._conclude(uow, transfer, _Ending(state=TransferState.HELD, code=code))

    # --- the attempt -------------------------------------------------------------------------------------------------

    def begin(self, uow: UnitOfWork, claim: Claim) -> _Begun | None:
        """See `Begins`: the first attempt of a transfer whose time has not run out, which is one row or a few."""
        transfer = uow.transfers.find(TransferKey(claim.item.subject))
        if transfer is None or transfer.state is not TransferState.QUEUED:
            return None
        return None if self._desk.lateness.is_over(transfer.deadline) else self._begin_traced(uow, claim)

    def _renewed(self, uow: UnitOfWork, claim: Claim) -> _Begun:
        """Begun in a unit of its own: the lease may have waited for it."""
        uow.work.renew(claim, self._desk.clock.now() + LEASE)
        return self._begin_traced(uow, claim)

    def _begin_traced(self, uow: UnitOfWork, claim: Claim) -> _Begun:
        """And the trace that the office's request began, so that one trace leads through both gateways."""
        transfer = self._begin(uow, claim)
        document = uow.documents.find(transfer.document) if transfer else None
        return _Begun(transfer=transfer, trace_id=document.trace_id if document else "")

    def _begin(self, uow: UnitOfWork, claim: Claim) -> Transfer | None:
        """Make `sending` durable; an attempt that was cut short before counts as indeterminate. None: nothing to do."""
        transfer = self._fresh(uow, TransferKey(claim.item.subject))
        if is_final(transfer.state) or transfer.state is TransferState.HELD:
            uow.work.finish(claim)
            return None
        if transfer.state is TransferState.INDETERMINATE:
            return transfer
        if transfer.state is TransferState.QUEUED:
            transfer = self._move(uow, transfer, TransferState.SENDING)
            if not self._desk.lateness.is_over(transfer.deadline):
                return transfer
            # "later" may have been said by a peer that had stored it already, and what was never tried may have been, before
            # this database was put back: ask, do not guess
        return self._move(uow, transfer, TransferState.INDETERMINATE)

    async def _attempt(self, transfer: Transfer) -> tuple[CarryResult | Unknown, bool]:
        """Ask first where an answer may have been lost; after the deadline only ask. Whether that was the last attempt.

        Then silence is the end; "later" is none, for a while (`LastWords`). What was carried until after its deadline is asked
        for once more.
        """
        transport = self._transports(transfer.slip.destination)
        if transfer.state is TransferState.INDETERMINATE:
            result = await transport.inquire(transfer)
            late = self._desk.lateness.is_over(transfer.deadline)
            if not isinstance(result, TryLater):
                self._last_words.answered(transfer.slip.destination)
            elif late:
                late = self._last_words.is_over(transfer.slip.destination, transfer.slip.transfer)
            if late or not isinstance(result, Unknown):
                return result, late
        return await transport.carry(transfer, self._desk.blobs.path(transfer.slip.envelope)), False

    # --- what follows ------------------------------------------------------------------------------------------------

    async def _settle(
        self, claim: Claim, transfer: Transfer, result: CarryResult | Unknown, *, last: bool
    ) -> RoadReport:
        """`last`: there is no further attempt."""
        if isinstance(result, Answered):
            return await self._answered(claim, transfer, result.receipt, last=last)
        if isinstance(result, TransferRefused):
            await self._end(claim, transfer, _Ending(state=TransferState.REFUSED, code=known_code(result.code)))
            return RoadReport.GOOD
        if last:
            await self._end(claim, transfer, _Ending(state=TransferState.EXPIRED, code="delivery.expired"))
            return RoadReport.NEUTRAL
        assert not isinstance(result, Unknown), "what the peer does not know is sent, before the deadline"
        return await self._again(claim, transfer, result)

    async def _answered(self, claim: Claim, transfer: Transfer, receipt: bytes, *, last: bool) -> RoadReport:
        """Only a receipt whose every line checks ends the transfer; a bad one is nobody's answer (peer.receipt)."""
        try:
            lines = receipts.check(receipt, transfer.slip, self._desk.directory.current())
            self._desk.meter.add(RECEIPTS, "good")
        except PeerError as error:
            self._desk.meter.add(RECEIPTS, "bad")
            if last:
                await self._end(claim, transfer, _Ending(state=TransferState.EXPIRED, code="delivery.expired"))
                return RoadReport.NEUTRAL
            return await self._again(claim, transfer, Indeterminate(str(error)))
        outcomes = {line.organ_id: (_DELIVERED_AS[line.outcome], known_code(line.code)) for line in lines}
        await self._end(claim, transfer, _Ending(state=TransferState.RECEIPTED, answer=receipt, outcomes=outcomes))
        return RoadReport.GOOD

    async def _end(self, claim: Claim, transfer: Transfer, ending: _Ending) -> None:
        def unit(uow: UnitOfWork) -> None:
            self._conclude(uow, self._fresh(uow, transfer.slip.transfer), ending)
            uow.work.finish(claim)
            if ending.state in {TransferState.RECEIPTED, TransferState.REFUSED}:
                uow.work.set_destination(Destination(name=transfer.slip.destination))

        await self._desk.store.transact(unit)
        self._last_words.forget(transfer.slip.transfer)

    async def _again(
        self, claim: Claim, transfer: Transfer, result: TryLater | Unreachable | Indeterminate
    ) -> RoadReport:
        """Give the lease back. The road's failures are the peer's, one transfer's are its own (reliability.md B2.4)."""
        road = is_of_road(result)
        state = TransferState.INDETERMINATE if isinstance(result, Indeterminate) else _not_handed_over(transfer)
        after = result.after if isinstance(result, TryLater) else None
        if road:
            self._roads.note(transfer.slip.destination, after)

        def unit(uow: UnitOfWork) -> None:
            now = self._desk.clock.now()
            fresh = self._fresh(uow, transfer.slip.transfer)
            if fresh.state is not state:
                fresh = self._move(uow, fresh, state)
            reason = result.reason[:REASON_CHARS_MAX]
            asked = not isinstance(result, TryLater) or result.asked
            tried = replace(fresh, reason=reason, attempts=fresh.attempts + asked, changed_at=now)
            uow.transfers.advance(tried, was=fresh.state)
            if road:
                self._roads.close(uow, transfer.slip.destination, after)
                uow.work.postpone(claim, now)
            else:
                wait = after if after is not None else self._roads.backoff(fresh.attempts)
                uow.work.postpone(claim, now + timedelta(seconds=wait))

        await self._desk.store.transact(unit)
        return report_of(result)

    # --- writing -----------------------------------------------------------------------------------------------------

    def _conclude(self, uow: UnitOfWork, transfer: Transfer, ending: _Ending) -> None:
        """The transfer's new state, every delivery's, and their leaves."""
        now = self._desk.clock.now()
        answer = ending.answer if ending.answer is not None else transfer.answer
        done = replace(
            transfer,
            state=advance(transfer.state, ending.state),
            reason=ending.code,
            answer=answer,
            changed_at=now,
        )
        uow.transfers.advance(done, was=transfer.state)
        digest = sha256(ending.answer).hexdigest() if ending.answer is not None else ""
        deliveries = uow.documents.deliveries(transfer.document, transfer.slip.transfer)
        moved = [self._moved(uow, delivery, ending.of(delivery.recipient), digest, done) for delivery in deliveries]
        uow.documents.advance_deliveries(moved, was={delivery.key: delivery.state for delivery in deliveries})
        if ending.state is not TransferState.RECEIPTED:
            owe_notice(uow, transfer.slip, now)
        if ending.state is TransferState.EXPIRED:
            owe_non_delivery(uow, transfer, now)

    def _moved(
        self, uow: UnitOfWork, delivery: Delivery, end: tuple[DeliveryState, str], digest: str, done: Transfer
    ) -> Delivery:
        """The delivery in its new state, with its leaf; `digest` is the receipt's, or empty; `done` its transfer."""
        state, code = end
        private = {"code": code, "receipt": digest, "to": delivery.recipient, "transfer": delivery.transfer or ""}
        event = of_delivery(_EVENTS[state], delivery, done.slip.sender, at=done.changed_at, private=private)
        leaf = self._desk.journal.record(uow, event)
        return replace(
            delivery,
            state=advance(delivery.state, state),
            reason=code,
            evidence=Evidence.RECEIPT if digest else delivery.evidence,
            changed_at=done.changed_at,
            last_leaf=leaf,
        )

    def _move(self, uow: UnitOfWork, transfer: Transfer, state: TransferState) -> Transfer:
        """Both vocabularies move together; the passing states of an attempt write no leaf (audit.md: sampled)."""
        now = self._desk.clock.now()
        moved = replace(transfer, state=advance(transfer.state, state), changed_at=now)
        uow.transfers.advance(moved, was=transfer.state)
        was = _PASSING[transfer.state]
        moves = (was, advance(was, _PASSING[state]))
        uow.documents.move_deliveries(transfer.document, transfer.slip.transfer, moves=moves, at=now)
        return moved

    @staticmethod
    def _fresh(uow: UnitOfWork, key: TransferKey) -> Transfer:
        """The row as it is in this transaction: the attempt itself took place outside of any."""
        fresh = uow.transfers.find(key)
        if fresh is None:
            raise SiteError("store.damaged", reason=f"transfer {key}")
        return fresh


def _not_handed_over(transfer: Transfer) -> TransferState:
    """Where a transfer goes that this attempt did not hand over: what was indeterminate before stays so."""
    return TransferState.QUEUED if transfer.state is TransferState.SENDING else TransferState.INDETERMINATE


def known_code(code: str) -> str:
    """A peer may know codes that we do not: those read `peer.refused` on our side (docs/PROTOCOL.md section 8)."""
    return code if not code or code in CATALOGUE else "peer.refused"
