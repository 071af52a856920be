"""Dispatch: from a plan to rows: one delivery per recipient, one transfer and one work item per destination gateway.

Everything here runs inside the unit of work that moves the document to `routed`; numbers of the streams
(sender, recipient) are given in that very unit, so they have no gaps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.core.clock import VIETNAM
from gateway.core.events import AuditEvent, EventKind
from gateway.core.ids import DeliveryKey, GatewayId, OrganId, TransferKey
from gateway.core.ledgers import UnitOfWork
from gateway.core.limits import ORDER_HURRIED_MAX, STREAM_HANDLE_BYTES
from gateway.core.message import Priority
from gateway.core.model import Delivery, Document, SlipRecipient, Transfer, TransferSlip
from gateway.core.states import DeliveryState, MessageKind, TransferState
from gateway.core.work import WorkKind
from gateway.exchange.amending import amended_before, amendment_sent
from gateway.exchange.desk import Desk
from gateway.exchange.due import attempt_of, urgency_of
from gateway.exchange.gaps import owe_notice
from gateway.exchange.messages import recipients_of, wire_document_id
from gateway.routing import Plan, Refusal, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why, and when, it is sent: because the document was routed, or because deliveries of it were rerouted."""

    at: datetime
    leaves: Mapping[OrganId, str]
    """For each recipient the leaf that its delivery follows."""


def dispatch(uow: UnitOfWork, document: Document, plan: Plan, desk: Desk) -> None:
    """Write the deliveries, transfers and work of a routed document."""
    leaves = {route.recipient: document.last_leaf for route in plan.routes}
    deliveries = send(uow, document, plan, desk, cause=Cause(at=document.changed_at, leaves=leaves))
    for refusal in plan.refusals:
        deliveries[refusal.recipient] = _refused(uow, document, refusal, plan.epoch, desk)
    uow.documents.add_deliveries([deliveries[organ_id] for organ_id in recipients_of(document)])
    amendment_sent(uow, document, desk)
    if document.kind is MessageKind.DOCUMENT:
        amended_before(uow, document, desk)


def send(uow: UnitOfWork, document: Document, plan: Plan, desk: Desk, *, cause: Cause) -> dict[OrganId, Delivery]:
    """Write the transfers of a plan and their work; the deliveries, which the caller stores."""
    deliveries: dict[OrganId, Delivery] = {}
    document = replace(document, changed_at=cause.at)
    for destination, routes in plan.by_destination().items():
        numbers = _numbers(uow, document, routes, desk)
        transfer = _transfer(document, destination, numbers, plan.epoch, desk)
        uow.transfers.add([transfer])
        uow.work.add(attempt_of(transfer, document))
        _take_along(uow, document, [route.recipient for route in routes])
        given = {organ_id: number for organ_id, (number, _) in numbers.items()}
        if uow.documents.direct_streams(document.sender, destination, given):
            owe_notice(uow, transfer.slip, document.changed_at)
        for route in routes:
            previous = cause.leaves[route.recipient]
            made = _queued(
                uow, document, route, transfer=transfer, desk=desk, row=(previous, *numbers[route.recipient])
            )
            deliveries[route.recipient] = made
    return deliveries


def _numbers(
    uow: UnitOfWork, document: Document, routes: tuple[Route, ...], desk: Desk
) -> dict[OrganId, tuple[int, bytes]]:
    year = document.changed_at.astimezone(VIETNAM).year
    recipients = [route.recipient for route in routes]
    return dict(
        uow.documents.next_sequence(document.sender, recipients, year, lambda: desk.entropy(STREAM_HANDLE_BYTES))
    )


def _take_along(uow: UnitOfWork, document: Document, recipients: Sequence[OrganId]) -> None:
    """What is before an urgent document in its streams becomes as urgent: it would wait for it on the other side."""
    urgency = urgency_of(document)
    if urgency is Priority.NORMAL:
        return
    earlier = uow.documents.under_way(document.sender, recipients, ORDER_HURRIED_MAX)
    uow.work.hurry(WorkKind.TRANSFER, earlier, urgency)


def _transfer(
    document: Document, destination: GatewayId, numbers: dict[OrganId, tuple[int, bytes]], epoch: int, desk: Desk
) -> Transfer:
    assert document.envelope is not None, "a document is routed after it was wrapped"
    slip = TransferSlip(
        transfer=TransferKey(desk.new_key()),
        origin=desk.own,
        destination=destination,
        kind=document.kind,
        sender=document.sender,
        document_id=wire_document_id(document),
        envelope=document.envelope,
        registry_epoch=epoch,
        sent_at=document.changed_at,
        recipients=tuple(
            SlipRecipient(organ_id=organ_id, sequence=sequence) for organ_id, (sequence, _) in numbers.items()
        ),
    )
    return Transfer(
        slip=slip,
        document=document.key,
        state=TransferState.QUEUED,
        reason="",
        attempts=0,
        answer=None,
        deadline=document.changed_at + desk.deadline,
        changed_at=document.changed_at,
    )


def _queued(  # noqa: PLR0913 - everything one row needs, by name
    uow: UnitOfWork,
    document: Document,
    route: Route,
    *,
    transfer: Transfer,
    desk: Desk,
    row: tuple[str, int, bytes],
) -> Delivery:
    """`row`: the leaf that it follows, its number, and the handle of its stream."""
    key, (previous, sequence, stream) = DeliveryKey(desk.new_key()), row
    leaf = desk.journal.record(
        uow,
        AuditEvent(
            kind=EventKind.QUEUED,
            at=document.changed_at,
            subject=key,
            document=document.key,
            previous=previous,
            stream=stream,
            sequence=sequence,
            recipient=route.recipient,
            organ=document.sender,
            private={
                "document_id": document.document_id,
                "epoch": transfer.slip.registry_epoch,
                "to": route.recipient,
                "transfer": transfer.slip.transfer,
                "from": document.sender,
            },
        ),
    )
    return Delivery(
        key=key,
        document=document.key,
        transfer=transfer.slip.transfer,
        recipient=route.recipient,
        destination=transfer.slip.destination,
        sequence=sequence,
        state=DeliveryState.QUEUED,
        reason="",
        evidence=None,
        business_status=None,
        business_description="",
        business_at=None,
        registry_epoch=transfer.slip.registry_epoch,
        route_reason=route.reason,
        changed_at=document.changed_at,
        last_leaf=leaf,
    )


def _refused(uow: UnitOfWork, document: Document, refusal: Refusal, epoch: int, desk: Desk) -> Delivery:
    """An unknown or closed code is a refused delivery with its successor named, not an exception (house.md, step 4)."""
    key = DeliveryKey(desk.new_key())
    successor = refusal.successor or ""
    leaf = desk.journal.record(
        uow,
        AuditEvent(
            kind=EventKind.DELIVERY_REFUSED,
            at=document.changed_at,
            subject=key,
            document=document.key,
            previous=document.last_leaf,
            recipient=refusal.recipient,
            organ=document.sender,
            private={
                "document_id": document.document_id,
                "epoch": epoch,
                "code": refusal.code,
                "successor": successor,
                "to": refusal.recipient,
                "from": document.sender,
            },
        ),
    )
    return Delivery(
        key=key,
        document=document.key,
        transfer=None,
        recipient=refusal.recipient,
        destination=None,
        sequence=0,
        state=DeliveryState.REFUSED,
        reason=refusal.code,
        evidence=None,
        business_status=None,
        business_description="",
        business_at=None,
        registry_epoch=epoch,
        route_reason=f"successor {successor}" if successor else "",
        changed_at=document.changed_at,
        last_leaf=leaf,
    )
