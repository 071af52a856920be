"""ResponseFor: the document that a message answers. In a status message it is also the only address."""

from typing import Final

from gateway.core import limits
from gateway.core.ids import OrganId
from gateway.core.message import ResponseFor
from gateway.edxml.block import Block
from gateway.edxml.dates import date_of, write_date
from gateway.edxml.namespaces import PREFIX
from gateway.edxml.violations import Checks
from gateway.edxml.writer import XmlWriter

_NAMES: Final = frozenset({"OrganId", "Code", "DocumentId", "PromulgationDate"})


def write_answered(writer: XmlWriter, answered: ResponseFor) -> None:
    """One block, fields in the order of the vendor's software."""
    with writer.block(f"{PREFIX}:ResponseFor"):
        writer.leaf(f"{PREFIX}:OrganId", answered.organ_id)
        writer.leaf(f"{PREFIX}:Code", answered.code)
        writer.leaf(f"{PREFIX}:DocumentId", answered.document_id)
        writer.leaf(f"{PREFIX}:PromulgationDate", write_date(answered.promulgation_date))


def read_answered(block: Block) -> ResponseFor:
    """One block."""
    block.expect(_NAMES)
    return ResponseFor(
        organ_id=OrganId(block.need_text("OrganId", limit=limits.ORGAN_ID_CHARS_MAX)),
        code=block.text("Code"),
        document_id=block.need_text("DocumentId", limit=limits.DOCUMENT_ID_CHARS_MAX),
        promulgation_date=date_of(block, "PromulgationDate"),
    )


def check_answered(checks: Checks, path: str, answered: ResponseFor) -> None:
    """Whose document and which one are required; lines of plain text, lengths."""
    checks.line(f"{path}.organ_id", answered.organ_id, limit=limits.ORGAN_ID_CHARS_MAX, required=True)
    checks.line(f"{path}.document_id", answered.document_id, limit=limits.DOCUMENT_ID_CHARS_MAX, required=True)
    checks.line(f"{path}.code", answered.code, limit=limits.ANSWERED_CODE_CHARS_MAX)


def check_echo(checks: Checks, path: str, answered: ResponseFor) -> None:
    """The same in an answer about a document that arrived: its DocumentId goes back as it came, whatever is in it."""
    checks.line(f"{path}.organ_id", answered.organ_id, limit=limits.ORGAN_ID_CHARS_MAX, required=True)
    checks.echo(f"{path}.document_id", answered.document_id, limit=limits.DOCUMENT_ID_CHARS_MAX, required=True)
    checks.line(f"{path}.code", answered.code, limit=limits.ANSWERED_CODE_CHARS_MAX)
