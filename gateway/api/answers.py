"""What offices read: rows of the gateway as JSON, snake_case, RFC 3339, the Vietnamese word beside every state."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import hdrs, web

from gateway.core.clock import rfc3339
from gateway.core.directory import Body
from gateway.core.errors import CATALOGUE
from gateway.core.ledgers import InboxPage
from gateway.core.model import (
    Attachment,
    Code,
    Delivery,
    Document,
    DocumentMessage,
    HistoryEvent,
    InboxEntry,
    Metadata,
    Organ,
    Principal,
    ResponseFor,
)
from gateway.core.states import BusinessStatus, DeliveryState
from gateway.observe import explain, label

Json = dict[str, Any]


def answer(members: Json, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer, UTF-8, letters as they are."""
    return web.Response(
        status=status,
        body=json.dumps(members, ensure_ascii=False).encode("utf-8", "backslashreplace"),
        headers={hdrs.CONTENT_TYPE: "application/json", **(headers or {})},
    )


def document_json(document: Document) -> Json:
    """An outgoing document, as it is returned when it is created and whenever it is looked at."""
    return {
        "key": document.key,
        "kind": document.kind.value,
        "sender": document.sender,
        "document_id": document.document_id,
        "state": document.state.value,
        "state_label_vi": label(f"document.{document.state}").vi,
        "reason": _reason(document.reason, **{"organ": document.sender, **dict(document.reason_params)}),
        "metadata": None if document.metadata is None else metadata_json(document.metadata),
        "attachments": [_attachment(attached) for attached in document.attachments],
        "accepted_at": rfc3339(document.accepted_at),
        "changed_at": rfc3339(document.changed_at),
        "trace_id": document.trace_id,
    }


def progress_json(counts: Mapping[DeliveryState, int], total: int) -> Json:
    """How the deliveries of a document stand, every state that occurs."""
    return {
        "total": total,
        "counts": {state.value: counts[state] for state in DeliveryState if counts.get(state)},
    }


def metadata_json(metadata: Metadata) -> Json:
    """The metadata in the very form in which they were handed in: what is read here can be handed in again."""
    return {
        "sender": metadata.sender,
        "recipients": list(metadata.recipients),
        "code": {"number": metadata.code.number, "notation": metadata.code.notation},
        "promulgation_place": metadata.promulgation_place,
        "promulgation_date": metadata.promulgation_date.isoformat(),
        "subject": metadata.subject,
        "type_name": metadata.type_name,
        "document_type": metadata.document_type,
        "type_detail": metadata.type_detail,
        "content": metadata.content,
        "signer": {
            "competence": metadata.signer.competence,
            "position": metadata.signer.position,
            "full_name": metadata.signer.full_name,
        },
        "priority": metadata.priority.name.lower(),
        "page_amount": metadata.page_amount,
        "response_for": [_response_for(answered) for answered in metadata.response_for],
        "secrecy": metadata.secrecy,
    }


def delivery_json(delivery: Delivery) -> Json:
    """One document to one recipient: transport state and business status are two things, never one."""
    return {
        "key": delivery.key,
        "document": delivery.document,
        "recipient": delivery.recipient,
        "destination": delivery.destination,
        "sequence": delivery.sequence,
        "state": delivery.state.value,
        "state_label_vi": label(f"delivery.{delivery.state}").vi,
        "reason": _reason(delivery.reason, organ=delivery.recipient, peer=delivery.destination),
        "evidence": None if delivery.evidence is None else delivery.evidence.value,
        "evidence_label_vi": None if delivery.evidence is None else label(f"evidence.{delivery.evidence}").vi,
        **_business(delivery.business_status, delivery.business_description),
        "registry_epoch": delivery.registry_epoch,
        "route_reason": delivery.route_reason,
        "changed_at": rfc3339(delivery.changed_at),
    }


def entry_json(entry: InboxEntry) -> Json:
    """A document that arrived."""
    return {
        "key": entry.key,
        "cursor": entry.cursor,
        "recipient": entry.recipient,
        "sender": entry.sender,
        "document_id": entry.document_id,
        "message": _message(entry.message),
        "attachments": [
            {**_attachment(attached), **_indication(verdict)}
            for attached, verdict in zip(entry.attachments, entry.verdicts, strict=True)
        ],
        "sequence": entry.sequence,
        **_business(entry.business_status, entry.business_description),
        "received_at": rfc3339(entry.received_at),
        "changed_at": rfc3339(entry.changed_at),
    }


def inbox_json(page: InboxPage, after: int) -> Json:
    """A page of the inbox. `next_after` is where to go on, now or later: cursors only grow."""
    return {
        "entries": [entry_json(entry) for entry in page.entries],
        "next_after": page.entries[-1].cursor if page.entries else after,
        "more": page.more,
    }


def history_json(events: Sequence[HistoryEvent]) -> Json:
    """The story (Hành trình), oldest first."""
    return {
        "events": [
            {
                "at": rfc3339(event.at),
                "event": event.event,
                "event_label_vi": label(f"event.{event.event}").vi,
                "subject": event.subject,
                "recipient": event.recipient,
                "detail": event.detail,
                "leaf_hash": event.leaf_hash,
            }
            for event in events
        ]
    }


def body_json(body: Body) -> Json:
    """A body of the registry."""
    return {
        "organ_id": body.organ_id,
        "name": body.name,
        "in_charge": body.in_charge,
        "gateway": body.gateway,
        "status": body.status.value,
        "status_label_vi": label(f"body.{body.status}").vi,
        "successor": body.successor,
    }


def principal_json(principal: Principal) -> Json:
    """Who I am and what I may do."""
    return {
        "key_id": principal.key_id,
        "name": principal.name,
        "organs": sorted(principal.organs),
        "scopes": sorted(principal.scopes),
        "identified_by": principal.credential.value,
    }


def _reason(code: str, **known: str | None) -> Json | None:
    """A stable code in words; None when nothing went wrong. A code of a newer peer stands alone."""
    if not code:
        return None
    if code not in CATALOGUE:
        return {"code": code, "turn": None, "what_vi": None, "todo_vi": None, "what_en": None, "todo_en": None}
    said = explain(code, known)
    return {
        "code": code,
        "turn": CATALOGUE[code].turn.value,
        "what_vi": said.what_vi,
        "todo_vi": said.todo_vi,
        "what_en": said.what_en,
        "todo_en": said.todo_en,
    }


def _business(status: BusinessStatus | None, description: str) -> Json:
    return {
        "business_status": None if status is None else status.value,
        "business_status_label_vi": None if status is None else label(f"business.{status}").vi,
        "business_description": description,
    }


def _indication(verdict: str) -> Json:
    return {"indication": verdict or None, "indication_label_vi": label(f"indication.{verdict or 'none'}").vi}


def _attachment(attached: Attachment) -> Json:
    return {
        "position": attached.position,
        "name": attached.name,
        "content_type": attached.content_type,
        "size": attached.blob.size,
        "sha256": attached.blob.digest,
    }


def _message(message: DocumentMessage) -> Json:
    date = message.promulgation_date
    return {
        "sender": _organ(message.sender),
        "recipients": [organ.organ_id for organ in message.recipients],
        "code": _code(message.code),
        "promulgation_place": message.promulgation_place,
        "promulgation_date": None if date is None else date.isoformat(),
        "type_name": message.type_name,
        "document_type": message.document_type,
        "type_detail": message.type_detail,
        "subject": message.subject,
        "content": message.content,
        "signer": {
            "competence": message.signer.competence,
            "position": message.signer.position,
            "full_name": message.signer.full_name,
        },
        "priority": message.priority.name.lower(),
        "priority_label_vi": label(f"priority.{message.priority.name.lower()}").vi,
        "page_amount": message.page_amount,
        "response_for": [_response_for(answered) for answered in message.response_for],
        "created_at": rfc3339(message.created_at),
    }


def _organ(organ: Organ) -> Json:
    return {"organ_id": organ.organ_id, "name": organ.name, "in_charge": organ.in_charge}


def _code(code: Code) -> Json:
    return {"number": code.number, "notation": code.notation, "text": code.text()}


def _response_for(answered: ResponseFor) -> Json:
    date = answered.promulgation_date
    return {
        "organ_id": answered.organ_id,
        "document_id": answered.document_id,
        "code": answered.code,
        "promulgation_date": None if date is None else date.isoformat(),
    }
