"""What an edXML envelope says: the nouns of QCVN 102:2016/BTTTT as Amendment 1:2022 has them.

Fields bear the regulation's names, spelt right; the spelling of the wire stands beside them where it differs (`Bussiness`).
Each docstring gives element, cardinality and limit; lengths are characters and bind what we write (`core.limits`). Sources:
facts 1.2 to 1.10; what is marked *VNPT* is the vendor's, beside the regulation. All values are frozen.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum
from typing import Final

from gateway.core.clock import edxml_date
from gateway.core.ids import OrganId
from gateway.core.states import BusinessStatus

# A slash or a comma inside the number would make the DocumentId `OrganId,date,number/notation` ambiguous (facts 1.6).
CODE_NUMBER: Final = re.compile(r"[^\s/,]+")
CODE_NOTATION: Final = re.compile(r"[^\s,]+")


class Priority(IntEnum):
    """Độ khẩn (`OtherInfo/Priority`)."""

    NORMAL = 0
    URGENT = 1
    VERY_URGENT = 2
    IMMEDIATE = 3
    IMMEDIATE_AT_TIME = 4


class SteeringType(IntEnum):
    """Whether a document steers (`SteeringType`); other programs write 0, which says nothing."""

    NONE = 1
    STEERING = 2
    REPORT = 3
    """A report on what was steered."""


class BusinessKind(IntEnum):
    """Nghiệp vụ (`BussinessDocType`): what a document does to an earlier one."""

    NEW = 0
    REVOKE = 1
    """The earlier one is named by `response_for`."""
    UPDATE = 2
    """... by `Business.document_id`."""
    REPLACE = 3
    """... by `Business.replacements`."""


class ReceiverChange(IntEnum):
    """What an update does to a recipient (`ReceiverType`)."""

    REMOVED = 0
    ADDED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Organ:
    """Organisation block: `From` or `To` (facts 1.3). Only the code decides anything."""

    organ_id: OrganId
    """`OrganId`: 1, at most 35 (13 before the amendment)."""
    name: str = ""
    """`OrganName`: 0..1, at most 200."""
    in_charge: str = ""
    """`OrganizationInCharge`: 0..1, at most 500; the body above, by name or by code."""
    address: str = ""
    """`OrganAdd`: 0..1, at most 500."""
    email: str = ""
    """`Email`: 0..1, at most 100."""
    telephone: str = ""
    """`Telephone`: 0..1, at most 20."""
    fax: str = ""
    """`Fax`: 0..1, at most 20."""
    website: str = ""
    """`Website`: 0..1, at most 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Số, ký hiệu (`Code`; facts 1.2)."""

    number: str
    """`CodeNumber`: 1, at most 11."""
    notation: str
    """`CodeNotation`: 1, at most 30."""

    def text(self) -> str:
        """`12/QĐ-UBND` as government writes it, `12-CV/VPTU` as the Party does (399-QĐ/TW: number, dash, symbol)."""
        return f"{self.number}{self.separator()}{self.notation}"

    def separator(self) -> str:
        """Party symbols read type/body (`CV/VPTU`), government ones type-body (`QĐ-UBND`): facts 6.4."""
        return "-" if "/" in self.notation else "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFor:
    """The document that this message answers, or revokes (`ResponseFor`, 0..n; facts 1.2, 1.10)."""

    organ_id: OrganId
    """`OrganId`: 1, at most 35."""
    document_id: str
    """`DocumentId`: 1, at most 200."""
    code: str = ""
    """`Code`: 0..1, at most 42: number and notation as one text."""
    promulgation_date: date | None = None
    """`PromulgationDate`: 0..1, `yyyy/MM/dd`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerInfo:
    """Who signed the paper (`SignerInfo`, 0..1; facts 1.2)."""

    competence: str = ""
    """`Competence` (`TM.`, `KT.`, `TL.`, `TUQ.` ...): 0..1, at most 100."""
    position: str = ""
    """`Position`: 0..1, at most 100."""
    full_name: str = ""
    """`FullName`: 0..1, at most 50."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffInfo:
    """Whom to ask (`StaffInfo`; 0..n in a document's `Bussiness`, 0..1 in a status message; facts 1.8)."""

    department: str = ""
    """`Department`: 0..1, at most 200."""
    department_id: str = ""
    """`DepartmentId`: 0..1, at most 100."""
    staff: str = ""
    """`Staff`: 0..1, at most 50; the name."""
    staff_id: str = ""
    """`StaffId`: 0..1, at most 100."""
    email: str = ""
    """`Email`: 0..1, at most 100."""
    mobile: str = ""
    """`Mobile`: 0..1, at most 20."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A recipient that an update adds or removes (`BussinessDocumentInfo/ReceiverList/Receiver`; facts 1.8)."""

    organ_id: OrganId
    """`OrganId`: 1, at most 35."""
    change: ReceiverChange
    """`ReceiverType`: 1, `0` or `1`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentChanges:
    """What an update changes (`BussinessDocumentInfo`; facts 1.8)."""

    metadata: bool = False
    """`DocumentInfo`: 0..1, `1` when the document's own data changed."""
    recipients: bool = False
    """`DocumentReceiver`: 0..1, `1` when the list of recipients changed."""
    receivers: tuple[Receiver, ...] = ()
    """`ReceiverList/Receiver`: 0..n, at most 1,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """An earlier document that this one takes the place of (`ReplacementInfoList/ReplacementInfo`; facts 1.8)."""

    document_id: str
    """`DocumentId`: 1, at most 200."""
    holders: tuple[OrganId, ...] = ()
    """`OrganIdList/OrganId`: 0..n, at most 1,000 of 35; who had received it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """What the document does to an earlier one (`TraceHeaderList/Bussiness`, 0..1; absent, it is a new document; facts 1.8)."""

    kind: BusinessKind = BusinessKind.NEW
    """`BussinessDocType`: 1."""
    reason: str = ""
    """`BussinessDocReason`: 0..1, at most 500."""
    paper: bool = False
    """`Paper`: 0..1, `1` when a copy on paper follows."""
    document_id: str = ""
    """`DocumentId`: 0..1, at most 200: the document that is updated; 1 for an update."""
    changes: DocumentChanges | None = None
    """`BussinessDocumentInfo`: 0..1, of an update and of no other kind."""
    replacements: tuple[Replacement, ...] = ()
    """`ReplacementInfoList/ReplacementInfo`: 1..n, at most 100, for a replacement; none for any other kind."""
    staff: tuple[StaffInfo, ...] = ()
    """`StaffInfo`: 0..n, at most 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceHeader:
    """A hub on the way (`TraceHeader`; facts 1.7); no signature covers it, and hubs write nonsense."""

    organ_id: OrganId
    """`OrganId`: 0..1, at most 35; empty where none is given, or the word `null`."""
    timestamp: datetime | None
    """`Timestamp`: 0..1, `yyyy/MM/dd HH:mm:ss` in Vietnam's time; None for anything that is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an envelope says of a body, and the registry did not when it arrived."""

    path: str
    """`sender.name`, `recipients[3].in_charge`."""
    said: str


ORDINARY: Final = Business(reason="Văn bản điện tử mới")
"""A new document, in the words of the vendor's software; one that came without a `Bussiness` has a plain `Business()`."""
UNNAMED: Final = SignerInfo()
"""Nobody is named as the signer."""
NO_TIME: Final = datetime.min.replace(tzinfo=UTC)
"""The time of a message in which a tolerant reading found none, and said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentMessage:
    """A document (transport type `edoc`), as written or as read (facts 1.2; `OtherInfo`: 1.5, `DocumentType`: 1.4)."""

    sender: Organ
    """`From`: 1."""
    recipients: tuple[Organ, ...]
    """`To`: 1..n, at most 1,000; no code twice."""
    document_id: str
    """`DocumentId`: 1, at most 200; `OrganId,YYYY/MM/DD,Number/Notation`, in the field as often a UUID (facts 1.6)."""
    code: Code
    """`Code`: 1."""
    promulgation_place: str
    """`PromulgationInfo/Place`: 0..1, at most 50."""
    promulgation_date: date | None
    """`PromulgationInfo/PromulgationDate`: 1, `yyyy/MM/dd`, not in the future."""
    document_type: int
    """`DocumentType/Type`: 0..1; 1 legal normative document, 2 administrative document; others write what they like."""
    type_detail: int
    """`DocumentType/TypeDetail`: 0..1, 0 to 65535, number in the table of `edxml.document_types`; -1 when none is given."""
    type_name: str
    """`DocumentType/TypeName`: 0..1, at most 100; what to trust on reading."""
    subject: str
    """`Subject` (trích yếu): 1, at most 500."""
    content: str
    """`Content`: 0..1, at most 500."""
    signer: SignerInfo
    """`SignerInfo`: 0..1."""
    priority: Priority
    """`OtherInfo/Priority`: 0..1, 0 to 4 (facts 1.5)."""
    page_amount: int | None
    """`OtherInfo/PageAmount`: 0..1, 0 to 65535."""
    response_for: tuple[ResponseFor, ...]
    """`ResponseFor`: 0..n, at most 100; 1..n for a document that revokes: what it revokes (facts 1.8)."""
    created_at: datetime
    """`TraceHeaderList/TraceHeader/Timestamp` of the sender: 0..1 (facts 1.7), local time on the wire, whole seconds."""
    claims: tuple[Claim, ...] = ()
    """Only of a message that arrived: its bodies are then called what the registry calls them."""
    due_date: date | None = None
    """`DueDate` (hạn trả lời): 0..1, `yyyy/MM/dd`."""
    to_places: tuple[str, ...] = ()
    """`ToPlaces/Place` (nơi nhận, for the files; not whom it is sent to): 0..n, at most 150 each."""
    steering_type: SteeringType | None = None
    """`SteeringType`: 0..1."""
    sphere: str = ""
    """`OtherInfo/SphereOfPromulgation`: 0..1, at most 100."""
    typist: str = ""
    """`OtherInfo/TyperNotation` (so spelt), the typist's mark: 0..1, at most 10."""
    copies: int | None = None
    """`OtherInfo/PromulgationAmount`: 0..1, 0 to 65535."""
    appendixes: tuple[str, ...] = ()
    """`OtherInfo/Appendixes/Appendix`: 0..n, at most 500 each."""
    reply_fors: str = ""
    """`OtherInfo/ReplyFors`, VNPT: 0..1, at most 500. One text (as BKAV's integrator has it): the vendor gives it no form."""
    direction: bool | None = None
    """`OtherInfo/Direction`, VNPT: 0..1."""
    reference_codes: str = ""
    """`OtherInfo/ReferenceCodes`, VNPT: 0..1, at most 500; one text like `reply_fors`."""
    task_codes: tuple[str, ...] = ()
    """`ResponseForTask/TaskCode`, VNPT: 0..n, at most 100 each."""
    application_type: str = ""
    """`ApplicationType`, VNPT: 0..1, at most 100."""
    business: Business = ORDINARY
    """`TraceHeaderList/Bussiness`: 0..1; absent, it is a new document (facts 1.8)."""
    hops: tuple[TraceHeader, ...] = ()
    """`TraceHeaderList/TraceHeader` of hubs: 0..n, at most 99, in order; the sender's own is `created_at`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusMessage:
    """A status message (transport type `status`): `sender` tells the other side how a document stands (facts 1.10)."""

    sender: Organ
    """`From`: 1; for 13 (the document is asked back) the sender of the document."""
    response_for: ResponseFor
    """`ResponseFor`: 1; its OrganId is the only address: who sent the document, for 13 who received it."""
    status: BusinessStatus
    """`StatusCode`: 1, two digits."""
    description: str
    """`Description`: 0..1, at most 500; the reason of a refusal."""
    timestamp: datetime
    """`Timestamp`: 1, local time on the wire, whole seconds."""
    staff: StaffInfo | None = None
    """`StaffInfo`: 0..1."""


Message = DocumentMessage | StatusMessage


def regular_document_id(sender: OrganId, day: date, code: Code) -> str:
    """`OrganId,YYYY/MM/DD,Number/Notation`: unique per sender by regulation (facts 1.6)."""
    return f"{sender},{edxml_date(day)},{code.number}/{code.notation}"
