"""Rows as the desks of `desks.py` have them: plausible, and all of one moment."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from gateway.core.amendments import Amendment, AmendmentKind, Side
from gateway.core.ids import AmendmentKey, DeliveryKey, Digest, DocumentKey, GatewayId, OrganId, TransferKey
from gateway.core.message import Code, DocumentMessage, Organ, Priority, SignerInfo
from gateway.core.model import Attachment, Delivery, Document, InboxEntry
from gateway.core.non_delivery import NonDelivery
from gateway.core.principal import Principal, Scope
from gateway.core.states import AmendmentState, DeliveryState, DocumentState, MessageKind, TransferState
from gateway.exchange.contract import Notice, SubmissionOrder
from tests.kit import rows

NOW = datetime(2026, 11, 21, 6, 5, 9, 123_000, tzinfo=UTC)
NOWHERE = GatewayId("government.gw.example")


def key_of(number: int) -> str:
    return f"01900000-0000-7000-8000-{number:012x}"


def asked(of: Document | InboxEntry, recipient: OrganId, reason: str, *, key: int) -> Amendment:
    """A recall that waits for its answer."""
    return Amendment(
        key=AmendmentKey(key_of(700_000 + key)),
        side=Side.SENT,
        kind=AmendmentKind.RECALL,
        sender=of.sender,
        recipient=recipient,
        document_id=of.document_id,
        by="",
        subject=of.key,
        carrier="",
        state=AmendmentState.ASKED,
        reason=reason,
        asked_at=NOW.replace(microsecond=0),
        changed_at=NOW,
    )


def message(sender: OrganId, recipient: OrganId, number: int) -> DocumentMessage:
    """What arrives."""
    return DocumentMessage(
        sender=Organ(organ_id=sender, name="Văn phòng Thành ủy"),
        recipients=(Organ(organ_id=recipient, name="Đảng ủy phường"),),
        document_id=f"{sender},2026/11/21,{number}/CV/VPTU",
        code=Code(number=str(number), notation="CV/VPTU"),
        promulgation_place="Thành phố Hồ Chí Minh",
        promulgation_date=NOW.date(),
        document_type=2,
        type_detail=18,
        type_name="Công văn",
        subject="Về việc chuẩn bị hội nghị",
        content="",
        signer=SignerInfo(competence="TM.", position="Chánh Văn phòng", full_name="Nguyễn Văn A"),
        priority=Priority.URGENT,
        page_amount=2,
        response_for=(),
        created_at=NOW,
    )


def document(principal: Principal, order: SubmissionOrder, trace_id: str, *, number: int) -> Document:
    """As it is accepted."""
    return Document(
        key=DocumentKey(key_of(number)),
        kind=MessageKind.DOCUMENT,
        sender=order.metadata.sender,
        document_id=order.metadata.document_id(),
        state=DocumentState.ACCEPTED,
        reason="",
        reason_params=(),
        metadata=order.metadata,
        status=None,
        attachments=tuple(
            Attachment(position=position, name=file.name, content_type=file.content_type, blob=file.blob)
            for position, file in enumerate(order.files, start=1)
        ),
        may_seal=principal.may(Scope.SEAL),
        principal=principal.key_id,
        idempotency_key=order.idempotency_key,
        request_digest=Digest("0" * 64),
        envelope=None,
        accepted_at=NOW,
        changed_at=NOW,
        trace_id=trace_id,
        last_leaf="",
    )


def deliveries(of: Document, known: Collection[OrganId], amendments: Sequence[Amendment]) -> tuple[Delivery, ...]:
    """One for each recipient; refused to whom the registry does not know."""
    assert of.metadata is not None
    return tuple(
        Delivery(
            key=DeliveryKey(key_of(800_000 + sequence)),
            document=of.key,
            transfer=None,
            recipient=recipient,
            destination=NOWHERE if recipient in known else None,
            sequence=sequence,
            state=DeliveryState.QUEUED if recipient in known else DeliveryState.REFUSED,
            reason="" if recipient in known else "recipient.unknown",
            evidence=None,
            business_status=None,
            business_description="",
            business_at=None,
            registry_epoch=1,
            route_reason="",
            changed_at=NOW,
            last_leaf="",
            amendments=tuple(
                one for one in amendments if (one.recipient, one.document_id) == (recipient, of.document_id)
            ),
        )
        for sequence, recipient in enumerate(of.metadata.recipients, start=1)
    )


def notice(of: Document) -> Notice:
    """A transfer of that document did not arrive in time."""
    gateway, transfer = GatewayId("chinhquyen.example"), TransferKey(f"{of.key[:-4]}ffff")
    slip = rows.slip(transfer, sender=of.sender, document_id=of.document_id, destination=gateway)
    last = rows.transfer(of, slip=slip, state=TransferState.EXPIRED, reason="delivery.expired", attempts=482)
    made = NonDelivery(
        transfer=transfer,
        document=of.key,
        expired_at=last.deadline,
        attempts=last.attempts,
        last_tried_at=last.deadline,
        last_reason="ConnectionRefusedError",
        signed_at=last.deadline,
        notice=b"eyJhbGciOiJFUzI1NiIs.eyJhdHRlbXB0cyI6NDgyLCJk.MEUCIQDx",
    )
    return Notice(made=made, transfer=last)
