"""Reading: from a skeleton to a message, its kind and its files."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.core.errors import SenderError
from gateway.core.model import Message
from gateway.core.states import MessageKind
from gateway.edxml.attachments import ReadAttachment, read_attachments
from gateway.edxml.block import Block, malformed
from gateway.edxml.kinds import document, status
from gateway.edxml.manifest import Reference, read_manifest
from gateway.safe_xml import QCVN, Element, Skeleton


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an envelope says. Whether it is signed, and by whom, is not asked here."""

    kind: MessageKind
    message: Message
    attachments: tuple[ReadAttachment, ...]

    @property
    def all_bound(self) -> bool:
        """Whether the manifest carries a digest for every file (and so a signature over it speaks of every byte)."""
        return all(attachment.bound for attachment in self.attachments)


def read_message(skeleton: Skeleton) -> Reading:
    """The message of an envelope, read from the same skeleton as its signature was verified on.

    Raises:
        SenderError: `envelope.malformed`, `envelope.attachments` or `size.limit`.
    """
    root = Block(skeleton.root)
    envelope = root.need("edXMLEnvelope")
    if envelope.element.tag != f"{{{QCVN}}}edXMLEnvelope":
        raise malformed("namespace", "edXMLEnvelope")
    header = envelope.need("edXMLHeader")
    references = _references(envelope.one("edXMLBody"))
    attachments = read_attachments(references, root.one("AttachmentEncoded"), skeleton)
    message_header = header.need("MessageHeader")
    if not message_header.has("StatusCode"):
        message = document.read_header(message_header, header.one("TraceHeaderList"))
        return Reading(kind=MessageKind.DOCUMENT, message=message, attachments=attachments)
    if message_header.has("To"):
        raise malformed("kind", "StatusCode")
    if attachments:
        raise SenderError("envelope.attachments", reason="extra")
    return Reading(kind=MessageKind.STATUS, message=status.read_header(message_header), attachments=())


def texts_in(root: Element) -> Iterator[str]:
    """Every text that anybody could read in an envelope, of elements and attributes that we know and that we do not."""
    for element in root.iter():
        yield from filter(None, (element.text, element.tail, *element.attrib.values()))


def _references(body: Block | None) -> tuple[Reference, ...]:
    manifest = body.one("edXMLManifest", "Manifest") if body else None
    return read_manifest(manifest) if manifest else ()
