"""Non-delivery notices: what did not arrive in time, its sender is told by a document that can be shown to others.

A small JWS of our own receipt key about one transfer: which body did not get which document, until when and how often it was
tried, and what the last attempt met (docs/PROTOCOL.md section 6c). It says that *we* have no receipt, and never that nobody has
the document: a peer that was silent may have stored it.

The row and the work item are written in the unit that lets the transfer expire (`owe_non_delivery`), so no power cut comes
between; the notice is signed afterwards, kept, and the same bytes for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from gateway.core.clock import rfc3339
from gateway.core.errors import PeerError, SiteError
from gateway.core.events import EventKind
from gateway.core.ids import TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import REASON_CHARS_MAX, RECIPIENTS_MAX
from gateway.core.model import Delivery, Document, Transfer
from gateway.core.non_delivery import NonDelivery
from gateway.core.ports import Signer
from gateway.core.states import DeliveryState
from gateway.core.work import Claim, RoadReport, WorkItem, WorkKind
from gateway.crypto import NON_DELIVERY_TYPE, verify_jws
from gateway.exchange.claims import Claims, Key, Moment, One, Sha256, Text, Whole, read_claims, sign_claims
from gateway.exchange.desk import Desk
from gateway.exchange.subjects import of_delivery
from gateway.observe import logger

RELAY_FAILURE: Final = "http://uri.etsi.org/19522/Event/RelayFailure"
"""ETSI EN 319 522-1 clause 6.2.3: one service could not relay to another within the time that it had."""

_log = logger(__name__)


def owe_non_delivery(uow: UnitOfWork, was: Transfer, at: datetime) -> None:
    """Have a notice signed about a transfer that expires in this unit; `was`: the transfer as it stood before."""
    made = NonDelivery(
        transfer=was.slip.transfer,
        document=was.document,
        expired_at=at,
        attempts=was.attempts,
        last_tried_at=was.changed_at if was.attempts else None,
        last_reason=was.reason if was.attempts else "",
    )
    uow.non_deliveries.add(made)
    uow.work.add(WorkItem(kind=WorkKind.NON_DELIVERY, subject=was.slip.transfer, destination="", due_at=at))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matter:
    """What a notice is about, from one snapshot."""

    made: NonDelivery
    transfer: Transfer
    document: Document
    deliveries: tuple[Delivery, ...]
    leaves: Mapping[str, str]
    """By delivery: hash of its leaf `delivery.expired`. It may have been recalled or rerouted since."""


class NonDeliveryNotices:
    """The conductor of work items of kind `non_delivery`."""

    def __init__(self, *, desk: Desk, signer: Signer) -> None:
        """`signer`: the receipt key."""
        self._desk = desk
        self._signer = signer

    async def handle(self, claim: Claim) -> RoadReport:
        """Sign the notice and keep it, with a leaf for every recipient; one that is signed already stays as it is."""
        matter = await self._desk.store.read(lambda uow: _matter(uow, TransferKey(claim.item.subject)))
        notice = await _write(matter, self._signer)

        def unit(uow: UnitOfWork) -> None:
            now = self._desk.clock.now()
            if uow.non_deliveries.sign(matter.made.transfer, notice, now):
                self._tell(uow, matter, sha256(notice).hexdigest(), now)
            uow.work.finish(claim)

        await self._desk.store.transact(unit)
        _log.info("delivery.notice", transfer=matter.made.transfer, recipients=len(matter.deliveries))
        return RoadReport.NEUTRAL

    def give_up(self, uow: UnitOfWork, claim: Claim, code: str) -> None:
        """Nothing moves: the delivery stays expired, which its sender sees; the dead letter asks for a person."""

    def _tell(self, uow: UnitOfWork, matter: _Matter, digest: str, at: datetime) -> None:
        """One leaf for each recipient: so the notice stands in the sender's feed."""
        fresh = uow.documents.deliveries(matter.document.key, matter.transfer.slip.transfer)
        told = [self._told(uow, one, matter, digest, at=at) for one in fresh]
        uow.documents.advance_deliveries(told, was={one.key: one.state for one in fresh})

    def _told(self, uow: UnitOfWork, delivery: Delivery, matter: _Matter, digest: str, *, at: datetime) -> Delivery:
        private = {"notice": digest, "to": delivery.recipient, "transfer": matter.transfer.slip.transfer}
        event = of_delivery(EventKind.DELIVERY_NOTICE, delivery, matter.document.sender, at=at, private=private)
        return replace(delivery, last_leaf=self._desk.journal.record(uow, event))


def _matter(uow: UnitOfWork, key: TransferKey) -> _Matter:
    made, transfer = uow.non_deliveries.find(key), uow.transfers.find(key)
    document = uow.documents.find(transfer.document) if transfer else None
    if made is None or transfer is None or document is None:
        raise SiteError("store.damaged", reason=f"transfer {key}")
    deliveries = uow.documents.deliveries(document.key, key)
    told = (one for one in uow.log.history(document.key) if one.event == EventKind.DELIVERY_EXPIRED)
    leaves = {one.subject: one.leaf_hash for one in told}
    return _Matter(made=made, transfer=transfer, document=document, deliveries=deliveries, leaves=leaves)


# --- the notice itself -------------------------------------------------------------------------------------------------


class NoticeLine(Claims):
    """One recipient who did not get it."""

    organ_id: Text
    sequence: Whole
    code: Text
    event: Literal["http://uri.etsi.org/19522/Event/RelayFailure"]
    leaf: Sha256
    """Hash of the leaf `delivery.expired` in our audit log: its proof is `gateway audit prove`'s."""


class NoticeEnvelope(Claims):
    """What was to be delivered."""

    sha256: Sha256
    size: Whole


class NoticeClaims(Claims):
    """The payload: every claim there, none unknown."""

    version: One
    transfer: Key
    origin: Text
    destination: Text
    sender: Text
    document_id: Text
    envelope: NoticeEnvelope
    sent_at: Moment
    deadline: Moment
    expired_at: Moment
    attempts: Whole
    last_tried_at: Moment | None
    last_reason: Annotated[str, StringConstraints(max_length=REASON_CHARS_MAX)]
    recipients: Annotated[tuple[NoticeLine, ...], Field(min_length=1, max_length=RECIPIENTS_MAX)]


async def _write(matter: _Matter, signer: Signer) -> bytes:
    """The notice as a JWS (compact, ES256, canonical JSON); the recipients in the order of the slip."""
    slip, made = matter.transfer.slip, matter.made
    lines = {delivery.recipient: _line(delivery, matter.leaves[delivery.key]) for delivery in matter.deliveries}
    claims = {
        "version": 1,
        "transfer": slip.transfer,
        "origin": slip.origin,
        "destination": slip.destination,
        "sender": slip.sender,
        "document_id": slip.document_id,
        "envelope": {"sha256": slip.envelope.digest, "size": slip.envelope.size},
        "sent_at": rfc3339(slip.sent_at),
        "deadline": rfc3339(matter.transfer.deadline),
        "expired_at": rfc3339(made.expired_at),
        "attempts": made.attempts,
        "last_tried_at": rfc3339(made.last_tried_at) if made.last_tried_at else None,
        "last_reason": made.last_reason,
        "recipients": [lines[one.organ_id] for one in slip.recipients],
    }
    return await sign_claims(claims, signer, kind=NON_DELIVERY_TYPE)


def _line(delivery: Delivery, leaf: str) -> dict[str, Any]:
    code = delivery.reason if delivery.state is DeliveryState.EXPIRED else "delivery.expired"
    return {
        "organ_id": delivery.recipient,
        "sequence": delivery.sequence,
        "code": code,
        "event": RELAY_FAILURE,
        "leaf": leaf,
    }


def check_notice(notice: bytes, keys: Sequence[bytes]) -> NoticeClaims:
    """What a notice says that was signed by one of these receipt keys (SubjectPublicKeyInfo, DER).

    Raises:
        PeerError: `peer.receipt` with the step that failed.
    """
    payload = verify_jws(notice, keys, kind=NON_DELIVERY_TYPE).payload
    try:
        return read_claims(payload, NoticeClaims)
    except (ValueError, RecursionError) as error:
        raise PeerError("peer.receipt", step=str(error)[:200]) from error
