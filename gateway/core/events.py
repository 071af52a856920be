"""The closed catalogue of audit events: which happen, and what the private part of each says.

The table in docs/AUDIT-EVENTS.md repeats this list; a test compares both (X-Road keeps such a catalogue too).
An event becomes a leaf (`gateway.audit.make_leaf`) in the transaction that changes the state it speaks of.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.core.ids import OrganId

NOBODY: Final = OrganId("")
"""Whom an event concerns that happened to the installation itself."""


class EventKind(StrEnum):
    """What happened. The value stands in the leaf as `e`."""

    GENESIS = "genesis"
    """First leaf of a log: private part names the gateway and the registry in force."""
    REGISTRY_ACTIVATED = "registry.activated"
    ACCESS_DECLARED = "access.declared"
    """Other API keys or client certificates than before: who may ask from now on."""
    CLOCK_STEP = "clock.step"
    """The wall clock jumped against the one that never steps; times in later leaves are the new clock's."""
    ACCEPTED = "accepted"
    SEALED = "sealed"
    WRAPPED = "wrapped"
    ROUTED = "routed"
    HELD = "held"
    RELEASED = "released"
    """What was held goes on: the document from its first step, or its held transfers; or a timestamp that was given up."""
    TIMESTAMP_OWED = "timestamp.owed"
    """A file was sealed without the timestamp that the configuration asks for: no authority answered."""
    TIMESTAMP_ADDED = "timestamp.added"
    """The archive copy of a sealed file got a document timestamp; the private part has its digest."""
    TIMESTAMP_GIVEN_UP = "timestamp.given_up"
    """Asked for in vain for too long: a person must look."""
    REFUSED = "refused"
    """A document refused on our side after it was accepted (judging, sealing)."""
    QUEUED = "delivery.queued"
    DELIVERY_REFUSED = "delivery.refused"
    """By the plan (unknown or closed code) or by the recipient's gateway."""
    DELIVERY_EXPIRED = "delivery.expired"
    DELIVERY_NOTICE = "delivery.notice"
    """The notice about it was signed: private part has its digest."""
    VOID_ASKED = "delivery.void_asked"
    """An operator asked to give a transfer up; nothing has changed yet."""
    VOID = "delivery.void"
    """A second operator confirmed it: private part names both."""
    REROUTED = "delivery.rerouted"
    """An operator sent it where the registry says by now: a new delivery follows this one."""
    QUEUE_PAUSED = "queue.paused"
    """An operator lets nothing go to a destination until somebody resumes it."""
    QUEUE_RESUMED = "queue.resumed"
    QUEUE_RETRIED = "queue.retried"
    """An operator had a transfer or a document tried at once."""
    DELIVERED = "delivery.delivered"
    """The peer's receipt was verified: private part has its digest."""
    RECEIVED = "received"
    """Incoming side: stored for one of our bodies. This leaf is in the receipt."""
    ENTERED = "inbox.entered"
    """Incoming side: an entry that had waited for smaller numbers of its stream came into the inbox, in order."""
    OVERDUE = "inbox.overdue"
    """... and it came in though smaller numbers are missing: they were waited for long enough."""
    LATE = "inbox.late"
    """An entry came in whose number had been passed over, or had been used before."""
    PASSED_OVER = "stream.passed_over"
    """A peer gave notice that numbers of a stream will not come in order: nothing waits for them."""
    RECEIVE_REFUSED = "receive.refused"
    """Incoming side: refused for one recipient. This leaf is in the receipt too."""
    QUARANTINED = "file.quarantined"
    """The malware scanner found something in a file: its document is refused, the bytes are kept, no door hands them out."""
    RECEIVED_AGAIN = "receive.again"
    """Incoming side: a transfer came again for which we gave a receipt before our database was restored."""
    LOG_REOPENED = "log.reopened"
    """The database was restored: the log goes on under another name; private part names the closed one and where it ends."""
    LOG_GAP = "log.gap"
    """A peer showed a checkpoint of the closed log with leaves that were lost."""
    RESYNCED = "resync.done"
    """Everything that a peer believes delivered here is here again."""
    PEER_RESTORED = "peer.restored"
    """A peer says that its database was restored, and asks what we believe delivered there."""
    RESEND_ASKED = "resend.asked"
    """A restored peer asked for a transfer again of which it had given its receipt."""
    RESENT = "resend.answered"
    """It came there once more: private part has the digest of the second receipt."""
    FOREIGN_SENDER = "peer.foreign_sender"
    """A gateway spoke for a body that is not its own: somebody is wrong, or worse. Once an hour for each pair."""
    BUSINESS_STATUS = "business.status"
    """A body of ours said 02, 03 ... of a document it received."""
    BUSINESS_STATUS_RECEIVED = "business.status_received"
    """The recipient's status message arrived for a document of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One state change, before it is salted and hashed into a leaf."""

    kind: EventKind
    at: datetime
    subject: str
    """Key of the document, delivery or inbox entry it happened to: groups the history. Never in the leaf."""
    document: str
    """Key of the document (outgoing) or transfer (incoming) whose history this belongs to."""
    previous: str = ""
    """Leaf hash (hex) of the subject's previous event, or empty."""
    stream: bytes = b""
    """Random handle of the stream (sender, recipient, year), or empty."""
    sequence: int = 0
    """Number in that stream, or 0."""
    recipient: OrganId | None = None
    organ: OrganId = NOBODY
    """The body of this gateway whom it concerns, and in whose feed it stands: the sender of an outgoing document, the
    recipient in whose inbox it is. Empty where it happened to nothing that a body can look up. Never in the leaf."""
    private: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))
    """What the commitment hides: codes, digests, states. Strings and integers only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A leaf ready for the log: public bytes, and the opening (salt and private part) that only the parties hold."""

    data: bytes
    hash: bytes
    """SHA-256(0x00 || data), RFC 6962 section 2.1."""
    salt: bytes
    private: bytes
    """Canonical JSON (RFC 8785) of the private part."""
    event: AuditEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """Size and root of the tree, and the frontier (roots of its perfect subtrees, largest first) to go on from."""

    size: int
    root: bytes
    frontier: tuple[bytes, ...]
