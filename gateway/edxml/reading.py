"""Reading: from a skeleton to a message, its kind and its files, and what was noticed on the way."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.core.message import Message
from gateway.core.states import MessageKind
from gateway.edxml.attachments import ReadAttachment, read_attachments
from gateway.edxml.block import Block
from gateway.edxml.findings import Finding, Findings
from gateway.edxml.kinds import document, status
from gateway.edxml.manifest import Reference, read_manifest
from gateway.safe_xml import QCVN, Element, Skeleton


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an envelope says. Whether it is signed, and by whom, is not asked here."""

    kind: MessageKind
    message: Message
    attachments: tuple[ReadAttachment, ...]
    findings: tuple[Finding, ...] = ()
    """Of a strict reading: notes only."""

    @property
    def all_bound(self) -> bool:
        """Whether the manifest carries a digest for every file (and so a signature over it speaks of every byte)."""
        return all(attachment.bound for attachment in self.attachments)


def read_message(skeleton: Skeleton) -> Reading:
    """The message of an envelope, read from the same skeleton as its signature was verified on.

    Raises:
        SenderError: `envelope.malformed`, `envelope.attachments`: it could be read in two ways, or lacks what makes a message;
            `size.limit`.
    """
    return _read(skeleton, Findings(strict=True))


def _read(skeleton: Skeleton, findings: Findings) -> Reading:
    root = Block(skeleton.root, "", findings)
    envelope = root.need("edXMLEnvelope")
    if envelope.element is not None and envelope.element.tag != f"{{{QCVN}}}edXMLEnvelope":
        findings.malformed("namespace", envelope.path)
    header = envelope.need("edXMLHeader")
    references = _references(envelope.one("edXMLBody"))
    attachments = read_attachments(references, root.one("AttachmentEncoded"), skeleton, findings)
    message_header = header.need("MessageHeader")
    if not message_header.has("StatusCode"):
        message = document.read_header(message_header, header.one("TraceHeaderList"))
        return Reading(kind=MessageKind.DOCUMENT, message=message, attachments=attachments, findings=findings.result())
    if message_header.has("To"):
        findings.malformed("kind", message_header.path_of("StatusCode"))
    if attachments:
        findings.attachment("extra", "Attachment")
    answer = status.read_header(message_header)
    return Reading(kind=MessageKind.STATUS, message=answer, attachments=attachments, findings=findings.result())


def texts_in(root: Element) -> Iterator[str]:
    """Every text that anybody could read in an envelope, of elements and attributes that we know and that we do not."""
    for element in root.iter():
        yield from filter(None, (element.text, element.tail, *element.attrib.values()))


def _references(body: Block | None) -> tuple[Reference, ...]:
    manifest = body.one("edXMLManifest", "Manifest") if body else None
    return read_manifest(manifest) if manifest else ()
