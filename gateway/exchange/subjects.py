"""Subjects: what an event says of the row it happens to. Its leaf follows the newest leaf of that very row.

Whoever changes a row records the event and stores the row with the leaf's hash (`last_leaf`), in one unit. What happens to the
gateway itself has no row, and follows nothing.
"""

from collections.abc import Mapping
from datetime import datetime

from gateway.core.events import AuditEvent, EventKind
from gateway.core.ids import GatewayId, OrganId
from gateway.core.model import Delivery, Document, InboxEntry

Private = Mapping[str, str | int]
"""What only who may open the leaf reads."""


def of_gateway(kind: EventKind, own: GatewayId, *, at: datetime, private: Private) -> AuditEvent:
    """Something happens to this gateway itself: no body hears of it."""
    return AuditEvent(kind=kind, at=at, subject=own, document=own, private=private)


def of_document(kind: EventKind, document: Document, *, at: datetime, private: Private) -> AuditEvent:
    """Something happens to an outgoing document; its sender hears of it."""
    return AuditEvent(
        kind=kind,
        at=at,
        subject=document.key,
        document=document.key,
        previous=document.last_leaf,
        organ=document.sender,
        private=private,
    )


def of_delivery(kind: EventKind, delivery: Delivery, sender: OrganId, *, at: datetime, private: Private) -> AuditEvent:
    """Something happens to a delivery; the sender of its document hears of it."""
    return AuditEvent(
        kind=kind,
        at=at,
        subject=delivery.key,
        document=delivery.document,
        previous=delivery.last_leaf,
        sequence=delivery.sequence,
        recipient=delivery.recipient,
        organ=sender,
        private=private,
    )


def of_entry(kind: EventKind, entry: InboxEntry, *, at: datetime, private: Private) -> AuditEvent:
    """Something happens to a document that arrived; the body in whose inbox it is hears of it."""
    return AuditEvent(
        kind=kind,
        at=at,
        subject=entry.key,
        document=entry.transfer,
        previous=entry.last_leaf,
        sequence=entry.sequence,
        recipient=entry.recipient,
        organ=entry.recipient,
        private=private,
    )
