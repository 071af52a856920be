"""What is repaired of a file that is not quite XML, on its bytes and by name: no parser guesses anything (facts 1.11)."""

import re
from enum import StrEnum
from typing import Final

from gateway.safe_xml.tree import QCVN

JUNK_BYTES_MAX: Final = 1_024
"""What may stand before the declaration."""
KNOWN_PREFIXES: Final = {
    b"edXML": QCVN.encode(),
    b"xlink": b"http://www.w3.org/1999/xlink",
    b"ds": b"http://www.w3.org/2000/09/xmldsig#",
    b"xsi": b"http://www.w3.org/2001/XMLSchema-instance",
}
"""Prefixes that real files use where they are not declared."""
_BOM: Final = b"\xef\xbb\xbf"
_BEGINNING: Final = re.compile(rb"<(?:\?xml[ \t\r\n]|!--|[A-Za-z_])")
_ROOT: Final = re.compile(rb"""(?:<\?.*?\?>|<!--.*?-->|[^<])*+<[A-Za-z_][^\s/>]*+""", re.DOTALL)


class Repair(StrEnum):
    """Stable words for what was done before a file could be read."""

    JUNK = "junk"
    """Bytes before the declaration were left out."""
    PREFIX = "prefix"
    """A well-known prefix was declared at the root."""
    COMMENT = "comment"
    """Comments were left out."""
    INSTRUCTION = "instruction"
    """Processing instructions were left out."""


def without_junk(markup: bytes) -> bytes:
    """From the declaration (or the root element) on; a byte order mark is none of the junk."""
    found = _BEGINNING.search(markup, 0, JUNK_BYTES_MAX)
    if found is None or b"<!DOCTYPE" in markup[: found.start()]:  # a DTD is refused, not left out
        return markup
    before = markup[: found.start()].removeprefix(_BOM)
    if b"<" in before:  # whoever cut the attachments out of it took that for markup: their readings would not be one
        return markup
    declared = markup.startswith(b"<?", found.start())  # a declaration stands at the very beginning, or it is none
    return markup[found.start() :] if before.strip() or (before and declared) else markup


def declare_prefixes(markup: bytes) -> bytes:
    """The well-known prefixes that the root element does not declare, declared there."""
    root = _ROOT.match(markup)
    if root is None:
        return markup
    tag = markup[root.end() : markup.find(b">", root.end())]
    missing = [
        b' xmlns:%b="%b"' % (prefix, name) for prefix, name in KNOWN_PREFIXES.items() if b"xmlns:%b" % prefix not in tag
    ]
    return markup[: root.end()] + b"".join(missing) + markup[root.end() :]
