"""A status message (transport type `status`): a MessageHeader and nothing else; no To, no trace, no body, no files."""

from datetime import datetime
from typing import Final

from gateway.core import limits
from gateway.core.clock import edxml_timestamp
from gateway.core.message import NO_TIME, StatusMessage
from gateway.core.states import BusinessStatus
from gateway.edxml.answered import check_echo, read_answered, write_answered
from gateway.edxml.block import Block
from gateway.edxml.dates import read_timestamp
from gateway.edxml.namespaces import HEADER_ID, PREFIX
from gateway.edxml.organisation import check_organ, read_organ, write_organ
from gateway.edxml.staff import check_staff, read_staff, write_staff
from gateway.edxml.violations import Checks
from gateway.edxml.writer import XmlWriter

_NAMES: Final = frozenset({"From", "ResponseFor", "StaffInfo", "StatusCode", "Description", "Timestamp"})


def write_header(writer: XmlWriter, message: StatusMessage) -> None:
    """MessageHeader of a status message; empty optional fields are left out."""
    with writer.block(f"{PREFIX}:MessageHeader", {"Id": HEADER_ID}):
        write_organ(writer, "From", message.sender)
        write_answered(writer, message.response_for)
        if message.staff:
            write_staff(writer, message.staff)
        writer.leaf(f"{PREFIX}:StatusCode", message.status.value)
        writer.leaf(f"{PREFIX}:Description", message.description)
        writer.leaf(f"{PREFIX}:Timestamp", edxml_timestamp(message.timestamp))


def read_header(header: Block) -> StatusMessage:
    """A status message's header, whoever wrote it."""
    header.expect(_NAMES)
    staff = header.one("StaffInfo")
    return StatusMessage(
        sender=read_organ(header.need("From")),
        response_for=read_answered(header.need("ResponseFor")),
        status=_read_status(header),
        description=header.text("Description"),
        timestamp=_read_timestamp(header),
        staff=read_staff(staff) if staff else None,
    )


def _read_timestamp(header: Block) -> datetime:
    timestamp = read_timestamp(header.need_text("Timestamp"))
    if timestamp is None:
        header.findings.malformed("value", header.path_of("Timestamp"))
    return timestamp or NO_TIME


def _read_status(header: Block) -> BusinessStatus:
    """The code as two digits; some write `1` for `01`."""
    try:
        return BusinessStatus(header.need_text("StatusCode").zfill(2))
    except ValueError:
        header.findings.malformed("value", header.path_of("StatusCode"))
        return BusinessStatus.ARRIVED


def check(checks: Checks, message: StatusMessage) -> None:
    """Required fields and lengths of the regulation."""
    check_organ(checks, "sender", message.sender)
    check_echo(checks, "response_for", message.response_for)
    checks.lines("description", message.description, limit=limits.REASON_CHARS_MAX)
    checks.moment("timestamp", message.timestamp)
    if message.staff:
        check_staff(checks, "staff", message.staff)
