"""Reading: from a skeleton to a message, its kind and its files, and what was noticed on the way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.core.findings import Finding
from gateway.core.message import Message
from gateway.core.states import MessageKind
from gateway.edxml.attachments import ReadAttachment, read_attachments
from gateway.edxml.block import Block, namespace_of
from gateway.edxml.findings import Findings
from gateway.edxml.kinds import document, status
from gateway.edxml.manifest import Reference, read_manifest
from gateway.edxml.remarks import note_regulation, note_repairs, note_secrecy
from gateway.edxml.wrapping import Unwrapper
from gateway.safe_xml import AT_HAND, QCVN, Caps, Element, Skeleton, Store, in_memory


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


def read_message(skeleton: Skeleton, *, document_bytes: int | None = None) -> Reading:
    """The message of an envelope, read from the same skeleton as its signature was verified on.

    `document_bytes`: of all files together; None: as many as are usual.

    Raises:
        SenderError: `envelope.malformed`, `envelope.attachments`: it could be read in two ways, or lacks what makes a message;
            `size.limit`.
    """
    return _read(skeleton, Findings(strict=True), None, document_bytes)


def read_tolerantly(skeleton: Skeleton, *, store: Store = in_memory, caps: Caps = AT_HAND) -> Reading:
    """Whatever can be read of an envelope, and everything that is to be said of it; total on any tree.

    What is in a ZIP that was wrapped around a file is written where `store` says, at positions after those of the payloads (so
    it may be the store that took them), within the same caps.
    """
    findings = Findings(strict=False)
    note_repairs(skeleton, findings)
    reading = _read(skeleton, findings, Unwrapper(store, caps, findings, after=len(skeleton.payloads)))
    note_secrecy(skeleton.root, findings)
    note_regulation(reading.message, reading.attachments, skeleton.root, findings)
    return replace(reading, findings=findings.result())


def _read(
    skeleton: Skeleton, findings: Findings, unwrapper: Unwrapper | None, document_bytes: int | None = None
) -> Reading:
    root = Block(skeleton.root, "", findings)
    root.expect({"edXMLEnvelope", "AttachmentEncoded"})
    envelope = root.need("edXMLEnvelope")
    envelope.expect({"edXMLHeader", "edXMLBody"})
    if envelope.element is not None and envelope.element.tag != f"{{{QCVN}}}edXMLEnvelope":
        findings.namespace(envelope.path, namespace_of(envelope.element))
    header = envelope.need("edXMLHeader")
    header.expect({"MessageHeader", "TraceHeaderList", "Signature"})
    references = _references(envelope.one("edXMLBody"))
    attachments = read_attachments(references, root, skeleton, unwrapper, document_bytes=document_bytes)
    message_header = header.need("MessageHeader")
    if not message_header.has("StatusCode"):
        message = document.read_header(message_header, header.one("TraceHeaderList"))
        return Reading(kind=MessageKind.DOCUMENT, message=message, attachments=attachments, findings=findings.result())
    if message_header.has("To"):
        findings.malformed("kind", message_header.path_of("StatusCode"))
    for file in attachments:
        findings.attachment("extra", file.path)
    answer = status.read_header(message_header)
    return Reading(kind=MessageKind.STATUS, message=answer, attachments=attachments, findings=findings.result())


def texts_in(root: Element) -> Iterator[str]:
    """Every text that anybody could read in an envelope, of elements and attributes that we know and that we do not."""
    for element in root.iter():
        yield from filter(None, (element.text, element.tail, *element.attrib.values()))


def _references(body: Block | None) -> tuple[Reference, ...]:
    if body is None:
        return ()
    body.expect({"edXMLManifest", "Manifest"})
    manifest = body.one("edXMLManifest", "Manifest")
    return read_manifest(manifest) if manifest else ()
