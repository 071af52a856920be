"""The manifest: one Reference per attached file, with the SHA-256 that binds the file to what is signed.

The regulation's Reference has no digest; the one of XML Signature stands in it as two more elements, which the vendor's
reader leaves aside. It is over the decoded file, so base64 never goes through canonicalisation.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core import limits
from gateway.core.filename import is_file_name, is_media_type
from gateway.core.ids import Digest
from gateway.core.model import Attachment
from gateway.edxml.block import SPACE, Block
from gateway.edxml.namespaces import DS, PREFIX, SHA256
from gateway.edxml.violations import Checks
from gateway.edxml.writer import XmlWriter

_CID: Final = "cid:"
_SHA256_BYTES: Final = 32
_CHILDREN: Final = frozenset(
    {"ContentId", "ContentType", "Description", "AttachmentName", "DigestMethod", "DigestValue"}
)
"""Of a Reference: the regulation's, and the two that bind the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One entry of a manifest as read."""

    path: str
    """Where it stands: `edXMLManifest/Reference[2]`."""
    content_id: str
    """Without any leading `cid:`."""
    name: str
    content_type: str
    digest: Digest | None
    """None in files of other makers."""


def content_id(attachment: Attachment) -> str:
    """The id that ties a Reference to its Attachment: by position, so that it is the same in every writing."""
    return f"{_CID}file-{attachment.position}"


def bare_id(text: str) -> str:
    """An id without its prefix: some write `cid:` in one of the two places, the vendor's software twice in both."""
    while text.startswith(_CID):
        text = text.removeprefix(_CID)
    return text


def write_manifest(writer: XmlWriter, attachments: Sequence[Attachment]) -> None:
    """The manifest of these files, in the order given."""
    with writer.block(f"{PREFIX}:edXMLManifest", {"version": "1.0"}):
        for attachment in attachments:
            _write_reference(writer, attachment)


def _write_reference(writer: XmlWriter, attachment: Attachment) -> None:
    digest = base64.b64encode(bytes.fromhex(attachment.blob.digest)).decode()
    with writer.block(f"{PREFIX}:Reference", {"xmlns:ds": DS}):
        writer.leaf(f"{PREFIX}:ContentId", content_id(attachment))
        writer.leaf(f"{PREFIX}:ContentType", attachment.content_type)
        writer.leaf(f"{PREFIX}:AttachmentName", attachment.name)
        writer.empty("ds:DigestMethod", {"Algorithm": SHA256})
        writer.leaf("ds:DigestValue", digest)


def read_id(block: Block) -> str:
    """The id of an entry or of a file, without its prefix; where that does not stand once, which is a note."""
    text = block.need_text("ContentId")
    bare = bare_id(text)
    if text and text != _CID + bare:
        block.findings.note("attachment.cid", block.path_of("ContentId"), value=text)
    return bare


def read_manifest(block: Block) -> tuple[Reference, ...]:
    """All entries, in order; two of one id are an error."""
    block.expect({"Reference"})
    references = tuple(_read_reference(one) for one in block.many("Reference", limit=limits.FILES_MAX))
    seen: set[str] = set()
    for reference in references:
        if reference.content_id in seen:
            block.findings.attachment("duplicate", reference.path)
        seen.add(reference.content_id)
    return references


def _read_reference(block: Block) -> Reference:
    block.expect(_CHILDREN)
    return Reference(
        path=block.path,
        content_id=read_id(block),
        name=block.text("AttachmentName", limit=limits.ATTACHMENT_NAME_CHARS_MAX),
        content_type=block.text("ContentType"),
        digest=_read_digest(block),
    )


def _read_digest(block: Block) -> Digest | None:
    method, value = block.one("DigestMethod"), block.text("DigestValue").strip(SPACE)
    if method is None and not value:
        return None
    if method is None or method.element is None or method.element.get("Algorithm") != SHA256:
        block.findings.attachment("digest_method", block.path_of("DigestMethod"))
        return None
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != _SHA256_BYTES:
        block.findings.malformed("value", block.path_of("DigestValue"))
        return None
    return Digest(digest.hex())


def check_attachments(checks: Checks, attachments: Sequence[Attachment]) -> None:
    """Names and types are what they should be and can be written, and not too many files."""
    checks.count("attachments", len(attachments), lowest=0, highest=limits.FILES_MAX)
    for index, attachment in enumerate(attachments):
        name, content_type = f"attachments[{index}].name", f"attachments[{index}].content_type"
        checks.line(name, attachment.name, limit=limits.ATTACHMENT_NAME_CHARS_MAX, required=True)
        checks.form(name, good=is_file_name(attachment.name, limit=limits.ATTACHMENT_NAME_CHARS_MAX))
        checks.line(content_type, attachment.content_type, limit=limits.ATTACHMENT_NAME_CHARS_MAX, required=True)
        checks.form(content_type, good=is_media_type(attachment.content_type))
