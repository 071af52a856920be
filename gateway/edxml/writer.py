"""A writer of XML text that knows no more than this format needs: elements, texts, two-space indentation.

Not lxml: the format binds the default namespace and a prefix to one and the same name and wants each in its place,
which a tree library decides by itself. Written by hand the bytes are the same on every machine and with every version.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE: Final = _TEXT | str.maketrans({'"': "&quot;", "\t": "&#9;", "\n": "&#10;"})


def escape(text: str) -> str:
    """The text as character data. A carriage return is written as a reference, or a parser would make it a line feed."""
    return text.translate(_TEXT)


class XmlWriter:
    """Collects an XML document, element by element, in order."""

    def __init__(self) -> None:
        self._lines = ['<?xml version="1.0" encoding="UTF-8"?>']
        self._depth = 0

    @contextmanager
    def block(self, name: str, attributes: Mapping[str, str] | None = None) -> Iterator[None]:
        """An element with elements in it: whatever is written inside the `with`."""
        self._line(f"<{name}{_attributes(attributes)}>")
        self._depth += 1
        yield
        self._depth -= 1
        self._line(f"</{name}>")

    def leaf(self, name: str, text: str) -> None:
        """An element with a text. An empty text is left out altogether, as the vendor's software does."""
        if text:
            self._line(f"<{name}>{escape(text)}</{name}>")

    def empty(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element that says everything in its attributes."""
        self._line(f"<{name}{_attributes(attributes)}/>")

    def getvalue(self) -> bytes:
        """The document in UTF-8."""
        return ("\n".join(self._lines) + "\n").encode()

    def _line(self, text: str) -> None:
        self._lines.append("  " * self._depth + text)


def _attributes(attributes: Mapping[str, str] | None) -> str:
    return "".join(f' {name}="{value.translate(_ATTRIBUTE)}"' for name, value in (attributes or {}).items())
