"""Remarks: what a tolerant reading says of a message beyond what it took to read it."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from gateway.core.message import DocumentMessage, Message
from gateway.core.model import Attachment, BlobRef
from gateway.core.secrecy import find_mark
from gateway.edxml.attachments import ReadAttachment
from gateway.edxml.block import local_name
from gateway.edxml.document_id import note_document_id
from gateway.edxml.envelope import check_regulation
from gateway.edxml.findings import Findings
from gateway.edxml.places import path_of, places
from gateway.edxml.wire import Counts, attached_path, wire_path
from gateway.safe_xml import Element, Skeleton

_HEADER: Final = "edXMLEnvelope/edXMLHeader"


def note_repairs(skeleton: Skeleton, findings: Findings) -> None:
    """What had to be done to the bytes before there was a tree."""
    for repair in skeleton.repairs:
        findings.repaired(f"xml.{repair.value}", "")


def note_regulation(message: Message, attachments: Sequence[ReadAttachment], root: Element, findings: Findings) -> None:
    """What would keep the same message from being written, but for what an error says already."""
    files = [
        Attachment(
            position=file.position,
            name=file.name,
            content_type=file.content_type,
            blob=BlobRef(digest=file.digest, size=file.size),
        )
        for file in attachments
    ]
    paths, count = [file.path for file in attachments], counter(root)
    for violation in check_regulation(message, files):
        attached = violation.path.startswith("attachments")
        path = attached_path(paths, violation.path) if attached else wire_path(message, violation.path, count)
        if not findings.errs_at(path):
            findings.note(f"regulation.{violation.code}", path, **violation.params)
    if isinstance(message, DocumentMessage):
        note_document_id(message, wire_path(message, "document_id", count), findings)


def note_secrecy(root: Element, findings: Findings) -> None:
    """Marks of secrecy, wherever they stand: this channel is not for what bears one."""
    mark_in = cache(find_mark)  # an envelope for 168 bodies says the same thing very often
    for element, steps in places(root):
        texts = (element.text, element.tail, *element.attrib.values())
        mark = next((mark for text in texts if text and (mark := mark_in(text))), None)
        if mark is not None:
            findings.error("secrecy", path_of(steps), mark=mark)
        if findings.full:
            return


def counter(root: Element) -> Counts:
    """Counts the elements of a path of the header that has no numbers in it; each path once."""

    @cache
    def count(path: str) -> int:
        if "[" in path:  # an entry of a list: not even looked for, or each of a hundred goes through all elements
            return 0
        found = [root]
        for name in (*_HEADER.split("/"), *path.split("/")):
            found = [child for element in found for child in element if local_name(child) == name]
        return len(found)

    return count
