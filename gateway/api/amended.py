"""What offices read of recalls, updates and replacements: part of the models of `gateway.api.models`, and made of rows here."""

from collections.abc import Sequence

from gateway.api.forms import Answer, Moment
from gateway.core import amendments
from gateway.core.amendments import AmendmentKind
from gateway.core.clock import rfc3339
from gateway.core.ids import OrganId
from gateway.core.message import Business as Said
from gateway.core.message import BusinessKind, ResponseFor
from gateway.core.plain_text import shown
from gateway.core.states import AmendmentState, BusinessStatus, DeliveryState
from gateway.exchange import KINDS, amended
from gateway.observe import label


class Business(Answer):
    """What a document does to earlier ones of its sender."""

    kind: AmendmentKind
    reason: str
    documents: tuple[str, ...]


class Handling(Answer):
    """How far a document had come at its recipient when that answered."""

    opened_at: Moment | None
    business_status: BusinessStatus
    business_status_label_vi: str
    forwarded: bool


class Amendment(Answer):
    """What its sender says of a document afterwards, and the recipient's answer."""

    kind: AmendmentKind
    kind_label_vi: str
    document_id: str
    by: str
    reason: str
    state: AmendmentState
    state_label_vi: str
    reached: DeliveryState | None
    words: str
    handling: Handling | None
    asked_at: Moment
    answered_at: Moment | None


def business_of(business: Said | None, sender: OrganId, answered: Sequence[ResponseFor]) -> Business | None:
    """None for a new document."""
    if business is None or business.kind is BusinessKind.NEW:
        return None
    return Business(
        kind=KINDS[business.kind],
        reason=shown(business.reason, lines=True),
        documents=tuple(shown(name) for name in amended(business, sender, answered)),
    )


def amendment_of(one: amendments.Amendment) -> Amendment:
    """An amendment of either side."""
    return Amendment(
        kind=one.kind,
        kind_label_vi=label(f"amendment.kind.{one.kind}").vi,
        document_id=shown(one.document_id),
        by=shown(one.by),
        reason=shown(one.reason, lines=True),
        state=one.state,
        state_label_vi=label(f"amendment.{one.state}").vi,
        reached=DeliveryState(one.reached) if one.reached else None,
        words=shown(one.words, lines=True),
        handling=None if one.handling is None else _handling(one.handling),
        asked_at=rfc3339(one.asked_at),
        answered_at=None if one.answered_at is None else rfc3339(one.answered_at),
    )


def _handling(handling: amendments.Handling) -> Handling:
    return Handling(
        opened_at=None if handling.opened_at is None else rfc3339(handling.opened_at),
        business_status=handling.standing,
        business_status_label_vi=label(f"business.{handling.standing}").vi,
        forwarded=handling.forwarded,
    )
