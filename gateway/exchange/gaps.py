"""Gap notices: a sending gateway tells a receiving one which numbers of its streams will not come in order.

What expired, was refused as a whole, is void, held or went to another gateway leaves a hole that the receiving side would wait
for. The notice is a small JWS of the receipt key about one transfer (docs/PROTOCOL.md section 6a). What it says is read from
the rows when it is sent, so that it is never older than they are; it is repeated until it was answered, and saying it again
changes nothing.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from gateway.core.carrying import TellResult, Told, TransferRefused
from gateway.core.clock import parse_rfc3339, rfc3339
from gateway.core.directory import Snapshot
from gateway.core.errors import GatewayError, PeerError, SiteError
from gateway.core.ids import GatewayId, OrganId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import GAP_NOTICE_BYTES_MAX, GAP_NOTICE_SECONDS_MAX, RECIPIENTS_MAX
from gateway.core.model import Transfer, TransferSlip
from gateway.core.order import Gap, GapNotice
from gateway.core.ports import Signer, Transport
from gateway.core.states import DeliveryState
from gateway.core.work import Claim, RoadReport, WorkItem, WorkKind
from gateway.crypto import GAPS_TYPE, verify_jws
from gateway.exchange.claims import Claims, Key, Moment, Number, One, Text, read_claims, sign_claims
from gateway.exchange.desk import Desk
from gateway.exchange.duties import is_hosted
from gateway.exchange.roads import Roads
from gateway.observe import logger

_log = logger(__name__)

MOVED: Final = "moved"
"""Reason of a gap: the smaller numbers went to another gateway."""
_WILL_NOT_COME: Final = frozenset(
    {DeliveryState.EXPIRED, DeliveryState.REFUSED, DeliveryState.VOID, DeliveryState.HELD, DeliveryState.REROUTED}
)
_NOT_TAKEN: Final = frozenset({DeliveryState.REFUSED, DeliveryState.REROUTED})
"""How a delivery stands that a receipt refused."""
REFUSALS_MAX: Final = 16
"""A peer whose registry lags behind refuses what it will take an hour later: by then it waits for nothing any longer."""
PATIENCE: Final = timedelta(seconds=GAP_NOTICE_SECONDS_MAX)


def owe_notice(uow: UnitOfWork, slip: TransferSlip, at: datetime) -> None:
    """Tell the destination what of this transfer will not come in order.

    Called in every unit that ends a transfer without a receipt, or takes a recipient out of it: expired, refused as a whole,
    held, void, rerouted. What is told is read from the rows when it is sent, so calling it once too often tells nothing.
    """
    uow.work.add(WorkItem(kind=WorkKind.GAPS, subject=slip.transfer, destination=slip.destination, due_at=at))


def gaps_of(uow: UnitOfWork, transfer: Transfer) -> tuple[Gap, ...]:
    """What has to be told of a transfer as its rows stand; nothing when its numbers come in order after all."""
    slip = transfer.slip
    gaps = []
    if transfer.answer is None or is_all_refused(uow, transfer):
        # A receipt settles every number that it names: the other side knows them, and after a restore it is sent what it had
        # received. What it had refused for everybody it is told.
        # What the slip names and this transfer has no delivery of any more goes another way.
        states = {one.recipient: one.state for one in uow.documents.deliveries(transfer.document, slip.transfer)}
        ends = {line: states.get(line.organ_id, DeliveryState.REROUTED) for line in slip.recipients}
        gaps = [
            Gap(recipient=line.organ_id, first=line.sequence, last=line.sequence, reason=state.value)
            for line, state in ends.items()
            if state in _WILL_NOT_COME
        ]
    begun = uow.documents.stream_beginnings(slip.sender, slip.destination, [line.organ_id for line in slip.recipients])
    return (*gaps, *(Gap(recipient=who, first=1, last=since - 1, reason=MOVED) for who, since in begun.items()))


def is_all_refused(uow: UnitOfWork, transfer: Transfer) -> bool:
    """Whether a receipt refused it for every recipient. Most documents were refused by nobody, and are counted only."""
    counts = uow.documents.delivery_counts([transfer.document]).get(transfer.document, {})
    if not any(counts.get(state) for state in _NOT_TAKEN):
        return False
    deliveries = uow.documents.deliveries(transfer.document, transfer.slip.transfer)
    return transfer.answer is not None and all(one.state in _NOT_TAKEN for one in deliveries)


class GapNotices:
    """The conductor of work items of kind `gaps`."""

    def __init__(
        self, *, desk: Desk, signer: Signer, transports: Callable[[GatewayId], Transport], roads: Roads
    ) -> None:
        """`signer`: the receipt key."""
        self._desk = desk
        self._signer = signer
        self._transports = transports
        self._roads = roads

    async def handle(self, claim: Claim) -> RoadReport:
        """Tell it once more; done when it was answered, or when nothing is left to tell."""
        key = TransferKey(claim.item.subject)
        transfer, gaps = await self._desk.store.read(lambda uow: _told_of(uow, key))
        if not gaps or self._desk.lateness.is_over(transfer.deadline + PATIENCE):
            if gaps:
                _log.warning("gaps.given_up", transfer=key, peer=transfer.slip.destination)
            await self._desk.store.transact(lambda uow: uow.work.finish(claim))
            return RoadReport.NEUTRAL
        slip = transfer.slip
        notice = GapNotice(
            transfer=key,
            origin=slip.origin,
            destination=slip.destination,
            sender=slip.sender,
            issued_at=self._desk.clock.now(),
            gaps=gaps,
        )
        token = await write_notice(notice, self._signer)
        result = await self._transports(slip.destination).tell(slip.destination, token)
        _log.info("gaps.told", transfer=key, peer=slip.destination, outcome=type(result).__name__, gaps=len(gaps))
        return await self._settle(claim, slip.destination, result)

    def give_up(self, uow: UnitOfWork, claim: Claim, code: str) -> None:
        """Nothing moves here: the other side waits for as long as it waits for anything, and then goes on."""

    async def _settle(self, claim: Claim, destination: GatewayId, result: TellResult) -> RoadReport:
        if isinstance(result, TransferRefused) and claim.item.attempts >= REFUSALS_MAX:
            _log.warning("gaps.refused", transfer=claim.item.subject, peer=destination)
        elif not isinstance(result, Told):
            return await self._roads.again_later(claim, destination, result)
        await self._desk.store.transact(lambda uow: uow.work.finish(claim))
        return RoadReport.GOOD


def _told_of(uow: UnitOfWork, key: TransferKey) -> tuple[Transfer, tuple[Gap, ...]]:
    transfer = uow.transfers.find(key)
    if transfer is None:
        raise SiteError("store.damaged", reason=f"transfer {key}")
    return transfer, gaps_of(uow, transfer)


# --- the notice itself -------------------------------------------------------------------------------------------------


class _Line(Claims):
    organ_id: Text
    first: Number
    last: Number
    reason: Text


class _Claims(Claims):
    version: One
    transfer: Key
    origin: Text
    destination: Text
    sender: Text
    issued_at: Moment
    gaps: Annotated[tuple[_Line, ...], Field(min_length=1, max_length=2 * RECIPIENTS_MAX)]


async def write_notice(notice: GapNotice, signer: Signer) -> bytes:
    """The notice as a JWS."""
    claims = {
        "version": 1,
        "transfer": notice.transfer,
        "origin": notice.origin,
        "destination": notice.destination,
        "sender": notice.sender,
        "issued_at": rfc3339(notice.issued_at),
        "gaps": [
            {"organ_id": gap.recipient, "first": gap.first, "last": gap.last, "reason": gap.reason}
            for gap in notice.gaps
        ],
    }
    return await sign_claims(claims, signer, kind=GAPS_TYPE)


def read_notice(token: bytes, *, origin: GatewayId, own: GatewayId, snapshot: Snapshot) -> GapNotice:
    """A notice by this gateway to us, with the gaps in streams to bodies of ours.

    Raises:
        PeerError: `transfer.malformed`, `peer.foreign_sender`, `transfer.not_ours`, `peer.unpinned`.
    """
    entry = snapshot.gateways.get(origin)
    if entry is None:
        raise PeerError("peer.unpinned")
    if len(token) > GAP_NOTICE_BYTES_MAX:
        raise PeerError("size.limit", what="notice", limit=GAP_NOTICE_BYTES_MAX)
    try:
        payload = verify_jws(token, entry.receipt_keys, kind=GAPS_TYPE).payload
        claims = read_claims(payload, _Claims)
        if any(line.last < line.first for line in claims.gaps):
            raise PeerError("transfer.malformed", reason="notice")
    except (GatewayError, ValueError, RecursionError) as error:
        raise PeerError("transfer.malformed", reason="notice") from error
    sender = snapshot.body(OrganId(claims.sender))
    if claims.origin != origin or sender is None or sender.gateway != origin:
        raise PeerError("peer.foreign_sender", organ=claims.sender)
    if claims.destination != own:
        raise PeerError("transfer.not_ours")
    gaps = (
        Gap(recipient=OrganId(line.organ_id), first=line.first, last=line.last, reason=line.reason)
        for line in claims.gaps
        if is_hosted(OrganId(line.organ_id), own, snapshot)
    )
    return GapNotice(
        transfer=TransferKey(claims.transfer),
        origin=origin,
        destination=own,
        sender=OrganId(claims.sender),
        issued_at=parse_rfc3339(claims.issued_at),
        gaps=tuple(sorted(gaps, key=lambda gap: (gap.recipient, gap.first))),
    )
