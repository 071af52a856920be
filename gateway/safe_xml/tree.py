"""The parse: one pass over the bytes, every cap checked on the way, one tree for verifier and reader. Nothing is repaired.

libxml2 builds the tree itself and the events only watch it grow: a tree rebuilt from events would lose which of two
prefixes of the same namespace an element was written with, and with it every signature.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

from lxml import etree
from lxml.etree import _Element

from gateway.core import limits
from gateway.safe_xml.caps import EXCHANGE, Caps
from gateway.safe_xml.prolog import check_prolog
from gateway.safe_xml.refusal import Refusal, refuse

Element: TypeAlias = _Element
"""An element of a parsed tree: lxml gives the type no public name."""

QCVN: Final = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
"""Namespace of QCVN 102:2016/BTTTT; Amendment 1:2022 kept it."""
SEAL_SLIP: Final = "urn:edoc-gateway:seal-slip:1"
"""Namespace of the seal slip, our own: its number is that of the profile."""

_FORBIDDEN: Final = {"comment": Refusal.COMMENT, "pi": Refusal.INSTRUCTION}
_TOO_LONG: Final = frozenset(
    {
        etree.ErrorTypes.ERR_RESOURCE_LIMIT,
        etree.ErrorTypes.ERR_CDATA_NOT_FINISHED,
        etree.ErrorTypes.ERR_NAME_TOO_LONG,
    }
)


def parse(data: bytes, caps: Caps = EXCHANGE, *, quiet: bool = False) -> Element:
    """The root of an XML file. `quiet`: comments and instructions are left out of the tree; otherwise they are refused.

    Raises:
        SenderError: `envelope.malformed` with the `Refusal`; its `PREFIX` where nothing but declarations of prefixes lacks.
    """
    return _Reader(caps, quiet=quiet).read(data)


class _Reader:
    """One reading of one file: the parser and the counters that watch it."""

    def __init__(self, caps: Caps, *, quiet: bool) -> None:
        self._caps = caps
        self._quiet = quiet
        self._depth = 0
        self._nodes = 0
        self._declared = 0
        self._parser: etree.XMLPullParser = etree.XMLPullParser(
            events=("start-ns", "start", "end", "comment", "pi"),
            resolve_entities=False,
            load_dtd=False,
            dtd_validation=False,
            attribute_defaults=False,
            no_network=True,
            huge_tree=False,
            recover=False,
            collect_ids=False,
            remove_comments=quiet,
            remove_pis=quiet,
        )

    def read(self, data: bytes) -> Element:
        check_prolog(data, quiet=self._quiet)
        try:
            for chunk in _chunks(data):
                self._parser.feed(chunk)
                self._watch()
            root = self._parser.close()
        except etree.XMLSyntaxError as error:
            self._watch()  # what was read before the parser gave up may show a more telling reason
            raise refuse(_reason(error), line=error.lineno or None) from None
        self._watch()
        # The prolog check has seen to this; a second lock, because everything rests on it.
        if root.getroottree().docinfo.internalDTD is not None:
            raise refuse(Refusal.DOCTYPE)
        return root

    def _watch(self) -> None:
        """Check what the parser has met since the last look."""
        for event, value in self._parser.read_events():
            if event == "start":
                self._enter(value)
            elif event == "end":
                self._depth -= 1
            elif event == "start-ns":
                self._declared += 1
                if len(value[1]) > self._caps.namespace:
                    raise refuse(Refusal.TEXT)
            else:
                raise refuse(_FORBIDDEN[event])

    def _enter(self, element: Element) -> None:
        # Namespace declarations count with the attributes: canonicalisation pays for both.
        width = len(element.attrib) + self._declared
        self._declared = 0
        self._depth += 1
        self._nodes += 1 + width
        if self._depth > self._caps.depth:
            raise refuse(Refusal.DEPTH, line=element.sourceline)
        if width > self._caps.attributes:
            raise refuse(Refusal.ATTRIBUTES, line=element.sourceline)
        if self._nodes > self._caps.nodes:
            raise refuse(Refusal.NODES, line=element.sourceline)


def _chunks(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), limits.CHUNK_BYTES):
        yield data[start : start + limits.CHUNK_BYTES]


def _reason(error: etree.XMLSyntaxError) -> Refusal:
    if error.code in _TOO_LONG:
        return Refusal.TEXT
    if error.code == etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE:
        return Refusal.PREFIX
    if error.code == etree.ErrorTypes.ERR_INVALID_ENCODING:
        return Refusal.ENCODING
    return Refusal.SYNTAX
