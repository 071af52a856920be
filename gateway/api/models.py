"""What offices read: the models of every answer, from which both the bytes and the document are made.

snake_case, RFC 3339, the Vietnamese word beside every state. What every field means stands in the catalogue, under
`api.field.<name>` or `api.field.<Model>.<name>`; readers must tolerate members that they do not know.
"""

from typing import Annotated, Final, Generic, Literal, TypeVar

from gateway.api.amended import Amendment, Business
from gateway.api.forms import Answer, Count, Day, Key, Moment, OrganCode, Sha256, form
from gateway.core.directory import BodyStatus
from gateway.core.errors import Turn
from gateway.core.principal import Credential, Scope
from gateway.core.states import AmendmentState, BusinessStatus, DeliveryState, DocumentState, Evidence, MessageKind
from gateway.core.validation import Level

Priority = Literal["normal", "urgent", "very_urgent", "immediate", "immediate_at_time"]


class Reason(Answer):
    """A stable code in words; a code of a newer peer stands alone."""

    code: str
    turn: Turn | None
    what_vi: str | None
    todo_vi: str | None
    what_en: str | None
    todo_en: str | None


class Attachment(Answer):
    """One attached file."""

    position: Count
    name: str
    content_type: str
    size: Count
    sha256: Sha256


class Timestamp(Answer):
    """What a file's seal by this gateway has of timestamps."""

    state: Literal["none", "waiting", "stamped", "given_up"]
    state_label_vi: str
    level: Level | None
    owed: Level | None
    time: Moment | None
    archive_sha256: Sha256 | None


class SentAttachment(Attachment):
    """One attached file of an outgoing document."""

    timestamp: Timestamp


class ReceivedAttachment(Attachment):
    """One attached file of a document that arrived, and what the examination of its signatures found."""

    indication: str | None
    indication_label_vi: str


class SubmittedCode(Answer):
    """Số, ký hiệu, as handed in."""

    number: str
    notation: str


class Code(SubmittedCode):
    """Số, ký hiệu, and how the two are written together."""

    text: str


class Signer(Answer):
    """Who signed the paper."""

    competence: str
    position: str
    full_name: str


class ResponseFor(Answer):
    """The document that this one answers."""

    organ_id: str
    document_id: str
    code: str
    promulgation_date: Day | None


class Metadata(Answer):
    """What was said when the document was handed in, in the very form in which it can be handed in again."""

    sender: OrganCode
    recipients: tuple[OrganCode, ...]
    code: SubmittedCode
    promulgation_place: str
    promulgation_date: Day
    subject: str
    type_name: str
    document_type: int
    type_detail: int
    content: str
    signer: Signer
    priority: Priority
    page_amount: int | None
    response_for: tuple[ResponseFor, ...]
    secrecy: str
    business: Business | None


class Document(Answer):
    """An outgoing document, as it is returned when it is created and whenever it is looked at."""

    key: Key
    kind: MessageKind
    sender: OrganCode
    document_id: str
    state: DocumentState
    state_label_vi: str
    reason: Reason | None
    metadata: Metadata | None
    attachments: tuple[Attachment, ...]
    accepted_at: Moment
    changed_at: Moment
    trace_id: str


class Progress(Answer):
    """How the deliveries of a document stand, every state that occurs."""

    total: Count
    counts: dict[DeliveryState, Count]


class DocumentView(Document):
    """An outgoing document and how its deliveries stand."""

    attachments: tuple[SentAttachment, ...]
    deliveries: Progress


class Recall(Answer):
    """How a recall stands: the document, and its recipients by what became of it."""

    document: Document
    counts: dict[AmendmentState, Count]
    untouched: Count


class Delivery(Answer):
    """One document to one recipient: transport state and business status are two things, never one."""

    key: Key
    document: Key
    recipient: OrganCode
    destination: str | None
    sequence: Count
    state: DeliveryState
    state_label_vi: str
    reason: Reason | None
    evidence: Evidence | None
    evidence_label_vi: str | None
    business_status: BusinessStatus | None
    business_status_label_vi: str | None
    business_description: str
    registry_epoch: Count
    route_reason: str
    amendments: tuple[Amendment, ...]
    changed_at: Moment


class Notice(Answer):
    """What of a document did not reach one gateway in time, in a form that can be shown to others."""

    transfer: Key
    destination: str
    recipients: tuple[OrganCode, ...]
    reason: Reason
    sent_at: Moment
    deadline: Moment
    expired_at: Moment
    attempts: Count
    last_tried_at: Moment | None
    last_reason: str
    """What the last attempt met, as it was logged."""
    signed_at: Moment
    notice: str
    """JWS (RFC 7515, compact) by this gateway's receipt key: the same facts, signed."""


class Organ(Answer):
    """A body as an envelope names it."""

    organ_id: str
    name: str
    in_charge: str


class Message(Answer):
    """What the signed envelope says of the document."""

    sender: Organ
    recipients: tuple[str, ...]
    code: Code
    promulgation_place: str
    promulgation_date: Day | None
    type_name: str
    document_type: int
    type_detail: int
    subject: str
    content: str
    signer: Signer
    priority: Priority
    priority_label_vi: str
    page_amount: int | None
    response_for: tuple[ResponseFor, ...]
    business: Business | None
    created_at: Moment


class FieldProblem(Answer):
    """One thing that is wrong with one field."""

    pointer: str
    code: str
    message_vi: str
    message_en: str


class InboxEntry(Answer):
    """A document that arrived."""

    key: Key
    cursor: Count
    recipient: OrganCode
    sender: OrganCode
    document_id: str
    message: Message
    attachments: tuple[ReceivedAttachment, ...]
    sequence: Count
    business_status: BusinessStatus
    business_status_label_vi: str
    business_description: str
    amendments: tuple[Amendment, ...]
    findings: tuple[FieldProblem, ...]
    opened_at: Moment | None
    received_at: Moment
    changed_at: Moment


class HistoryEvent(Answer):
    """One line of a document's story (Hành trình): an opened leaf of the audit log."""

    at: Moment
    event: str
    event_label_vi: str
    subject: str
    recipient: str | None
    detail: str
    leaf_hash: str


class Event(Answer):
    """One event of the change feed: thin; what it happened to is asked for by its key."""

    position: Count
    at: Moment
    event: str
    event_label_vi: str
    organ_id: OrganCode
    subject: str
    document: str
    recipient: str | None
    leaf_hash: str


class Organization(Answer):
    """A body of the registry."""

    organ_id: OrganCode
    name: str
    in_charge: str
    gateway: str
    status: BodyStatus
    status_label_vi: str
    successor: OrganCode | None


class Me(Answer):
    """Who I am and what I may do."""

    key_id: str
    name: str
    organs: tuple[OrganCode, ...]
    scopes: tuple[Scope, ...]
    identified_by: Credential


Item = TypeVar("Item", bound=Answer)


class Page(Answer, Generic[Item]):
    """The one form of every list."""

    items: tuple[Item, ...]
    more: bool
    next: str | None


class DocumentPage(Page[DocumentView]):
    """Outgoing documents, newest first."""


class DeliveryPage(Page[Delivery]):
    """Deliveries of one document, in the order of its recipients."""


class NoticePage(Page[Notice]):
    """Signed notices of what of a document did not arrive in time."""


class HistoryPage(Page[HistoryEvent]):
    """The story of a document, oldest first."""


class InboxPage(Page[InboxEntry]):
    """Documents that arrived, oldest first."""


class OrganizationPage(Page[Organization]):
    """Bodies of the registry, by code."""


class EventPage(Page[Event]):
    """Events, oldest first."""


class Words(Answer):
    """What happened and what to do next, in one language."""

    what: str
    todo: str


class Messages(Answer):
    """The same in both languages."""

    vi: Words
    en: Words


class Problem(Answer):
    """Every error there is (RFC 9457)."""

    type: Annotated[str, form(format="uri-reference")]
    title: str
    status: Annotated[int, form(minimum=400, maximum=599)]
    detail: str
    instance: str
    code: str
    turn: Turn
    todo: str
    messages: Messages
    errors: tuple[FieldProblem, ...]
    trace_id: str
    retryable: bool
    retry_after: int | None


class Upload(Answer):
    """A file that comes in pieces."""

    upload: Annotated[str, form(pattern="^[0-9a-f]{32}$")]
    size: Count
    sha256: Sha256
    offset: Count


ALL: Final = (
    DocumentView, DocumentPage, Recall, DeliveryPage, NoticePage, HistoryPage, InboxPage, OrganizationPage, EventPage, Me,
    Problem, Upload,
)  # fmt: skip
"""The roots: every other model is inside of one of them."""
