"""Attached files on arrival: bound to the manifest entry that names them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.core import limits
from gateway.core.errors import SenderError
from gateway.core.filename import is_file_name, is_media_type
from gateway.core.ids import Digest
from gateway.edxml.block import Block
from gateway.edxml.findings import Findings
from gateway.edxml.manifest import Reference, bare_id
from gateway.safe_xml import Element, Payload, Skeleton


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAttachment:
    """One file of a message, decoded from base64 and from nothing else (a ZIP stays a ZIP)."""

    position: int
    """In the manifest, from 1."""
    name: str
    content_type: str
    payload: Payload
    bound: bool
    """The manifest carries this digest."""

    @property
    def digest(self) -> Digest:
        """SHA-256 of the file."""
        return self.payload.digest

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.payload.size


def read_attachments(
    references: Sequence[Reference], encoded: Block | None, skeleton: Skeleton, findings: Findings
) -> tuple[ReadAttachment, ...]:
    """The files in the order of the manifest: every entry has its file, and every file its entry.

    Raises:
        SenderError: `size.limit` for all of them together.
    """
    blocks = encoded.many("Attachment", limit=limits.FILES_MAX) if encoded else []
    by_id = {bare_id(block.need_text("ContentId")): block for block in blocks}
    wanted = {reference.content_id for reference in references}
    if len(by_id) < len(blocks):
        findings.attachment("duplicate", "AttachmentEncoded")
    if missing := len(wanted - by_id.keys()):
        findings.attachment("missing", "AttachmentEncoded", count=missing)
    if by_id.keys() - wanted or len(skeleton.payloads) > len(blocks):
        findings.attachment("extra", "AttachmentEncoded")
    payloads = dict(zip(skeleton.carriers, skeleton.payloads, strict=True))
    files = tuple(
        file
        for position, reference in enumerate(references, 1)
        if (block := by_id.get(reference.content_id)) is not None
        and (file := _read(position, reference, block, payloads)) is not None
    )
    if sum(file.size for file in files) > limits.DOCUMENT_BYTES_MAX and findings.strict:
        raise SenderError("size.limit", limit=limits.DOCUMENT_BYTES_MAX, what="files")
    return files


def _read(
    position: int, reference: Reference, block: Block, payloads: Mapping[Element, Payload]
) -> ReadAttachment | None:
    findings = block.findings
    carrier = block.one("ContentTransferEncoded")
    payload = payloads.get(carrier.element) if carrier and carrier.element is not None else None
    if payload is None:
        findings.attachment("empty", block.path, position=position)
        return None
    if not payload.sound:
        findings.attachment("base64", block.path, position=position)
    name = block.text("AttachmentName", limit=limits.ATTACHMENT_NAME_CHARS_MAX)
    content_type = block.text("ContentType")
    bound = reference.digest is not None
    if bound and payload.digest != reference.digest:
        findings.attachment("digest", block.path, position=position)
    # What the signed manifest says is what counts; an attachment that says otherwise was changed on its way.
    if bound and (name, content_type) != (reference.name, reference.content_type):
        findings.attachment("label", block.path, position=position)
    name = reference.name or name
    # Without a digest the manifest's type says nothing: the vendor's software writes application/zip for all.
    content_type = content_type or reference.content_type
    _check_label(block, name, content_type, position)
    return ReadAttachment(position=position, name=name, content_type=content_type, payload=payload, bound=bound)


def _check_label(block: Block, name: str, content_type: str, position: int) -> None:
    """A name as long as the regulation allows; a type, unless there is none."""
    if not is_file_name(name, limit=limits.ATTACHMENT_NAME_CHARS_MAX):
        block.findings.attachment("name", block.path, position=position)
    if content_type and not is_media_type(content_type):
        block.findings.attachment("type", block.path, position=position)
