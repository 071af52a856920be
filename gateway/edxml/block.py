"""An element as the reader sees it: children by local name, in any order, and never two where one belongs."""

import re
from collections import defaultdict
from typing import Final

from gateway.core.errors import SenderError
from gateway.core.limits import HEADER_TEXT_CHARS_MAX
from gateway.safe_xml import Element

SPACE: Final = " \t\r\n"
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")


def malformed(reason: str, element: str) -> SenderError:
    """The error of an envelope that cannot be read one way only; `element` is a name of the format, never content."""
    return SenderError("envelope.malformed", reason=reason, element=element)


class Block:
    """One element of an envelope.

    The vendor's reader matches by local name, so a reader that looked for qualified names would read another document
    out of the same file. Names are therefore compared without their namespace, and a name that comes twice where the
    format has one is refused: nobody can put a second header, in whatever namespace, beside the signed one.
    """

    def __init__(self, element: Element) -> None:
        self.element: Final = element
        self._children: defaultdict[str, list[Element]] = defaultdict(list)
        for child in element:
            self._children[local_name(child)].append(child)

    def one(self, *names: str) -> "Block | None":
        """The child of that name (or of one of the spellings), if there is one.

        Raises:
            SenderError: `envelope.malformed`, `duplicate`.
        """
        found = [child for name in names for child in self._children.get(name, ())]
        if len(found) > 1:
            raise malformed("duplicate", names[0])
        return Block(found[0]) if found else None

    def need(self, *names: str) -> "Block":
        """The child of that name.

        Raises:
            SenderError: `envelope.malformed`, `missing` or `duplicate`.
        """
        found = self.one(*names)
        if found is None:
            raise malformed("missing", names[0])
        return found

    def many(self, name: str, *, limit: int) -> list["Block"]:
        """All children of that name, in order.

        Raises:
            SenderError: `envelope.malformed`, `count`.
        """
        found = self._children.get(name, [])
        if len(found) > limit:
            raise malformed("count", name)
        return [Block(child) for child in found]

    def has(self, name: str) -> bool:
        """Whether there is a child of that name."""
        return name in self._children

    def text(self, *names: str, limit: int = HEADER_TEXT_CHARS_MAX) -> str:
        """Text of the child of that name without white space around it; empty when there is no such child.

        Raises:
            SenderError: `envelope.malformed`: `duplicate`, `length`, or `mixed` (elements inside the text: what is read
                of it would depend on the reader).
        """
        child = self.one(*names)
        if child is None:
            return ""
        if len(child.element):
            raise malformed("mixed", names[0])
        text = (child.element.text or "").strip(SPACE)
        if len(text) > limit:
            raise malformed("length", names[0])
        return text

    def need_text(self, name: str, *, limit: int = HEADER_TEXT_CHARS_MAX) -> str:
        """Text of the child of that name, which must not be empty.

        Raises:
            SenderError: `envelope.malformed`, `missing` or as `text`.
        """
        text = self.text(name, limit=limit)
        if not text:
            raise malformed("missing", name)
        return text

    def number(self, *names: str, default: int) -> int:
        """Integer of the child of that name; the default for anything that is none (as the vendor's reader)."""
        text = self.text(*names)
        return int(text) if _NUMBER.fullmatch(text) else default


def local_name(element: Element) -> str:
    """The name without its namespace."""
    return str(element.tag).rpartition("}")[2]
