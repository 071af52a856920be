"""A document (transport type `edoc`): its MessageHeader (QCVN 102:2016; order as the vendor's software writes it).

What it does to an earlier one stands in `gateway.edxml.business`, its way in `gateway.edxml.trace`.
"""

from datetime import date, datetime
from typing import Final

from gateway.core import limits
from gateway.core.message import (
    CODE_NOTATION,
    CODE_NUMBER,
    NO_TIME,
    UNNAMED,
    Business,
    BusinessKind,
    Code,
    DocumentMessage,
    Organ,
    ResponseFor,
    SignerInfo,
    SteeringType,
)
from gateway.core.paper import paper_date_problem
from gateway.edxml.answered import check_answered, read_answered, write_answered
from gateway.edxml.block import Block
from gateway.edxml.business import check_business, read_business
from gateway.edxml.dates import date_of, midnight, write_date
from gateway.edxml.namespaces import HEADER_ID, PREFIX
from gateway.edxml.organisation import check_organ, is_regular, read_organ, write_organ
from gateway.edxml.other_info import (
    UNSIGNED_SHORT_MAX,
    check_other_info,
    read_other_info,
    read_texts,
    write_other_info,
)
from gateway.edxml.trace import check_trace, read_trace
from gateway.edxml.violations import Checks
from gateway.edxml.writer import XmlWriter

_NAMES: Final = frozenset(
    {
        *("From", "To", "DocumentId", "Code", "PromulgationInfo", "DocumentType", "Subject", "Content", "SignerInfo"),
        *("DueDate", "OtherInfo", "ResponseFor", "SteeringType", "ResponseForTask", "ApplicationType", "ToPlaces"),
    }
)


def write_header(writer: XmlWriter, message: DocumentMessage) -> None:
    """MessageHeader of a document; empty optional fields are left out."""
    with writer.block(f"{PREFIX}:MessageHeader", {"Id": HEADER_ID}):
        write_organ(writer, "From", message.sender)
        for recipient in message.recipients:
            write_organ(writer, "To", recipient)
        writer.leaf(f"{PREFIX}:DocumentId", message.document_id)
        _write_paper(writer, message)
        writer.leaf(f"{PREFIX}:Subject", message.subject)
        writer.leaf(f"{PREFIX}:Content", message.content)
        _write_signer(writer, message.signer)
        writer.leaf(f"{PREFIX}:DueDate", write_date(message.due_date))
        write_other_info(writer, message)
        for answered in message.response_for:
            write_answered(writer, answered)
        # Never an empty one: the vendor's reader fails the whole file for it (facts 1.2).
        writer.leaf(f"{PREFIX}:SteeringType", str(message.steering_type.value) if message.steering_type else "")
        _write_texts(writer, "ResponseForTask", "TaskCode", message.task_codes)
        writer.leaf(f"{PREFIX}:ApplicationType", message.application_type)
        _write_texts(writer, "ToPlaces", "Place", message.to_places)


def _write_paper(writer: XmlWriter, message: DocumentMessage) -> None:
    """What stands on the paper's head: number, place, date, type."""
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


def _write_signer(writer: XmlWriter, signer: SignerInfo) -> None:
    if signer == UNNAMED:
        return
    with writer.block(f"{PREFIX}:SignerInfo"):
        writer.leaf(f"{PREFIX}:Competence", signer.competence)
        writer.leaf(f"{PREFIX}:Position", signer.position)
        writer.leaf(f"{PREFIX}:FullName", signer.full_name)


def _write_texts(writer: XmlWriter, name: str, inside: str, texts: tuple[str, ...]) -> None:
    if texts:
        with writer.block(f"{PREFIX}:{name}"):
            for text in texts:
                writer.leaf(f"{PREFIX}:{inside}", text)


def read_header(header: Block, trace: Block | None) -> DocumentMessage:
    """A document's header, whoever wrote it."""
    header.expect(_NAMES)
    sender = read_organ(header.need("From"))
    promulgated, kind = header.optional("PromulgationInfo"), header.optional("DocumentType")
    promulgated.expect({"Place", "PromulgationDate"})
    kind.expect({"Type", "TypeDetail", "TypeName"})
    promulgation_date = date_of(promulgated, "PromulgationDate")
    made, hops = read_trace(trace, sender.organ_id) if trace else (None, ())
    return DocumentMessage(
        sender=sender,
        recipients=_read_recipients(header),
        document_id=header.need_text("DocumentId", limit=limits.DOCUMENT_ID_CHARS_MAX),
        code=_read_code(header.optional("Code")),
        promulgation_place=promulgated.text("Place"),
        promulgation_date=promulgation_date,
        document_type=kind.number("Type", default=2),
        type_detail=kind.number("TypeDetail", default=-1),
        type_name=kind.text("TypeName"),
        subject=header.text("Subject"),
        content=header.text("Content"),
        signer=_read_signer(header.optional("SignerInfo")),
        due_date=date_of(header, "DueDate"),
        response_for=_read_responses(header),
        steering_type=_read_steering(header),
        task_codes=read_texts(header.optional("ResponseForTask"), "TaskCode"),
        application_type=header.text("ApplicationType"),
        to_places=read_texts(header.optional("ToPlaces"), "Place"),
        created_at=made or _day_of(header, promulgation_date),
        business=read_business(trace) if trace else Business(),
        hops=hops,
        **read_other_info(header.optional("OtherInfo")),
    )


def _read_recipients(header: Block) -> tuple[Organ, ...]:
    recipients = tuple(map(read_organ, header.many("To", limit=limits.RECIPIENTS_MAX)))
    if not recipients:
        header.findings.malformed("missing", header.path_of("To"))
    if len({recipient.organ_id for recipient in recipients}) < len(recipients):
        header.findings.malformed("duplicate", header.path_of("To"))
    return recipients


def _read_responses(header: Block) -> tuple[ResponseFor, ...]:
    """The blocks that name a document: others write an empty element where nothing is answered."""
    blocks = header.many("ResponseFor", limit=limits.RESPONSES_MAX)
    for block in blocks:
        if not block.is_empty and not block.text("DocumentId"):
            block.findings.note("missing", block.path_of("DocumentId"))
    return tuple(read_answered(block) for block in blocks if block.text("DocumentId"))


def _read_code(block: Block) -> Code:
    block.expect({"CodeNumber", "CodeNotation"})
    return Code(number=block.text("CodeNumber"), notation=block.text("CodeNotation"))


def _read_signer(block: Block) -> SignerInfo:
    block.expect({"Competence", "Position", "FullName"})
    return SignerInfo(
        competence=block.text("Competence"), position=block.text("Position"), full_name=block.text("FullName")
    )


def _read_steering(header: Block) -> SteeringType | None:
    """One of the three; 0, which other programs write, says nothing, and anything else is noted."""
    number = header.number("SteeringType", default=0)
    if number in set(SteeringType):
        return SteeringType(number)
    if number:
        header.findings.note("number", header.path_of("SteeringType"), value=number)
    return None


def _day_of(header: Block, promulgation_date: date | None) -> datetime:
    """When it was made, where no trace says it (which no signature covers): on the day of promulgation."""
    if promulgation_date is None:
        header.findings.malformed("missing", "TraceHeaderList/TraceHeader")
        return NO_TIME
    return midnight(promulgation_date)


def check(checks: Checks, message: DocumentMessage) -> None:
    """Required fields, lengths and values of the regulation."""
    check_organ(checks, "sender", message.sender)
    checks.count("recipients", len(message.recipients), lowest=1, highest=limits.RECIPIENTS_MAX)
    checks.unique("recipients[{}].organ_id", (recipient.organ_id for recipient in message.recipients))
    for index, recipient in enumerate(message.recipients):
        if not is_regular(recipient):
            check_organ(checks, f"recipients[{index}]", recipient)
    checks.line("document_id", message.document_id, limit=limits.DOCUMENT_ID_CHARS_MAX, required=True)
    _check_paper(checks, message)
    checks.line("subject", message.subject, limit=limits.SUBJECT_CHARS_MAX, required=True)
    checks.lines("content", message.content, limit=limits.CONTENT_CHARS_MAX)
    check_other_info(checks, message)
    _check_responses(checks, message)
    checks.texts("task_codes", message.task_codes, limit=limits.LOCAL_ID_CHARS_MAX)
    checks.line("application_type", message.application_type, limit=limits.APPLICATION_TYPE_CHARS_MAX)
    checks.texts("to_places", message.to_places, limit=limits.TO_PLACE_CHARS_MAX)
    check_business(checks, "business", message.business)
    check_trace(checks, message)


def _check_paper(checks: Checks, message: DocumentMessage) -> None:
    """What stands on the paper: number, place, date, type, who signed."""
    checks.line("code.number", message.code.number, limit=limits.CODE_NUMBER_CHARS_MAX, required=True)
    checks.line("code.notation", message.code.notation, limit=limits.CODE_NOTATION_CHARS_MAX, required=True)
    checks.form("code.number", good=CODE_NUMBER.fullmatch(message.code.number) is not None)
    checks.form("code.notation", good=CODE_NOTATION.fullmatch(message.code.notation) is not None)
    checks.line("promulgation_place", message.promulgation_place, limit=limits.PLACE_CHARS_MAX)
    _check_promulgation_date(checks, message)
    checks.number("document_type", message.document_type, lowest=1, highest=2)
    checks.number("type_detail", message.type_detail, lowest=0, highest=UNSIGNED_SHORT_MAX)
    checks.line("type_name", message.type_name, limit=limits.TYPE_NAME_CHARS_MAX)
    checks.line("signer.competence", message.signer.competence, limit=limits.COMPETENCE_CHARS_MAX)
    checks.line("signer.position", message.signer.position, limit=limits.POSITION_CHARS_MAX)
    checks.line("signer.full_name", message.signer.full_name, limit=limits.FULL_NAME_CHARS_MAX)


def _check_responses(checks: Checks, message: DocumentMessage) -> None:
    """A document that revokes names what it revokes."""
    lowest = 1 if message.business.kind is BusinessKind.REVOKE else 0
    checks.count("response_for", len(message.response_for), lowest=lowest, highest=limits.RESPONSES_MAX)
    for index, answered in enumerate(message.response_for):
        check_answered(checks, f"response_for[{index}]", answered)


def _check_promulgation_date(checks: Checks, message: DocumentMessage) -> None:
    """Required, and a day on which paper can have been promulgated that is made into a message then."""
    if message.promulgation_date is None:
        checks.add("promulgation_date", "required")
    elif problem := paper_date_problem(message.promulgation_date, made_at=message.created_at):
        checks.add("promulgation_date", problem)
