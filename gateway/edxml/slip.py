"""The seal slip: what a document says, on one small sheet of our own, for roads whose hubs rewrite envelopes.

Such a hub leaves no signature over an envelope intact. So the sender attaches a slip that repeats what matters and is signed by
itself (`gateway.crypto`); the receiver compares it with what arrived. It makes nothing true by being there: the caller verifies
its signature, and that the signer is the body in `sender`; compares *every* field (`slip_differences`); and takes one
(sender, document_id) once and never again, or an old slip would vouch for an old document sent a second time.

Its form is as strict as can be: a slip is read only if it says, element by element and letter by letter, what we would have
written for the values that were read from it. `schemas/slip.xsd` tells the same to other people's tools.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from gateway.core.errors import SenderError
from gateway.core.ids import DIGEST, Digest, OrganId
from gateway.core.limits import PAYLOADS_MAX, RECIPIENTS_MAX, SEAL_SLIP_BYTES_MAX
from gateway.core.message import BusinessKind, Code, DocumentMessage
from gateway.core.model import Attachment
from gateway.edxml.block import SPACE
from gateway.edxml.writer import XmlWriter
from gateway.safe_xml import SEAL_SLIP, Element, parse_signed

PROFILE: Final = "1"
"""Version of what a slip says and how; the namespace bears the same number."""
SLIP_NAME: Final = "seal-slip.xml"
"""The attachment's name; it is the one file that the slip does not list."""
SLIP_TYPE: Final = "application/xml"
STATEMENT_ID: Final = "statement"
_SCHEMA: Final = Path(__file__).resolve().parent / "schemas" / "slip.xsd"
_ENTRIES_MAX: Final = 64 + 2 * RECIPIENTS_MAX + 3 * PAYLOADS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipFile:
    """One file of the document: its own bytes, whatever base64 or ZIP is around them on the way."""

    name: str
    size: int
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class SealSlip:
    """What a document says of itself."""

    sender: OrganId
    recipients: tuple[OrganId, ...]
    """All of them, in their order, also those that this copy does not go to."""
    document_id: str
    code: Code
    date: date
    subject: str
    document_type: int
    type_detail: int
    type_name: str
    business_kind: BusinessKind
    old_document_ids: tuple[str, ...]
    """What is revoked, updated or replaced; none for a new document."""
    files: tuple[SlipFile, ...]
    created_at: datetime
    """Whole seconds, UTC."""
    profile: str = PROFILE


# --- of a document -----------------------------------------------------------------------------------------------------


def slip_of(message: DocumentMessage, files: Sequence[Attachment]) -> SealSlip:
    """The slip of a document and its files (without the slip itself); texts as a reader of the envelope takes them.

    Raises:
        SenderError: `request.field`: the document has no date, which none of ours lacks.
    """
    if message.promulgation_date is None:
        raise SenderError("request.field", field="promulgation_date", problem="required")
    return SealSlip(
        sender=message.sender.organ_id,
        recipients=tuple(recipient.organ_id for recipient in message.recipients),
        document_id=message.document_id.strip(SPACE),
        code=Code(number=message.code.number.strip(SPACE), notation=message.code.notation.strip(SPACE)),
        date=message.promulgation_date,
        subject=message.subject.strip(SPACE),
        document_type=message.document_type,
        type_detail=message.type_detail,
        type_name=message.type_name.strip(SPACE),
        business_kind=message.business.kind,
        old_document_ids=_old_document_ids(message),
        files=tuple(SlipFile(name=file.name, size=file.blob.size, digest=file.blob.digest) for file in files),
        created_at=message.created_at.astimezone(UTC).replace(microsecond=0),
    )


def _old_document_ids(message: DocumentMessage) -> tuple[str, ...]:
    match message.business.kind:
        case BusinessKind.REVOKE:
            return tuple(answered.document_id for answered in message.response_for)
        case BusinessKind.UPDATE:
            return (message.business.document_id,)
        case BusinessKind.REPLACE:
            return tuple(replacement.document_id for replacement in message.business.replacements)
    return ()


def slip_differences(slip: SealSlip, message: DocumentMessage, files: Sequence[Attachment]) -> tuple[str, ...]:
    """Where an envelope says something else than its slip, field by field (`recipients[2]`, `files[1].digest`); empty: nowhere.

    `files`: all that arrived but the slip itself, decoded. A mangled one is another one: nothing is repaired.
    """
    if message.promulgation_date is None:
        return ("date",)
    said, found = dict(_fields(slip)), dict(_fields(slip_of(message, files)))
    return tuple(path for path in {**said, **found} if said.get(path) != found.get(path))


def _fields(slip: SealSlip) -> Iterator[tuple[str, object]]:
    yield "profile", slip.profile
    yield "sender", slip.sender
    yield from ((f"recipients[{number}]", one) for number, one in enumerate(slip.recipients, 1))
    yield "document_id", slip.document_id
    yield "code.number", slip.code.number
    yield "code.notation", slip.code.notation
    yield "date", slip.date
    yield "subject", slip.subject
    yield "document_type", slip.document_type
    yield "type_detail", slip.type_detail
    yield "type_name", slip.type_name
    yield "business_kind", slip.business_kind
    yield from ((f"old_document_ids[{number}]", one) for number, one in enumerate(slip.old_document_ids, 1))
    for number, file in enumerate(slip.files, 1):
        yield f"files[{number}].name", file.name
        yield f"files[{number}].size", file.size
        yield f"files[{number}].digest", file.digest
    yield "created_at", slip.created_at


# --- as a file -----------------------------------------------------------------------------------------------------------


def write_slip(slip: SealSlip) -> bytes:
    """The slip without its signature, which becomes the last child of the root."""
    writer = XmlWriter()
    with (
        writer.block("SealSlip", {"xmlns": SEAL_SLIP}),
        writer.block("Statement", {"Id": STATEMENT_ID}),
    ):
        for name, text in _said(slip):
            writer.leaf(name, text)
        for file in slip.files:
            with writer.block("File"):
                for name, text in _said_of(file):
                    writer.leaf(name, text)
    return writer.getvalue()


def _said(slip: SealSlip) -> Iterator[tuple[str, str]]:
    """Element and text of all but the files, in order; an empty text has no element."""
    yield "Profile", slip.profile
    yield "From", slip.sender
    yield from (("To", recipient) for recipient in slip.recipients)
    yield "DocumentId", slip.document_id
    yield "CodeNumber", slip.code.number
    yield "CodeNotation", slip.code.notation
    yield "Date", slip.date.isoformat()
    yield "Subject", slip.subject
    yield "Type", str(slip.document_type)
    yield "TypeDetail", str(slip.type_detail)
    yield "TypeName", slip.type_name
    yield "BusinessKind", str(int(slip.business_kind))
    yield from (("OldDocumentId", old) for old in slip.old_document_ids)
    yield "Created", slip.created_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _said_of(file: SlipFile) -> Iterator[tuple[str, str]]:
    yield "Name", file.name
    yield "Size", str(file.size)
    yield "Sha256", file.digest


def parse_slip(data: bytes) -> Element:
    """The tree that the verifier of the signature and `read_slip` both use.

    Raises:
        SenderError: `envelope.malformed`: larger than a slip can be, or not XML as we take it.
    """
    if len(data) > SEAL_SLIP_BYTES_MAX:
        raise _malformed("size")
    return parse_signed(data)


def read_slip(root: Element) -> SealSlip:
    """What a slip says; see the module for how strictly. The signature is the verifier's business.

    Raises:
        SenderError: `envelope.malformed`: it is not a slip of this profile.
    """
    statement = root.find(_tag("Statement"))
    if root.tag != _tag("SealSlip") or statement is None or len(statement) > _ENTRIES_MAX:
        raise _malformed("form")
    if (statement.text or "").strip(SPACE):
        raise _malformed("form")
    texts, files = [], []
    for child in statement:
        if child.tag == _tag("File"):
            files.append([_entry(one) for one in child])
        elif files:
            raise _malformed("order")
        else:
            texts.append(_entry(child))
    slip = _made(texts, files)
    if [entry for entry in _said(slip) if entry[1]] != texts or [list(_said_of(file)) for file in slip.files] != files:
        raise _malformed("form")
    return slip


_Entry = tuple[str, str]


def _entry(element: Element) -> _Entry:
    namespace, _, name = str(element.tag).rpartition("}")
    if namespace != f"{{{SEAL_SLIP}" or len(element) or element.attrib or (element.tail or "").strip(SPACE):
        raise _malformed("form")
    return name, element.text or ""


def _made(texts: list[_Entry], files: list[list[_Entry]]) -> SealSlip:
    """The values, if there are any: `read_slip` writes them again and compares."""
    one = dict(texts)
    try:
        if one["Profile"] != PROFILE:
            raise _malformed("profile")
        return SealSlip(
            sender=OrganId(one["From"]),
            recipients=tuple(OrganId(text) for name, text in texts if name == "To"),
            document_id=one["DocumentId"],
            code=Code(number=one["CodeNumber"], notation=one["CodeNotation"]),
            date=date.fromisoformat(one["Date"]),
            subject=one["Subject"],
            document_type=int(one["Type"]),
            type_detail=int(one["TypeDetail"]),
            type_name=one.get("TypeName", ""),
            business_kind=BusinessKind(int(one["BusinessKind"])),
            old_document_ids=tuple(text for name, text in texts if name == "OldDocumentId"),
            files=tuple(_file(dict(entries)) for entries in files),
            created_at=datetime.fromisoformat(one["Created"]).astimezone(UTC),
        )
    except (KeyError, ValueError, OverflowError):
        raise _malformed("form") from None


def _file(entries: dict[str, str]) -> SlipFile:
    digest = entries["Sha256"]
    if not DIGEST.fullmatch(digest):
        raise ValueError("not a digest")
    return SlipFile(name=entries["Name"], size=int(entries["Size"]), digest=Digest(digest))


def _tag(name: str) -> str:
    return f"{{{SEAL_SLIP}}}{name}"


def _malformed(what: str) -> SenderError:
    return SenderError("envelope.malformed", reason=f"seal slip: {what}")


def slip_schema_text() -> bytes:
    """The schema as a file (UTF-8), to be given away."""
    return _SCHEMA.read_bytes()
