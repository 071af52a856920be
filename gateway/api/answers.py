"""Rows of the gateway in offices' words: every answer is built through its model (`gateway.api.models`)."""

from collections.abc import Mapping, Sequence
from typing import Literal

import pydantic_core
from aiohttp import hdrs, web
from pydantic import BaseModel

from gateway.api import models as out
from gateway.api.conditional import is_unchanged, not_modified, tag_of
from gateway.api.problems import ERRORS_MAX, FieldError, field_problem, pointer
from gateway.core.clock import rfc3339
from gateway.core.directory import Body
from gateway.core.errors import CATALOGUE
from gateway.core.log import HistoryPage
from gateway.core.message import DocumentMessage, Organ, Priority, ResponseFor, SignerInfo
from gateway.core.model import Attachment, Delivery, Document, FeedEvent, InboxEntry, Metadata, OwnSeal
from gateway.core.owed import OwedTimestamp, TimestampState
from gateway.core.plain_text import shown
from gateway.core.principal import Principal
from gateway.core.states import BusinessStatus, DeliveryState
from gateway.exchange import DocumentView, Notice, findings, readable
from gateway.observe import explain, label

_PRIORITIES: Mapping[Priority, out.Priority] = {
    Priority.NORMAL: "normal",
    Priority.URGENT: "urgent",
    Priority.VERY_URGENT: "very_urgent",
    Priority.IMMEDIATE: "immediate",
    Priority.IMMEDIATE_AT_TIME: "immediate_at_time",
}


def answer(
    request: web.Request, said: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A JSON answer, UTF-8, letters as they are. Whoever only looks gets its tag, and 304 when nothing has changed."""
    body = pydantic_core.to_json(said)
    known = {hdrs.CONTENT_TYPE: "application/json", **(headers or {})}
    if request.method in (hdrs.METH_GET, hdrs.METH_HEAD):
        tag = known[hdrs.ETAG] = tag_of(body)
        if is_unchanged(request, tag):
            return not_modified(tag)
    return web.Response(status=status, body=body, headers=known)


def tag(said: BaseModel) -> str:
    """The tag with which looking at this would be answered: what `If-Match` is compared with."""
    return tag_of(pydantic_core.to_json(said))


def document_of(document: Document) -> out.Document:
    """An outgoing document."""
    params = {"organ": document.sender, **dict(document.reason_params)}
    return out.Document(
        key=document.key,
        kind=document.kind,
        sender=document.sender,
        document_id=document.document_id,
        state=document.state,
        state_label_vi=label(f"document.{document.state}").vi,
        reason=_reason(document.reason, **params),
        metadata=None if document.metadata is None else _metadata(document.metadata),
        attachments=tuple(map(_attachment, document.attachments)),
        accepted_at=rfc3339(document.accepted_at),
        changed_at=rfc3339(document.changed_at),
        trace_id=document.trace_id,
    )


def view_of(view: DocumentView) -> out.DocumentView:
    """An outgoing document and how its deliveries stand."""
    counts = {state: view.counts[state] for state in DeliveryState if view.counts.get(state)}
    said = dict(document_of(view.document))
    said["attachments"] = tuple(_sent(attached, view.timestamps) for attached in view.document.attachments)
    return out.DocumentView(**said, deliveries=out.Progress(total=view.total, counts=counts))


def delivery_of(delivery: Delivery) -> out.Delivery:
    """One document to one recipient."""
    status, evidence = delivery.business_status, delivery.evidence
    return out.Delivery(
        key=delivery.key,
        document=delivery.document,
        recipient=delivery.recipient,
        destination=delivery.destination,
        sequence=delivery.sequence,
        state=delivery.state,
        state_label_vi=label(f"delivery.{delivery.state}").vi,
        reason=_reason(delivery.reason, organ=delivery.recipient, peer=delivery.destination),
        evidence=evidence,
        evidence_label_vi=None if evidence is None else label(f"evidence.{evidence}").vi,
        business_status=status,
        business_status_label_vi=None if status is None else _business_label(status),
        business_description=shown(delivery.business_description, lines=True),
        registry_epoch=delivery.registry_epoch,
        route_reason=delivery.route_reason,
        changed_at=rfc3339(delivery.changed_at),
    )


def notice_of(notice: Notice) -> out.Notice:
    """One non-delivery notice."""
    made, transfer = notice.made, notice.transfer
    reason = _reason(transfer.reason, peer=transfer.slip.destination)
    assert made.notice is not None, "a notice is told once it is signed"
    assert made.signed_at is not None
    assert reason is not None, "what expired has its code"
    return out.Notice(
        transfer=made.transfer,
        destination=transfer.slip.destination,
        recipients=tuple(one.organ_id for one in transfer.slip.recipients),
        reason=reason,
        sent_at=rfc3339(transfer.slip.sent_at),
        deadline=rfc3339(transfer.deadline),
        expired_at=rfc3339(made.expired_at),
        attempts=made.attempts,
        last_tried_at=None if made.last_tried_at is None else rfc3339(made.last_tried_at),
        last_reason=shown(made.last_reason),
        signed_at=rfc3339(made.signed_at),
        notice=made.notice.decode("ascii"),
    )


def entry_of(entry: InboxEntry) -> out.InboxEntry:
    """A document that arrived."""
    return out.InboxEntry(
        key=entry.key,
        cursor=entry.cursor,
        recipient=entry.recipient,
        sender=entry.sender,
        document_id=shown(entry.document_id),
        message=_message(readable(entry.message)),
        attachments=tuple(_received(*pair) for pair in zip(entry.attachments, entry.verdicts, strict=True)),
        sequence=entry.sequence,
        business_status=entry.business_status,
        business_status_label_vi=_business_label(entry.business_status),
        business_description=shown(entry.business_description, lines=True),
        findings=_findings(entry),
        received_at=rfc3339(entry.received_at),
        changed_at=rfc3339(entry.changed_at),
    )


def _findings(entry: InboxEntry) -> tuple[out.FieldProblem, ...]:
    """What is odd about it, by pointers into the entry."""
    found = [
        FieldError(pointer=f"/message{pointer(fault.path)}", code=fault.code, params=fault.params)
        for fault in findings(entry)[:ERRORS_MAX]
    ]
    return tuple(map(field_problem, found))


def history_of(page: HistoryPage) -> out.HistoryPage:
    """A page of the story (Hành trình), oldest first."""
    lines = [
        out.HistoryEvent(
            at=rfc3339(event.at),
            event=event.event,
            event_label_vi=label(f"event.{event.event}").vi,
            subject=event.subject,
            recipient=event.recipient,
            detail=event.detail,
            leaf_hash=event.leaf_hash,
        )
        for event in page.events
    ]
    return out.HistoryPage(items=tuple(lines), more=page.more, next=str(page.next_after) if page.more else None)


def event_of(event: FeedEvent) -> out.Event:
    """One event of the change feed."""
    return out.Event(
        position=event.position,
        at=rfc3339(event.at),
        event=event.event,
        event_label_vi=label(f"event.{event.event}").vi,
        organ_id=event.organ_id,
        subject=event.subject,
        document=event.document,
        recipient=event.recipient,
        leaf_hash=event.leaf_hash,
    )


def organization_of(body: Body) -> out.Organization:
    """A body of the registry."""
    return out.Organization(
        organ_id=body.organ_id,
        name=body.name,
        in_charge=body.in_charge,
        gateway=body.gateway,
        status=body.status,
        status_label_vi=label(f"body.{body.status}").vi,
        successor=body.successor,
    )


def me_of(principal: Principal) -> out.Me:
    """Who I am and what I may do."""
    return out.Me(
        key_id=principal.key_id,
        name=principal.name,
        organs=tuple(sorted(principal.organs)),
        scopes=tuple(sorted(principal.scopes)),
        identified_by=principal.credential,
    )


def _reason(code: str, **known: str | None) -> out.Reason | None:
    """A stable code in words; None when nothing went wrong. A code of a newer peer stands alone."""
    if not code:
        return None
    if code not in CATALOGUE:
        return out.Reason(code=shown(code), turn=None, what_vi=None, todo_vi=None, what_en=None, todo_en=None)
    said = explain(code, known)
    return out.Reason(
        code=code,
        turn=CATALOGUE[code].turn,
        what_vi=said.what_vi,
        todo_vi=said.todo_vi,
        what_en=said.what_en,
        todo_en=said.todo_en,
    )


def _metadata(metadata: Metadata) -> out.Metadata:
    return out.Metadata(
        sender=metadata.sender,
        recipients=metadata.recipients,
        code=out.SubmittedCode(number=metadata.code.number, notation=metadata.code.notation),
        promulgation_place=metadata.promulgation_place,
        promulgation_date=metadata.promulgation_date.isoformat(),
        subject=metadata.subject,
        type_name=metadata.type_name,
        document_type=metadata.document_type,
        type_detail=metadata.type_detail,
        content=metadata.content,
        signer=_signer(metadata.signer),
        priority=_PRIORITIES[metadata.priority],
        page_amount=metadata.page_amount,
        response_for=tuple(map(_response_for, metadata.response_for)),
        secrecy=metadata.secrecy,
    )


def _message(message: DocumentMessage) -> out.Message:
    date, code = message.promulgation_date, message.code
    return out.Message(
        sender=_organ(message.sender),
        recipients=tuple(organ.organ_id for organ in message.recipients),
        code=out.Code(number=code.number, notation=code.notation, text=code.text()),
        promulgation_place=message.promulgation_place,
        promulgation_date=None if date is None else date.isoformat(),
        type_name=message.type_name,
        document_type=message.document_type,
        type_detail=message.type_detail,
        subject=message.subject,
        content=message.content,
        signer=_signer(message.signer),
        priority=_PRIORITIES[message.priority],
        priority_label_vi=label(f"priority.{_PRIORITIES[message.priority]}").vi,
        page_amount=message.page_amount,
        response_for=tuple(map(_response_for, message.response_for)),
        created_at=rfc3339(message.created_at),
    )


def _organ(organ: Organ) -> out.Organ:
    return out.Organ(organ_id=organ.organ_id, name=organ.name, in_charge=organ.in_charge)


def _signer(signer: SignerInfo) -> out.Signer:
    return out.Signer(competence=signer.competence, position=signer.position, full_name=signer.full_name)


def _response_for(answered: ResponseFor) -> out.ResponseFor:
    date = answered.promulgation_date
    return out.ResponseFor(
        organ_id=answered.organ_id,
        document_id=answered.document_id,
        code=answered.code,
        promulgation_date=None if date is None else date.isoformat(),
    )


def _business_label(status: BusinessStatus) -> str:
    return label(f"business.{status}").vi


def _attachment(attached: Attachment) -> out.Attachment:
    return out.Attachment(
        position=attached.position,
        name=attached.name,
        content_type=attached.content_type,
        size=attached.blob.size,
        sha256=attached.blob.digest,
    )


def _sent(attached: Attachment, owed: Sequence[OwedTimestamp]) -> out.SentAttachment:
    mine = next((one for one in owed if one.sealed == attached.blob), None)
    return out.SentAttachment(**dict(_attachment(attached)), timestamp=_timestamp(attached.seal, mine))


def _timestamp(seal: OwnSeal | None, owed: OwedTimestamp | None) -> out.Timestamp:
    """Of the file as it left and, where something was owed to it, of its archive copy."""
    state: Literal["none", "waiting", "stamped", "given_up"] = "none" if seal is None else "stamped"
    time, archive = seal.stamped_at if seal else None, None
    if owed is not None:
        state, time = owed.state.value, time or owed.stamped_at
        archive = owed.archive.digest if owed.archive else None
    return out.Timestamp(
        state=state,
        state_label_vi=label(f"timestamp.{state}").vi,
        level=owed.level if owed else seal.level if seal else None,
        owed=owed.owed if owed and owed.state is not TimestampState.STAMPED else None,
        time=None if time is None else rfc3339(time),
        archive_sha256=archive,
    )


def _received(attached: Attachment, verdict: str) -> out.ReceivedAttachment:
    return out.ReceivedAttachment(
        position=attached.position,
        name=attached.name,
        content_type=attached.content_type,
        size=attached.blob.size,
        sha256=attached.blob.digest,
        indication=verdict or None,
        indication_label_vi=label(f"indication.{verdict or 'none'}").vi,
    )
