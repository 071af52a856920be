"""Which language a page for people speaks, and whether a request comes from somebody who reads pages."""

import re
from enum import StrEnum
from typing import Final

from aiohttp import hdrs, web

from gateway.observe import Text, explain, label, text

_RANGES_MAX: Final = 20
"""Entries of such a header that are looked at: a browser sends two to eight."""
_WEIGHT: Final = re.compile(r"[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*")


class Language(StrEnum):
    """The two languages of the catalogue; the values are language tags (BCP 47)."""

    VI = "vi"
    EN = "en"

    @property
    def other(self) -> "Language":
        """The one that the switch leads to."""
        return Language.EN if self is Language.VI else Language.VI

    def of(self, said: Text) -> str:
        """This language's half of a text."""
        return said.vi if self is Language.VI else said.en

    def text(self, message_id: str, **params: object) -> str:
        """A text of the catalogue."""
        return self.of(text(message_id, params))

    def label(self, name: str) -> str:
        """The word on a screen for a state."""
        return self.of(label(name))

    def what(self, code: str) -> str:
        """What happened, by the error's code."""
        said = explain(code)
        return self.of(Text(vi=said.what_vi, en=said.what_en))

    def todo(self, code: str) -> str:
        """What to do next, by the error's code."""
        said = explain(code)
        return self.of(Text(vi=said.todo_vi, en=said.todo_en))


def language_of(request: web.Request) -> Language:
    """The language that was asked for by `lang`, or else the one the browser prefers; Vietnamese when in doubt."""
    asked = request.query.get("lang")
    return Language(asked) if asked in list(Language) else preferred(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))


def preferred(header: str) -> Language:
    """What an Accept-Language header (RFC 9110 12.5.4) wants: English only when it ranks before Vietnamese."""
    ours = {"*": Language.VI, **{str(language): language for language in Language}}
    known = [(weight, ours.get(name.partition("-")[0])) for name, weight in _ranges(header)]
    # Of several that weigh the same, the first.
    return max(
        ((weight, language) for weight, language in known if language and weight),
        key=lambda one: one[0],
        default=(0.0, Language.VI),
    )[1]


def wants_page(request: web.Request) -> bool:
    """Whether a page is wanted: browsers name `text/html`, programs name JSON, anything at all (`*/*`) or nothing."""
    return any(name == "text/html" and weight > 0 for name, weight in _ranges(request.headers.get(hdrs.ACCEPT, "")))


def _ranges(header: str) -> list[tuple[str, float]]:
    """(name, weight) of each entry, in the order given; a weight that cannot be read is none."""
    found = []
    for entry in header.split(",", _RANGES_MAX)[:_RANGES_MAX]:
        name, *parameters = entry.split(";")
        weights = [float(known.group(1)) for one in parameters if (known := _WEIGHT.fullmatch(one.lower()))]
        found.append((name.strip().lower(), weights[-1] if weights else 1.0))
    return found
