"""What a message lacks of the regulation, all of it at once: who mends a form wants to hear everything in one go."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from gateway.core.limits import LIST_MAX, PAPER_YEAR_MIN
from gateway.core.plain_text import first_unseen, is_blank
from gateway.core.secrecy import find_mark
from gateway.edxml.block import NULL, SPACE

_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0 production 2 (Char), the other way round: not even as a reference may these stand in a document."""

_YEAR_MAX: Final = 9_998
"""The last one that has a year after it: Vietnam's clocks are ahead of UTC's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One field that cannot be written as it is."""

    path: str
    """Field of the model: `code.number`, `recipients[3].name`."""
    code: str
    """`required`, `length`, `character`, `value`, `count`, `duplicate`, `future`, `past` or `secrecy`."""
    params: Mapping[str, int | str]
    """`limit` and `actual` for lengths and counts, `codepoint` (`U+000B`) for a character, `mark` for secrecy; never the
    text itself."""


class Checks:
    """Collects violations."""

    def __init__(self) -> None:
        self._found: list[Violation] = []

    def line(self, path: str, text: str, *, limit: int, required: bool = False) -> None:
        """Present if required, no longer than the limit (in characters), and a line of plain text."""
        if required and is_blank(text):
            self.add(path, "required")
        else:
            self._bounded(path, text, limit, first_unseen(text))

    def lines(self, path: str, text: str, *, limit: int) -> None:
        """No longer than the limit, and running text."""
        self._bounded(path, text, limit, first_unseen(text, lines=True))

    def echo(self, path: str, text: str, *, limit: int, required: bool = False) -> None:
        """A stranger's name for something of his, which must be given back as it is: whatever XML 1.0 can hold."""
        if required and not text.strip():
            self.add(path, "required")
            return
        forbidden = _FORBIDDEN.search(text)
        self._bounded(path, text, limit, f"U+{ord(forbidden[0]):04X}" if forbidden else None)

    def _bounded(self, path: str, text: str, limit: int, unseen: str | None) -> None:
        if len(text) > limit:
            self.add(path, "length", limit=limit, actual=len(text))
        if unseen:
            self.add(path, "character", codepoint=unseen)
        if text.strip(SPACE) == NULL:  # hubs write it for nothing, so that is what a reader takes it for
            self.add(path, "value")

    def form(self, path: str, *, good: bool) -> None:
        """Of the form its kind has; said only where nothing else is wrong."""
        if not good and all(violation.path != path for violation in self._found):
            self.add(path, "value")

    def number(self, path: str, number: int, *, lowest: int, highest: int) -> None:
        """Within the bounds, both included."""
        if not lowest <= number <= highest:
            self.add(path, "value", lowest=lowest, highest=highest)

    def moment(self, path: str, moment: datetime) -> None:
        """One that the wire can say: whole seconds, four digits of a year, and a time zone to convert it from."""
        zoned = moment.tzinfo is not None
        if not zoned or moment.microsecond or not PAPER_YEAR_MIN <= moment.year <= _YEAR_MAX:
            self.add(path, "value")

    def count(self, path: str, count: int, *, lowest: int, highest: int) -> None:
        """So many of them, both bounds included."""
        if count < lowest:
            self.add(path, "required")
        if count > highest:
            self.add(path, "count", limit=highest, actual=count)

    def texts(self, path: str, texts: Sequence[str], *, limit: int) -> None:
        """A list of lines, none of them empty: an empty element says nothing."""
        self.count(path, len(texts), lowest=0, highest=LIST_MAX)
        for index, text in enumerate(texts):
            self.line(f"{path}[{index}]", text, limit=limit, required=True)

    def unique(self, path: str, values: Iterable[str]) -> None:
        """No value twice, as a reader sees them; `path` has a place for the index."""
        seen: set[str] = set()
        for index, value in enumerate(value.strip(SPACE) for value in values):
            if value in seen:
                self.add(path.format(index), "duplicate")
            seen.add(value)

    def unmarked(self, path: str, text: str) -> None:
        """No mark of secrecy in it."""
        if mark := find_mark(text):
            self.add(path, "secrecy", mark=mark)

    def add(self, path: str, code: str, **params: int | str) -> None:
        """Note one."""
        self._found.append(Violation(path=path, code=code, params=MappingProxyType(params)))

    def result(self) -> tuple[Violation, ...]:
        """All that were noted, in order."""
        return tuple(self._found)
