"""From a row to an edXML message: organisation blocks come from the registry, everything else from the document."""

from dataclasses import replace
from datetime import datetime

from gateway.core.directory import Snapshot
from gateway.core.ids import OrganId
from gateway.core.message import ORDINARY, DocumentMessage, Message, Organ
from gateway.core.model import Document, Metadata


def organ_block(organ_id: OrganId, snapshot: Snapshot) -> Organ:
    """`From` or `To` of a code; an unknown code keeps only itself (the plan will refuse its delivery)."""
    body = snapshot.body(organ_id)
    if body is None:
        return Organ(organ_id=organ_id)
    return Organ(organ_id=organ_id, name=body.name, in_charge=body.in_charge)


def document_message(document: Document, snapshot: Snapshot) -> DocumentMessage:
    """The message of an outgoing document; its trace time is the moment of acceptance, so that every try writes the same."""
    assert document.metadata is not None, "a status message has no metadata"
    message = metadata_message(document.metadata, snapshot, moment=document.accepted_at)
    return replace(message, document_id=document.document_id)


def metadata_message(metadata: Metadata, snapshot: Snapshot, *, moment: datetime) -> DocumentMessage:
    """The message of a document that is handed in at that moment by its parts."""
    return DocumentMessage(
        sender=organ_block(metadata.sender, snapshot),
        recipients=tuple(organ_block(organ_id, snapshot) for organ_id in metadata.recipients),
        document_id=metadata.document_id(),
        code=metadata.code,
        promulgation_place=metadata.promulgation_place,
        promulgation_date=metadata.promulgation_date,
        document_type=metadata.document_type,
        type_detail=metadata.type_detail,
        type_name=metadata.type_name,
        subject=metadata.subject,
        content=metadata.content,
        signer=metadata.signer,
        priority=metadata.priority,
        page_amount=metadata.page_amount,
        response_for=metadata.response_for,
        created_at=moment.replace(microsecond=0),
        business=metadata.business or ORDINARY,
    )


def message_of(document: Document, snapshot: Snapshot) -> Message:
    """The message of an outgoing row of either kind."""
    return document.status if document.status is not None else document_message(document, snapshot)


def recipients_of(document: Document) -> tuple[OrganId, ...]:
    """Whom an outgoing row goes to: a status packet carries one address only, `ResponseFor.OrganId` (facts 1.10)."""
    if document.status is not None:
        return (document.status.response_for.organ_id,)
    assert document.metadata is not None
    return document.metadata.recipients


def wire_document_id(document: Document) -> str:
    """The DocumentId a transfer speaks of: a status message names the document it answers."""
    return document.status.response_for.document_id if document.status is not None else document.document_id
