"""Attached files on arrival: decoded, and bound to the manifest entry that names them."""

import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core import limits
from gateway.core.errors import SenderError
from gateway.core.filename import is_file_name, is_media_type
from gateway.core.ids import Digest
from gateway.edxml.block import Block
from gateway.edxml.manifest import Reference, bare_id
from gateway.safe_xml import QCVN, Element, Skeleton

_PAYLOAD: Final = f"{{{QCVN}}}ContentTransferEncoded"
_WHITE: Final = b" \t\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAttachment:
    """One file of a message, decoded from base64 and from nothing else (a ZIP stays a ZIP)."""

    position: int
    """In the manifest, from 1."""
    name: str
    content_type: str
    data: bytes
    digest: Digest
    """SHA-256 of `data`."""
    size: int
    bound: bool
    """The manifest carries this digest."""


def read_attachments(
    references: Sequence[Reference], encoded: Block | None, skeleton: Skeleton
) -> tuple[ReadAttachment, ...]:
    """The files in the order of the manifest: every entry has its file, and every file its entry.

    Raises:
        SenderError: `envelope.attachments` with a reason, `envelope.malformed`, or `size.limit`.
    """
    blocks = encoded.many("Attachment", limit=limits.FILES_MAX) if encoded else []
    by_id = {bare_id(block.need_text("ContentId")): block for block in blocks}
    wanted = {reference.content_id for reference in references}
    if len(by_id) < len(blocks):
        raise SenderError("envelope.attachments", reason="duplicate")
    if missing := len(wanted - by_id.keys()):
        raise SenderError("envelope.attachments", reason="missing", count=missing)
    texts = _payloads(skeleton)
    if by_id.keys() - wanted or len(texts) > len(blocks):
        raise SenderError("envelope.attachments", reason="extra")
    files = tuple(
        _read(position, reference, by_id[reference.content_id], texts)
        for position, reference in enumerate(references, 1)
    )
    if sum(file.size for file in files) > limits.DOCUMENT_BYTES_MAX:
        raise SenderError("size.limit", limit=limits.DOCUMENT_BYTES_MAX, what="files")
    return files


def _payloads(skeleton: Skeleton) -> Mapping[Element, str]:
    """Each emptied element with the text that was cut out of it: both come in document order."""
    return dict(zip(skeleton.root.iter(_PAYLOAD), skeleton.payloads, strict=True))


def _read(position: int, reference: Reference, block: Block, texts: Mapping[Element, str]) -> ReadAttachment:
    carrier = block.one("ContentTransferEncoded")
    if carrier is None or carrier.element not in texts:
        raise SenderError("envelope.attachments", reason="empty", position=position)
    data = _decode(texts[carrier.element], position)
    digest = Digest(hashlib.sha256(data).hexdigest())
    name = block.text("AttachmentName", limit=limits.ATTACHMENT_NAME_CHARS_MAX)
    content_type = block.text("ContentType")
    bound = reference.digest is not None
    if bound and digest != reference.digest:
        raise SenderError("envelope.attachments", reason="digest", position=position)
    # What the signed manifest says is what counts; an attachment that says otherwise was changed on its way.
    if bound and (name, content_type) != (reference.name, reference.content_type):
        raise SenderError("envelope.attachments", reason="label", position=position)
    name = reference.name or name
    # Without a digest the manifest's type says nothing: the vendor's software writes application/zip for all.
    content_type = content_type or reference.content_type
    _check_label(name, content_type, position)
    return ReadAttachment(
        position=position,
        name=name,
        content_type=content_type,
        data=data,
        digest=digest,
        size=len(data),
        bound=bound,
    )


def _check_label(name: str, content_type: str, position: int) -> None:
    """A name as long as the regulation allows; a type, unless there is none.

    Raises:
        SenderError: `envelope.attachments` (`name`, `type`).
    """
    if not is_file_name(name, limit=limits.ATTACHMENT_NAME_CHARS_MAX):
        raise SenderError("envelope.attachments", reason="name", position=position)
    if content_type and not is_media_type(content_type):
        raise SenderError("envelope.attachments", reason="type", position=position)


def _decode(text: str, position: int) -> bytes:
    """Base64 of RFC 4648 section 4, white space aside.

    Raises:
        SenderError: `envelope.attachments` (`base64`) or `size.limit`.
    """
    try:
        data = binascii.a2b_base64(text.encode("ascii").translate(None, _WHITE), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        raise SenderError("envelope.attachments", reason="base64", position=position) from None
    if len(data) > limits.FILE_BYTES_MAX:
        raise SenderError("size.limit", limit=limits.FILE_BYTES_MAX, what="file", position=position)
    return data
