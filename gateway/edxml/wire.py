"""Where on the wire a field of the model stands: one table, for whoever tells the writer of a file what is wrong with it."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from gateway.core.message import (
    Business,
    Code,
    DocumentChanges,
    DocumentMessage,
    Message,
    Organ,
    Receiver,
    Replacement,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    StatusMessage,
    TraceHeader,
)

_ORGAN: Final = {
    "organ_id": "OrganId",
    "name": "OrganName",
    "in_charge": "OrganizationInCharge",
    "address": "OrganAdd",
    "email": "Email",
    "telephone": "Telephone",
    "fax": "Fax",
    "website": "Website",
}
_ANSWERED: Final = {
    "organ_id": "OrganId",
    "document_id": "DocumentId",
    "code": "Code",
    "promulgation_date": "PromulgationDate",
}
_STAFF: Final = {
    "department": "Department",
    "department_id": "DepartmentId",
    "staff": "Staff",
    "staff_id": "StaffId",
    "email": "Email",
    "mobile": "Mobile",
}
_DOCUMENT: Final = {
    "sender": "MessageHeader/From",
    "recipients": "MessageHeader/To",
    "document_id": "MessageHeader/DocumentId",
    "code": "MessageHeader/Code",
    "promulgation_place": "MessageHeader/PromulgationInfo/Place",
    "promulgation_date": "MessageHeader/PromulgationInfo/PromulgationDate",
    "document_type": "MessageHeader/DocumentType/Type",
    "type_detail": "MessageHeader/DocumentType/TypeDetail",
    "type_name": "MessageHeader/DocumentType/TypeName",
    "subject": "MessageHeader/Subject",
    "content": "MessageHeader/Content",
    "signer": "MessageHeader/SignerInfo",
    "due_date": "MessageHeader/DueDate",
    "to_places": "MessageHeader/ToPlaces/Place",
    "priority": "MessageHeader/OtherInfo/Priority",
    "sphere": "MessageHeader/OtherInfo/SphereOfPromulgation",
    "typist": "MessageHeader/OtherInfo/TyperNotation",
    "copies": "MessageHeader/OtherInfo/PromulgationAmount",
    "page_amount": "MessageHeader/OtherInfo/PageAmount",
    "reply_fors": "MessageHeader/OtherInfo/ReplyFors",
    "direction": "MessageHeader/OtherInfo/Direction",
    "reference_codes": "MessageHeader/OtherInfo/ReferenceCodes",
    "appendixes": "MessageHeader/OtherInfo/Appendixes/Appendix",
    "response_for": "MessageHeader/ResponseFor",
    "steering_type": "MessageHeader/SteeringType",
    "task_codes": "MessageHeader/ResponseForTask/TaskCode",
    "application_type": "MessageHeader/ApplicationType",
    "business": "TraceHeaderList/Bussiness",
    "hops": "TraceHeaderList/TraceHeader",
    "created_at": "TraceHeaderList/TraceHeader/Timestamp",
}
_STATUS: Final = {
    "sender": "MessageHeader/From",
    "response_for": "MessageHeader/ResponseFor",
    "status": "MessageHeader/StatusCode",
    "description": "MessageHeader/Description",
    "timestamp": "MessageHeader/Timestamp",
    "staff": "MessageHeader/StaffInfo",
}
_BUSINESS: Final = {
    "kind": "BussinessDocType",
    "reason": "BussinessDocReason",
    "paper": "Paper",
    "document_id": "DocumentId",
    "changes": "BussinessDocumentInfo",
    "replacements": "ReplacementInfoList/ReplacementInfo",
    "staff": "StaffInfo",
}
WIRE: Final[Mapping[type, Mapping[str, str]]] = MappingProxyType(
    {
        DocumentMessage: _DOCUMENT,
        StatusMessage: _STATUS,
        Organ: _ORGAN,
        Code: {"number": "CodeNumber", "notation": "CodeNotation"},
        ResponseFor: _ANSWERED,
        SignerInfo: {"competence": "Competence", "position": "Position", "full_name": "FullName"},
        StaffInfo: _STAFF,
        Business: _BUSINESS,
        DocumentChanges: {
            "metadata": "DocumentInfo",
            "recipients": "DocumentReceiver",
            "receivers": "ReceiverList/Receiver",
        },
        Receiver: {"organ_id": "OrganId", "change": "ReceiverType"},
        Replacement: {"document_id": "DocumentId", "holders": "OrganIdList/OrganId"},
        TraceHeader: {"organ_id": "OrganId", "timestamp": "Timestamp"},
    }
)
"""For each noun of the model, its fields by the names of the wire, from the element that is the noun."""
ATTACHED: Final = MappingProxyType({"name": "AttachmentName", "content_type": "ContentType"})
"""The same of an attached file."""
_STEP: Final = re.compile(r"([a-z_]+)(?:\[([0-9]+)\])?")

Counts = Callable[[str], int]
"""How many elements of that path there are."""


def wire_path(message: Message, path: str, count: Counts) -> str:
    """The wire's path for a field of a message (`recipients[3].name`: `MessageHeader/To[4]/OrganName`).

    The number of an entry is told only where the wire has as many of them as the model: a reader passes over empty ones.
    """
    steps: list[str] = []
    value: Any = message
    for name, index in _steps(path):
        steps.append(WIRE[type(value)][name])
        value = getattr(value, name)
        if index is not None:
            if count("/".join(steps)) == len(value):
                steps[-1] += f"[{index + 1}]"
            value = value[index]
    return "/".join(steps)


def attached_path(paths: Sequence[str], path: str) -> str:
    """The same for a field of an attached file (`attachments[0].name`); `paths` are those of the files."""
    (_, index), *rest = _steps(path)
    place = "Attachment" if index is None else paths[index]
    return "/".join([place, *(ATTACHED[name] for name, _ in rest)])


def _steps(path: str) -> list[tuple[str, int | None]]:
    """The names of a dotted path, each with the index behind it."""
    found = [_STEP.fullmatch(step) for step in path.split(".")]
    assert all(found), path
    return [(step[1], int(step[2]) if step[2] else None) for step in found if step]
