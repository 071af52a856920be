"""The frame of an envelope, and what may be written into it."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.core.errors import SenderError
from gateway.core.free_texts import free_texts
from gateway.core.message import DocumentMessage, Message, StatusMessage
from gateway.core.model import Attachment
from gateway.edxml.kinds import document, status
from gateway.edxml.manifest import check_attachments, write_manifest
from gateway.edxml.namespaces import BODY_ID, PREFIX
from gateway.edxml.organisation import is_unmarked
from gateway.edxml.trace import write_trace
from gateway.edxml.violations import Checks, Violation
from gateway.edxml.writer import XmlWriter
from gateway.safe_xml import QCVN


def validate(message: Message, attachments: Sequence[Attachment] = ()) -> tuple[Violation, ...]:
    """Everything that keeps this message from being written; empty when it can be."""
    return (*check_regulation(message, attachments), *_check_secrecy(message, attachments))


def check_regulation(message: Message, attachments: Sequence[Attachment]) -> tuple[Violation, ...]:
    """What of it the regulation does not allow."""
    checks = Checks()
    if isinstance(message, StatusMessage):
        status.check(checks, message)
    else:
        document.check(checks, message)
    check_attachments(checks, attachments)
    return checks.result()


def check_files(attachments: Sequence[Attachment]) -> tuple[Violation, ...]:
    """What of its files the regulation does not allow."""
    checks = Checks()
    check_attachments(checks, attachments)
    return checks.result()


def _check_secrecy(message: Message, attachments: Sequence[Attachment]) -> tuple[Violation, ...]:
    """Marks of secrecy in any text that would be written: the format is not for what bears one (QCVN 102:2016, scope)."""
    checks = Checks()
    for path, text in free_texts(_unproven(message)):
        checks.unmarked(path, text)
    for index, attachment in enumerate(attachments):
        checks.unmarked(f"attachments[{index}].name", attachment.name)
    return checks.result()


def _unproven(message: Message) -> Message:
    """What is still to be looked through: not what others claimed, and not bodies of which all is known to be unmarked."""
    if isinstance(message, StatusMessage):
        return message
    recipients = () if all(map(is_unmarked, message.recipients)) else message.recipients
    return replace(message, claims=(), recipients=recipients)


def write_skeleton(message: Message, attachments: Sequence[Attachment]) -> bytes:
    """The envelope without its files, ready to be signed: UTF-8 with a declaration, the same bytes every time.

    Raises:
        SenderError: `request.field` naming every field that `validate` finds.
    """
    if violations := validate(message, attachments):
        fields = ", ".join(f"{violation.path}: {violation.code}" for violation in violations)
        raise SenderError("request.field", field=fields, problem="regulation")
    writer = XmlWriter()
    with writer.block("edXML", {"xmlns": QCVN}), writer.block(f"{PREFIX}:edXMLEnvelope", {f"xmlns:{PREFIX}": QCVN}):
        if isinstance(message, StatusMessage):
            assert not attachments, "a status message carries no files"
            with writer.block(f"{PREFIX}:edXMLHeader"):
                status.write_header(writer, message)
        else:
            _write_document(writer, message, attachments)
    return writer.getvalue()


def _write_document(writer: XmlWriter, message: DocumentMessage, attachments: Sequence[Attachment]) -> None:
    with writer.block(f"{PREFIX}:edXMLHeader"):
        document.write_header(writer, message)
        write_trace(writer, message)
    with writer.block(f"{PREFIX}:edXMLBody", {"Id": BODY_ID}):
        write_manifest(writer, attachments)
