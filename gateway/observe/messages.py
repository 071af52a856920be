"""The one catalogue of texts for people, Vietnamese first, English second (gettext, `locale/*/LC_MESSAGES/gateway.po`).

Ids are stable names, never sentences: an error code says what happened, `<code>.todo` what to do next and whose turn
it is, `label.<what>.<value>` is the word on a screen for a state. `{name}` is filled from the parameters of the error.
Where English counts one and many apart, the text has both forms (`msgid_plural` repeats the id), and `COUNTS` decides.
A text is whole without them: details stand in round brackets, and brackets whose parameter is not given are left out.
"""

import gettext
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from gateway.core.plain_text import shown
from gateway.core.reasons import Reason, Reasons

LANGUAGES: Final = ("vi", "en")
DOMAIN: Final = "gateway"
LOCALES: Final = Path(__file__).parent / "locale"
PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
PARAM_CHARS_MAX: Final = 300

_DETAIL: Final = re.compile(r" ?\([^()]*\{[a-z_]+\}[^()]*\)")

COUNTS: Final = ("count", "seconds")
"""The parameters by which one and many are told apart; the first that is given decides."""

SIZES: Final = frozenset({"size.limit", "why.large", "why.picture_size", "cli.edxml.too_large", "cli.edxml.large"})
"""Texts whose `limit` counts bytes: it is told as people read sizes. (Fields of programs keep the number.)"""
_UNITS: Final = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))

_UNKNOWN: Final = "param.unknown"
_WORDS: Final = {
    "what": ("what",),
    "reason": ("archive", "sub_indication"),
    "state": ("business", "document", "delivery", "transfer"),
}
"""Parameters whose value may be one of our own words: shown by their label, in the reader's language.

A text may have words of its own: `label.<its id>.<value>`, as an error has for each of its reasons.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text in both languages."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What happened and what to do next, in both languages."""

    what_vi: str
    what_en: str
    todo_vi: str
    todo_en: str


def text(message_id: str, params: Mapping[str, object] | None = None) -> Text:
    """The text of an id, its placeholders filled.

    Raises:
        KeyError: the catalogue has no such id: our own mistake.
    """
    return Text(vi=_filled("vi", message_id, params or {}), en=_filled("en", message_id, params or {}))


def explain(code: str, params: Mapping[str, object] | None = None) -> Explanation:
    """What an error code of `gateway.core.errors.CATALOGUE` means to a person."""
    what, todo = text(code, params), text(f"{code}.todo", params)
    return Explanation(what_vi=what.vi, what_en=what.en, todo_vi=todo.vi, todo_en=todo.en)


@lru_cache(maxsize=512)  # the vocabularies have about 150 words; a page of 336 deliveries asks for a thousand
def label(name: str) -> Text:
    """The word on a screen: `label("delivery.queued")`, `label("business.03")`, `label("turn.sender")`."""
    return text(f"label.{name}")


def _filled(language: str, message_id: str, params: Mapping[str, object]) -> str:
    template = _template(language, message_id, one=_is_one(params))
    if "{" not in template:
        return template

    def detail(brackets: re.Match[str]) -> str:
        named = PLACEHOLDER.findall(brackets.group())
        return brackets.group() if all(_given(params, name) for name in named) else ""

    def value(place: re.Match[str]) -> str:
        name = place.group(1)
        if not _given(params, name):
            return _template(language, _UNKNOWN)
        if name == "limit" and message_id in SIZES:
            return _size(language, str(params[name]))
        return _word(language, message_id, name, params[name]) or _plain(_told(language, params[name]))

    return PLACEHOLDER.sub(value, _DETAIL.sub(detail, template))


def _is_one(params: Mapping[str, object]) -> bool:
    """Whether the text counts one thing. Probes hand their numbers over as text."""
    return next((str(params[name]) == "1" for name in COUNTS if _given(params, name)), False)


def _told(language: str, value: object) -> object:
    """A parameter that is itself a text of the catalogue, in the language of the text around it."""
    if isinstance(value, Reasons):
        return "; ".join(_filled(language, one.message_id, one.params) for one in value.each)
    return _filled(language, value.message_id, value.params) if isinstance(value, Reason) else value


def _size(language: str, count: str) -> str:
    """A number of bytes in the largest unit that tells it exactly with one decimal (IEC 80000-13): a bound is no estimate."""
    if not (count.isascii() and count.isdigit()):
        return _plain(count)
    for unit, name in _UNITS:
        if int(count) >= unit and int(count) * 10 % unit == 0:
            told = f"{int(count) / unit:.1f}".removesuffix(".0")
            return f"{told if language == 'en' else told.replace('.', ',')} {name}"
    return f"{count} byte" if language == "vi" or count == "1" else f"{count} bytes"


def _given(params: Mapping[str, object], name: str) -> bool:
    return params.get(name) not in (None, "")


def _word(language: str, message_id: str, name: str, value: object) -> str | None:
    if name not in _WORDS:
        return None
    catalogue = _catalogue(language)
    for kind in (message_id, *_WORDS[name]):
        word = f"label.{kind}.{value}"
        if (found := catalogue.gettext(word)) != word:
            return found
    return None


def _plain(value: object) -> str:
    """A parameter as harmless text: bounded, and without anything that could forge a line or a direction."""
    told = str(value)
    return shown(told if len(told) <= PARAM_CHARS_MAX else told[:PARAM_CHARS_MAX] + "…")


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    """Read once, on the first text that anybody needs."""
    return gettext.translation(DOMAIN, LOCALES, languages=[language])


@cache
def _template(language: str, message_id: str, *, one: bool = False) -> str:
    catalogue = _catalogue(language)
    found = catalogue.ngettext(message_id, message_id, 1 if one else 2)
    if found == message_id:
        found = catalogue.gettext(message_id)  # it counts nothing, and has one form
    if found == message_id:
        raise KeyError(message_id)
    return found
