"""The frame of an envelope: what may stand outside its signed parts (house.md, "what the envelope signature covers").

Our reader takes only signed elements; the vendor's matches by local name, wherever. So that the two read one document, an
element, an attribute or a text that no signature covers is allowed only where this table names it: the trace that hubs
append, and the files, which the signed manifest binds. A field of a file that the manifest does not repeat
(`Description` and its like) may stand there, as the vendor's software leaves it, but must say nothing.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gateway.core import limits
from gateway.crypto.xades.form import WHITE
from gateway.crypto.xades.names import DS
from gateway.safe_xml import QCVN, Element


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What one element may hold."""

    children: Mapping[str, "_Child"] = field(default_factory=dict)
    """By qualified name; another one may not stand there."""
    attributes: frozenset[str] | None = frozenset()
    """None: any, for they are outside of everything that is said (house.md: list attributes)."""
    text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Child:
    """How often a child may be there, and what it may hold."""

    rule: _Rule | None
    """None: signed as a whole, so that whatever it holds is the signer's."""
    least: int = 0
    most: int = 1


def _named(namespace: str, **children: _Child) -> Mapping[str, _Child]:
    return MappingProxyType({f"{{{namespace}}}{name}": child for name, child in children.items()})


_SIGNED: Final = _Child(rule=None)
_ONE_SIGNED: Final = _Child(rule=None, least=1)
"""Signed, or the signature itself: its form, what nobody signs in it included, is duty 3 of `verify`."""
_TEXT: Final = _Child(rule=_Rule(text=True))
_ONE_TEXT: Final = _Child(rule=_Rule(text=True), least=1)
_EMPTY: Final = _Child(rule=_Rule())

_TRACE: Final = _Rule(children=_named(QCVN, OrganId=_TEXT, Timestamp=_TEXT), attributes=None)
_TRACES: Final = _Rule(
    children=_named(
        QCVN, Bussiness=_SIGNED, Business=_SIGNED, TraceHeader=_Child(rule=_TRACE, most=limits.TRACE_HEADERS_MAX)
    ),
    attributes=None,
)
_HEADER: Final = _Rule(
    children=MappingProxyType(
        {
            **_named(QCVN, MessageHeader=_ONE_SIGNED, TraceHeaderList=_Child(rule=_TRACES)),
            **_named(DS, Signature=_ONE_SIGNED),
        }
    )
)
_ENVELOPE: Final = _Rule(children=_named(QCVN, edXMLHeader=_Child(rule=_HEADER, least=1), edXMLBody=_SIGNED))
_FILE: Final = _Rule(
    children=_named(
        QCVN,
        ContentId=_ONE_TEXT,
        AttachmentName=_ONE_TEXT,
        ContentType=_ONE_TEXT,
        Description=_EMPTY,
        FieldName=_EMPTY,
        MimeType=_EMPTY,
        ContentTransferEncoded=_ONE_TEXT,
    )
)
_FILES: Final = _Rule(children=_named(QCVN, Attachment=_Child(rule=_FILE, most=limits.FILES_MAX)))
_ROOT: Final = _Rule(
    children=_named(QCVN, edXMLEnvelope=_Child(rule=_ENVELOPE, least=1), AttachmentEncoded=_Child(rule=_FILES))
)


def frame_fault(root: Element) -> str:
    """What stands outside the signed parts and does not belong there, or what is not there; empty when all is well.

    Names an element of the format and nothing of the file's content.
    """
    return _fault(root, _ROOT, "edXML")


def _fault(element: Element, rule: _Rule, name: str) -> str:
    if rule.attributes is not None and not rule.attributes.issuperset(map(str, element.attrib)):
        return f"{name} has an attribute that does not belong there"
    if not rule.text and not _blank(element.text):
        return f"{name} holds a text that does not belong there"
    counts = Counter(str(child.tag) for child in element)
    if not rule.children.keys() >= counts.keys():
        return f"{name} holds an element that does not belong there"
    for tag, allowed in rule.children.items():
        if not allowed.least <= counts[tag] <= allowed.most:
            return f"{name} holds {counts[tag]} of {_local(tag)}"
    return next(filter(None, (_child_fault(child, rule, name) for child in element)), "")


def _child_fault(child: Element, rule: _Rule, parent: str) -> str:
    if not _blank(child.tail):
        return f"{parent} holds a text that does not belong there"
    tag = str(child.tag)
    inner = rule.children[tag].rule
    return "" if inner is None else _fault(child, inner, _local(tag))


def _blank(text: str | None) -> bool:
    return not (text or "").strip(WHITE)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
