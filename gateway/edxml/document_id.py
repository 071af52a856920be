"""DocumentId: by regulation `OrganId,YYYY/MM/DD,Number/Notation`, in the field as often a UUID (facts 1.6)."""

import re
import unicodedata
from typing import Final

from gateway.core.message import DocumentMessage
from gateway.edxml.dates import read_date
from gateway.edxml.findings import Findings

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PARTS: Final = re.compile(r"([^,]+),([0-9]{4}/[0-9]{1,2}/[0-9]{1,2}),([^,]+/[^,]+)")


def note_document_id(message: DocumentMessage, path: str, findings: Findings) -> None:
    """What its DocumentId says of a document, beside what its header says; of what is missing it has been said."""
    text = message.document_id
    if not text or _UUID.fullmatch(text):
        return
    parts = _PARTS.fullmatch(text)
    if parts is None:
        findings.note("document_id.form", path, value=text)
        return
    organ_id, day, code = (_composed(part.strip()) for part in parts.groups())
    codes = {_composed(f"{message.code.number}/{message.code.notation}"), _composed(message.code.text())}
    wrong = {
        "OrganId": message.sender.organ_id and organ_id != _composed(message.sender.organ_id),
        "PromulgationDate": message.promulgation_date and read_date(day) != message.promulgation_date,
        "Code": message.code.number and code not in codes,
    }
    if any(wrong.values()):
        findings.note("document_id.parts", path, parts=", ".join(name for name, other in wrong.items() if other))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
