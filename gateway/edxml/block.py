"""An element as the reader sees it: children by local name, in any order, and never two where one belongs."""

import re
from collections import defaultdict
from collections.abc import Collection
from typing import Final

from gateway.core.limits import HEADER_TEXT_CHARS_MAX
from gateway.core.plain_text import shown
from gateway.edxml.findings import Findings
from gateway.safe_xml import Element

SPACE: Final = " \t\r\n"
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")
NULL: Final = "null"
"""Written by hubs that had nothing to write (facts 1.7)."""
FRAME: Final = frozenset({"", "edXMLEnvelope", "edXMLHeader", "edXMLBody", "AttachmentEncoded"})
"""Elements that every envelope has once and around everything: a path begins below them."""
_NAME_CHARS_MAX: Final = 60
"""Of a stranger's element in a path; the parser takes far longer ones."""


class Block:
    """One element of an envelope, or the place where one would be.

    The vendor's reader matches by local name, so a reader that looked for qualified names would read another document
    out of the same file. Names are therefore compared without their namespace, and a name that comes twice where the
    format has one is an error: nobody can put a second header, in whatever namespace, beside the signed one.
    """

    def __init__(self, element: Element | None, path: str, findings: Findings) -> None:
        self.element: Final = element
        self.path: Final = path
        self.findings: Final = findings
        self._children: defaultdict[str, list[Element]] = defaultdict(list)
        for child in element if element is not None else ():
            self._children[local_name(child)].append(child)

    def one(self, *names: str) -> "Block | None":
        """The child of that name (or of one of its spellings), if there is one; of several, which is an error, the first."""
        found = [child for name in names for child in self._children.get(name, ())]
        if not found:
            return None
        path = self.path_of(names[0])
        if len(found) > 1:
            self.findings.malformed("duplicate", path, count=len(found))
        if (spelling := local_name(found[0])) != names[0]:
            self.findings.note("spelling", path, name=spelling)
        return Block(found[0], path, self.findings)

    def need(self, *names: str) -> "Block":
        """The child of that name; when there is none, which is an error, an empty one."""
        found = self.one(*names)
        if found is None:
            self._miss(names[0])
            return Block(None, self.path_of(names[0]), self.findings)
        return found

    def optional(self, *names: str) -> "Block":
        """The child of that name; when there is none, which is fine, an empty one."""
        return self.one(*names) or Block(None, self.path_of(names[0]), self.findings)

    def many(self, name: str, *, limit: int) -> list["Block"]:
        """All children of that name, in order; no more than the limit, beyond which is an error."""
        found = self._children.get(name, [])
        if len(found) > limit:
            self.findings.malformed("count", self.path_of(name), limit=limit, actual=len(found))
        return [
            Block(child, f"{self.path_of(name)}[{number}]", self.findings)
            for number, child in enumerate(found[:limit], 1)
        ]

    def children(self, name: str) -> tuple[Element, ...]:
        """All children of that name, in order."""
        return tuple(self._children.get(name, ()))

    def has(self, name: str) -> bool:
        """Whether there is a child of that name."""
        return name in self._children

    @property
    def is_empty(self) -> bool:
        """Whether neither a child nor a text is in it: others write such elements where they have nothing to say."""
        return self.element is None or not (len(self.element) or (self.element.text or "").strip(SPACE))

    def text(self, *names: str, limit: int = HEADER_TEXT_CHARS_MAX) -> str:
        """Text of the child of that name without white space around it; empty when there is no such child.

        Errors: several of them, more than the limit, or elements inside the text (`mixed`: what is read of it would depend
        on the reader).
        """
        child = self.one(*names)
        return child.own_text(limit=limit) if child else ""

    def own_text(self, *, limit: int = HEADER_TEXT_CHARS_MAX) -> str:
        """This element's own text; see `text`."""
        if self.element is None:
            return ""
        if len(self.element):
            self.findings.malformed("mixed", self.path)
        text = (self.element.text or "").strip(SPACE)
        if len(text) > limit:
            self.findings.malformed("length", self.path, limit=limit, actual=len(text))
        if text == NULL:
            self.findings.note("null", self.path)
            return ""
        return text[:limit]

    def need_text(self, name: str, *, limit: int = HEADER_TEXT_CHARS_MAX) -> str:
        """Text of the child of that name; none is an error."""
        text = self.text(name, limit=limit)
        if not text:
            self._miss(name)
        return text

    def number(self, *names: str, default: int) -> int:
        """Integer of the child of that name; the default, with a note, for anything that is none (as the vendor's reader)."""
        child = self.one(*names)
        if child is None:
            return default
        text = child.own_text()
        if _NUMBER.fullmatch(text):
            return int(text)
        if not child.is_null():
            self.findings.note("number", child.path, value=text)
        return default

    def is_null(self) -> bool:
        """Whether it holds the word that stands for nothing; `own_text` has said so."""
        return self.element is not None and (self.element.text or "").strip(SPACE) == NULL

    def expect(self, known: Collection[str]) -> None:
        """Note every child that is none of these names: others ignore it, and so do we."""
        for name in self._children:
            if name not in known:
                self.findings.note("unknown", self.path_of(in_path(name)))

    def path_of(self, name: str) -> str:
        """Path of the child of that name."""
        return name if self.path in FRAME else f"{self.path}/{name}"

    def _miss(self, name: str) -> None:
        """Of an element that is itself missing it has been said."""
        if self.element is not None:
            self.findings.malformed("missing", self.path_of(name))


def in_path(name: str) -> str:
    """A stranger's name as a path may hold it: bounded, and all of it to be seen."""
    return shown(name if len(name) <= _NAME_CHARS_MAX else name[:_NAME_CHARS_MAX] + "…")


def local_name(element: Element) -> str:
    """The name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def namespace_of(element: Element) -> str:
    """Its namespace; empty where it has none."""
    return str(element.tag).rpartition("}")[0].removeprefix("{")
