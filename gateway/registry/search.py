"""Search: the bodies whose code or name holds a text, as a person types it: without marks, in any case of letters.

One edition is folded once into one long string, a line for each code and each name, in the order of the codes; a search is
a search in that string. For the 111,000 bodies of the country that is 0.4 s of building, less than 4 ms for a search that finds
nothing, and 10 MB (measured on two shared cores).
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from gateway.core.directory import Body, Snapshot
from gateway.core.ids import OrganId

_D_WITH_STROKE: Final = str.maketrans("đĐ", "dd")
"""The one letter of Vietnamese whose mark Unicode does not take apart."""
_LINE: Final = "\n"


class BodyIndex:
    """The bodies of one edition, ready to be searched. Never changes: it may be used in any thread."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._bodies = tuple(sorted(snapshot.bodies.values(), key=lambda body: body.organ_id))
        self._starts: list[int] = []
        lines: list[str] = []
        at = 0
        for body in self._bodies:
            line = f"{fold(body.organ_id)}{_LINE}{fold(body.name)}{_LINE}"
            self._starts.append(at)
            lines.append(line)
            at += len(line)
        self._text = "".join(lines)

    def search(self, text: str, *, after: OrganId | None, limit: int) -> tuple[Body, ...]:
        """Bodies whose code or name holds the text, by code, those with a code greater than `after`, at most `limit`.

        An empty text stands in every name.
        """
        wanted = fold(text)
        row = 0 if after is None else bisect_right(self._bodies, after, key=lambda body: body.organ_id)
        found = self._found(wanted, row) if wanted else iter(self._bodies[row : row + limit])
        return tuple(body for body, _ in zip(found, range(limit), strict=False))

    def _found(self, wanted: str, row: int) -> Iterator[Body]:
        """From that row on; the text is looked through only as far as somebody asks for more."""
        while row < len(self._starts):
            at = self._text.find(wanted, self._starts[row])
            if at < 0:
                return
            row = bisect_right(self._starts, at)
            yield self._bodies[row - 1]


def fold(text: str) -> str:
    """One spelling for all: no marks, small letters, one space for any white space, however it was composed."""
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in apart if not unicodedata.combining(letter)).translate(_D_WITH_STROKE)
    return " ".join(text.casefold().split())
