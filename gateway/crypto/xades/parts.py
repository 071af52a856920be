"""The parts of an envelope that its signature covers, and where each must stand (house.md; docs/ARCHITECTURE.md).

A part is known by its local name in whatever namespace: a second one anywhere, under any spelling that a reader of ours
or of the vendor accepts, is refused before a digest is computed. That leaves signature wrapping no element to hide in.
Nor a text: what stands in a ContentTransferEncoded is cut out before anything is digested, so there is none in the envelope.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.core.validation import Indication, SubIndication
from gateway.crypto.duty import UnmetDuty
from gateway.safe_xml import PAYLOAD_NAME, QCVN, Element

HEADER: Final = "header"
BUSINESS: Final = "business"
BODY: Final = "body"
"""Ids of the parts: MessageHeader, Bussiness (revoke, update and replace live there), edXMLBody."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Local names an element goes by, and the path of its parent from the root."""

    names: tuple[str, ...]
    parent: str


_ENVELOPE: Final = f"{{{QCVN}}}edXMLEnvelope"
_HEADER: Final = f"{_ENVELOPE}/{{{QCVN}}}edXMLHeader"
_PLACES: Final[Mapping[str, _Place]] = {
    HEADER: _Place(("MessageHeader",), _HEADER),
    BUSINESS: _Place(("Bussiness", "Business"), f"{_HEADER}/{{{QCVN}}}TraceHeaderList"),
    BODY: _Place(("edXMLBody",), _ENVELOPE),
}
_FRAME: Final = ("edXMLEnvelope", "edXMLHeader", "TraceHeaderList")
_NAMES: Final = tuple(
    f"{{*}}{name}" for name in (*_FRAME, *(name for place in _PLACES.values() for name in place.names))
)
"""In whatever namespace, or in none."""
_IDS: Final = etree.XPath("//@*[translate(local-name(), 'ID', 'id') = 'id']")


class StructureError(UnmetDuty):
    """The file is not built as the profile says; the message says where, and contains nothing of the file."""

    def __init__(self, reason: str) -> None:
        super().__init__(Indication.TOTAL_FAILED, SubIndication.FORMAT_FAILURE, reason)


def header_of(root: Element) -> Element:
    """The one edXMLHeader, in its place.

    Raises:
        StructureError: the frame of the envelope is not there, or twice.
    """
    return _header(root, _by_name(root))


def _by_name(root: Element) -> Mapping[str, list[Element]]:
    """Every element of the file that bears one of the names, in one walk."""
    found: dict[str, list[Element]] = {}
    for element in root.iter(*_NAMES):
        found.setdefault(str(element.tag).rpartition("}")[2], []).append(element)
    return found


def _header(root: Element, found: Mapping[str, list[Element]]) -> Element:
    if root.tag != f"{{{QCVN}}}edXML" or root.getparent() is not None:
        raise StructureError("the root is not edXML")
    for name in _FRAME:
        if len(found.get(name, ())) > 1:
            raise StructureError(f"more than one {name}")
    header = root.find(_HEADER)
    if header is None:
        raise StructureError("no edXMLHeader in its place")
    return header


def parts_of(root: Element) -> dict[str, Element]:
    """The parts that are there, by Id, each the only one of its kind, in its place, under its Id.

    Raises:
        StructureError: otherwise, or when any two id-like attributes of the file are equal.
    """
    named = _by_name(root)
    _header(root, named)
    parts = {}
    for identifier, place in _PLACES.items():
        found = [element for name in place.names for element in named.get(name, ())]
        if not found:
            continue
        if len(found) > 1:
            raise StructureError(f"more than one {place.names[0]}")
        element = found[0]
        if element.getparent() is not root.find(place.parent) or not str(element.tag).startswith(f"{{{QCVN}}}"):
            raise StructureError(f"{place.names[0]} is not in its place")
        if element.get("Id") != identifier:
            raise StructureError(f"{place.names[0]} does not bear its Id")
        parts[identifier] = element
    if HEADER not in parts:
        raise StructureError("no MessageHeader")
    if root.find(f"{_ENVELOPE}//{{*}}{PAYLOAD_NAME}") is not None:
        raise StructureError("a file inside the envelope")
    check_ids(root)
    return parts


def check_ids(root: Element) -> None:
    """No two id-like attributes of a file are equal, whatever their case and namespace.

    Raises:
        StructureError: two are.
    """
    identifiers = _IDS(root)
    if len(identifiers) != len(set(identifiers)):
        raise StructureError("two elements with one id")
