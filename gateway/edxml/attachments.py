"""Attached files on arrival: bound to the manifest entry that names them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core import limits
from gateway.core.errors import SenderError
from gateway.core.filename import is_file_name, is_media_type
from gateway.core.ids import Digest
from gateway.edxml.block import Block
from gateway.edxml.findings import Findings
from gateway.edxml.manifest import Reference, read_id
from gateway.edxml.wrapping import Contents, Label, Unwrapper
from gateway.safe_xml import PAYLOAD_NAME, Element, Payload, Skeleton

_CHILDREN: Final = frozenset(
    {"ContentId", "AttachmentName", "Description", "FieldName", "MimeType", "Format", "ContentType", PAYLOAD_NAME}
)
"""Of an Attachment, by the regulation or the vendor (facts 1.9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAttachment:
    """One file of a message."""

    position: int
    """In the manifest, from 1; what the manifest does not name (an error) comes after that."""
    path: str
    """Where it stands on the wire, as findings name it: `Attachment[2]`."""
    name: str
    content_type: str
    payload: Payload
    """As carried: decoded from base64 and from nothing else (a ZIP stays a ZIP)."""
    bound: bool
    """The manifest carries the digest of the file."""
    file: Payload
    """The file itself: in a tolerant reading without the one ZIP that was wrapped around it; else the payload."""
    media_type: str = ""
    """Of the file, by its bytes; only in a tolerant reading."""
    wrapped: bool = False
    """A ZIP was taken off."""

    @property
    def digest(self) -> Digest:
        """SHA-256 of the file."""
        return self.file.digest

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.file.size


def read_attachments(
    references: Sequence[Reference],
    root: Block,
    skeleton: Skeleton,
    unwrapper: Unwrapper | None,
    *,
    document_bytes: int | None = None,
) -> tuple[ReadAttachment, ...]:
    """The files in the order of the manifest: every entry has its file, and every file its entry.

    Without an unwrapper they are taken as they are carried.

    Raises:
        SenderError: `size.limit` for all of them together.
    """
    findings, encoded = root.findings, root.one("AttachmentEncoded")
    if encoded:
        encoded.expect({"Attachment"})
    blocks = encoded.many("Attachment", limit=limits.FILES_MAX) if encoded else []
    pairs = _paired(references, blocks, findings)
    _check_strays(skeleton, encoded, findings)
    payloads = dict(zip(skeleton.carriers, skeleton.payloads, strict=True))
    files = tuple(
        file
        for position, (reference, block) in enumerate(pairs, 1)
        if block is not None and (file := _read(position, reference, block, payloads, unwrapper)) is not None
    )
    limit = limits.DOCUMENT_BYTES_MAX if document_bytes is None else document_bytes
    if sum(file.size for file in files) > limit and findings.strict:
        raise SenderError("size.limit", limit=limit, what="files")
    return files


def _paired(
    references: Sequence[Reference], blocks: Sequence[Block], findings: Findings
) -> list[tuple[Reference | None, Block | None]]:
    """Each entry with its file, then the files without an entry; of several with one id, which is an error, in their order."""
    by_id: dict[str, list[Block]] = {}
    for block in blocks:
        same = by_id.setdefault(read_id(block), [])
        if same:
            findings.attachment("duplicate", block.path)
        same.append(block)
    pairs: list[tuple[Reference | None, Block | None]] = []
    for reference in references:
        same = by_id.get(reference.content_id, [])
        pairs.append((reference, same.pop(0) if same else None))
    missing = [reference for reference, block in pairs if reference and block is None]
    for reference in missing:
        findings.attachment("missing", reference.path, count=len(missing))
    extra = [block for block in blocks if any(block is one for same in by_id.values() for one in same)]
    for block in extra:
        findings.attachment("extra", block.path)
    return [*pairs, *((None, block) for block in extra)]


def _check_strays(skeleton: Skeleton, encoded: Block | None, findings: Findings) -> None:
    """Whatever was decoded stands in an Attachment, and is all there is in it."""
    homes = {home: number for number, home in enumerate(encoded.children("Attachment") if encoded else (), 1)}
    taken: set[Element] = set()
    for carrier in skeleton.carriers:
        home = carrier.getparent()
        if home is not None and home in homes and home not in taken:
            taken.add(home)
            continue
        number = homes.get(home) if home is not None else None
        path = f"Attachment[{number}]/{PAYLOAD_NAME}" if number else PAYLOAD_NAME
        findings.attachment("extra", path)


def _read(
    position: int,
    reference: Reference | None,
    block: Block,
    payloads: Mapping[Element, Payload],
    unwrapper: Unwrapper | None,
) -> ReadAttachment | None:
    findings = block.findings
    block.expect(_CHILDREN)
    carrier = block.one(PAYLOAD_NAME)
    payload = payloads.get(carrier.element) if carrier and carrier.element is not None else None
    if payload is None:
        findings.attachment("empty", block.path, position=position)
        return None
    if not payload.sound:
        findings.attachment("base64", block.path, position=position)
    label = _read_label(position, reference, block)
    file = unwrapper.contents(label, payload) if unwrapper else Contents(file=payload, media_type="", wrapped=False)
    if label.digest is not None and payload.sound and file.file.digest != label.digest:
        findings.attachment("digest", block.path, position=position)
    _check_label(block, reference, label)
    return ReadAttachment(
        position=position,
        path=block.path,
        name=label.name,
        content_type=label.content_type,
        payload=payload,
        bound=file.file.digest == label.digest,
        file=file.file,
        media_type=file.media_type,
        wrapped=file.wrapped,
    )


def _read_label(position: int, reference: Reference | None, block: Block) -> Label:
    """What the manifest says, or else the attachment itself."""
    name = block.text("AttachmentName", limit=limits.ATTACHMENT_NAME_CHARS_MAX)
    content_type = block.text("ContentType")
    return Label(
        path=block.path,
        position=position,
        name=(reference.name if reference else "") or name,
        content_type=content_type or (reference.content_type if reference else ""),
        declared=content_type or (reference.content_type if reference and reference.digest else ""),
        digest=reference.digest if reference else None,
    )


def _check_label(block: Block, reference: Reference | None, label: Label) -> None:
    """A name as long as the regulation allows; a type, unless there is none; both as the manifest that binds the file says."""
    findings = block.findings
    if reference and reference.digest is not None:
        # What the signed manifest says is what counts; an attachment that says otherwise was changed on its way.
        said = (block.text("AttachmentName", limit=limits.ATTACHMENT_NAME_CHARS_MAX), block.text("ContentType"))
        if said != (reference.name, reference.content_type):
            findings.attachment("label", block.path, position=label.position)
    if not is_file_name(label.name, limit=limits.ATTACHMENT_NAME_CHARS_MAX):
        findings.attachment("name", block.path, position=label.position)
    if label.content_type and not is_media_type(label.content_type):
        findings.attachment("type", block.path, position=label.position)
