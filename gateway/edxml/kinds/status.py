"""A status message (transport type `status`): a MessageHeader and nothing else; no To, no trace, no body, no files."""

from gateway.core import limits
from gateway.core.clock import edxml_timestamp
from gateway.core.model import StatusMessage
from gateway.core.states import BusinessStatus
from gateway.edxml.answered import check_echo, read_answered, write_answered
from gateway.edxml.block import Block, malformed
from gateway.edxml.dates import read_timestamp
from gateway.edxml.namespaces import HEADER_ID, PREFIX
from gateway.edxml.organisation import check_organ, read_organ, write_organ
from gateway.edxml.violations import Checks
from gateway.edxml.writer import XmlWriter


def write_header(writer: XmlWriter, message: StatusMessage) -> None:
    """MessageHeader of a status message; empty optional fields are left out."""
    with writer.block(f"{PREFIX}:MessageHeader", {"Id": HEADER_ID}):
        write_organ(writer, "From", message.sender)
        write_answered(writer, message.response_for)
        if message.staff:
            with writer.block(f"{PREFIX}:StaffInfo"):
                writer.leaf(f"{PREFIX}:Staff", message.staff)
        writer.leaf(f"{PREFIX}:StatusCode", message.status.value)
        writer.leaf(f"{PREFIX}:Description", message.description)
        writer.leaf(f"{PREFIX}:Timestamp", edxml_timestamp(message.timestamp))


def read_header(header: Block) -> StatusMessage:
    """A status message's header, whoever wrote it.

    Raises:
        SenderError: `envelope.malformed`.
    """
    staff = header.one("StaffInfo")
    timestamp = read_timestamp(header.need_text("Timestamp"))
    if timestamp is None:
        raise malformed("value", "Timestamp")
    return StatusMessage(
        sender=read_organ(header.need("From")),
        response_for=read_answered(header.need("ResponseFor")),
        status=_read_status(header.need_text("StatusCode")),
        description=header.text("Description"),
        timestamp=timestamp,
        staff=staff.text("Staff") if staff else "",
    )


def _read_status(text: str) -> BusinessStatus:
    """The code as two digits; some write `1` for `01`."""
    try:
        return BusinessStatus(text.zfill(2))
    except ValueError:
        raise malformed("value", "StatusCode") from None


def check(checks: Checks, message: StatusMessage) -> None:
    """Required fields and lengths of the regulation."""
    check_organ(checks, "sender", message.sender)
    check_echo(checks, "response_for", message.response_for)
    checks.lines("description", message.description, limit=limits.REASON_CHARS_MAX)
    checks.line("staff", message.staff, limit=limits.FULL_NAME_CHARS_MAX)
