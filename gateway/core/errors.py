"""Every error a person can meet: one root, families by fault, a stable code each.

    GatewayError
    ├── SenderError        what was handed in is wrong        -> the sender's turn, or whoever's request it was
    │   ├── AccessError    who asks may not                   -> the caller's (or its administrator's) turn
    │   ├── NotFound       there is no such thing for you
    │   └── Conflict       it contradicts what is already there
    ├── RoadError          the way to a peer is bad           -> nobody's turn: it is tried again
    ├── PeerError          what a peer said or sent is wrong  -> the peer operator's turn
    └── SiteError          this installation is wrong or full -> our operator's turn

The texts (what happened, what to do next, in Vietnamese and English) are in the message catalogue under the code;
a code without texts fails a test. `params` fill the placeholders of the texts: never content, never a secret.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Turn(StrEnum):
    """Whose turn it is now."""

    CALLER = "caller"
    """Whoever makes the request, sender or receiver: it is the request that is wrong, not a document."""
    SENDER = "sender"
    RECIPIENT = "recipient"
    OPERATOR = "operator"
    PEER = "peer"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class ErrorFacts:
    """What a code means to a machine: HTTP status (RFC 9110), whose turn, and whether the same request may be repeated."""

    status: int
    turn: Turn
    retryable: bool = False


_C, _S, _O, _P, _G = Turn.CALLER, Turn.SENDER, Turn.OPERATOR, Turn.PEER, Turn.GATEWAY

CATALOGUE: Final = MappingProxyType(
    {
        # --- what was handed in
        "request.malformed": ErrorFacts(400, _C),
        "request.field": ErrorFacts(422, _C),
        "request.idempotency_key": ErrorFacts(400, _C),
        "request.digest": ErrorFacts(400, _C, retryable=True),
        "request.encoding": ErrorFacts(415, _C),
        "request.media_type": ErrorFacts(415, _C),
        "request.timeout": ErrorFacts(408, _C, retryable=True),
        "request.method": ErrorFacts(405, _C),
        "request.expectation": ErrorFacts(417, _C),
        "request.range": ErrorFacts(416, _C),
        "size.headers": ErrorFacts(431, _C),
        "precondition.failed": ErrorFacts(412, _C),
        "size.limit": ErrorFacts(413, _S),
        "count.limit": ErrorFacts(422, _S),
        "file.empty": ErrorFacts(422, _S),
        "file.not_pdf": ErrorFacts(422, _S),
        "file.infected": ErrorFacts(422, _S),
        "file.unreadable": ErrorFacts(422, _S),
        "seal.missing": ErrorFacts(422, _S),
        "seal.broken": ErrorFacts(422, _S),
        "seal.undecided": ErrorFacts(422, _O),
        "seal.unsigned": ErrorFacts(422, _S),
        "seal.forbidden": ErrorFacts(422, _S),
        "seal.field": ErrorFacts(422, _S),
        "seal.appearance": ErrorFacts(422, _S),
        "secrecy.marked": ErrorFacts(422, _S),
        "sender.unknown": ErrorFacts(422, _S),
        "sender.closed": ErrorFacts(422, _S),
        "recipient.unknown": ErrorFacts(422, _S),
        "recipient.closed": ErrorFacts(422, _S),
        "recipient.locked": ErrorFacts(422, _S),
        "reason.missing": ErrorFacts(422, _C),
        "upload.conflict": ErrorFacts(409, _C),
        "upload.offset": ErrorFacts(409, _C),
        "upload.busy": ErrorFacts(409, _C, retryable=True),
        "upload.incomplete": ErrorFacts(409, _C, retryable=True),
        "upload.digest": ErrorFacts(400, _C, retryable=True),
        "upload.limit": ErrorFacts(503, _G, retryable=True),
        # --- who asks
        "access.no_key": ErrorFacts(401, _C),
        "access.scope": ErrorFacts(403, _C),
        "access.organ": ErrorFacts(403, _C),
        "rate.limit": ErrorFacts(429, _C, retryable=True),
        "rate.volume": ErrorFacts(429, _C, retryable=True),
        "queue.share": ErrorFacts(429, _C, retryable=True),
        "not_found": ErrorFacts(404, _C),
        # --- contradictions
        "conflict.idempotency": ErrorFacts(422, _C),
        "conflict.document_id": ErrorFacts(409, _S),
        "conflict.state": ErrorFacts(409, _C),
        "conflict.same_person": ErrorFacts(409, _C),
        "conflict.not_asked": ErrorFacts(409, _C),
        "conflict.not_paused": ErrorFacts(409, _C),
        "conflict.no_other_place": ErrorFacts(409, _C),
        "conflict.recalled": ErrorFacts(409, _C),
        "conflict.at_work": ErrorFacts(409, _C, retryable=True),
        "conflict.restored": ErrorFacts(409, _O),
        "amendment.none": ErrorFacts(409, _C),
        "amendment.unknown": ErrorFacts(422, _S),
        "document.recalled": ErrorFacts(409, _S),
        "entry.recalled": ErrorFacts(410, _C),
        # --- envelopes and transfers
        "envelope.malformed": ErrorFacts(422, _S),
        "envelope.kind": ErrorFacts(422, _S),
        "envelope.unsigned": ErrorFacts(422, _S),
        "envelope.signature": ErrorFacts(422, _S),
        "envelope.undecided": ErrorFacts(503, _O, retryable=True),
        "envelope.sender": ErrorFacts(422, _S),
        "envelope.recipients": ErrorFacts(422, _S),
        "envelope.attachments": ErrorFacts(422, _S),
        "transfer.malformed": ErrorFacts(400, _P),
        "transfer.digest": ErrorFacts(400, _P, retryable=True),
        "transfer.sent_at": ErrorFacts(422, _P, retryable=True),
        "transfer.conflict": ErrorFacts(409, _P),
        "transfer.duplicate": ErrorFacts(409, _P),
        "transfer.not_ours": ErrorFacts(421, _P),
        "transfer.version": ErrorFacts(400, _P),
        "status.unknown_document": ErrorFacts(422, _S),
        "status.timestamp": ErrorFacts(422, _S),
        "status.not_asked": ErrorFacts(422, _S),
        "peer.unpinned": ErrorFacts(403, _P),
        "peer.foreign_sender": ErrorFacts(403, _P),
        "peer.unreachable": ErrorFacts(502, _G, retryable=True),
        "peer.refused": ErrorFacts(502, _P),
        "peer.receipt": ErrorFacts(502, _P, retryable=True),
        "delivery.expired": ErrorFacts(504, _O),
        "delivery.void": ErrorFacts(409, _S),
        "delivery.rerouted": ErrorFacts(409, _G),
        "delivery.recalled": ErrorFacts(409, _S),
        # --- this installation
        "store.busy": ErrorFacts(503, _G, retryable=True),
        "store.failing": ErrorFacts(503, _G, retryable=True),
        "store.full": ErrorFacts(507, _O, retryable=True),
        "store.locked": ErrorFacts(503, _O),
        "store.version": ErrorFacts(500, _O),
        "store.damaged": ErrorFacts(500, _O),
        "backup.not_empty": ErrorFacts(500, _O),
        "backup.manifest": ErrorFacts(500, _O),
        "backup.unsound": ErrorFacts(500, _O),
        "restore.not_empty": ErrorFacts(500, _O),
        "restore.clock": ErrorFacts(500, _O),
        "blob.damaged": ErrorFacts(500, _O),
        "queue.full": ErrorFacts(503, _G, retryable=True),
        "worker.killed": ErrorFacts(422, _S),
        "worker.busy": ErrorFacts(503, _G, retryable=True),
        "worker.died": ErrorFacts(503, _G, retryable=True),
        "scanner.unavailable": ErrorFacts(503, _G, retryable=True),
        "scanner.undecided": ErrorFacts(503, _O, retryable=True),
        "seal.evidence": ErrorFacts(503, _O, retryable=True),
        "key.missing": ErrorFacts(500, _O),
        "timestamp.unavailable": ErrorFacts(503, _G, retryable=True),
        "key.certificate": ErrorFacts(500, _O),
        "key.pin": ErrorFacts(500, _O),
        "key.token": ErrorFacts(503, _O, retryable=True),
        "key.demo": ErrorFacts(500, _O),
        "config.absent": ErrorFacts(500, _O),
        "config.invalid": ErrorFacts(500, _O),
        "config.restart": ErrorFacts(500, _O),
        "registry.digest": ErrorFacts(500, _O),
        "registry.invalid": ErrorFacts(500, _O),
        "registry.epoch": ErrorFacts(500, _O),
        "registry.behind": ErrorFacts(503, _O, retryable=True),
        "trust.invalid": ErrorFacts(500, _O),
        "trust.unsigned": ErrorFacts(500, _O),
        "trust.expired": ErrorFacts(500, _O),
        "trust.number": ErrorFacts(500, _O),
        "audit.inconsistent": ErrorFacts(500, _O),
        "internal": ErrorFacts(500, _O),
    }
)


class GatewayError(Exception):
    """Root of the family. `code` is a key of `CATALOGUE`; `params` fill the catalogue's texts."""

    def __init__(self, code: str, /, **params: object) -> None:
        assert code in CATALOGUE, f"error code {code} is not in the catalogue"
        super().__init__(code)
        self.code: Final = code
        self.params: Final = MappingProxyType(params)

    @property
    def facts(self) -> ErrorFacts:
        """Status, turn and retryability of the code."""
        return CATALOGUE[self.code]

    def __reduce__(self) -> tuple[type["GatewayError"], tuple[str], dict[str, object]]:
        """Errors travel between processes: class, code, and params as the state."""
        return type(self), (self.code,), dict(self.params)

    def __setstate__(self, params: dict[str, object] | None, /) -> None:
        """Restore what `__reduce__` put aside."""
        self.__dict__["params"] = MappingProxyType(dict(params or {}))

    def __str__(self) -> str:
        inside = " ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.code} {inside}".rstrip()


class SenderError(GatewayError):
    """What was handed in is wrong: the sender mends it and hands it in again."""


class AccessError(SenderError):
    """Who asks may not do this."""


class NotFound(SenderError):  # noqa: N818 - the HTTP word
    """There is no such thing, or it is not yours: the two are not told apart (security.md 43)."""


class Conflict(SenderError):  # noqa: N818 - the HTTP word
    """It contradicts what is already stored; nothing was changed."""


class RoadError(GatewayError):
    """The way to a peer is bad: it is tried again without anybody's help."""


class PeerError(GatewayError):
    """What a peer said or sent is wrong: its operator's turn."""


class SiteError(GatewayError):
    """This installation is wrong, damaged or full: our operator's turn."""
