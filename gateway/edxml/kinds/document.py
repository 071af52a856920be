"""A document (transport type `edoc`): MessageHeader and TraceHeaderList (QCVN 102:2016; order as the vendor writes it)."""

from datetime import date, datetime
from typing import Final

from gateway.core import limits
from gateway.core.clock import edxml_timestamp
from gateway.core.ids import OrganId
from gateway.core.message import CODE_NOTATION, CODE_NUMBER, Code, DocumentMessage, Organ, Priority, SignerInfo
from gateway.core.paper import paper_date_problem
from gateway.edxml.answered import check_answered, read_answered, write_answered
from gateway.edxml.block import Block
from gateway.edxml.dates import NO_TIME, midnight, read_date, read_timestamp, write_date
from gateway.edxml.namespaces import BUSINESS_ID, HEADER_ID, PREFIX
from gateway.edxml.organisation import check_organ, read_organ, write_organ
from gateway.edxml.violations import Checks
from gateway.edxml.writer import XmlWriter

NEW: Final = 0
"""BussinessDocType of a new document; 1 revokes, 2 updates and 3 replaces an earlier one."""
_NEW_REASON: Final = "Văn bản điện tử mới"
_UNSIGNED_SHORT_MAX: Final = 65_535


def write_header(writer: XmlWriter, message: DocumentMessage) -> None:
    """MessageHeader of a document; empty optional fields are left out."""
    with writer.block(f"{PREFIX}:MessageHeader", {"Id": HEADER_ID}):
        write_organ(writer, "From", message.sender)
        for recipient in message.recipients:
            write_organ(writer, "To", recipient)
        writer.leaf(f"{PREFIX}:DocumentId", message.document_id)
        with writer.block(f"{PREFIX}:Code"):
            writer.leaf(f"{PREFIX}:CodeNumber", message.code.number)
            writer.leaf(f"{PREFIX}:CodeNotation", message.code.notation)
        with writer.block(f"{PREFIX}:PromulgationInfo"):
            writer.leaf(f"{PREFIX}:Place", message.promulgation_place)
            writer.leaf(f"{PREFIX}:PromulgationDate", write_date(message.promulgation_date))
        with writer.block(f"{PREFIX}:DocumentType"):
            writer.leaf(f"{PREFIX}:Type", str(message.document_type))
            writer.leaf(f"{PREFIX}:TypeDetail", str(message.type_detail))
            writer.leaf(f"{PREFIX}:TypeName", message.type_name)
        writer.leaf(f"{PREFIX}:Subject", message.subject)
        writer.leaf(f"{PREFIX}:Content", message.content)
        _write_signer(writer, message.signer)
        with writer.block(f"{PREFIX}:OtherInfo"):
            writer.leaf(f"{PREFIX}:Priority", str(message.priority.value))
            if message.page_amount is not None:
                writer.leaf(f"{PREFIX}:PageAmount", str(message.page_amount))
        for answered in message.response_for:
            write_answered(writer, answered)


def _write_signer(writer: XmlWriter, signer: SignerInfo) -> None:
    if signer == SignerInfo():
        return
    with writer.block(f"{PREFIX}:SignerInfo"):
        writer.leaf(f"{PREFIX}:Competence", signer.competence)
        writer.leaf(f"{PREFIX}:Position", signer.position)
        writer.leaf(f"{PREFIX}:FullName", signer.full_name)


def write_trace(writer: XmlWriter, message: DocumentMessage) -> None:
    """TraceHeaderList of a new document: what kind of business, and the sender's own entry. Hubs append theirs."""
    with writer.block(f"{PREFIX}:TraceHeaderList", {"version": "1.0"}):
        with writer.block(f"{PREFIX}:Bussiness", {"Id": BUSINESS_ID}):
            writer.leaf(f"{PREFIX}:BussinessDocType", str(NEW))
            writer.leaf(f"{PREFIX}:BussinessDocReason", _NEW_REASON)
            writer.leaf(f"{PREFIX}:Paper", "0")
        with writer.block(f"{PREFIX}:TraceHeader"):
            writer.leaf(f"{PREFIX}:OrganId", message.sender.organ_id)
            writer.leaf(f"{PREFIX}:Timestamp", edxml_timestamp(message.created_at))


def read_header(header: Block, trace: Block | None) -> DocumentMessage:
    """A document's header, whoever wrote it."""
    sender = read_organ(header.need("From"))
    promulgated, kind, other = header.one("PromulgationInfo"), header.one("DocumentType"), header.one("OtherInfo")
    promulgation_date = read_date(promulgated.text("PromulgationDate")) if promulgated else None
    return DocumentMessage(
        sender=sender,
        recipients=_read_recipients(header),
        document_id=header.need_text("DocumentId", limit=limits.DOCUMENT_ID_CHARS_MAX),
        code=_read_code(header.one("Code")),
        promulgation_place=promulgated.text("Place") if promulgated else "",
        promulgation_date=promulgation_date,
        document_type=kind.number("Type", default=2) if kind else 2,
        type_detail=kind.number("TypeDetail", default=-1) if kind else -1,
        type_name=kind.text("TypeName") if kind else "",
        subject=header.text("Subject"),
        content=header.text("Content"),
        signer=_read_signer(header.one("SignerInfo")),
        priority=_read_priority(other),
        page_amount=_read_pages(other),
        response_for=tuple(map(read_answered, _answered(header))),
        created_at=_read_created(header, trace, sender.organ_id, promulgation_date),
    )


def _read_recipients(header: Block) -> tuple[Organ, ...]:
    recipients = tuple(map(read_organ, header.many("To", limit=limits.RECIPIENTS_MAX)))
    if not recipients:
        header.findings.malformed("missing", header.path_of("To"))
    if len({recipient.organ_id for recipient in recipients}) < len(recipients):
        header.findings.malformed("duplicate", header.path_of("To"))
    return recipients


def _answered(header: Block) -> list[Block]:
    """The ResponseFor blocks that say something: others write an empty element where nothing is answered."""
    return [block for block in header.many("ResponseFor", limit=limits.RESPONSES_MAX) if block.text("DocumentId")]


def _read_code(block: Block | None) -> Code:
    if block is None:
        return Code(number="", notation="")
    return Code(number=block.text("CodeNumber"), notation=block.text("CodeNotation"))


def _read_signer(block: Block | None) -> SignerInfo:
    if block is None:
        return SignerInfo()
    return SignerInfo(
        competence=block.text("Competence"), position=block.text("Position"), full_name=block.text("FullName")
    )


def _read_priority(other: Block | None) -> Priority:
    number = other.number("Priority", default=0) if other else 0
    return Priority(number) if number in set(Priority) else Priority.NORMAL


def _read_pages(other: Block | None) -> int | None:
    pages = other.number("PageAmount", default=-1) if other else -1
    return pages if pages >= 0 else None


def _read_created(header: Block, trace: Block | None, sender: OrganId, promulgation_date: date | None) -> datetime:
    """When the sender made it, as the trace says (which no signature covers), or else the day of promulgation."""
    if trace_time := _read_trace(trace, sender) if trace else None:
        return trace_time
    if promulgation_date is None:
        header.findings.malformed("missing", "TraceHeaderList/TraceHeader")
        return NO_TIME
    return midnight(promulgation_date)


def _read_trace(trace: Block, sender: OrganId) -> datetime | None:
    """The time of the sender's own entry, else of the first that says one (hubs write nonsense into theirs)."""
    business = trace.one("Bussiness", "Business")
    if business and business.number("BussinessDocType", "BusinessDocType", default=NEW) != NEW:
        business.findings.malformed("business_kind", business.path_of("BussinessDocType"))
    entries = trace.many("TraceHeader", limit=limits.TRACE_HEADERS_MAX)
    entries.sort(key=lambda entry: entry.text("OrganId") != sender)
    times = (read_timestamp(entry.text("Timestamp")) for entry in entries)
    return next((time for time in times if time is not None), None)


def check(checks: Checks, message: DocumentMessage) -> None:
    """Required fields, lengths and values of the regulation."""
    check_organ(checks, "sender", message.sender)
    checks.count("recipients", len(message.recipients), lowest=1, highest=limits.RECIPIENTS_MAX)
    checks.unique("recipients[{}].organ_id", (recipient.organ_id for recipient in message.recipients))
    for index, recipient in enumerate(message.recipients):
        check_organ(checks, f"recipients[{index}]", recipient)
    checks.line("document_id", message.document_id, limit=limits.DOCUMENT_ID_CHARS_MAX, required=True)
    checks.line("code.number", message.code.number, limit=limits.CODE_NUMBER_CHARS_MAX, required=True)
    checks.line("code.notation", message.code.notation, limit=limits.CODE_NOTATION_CHARS_MAX, required=True)
    checks.form("code.number", good=CODE_NUMBER.fullmatch(message.code.number) is not None)
    checks.form("code.notation", good=CODE_NOTATION.fullmatch(message.code.notation) is not None)
    checks.line("promulgation_place", message.promulgation_place, limit=limits.PLACE_CHARS_MAX)
    _check_promulgation_date(checks, message)
    checks.number("document_type", message.document_type, lowest=1, highest=2)
    checks.number("type_detail", message.type_detail, lowest=0, highest=_UNSIGNED_SHORT_MAX)
    checks.line("type_name", message.type_name, limit=limits.TYPE_NAME_CHARS_MAX)
    checks.line("subject", message.subject, limit=limits.SUBJECT_CHARS_MAX, required=True)
    checks.lines("content", message.content, limit=limits.CONTENT_CHARS_MAX)
    checks.line("signer.competence", message.signer.competence, limit=limits.COMPETENCE_CHARS_MAX)
    checks.line("signer.position", message.signer.position, limit=limits.POSITION_CHARS_MAX)
    checks.line("signer.full_name", message.signer.full_name, limit=limits.FULL_NAME_CHARS_MAX)
    if message.page_amount is not None:
        checks.number("page_amount", message.page_amount, lowest=0, highest=_UNSIGNED_SHORT_MAX)
    checks.count("response_for", len(message.response_for), lowest=0, highest=limits.RESPONSES_MAX)
    for index, answered in enumerate(message.response_for):
        check_answered(checks, f"response_for[{index}]", answered)


def _check_promulgation_date(checks: Checks, message: DocumentMessage) -> None:
    """Required, and a day on which paper can have been promulgated that is made into a message then."""
    if message.promulgation_date is None:
        checks.add("promulgation_date", "required")
    elif problem := paper_date_problem(message.promulgation_date, made_at=message.created_at):
        checks.add("promulgation_date", problem)
