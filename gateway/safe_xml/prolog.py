"""What may stand before the root: an XML declaration, and nothing that a parser would act upon.

Looked at as bytes, before a parser is even made: a DTD that no parser has seen can do nothing.
"""

import re
from typing import Final

from gateway.safe_xml.refusal import Refusal, refuse

_BOM: Final = b"\xef\xbb\xbf"
_UTF_16: Final = (b"\xfe\xff", b"\xff\xfe")
# XML 1.0 production 23. Another encoding would let two parsers read two texts; XML 1.1 allows control characters.
_DECLARATION: Final = re.compile(
    rb"""<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')"""
    rb"""(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"[Uu][Tt][Ff]-8"|'[Uu][Tt][Ff]-8'))?"""
    rb"""(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>"""
)
_ANY_DECLARATION: Final = re.compile(rb"<\?xml[ \t\r\n]")
_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_MISCELLANY: Final = re.compile(rb"(?:[ \t\r\n]++|<!--.*?-->|<\?(?!xml[ \t\r\n]).*?\?>)*+", re.DOTALL)
"""XML 1.0 production 27 (Misc): what a quiet parser leaves out before the root."""
_OPENINGS: Final = (
    (b"<!DOCTYPE", Refusal.DOCTYPE),
    (b"<!--", Refusal.COMMENT),
    (b"<?", Refusal.INSTRUCTION),
    (b"<!", Refusal.JUNK),
)


def check_prolog(data: bytes, *, quiet: bool = False) -> None:
    """Pass only a file that goes straight from an optional UTF-8 declaration to its root element.

    `quiet`: comments and instructions may stand between the two; a DTD never.

    Raises:
        SenderError: `envelope.malformed`.
    """
    if data.startswith(_UTF_16) or b"\0" in data:  # UTF-16 without a byte order mark is full of zero bytes
        raise refuse(Refusal.ENCODING)
    start = len(_BOM) if data.startswith(_BOM) else 0
    declaration = _DECLARATION.match(data, start)
    if declaration is None and _ANY_DECLARATION.match(data, start):
        raise refuse(Refusal.ENCODING)
    space = (_MISCELLANY if quiet else _SPACE).match(data, declaration.end() if declaration else start)
    assert space is not None, "the pattern matches an empty text"
    root = space.end()
    if root == len(data):
        raise refuse(Refusal.EMPTY)
    for opening, reason in _OPENINGS:
        if data.startswith(opening, root):
            raise refuse(reason)
    if not data.startswith(b"<", root):
        raise refuse(Refusal.JUNK)
