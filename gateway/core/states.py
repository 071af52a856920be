"""What can happen to a document, a delivery, a transfer and an inbox entry: every vocabulary, once.

Each machine is a table of allowed moves. `advance` is the only way to a new state; a move that is not in the table is
our own mistake and raises `AssertionError`, never a refusal to a user. Words on screens are labels of these values.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar


class MessageKind(StrEnum):
    """What an envelope carries: the axis knows the same two (`messagetype`)."""

    DOCUMENT = "edoc"
    STATUS = "status"


class DocumentState(StrEnum):
    """An outgoing document (or status message) on its way through the sending gateway."""

    ACCEPTED = "accepted"
    SEALED = "sealed"
    WRAPPED = "wrapped"
    ROUTED = "routed"
    REFUSED = "refused"
    HELD = "held"


class DeliveryState(StrEnum):
    """One document to one recipient, as the sender sees it."""

    QUEUED = "queued"
    SENDING = "sending"
    HANDED_OVER = "handed_over"
    INDETERMINATE = "indeterminate"
    HELD = "held"
    DELIVERED = "delivered"
    REFUSED = "refused"
    EXPIRED = "expired"
    REROUTED = "rerouted"
    VOID = "void"


class TransferState(StrEnum):
    """One envelope to one destination gateway, with all of its recipients there."""

    QUEUED = "queued"
    SENDING = "sending"
    INDETERMINATE = "indeterminate"
    HELD = "held"
    RECEIPTED = "receipted"
    REFUSED = "refused"
    EXPIRED = "expired"
    VOID = "void"
    """Given up by two persons."""
    REROUTED = "rerouted"
    """Its deliveries go elsewhere, by other transfers."""


class Evidence(StrEnum):
    """How well a delivery is proven: by a peer's receipt, a hub's acknowledgement, or the recipient's own status."""

    RECEIPT = "receipt"
    HUB_ACKNOWLEDGED = "hub_acknowledged"
    BUSINESS_STATUS = "business_status"


class BusinessStatus(StrEnum):
    """What the receiving office says of a document (QCVN 102:2016/BTTTT, StatusCode)."""

    ARRIVED = "01"
    REFUSED = "02"
    ACCEPTED = "03"
    ASSIGNED = "04"
    IN_PROGRESS = "05"
    COMPLETED = "06"
    RECALL_ASKED = "13"
    RECALL_AGREED = "15"
    RECALL_REFUSED = "16"


class Outcome(StrEnum):
    """What the receiving gateway says of one recipient in its receipt."""

    RECEIVED = "received"
    REFUSED = "refused"


class AmendmentState(StrEnum):
    """How what a body says afterwards of a document it sent (`core.amendments`) stands with one recipient."""

    WAITING = "waiting"
    """The document that it speaks of has not arrived, or (at the sender's gateway) is not routed yet."""
    ASKED = "asked"
    AGREED = "agreed"
    REFUSED = "refused"
    LATE = "late"
    """Refused, for the recipient had accepted it, or passed it on, by then."""
    STOPPED = "stopped"
    """At the sender's gateway: nothing of it had left, and nothing will."""
    IN_EFFECT = "in_effect"
    """A replacement: nobody is asked."""


State = TypeVar("State", DocumentState, DeliveryState, TransferState, AmendmentState)

_D, _V, _T, _A = DocumentState, DeliveryState, TransferState, AmendmentState

DOCUMENT_MOVES: Final[Mapping[DocumentState, frozenset[DocumentState]]] = MappingProxyType(
    {
        # A status message has no files to judge or seal: it goes from accepted straight to wrapped.
        _D.ACCEPTED: frozenset({_D.SEALED, _D.WRAPPED, _D.REFUSED, _D.HELD}),
        _D.SEALED: frozenset({_D.WRAPPED, _D.REFUSED, _D.HELD}),
        _D.WRAPPED: frozenset({_D.ROUTED, _D.REFUSED, _D.HELD}),
        _D.HELD: frozenset({_D.ACCEPTED, _D.REFUSED}),
        _D.ROUTED: frozenset(),
        _D.REFUSED: frozenset(),
    }
)

TRANSFER_MOVES: Final[Mapping[TransferState, frozenset[TransferState]]] = MappingProxyType(
    {
        _T.QUEUED: frozenset({_T.SENDING, _T.EXPIRED, _T.HELD, _T.VOID, _T.REROUTED}),
        _T.SENDING: frozenset({_T.QUEUED, _T.INDETERMINATE, _T.RECEIPTED, _T.REFUSED, _T.EXPIRED, _T.HELD}),
        _T.INDETERMINATE: frozenset(
            {_T.QUEUED, _T.SENDING, _T.RECEIPTED, _T.REFUSED, _T.EXPIRED, _T.HELD, _T.VOID, _T.REROUTED}
        ),
        # Released, a transfer is asked for before it is sent: nobody knows any more how far it came.
        _T.HELD: frozenset({_T.INDETERMINATE, _T.EXPIRED, _T.VOID, _T.REROUTED}),
        _T.RECEIPTED: frozenset(),
        _T.REFUSED: frozenset(),
        _T.EXPIRED: frozenset(),
        _T.VOID: frozenset(),
        _T.REROUTED: frozenset(),
    }
)

_ENDINGS = frozenset({_V.DELIVERED, _V.REFUSED, _V.EXPIRED, _V.REROUTED, _V.VOID})

DELIVERY_MOVES: Final[Mapping[DeliveryState, frozenset[DeliveryState]]] = MappingProxyType(
    {
        _V.QUEUED: frozenset({_V.SENDING, _V.HELD}) | _ENDINGS,
        _V.SENDING: frozenset({_V.QUEUED, _V.INDETERMINATE, _V.HANDED_OVER, _V.HELD}) | _ENDINGS,
        _V.HANDED_OVER: frozenset({_V.INDETERMINATE, _V.HELD}) | _ENDINGS,
        _V.INDETERMINATE: frozenset({_V.QUEUED, _V.SENDING, _V.HANDED_OVER, _V.HELD}) | _ENDINGS,
        _V.HELD: frozenset({_V.QUEUED, _V.INDETERMINATE, _V.VOID, _V.REROUTED, _V.EXPIRED}),
        _V.DELIVERED: frozenset(),
        # By hand, where the registry names another place by now.
        _V.REFUSED: frozenset({_V.REROUTED}),
        _V.EXPIRED: frozenset({_V.REROUTED}),
        _V.REROUTED: frozenset(),
        _V.VOID: frozenset(),
    }
)

# Whoever has refused may still agree, and never the other way round: so the order in which answers arrive decides nothing.
AMENDMENT_MOVES: Final[Mapping[AmendmentState, frozenset[AmendmentState]]] = MappingProxyType(
    {
        _A.WAITING: frozenset({_A.ASKED, _A.IN_EFFECT}),
        _A.ASKED: frozenset({_A.AGREED, _A.REFUSED, _A.LATE}),
        _A.REFUSED: frozenset({_A.AGREED}),
        _A.LATE: frozenset({_A.AGREED}),
        _A.AGREED: frozenset(),
        _A.STOPPED: frozenset(),
        _A.IN_EFFECT: frozenset(),
    }
)

_MOVES: Final[Mapping[type[StrEnum], Mapping[StrEnum, frozenset[StrEnum]]]] = MappingProxyType(
    {
        DocumentState: DOCUMENT_MOVES,  # type: ignore[dict-item]  # its own vocabulary, see `advance`
        DeliveryState: DELIVERY_MOVES,  # type: ignore[dict-item]  # its own vocabulary, see `advance`
        TransferState: TRANSFER_MOVES,  # type: ignore[dict-item]  # its own vocabulary, see `advance`
        AmendmentState: AMENDMENT_MOVES,  # type: ignore[dict-item]  # its own vocabulary, see `advance`
    }
)


def advance(current: State, target: State) -> State:
    """The target state, if the machine allows the move from the current one.

    Raises:
        AssertionError: the move is not in the table: our own mistake, and nothing is written.
    """
    allowed = _MOVES[type(current)][current]
    assert target in allowed, f"{type(current).__name__}: {current} -> {target} is not a move of the machine"
    return target


def is_final(state: State) -> bool:
    """Whether nothing follows this state by itself."""
    return _MOVES[type(state)][state] <= {DeliveryState.REROUTED}
