"""What may stand behind the question mark: declared with the operation, read strictly, the unknown refused by name."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from multidict import MultiMapping

from gateway.api.problems import FieldError, InvalidRequest
from gateway.api.text import PLAIN_LINE
from gateway.core import limits
from gateway.core.plain_text import first_unseen

_DIGITS: Final = re.compile(r"-?[0-9]{1,19}")
CURSOR_MAX: Final = 2**63 - 1


class _WrongError(Exception):
    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code, self.params = code, params


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One query parameter."""

    name: str
    about: str
    """Id of the text."""
    schema: dict[str, Any]
    """What it looks like, in JSON Schema."""
    default: int | str | None
    read: Callable[[str], int | str]
    """Raises `_WrongError`."""


class Query:
    """What was asked, defaults filled in."""

    def __init__(self, values: dict[str, int | str | None], /) -> None:
        self._values = values

    def number(self, name: str) -> int:
        """A whole number."""
        value = self._values[name]
        assert isinstance(value, int), name
        return value

    def text(self, name: str) -> str | None:
        """A text; None when it was not given."""
        value = self._values[name]
        assert value is None or isinstance(value, str), name
        return value


def number(name: str, about: str, *, default: int, least: int, most: int) -> Parameter:
    """A whole number within bounds."""

    def read(given: str) -> int:
        if not _DIGITS.fullmatch(given) or (given.startswith("-") and least >= 0):
            raise _WrongError("field.type")
        value = int(given)
        if not least <= value <= most:
            raise _WrongError("field.range", limit=least if value < least else most)
        return value

    schema = {"type": "integer", "minimum": least, "maximum": most, "default": default}
    return Parameter(name=name, about=about, schema=schema, default=default, read=read)


def choice(name: str, about: str, *, values: type[StrEnum]) -> Parameter:
    """One of the words of a vocabulary."""

    def read(given: str) -> str:
        if given not in list(values):
            raise _WrongError("field.value", allowed=", ".join(values))
        return given

    schema = {"type": "string", "enum": [value.value for value in values]}
    return Parameter(name=name, about=about, schema=schema, default=None, read=read)


def cursor(about: str, *, form: re.Pattern[str], chars_max: int) -> Parameter:
    """Where to go on in a list that has an end: the `next` of the page before."""

    def read(given: str) -> str:
        if len(given) > chars_max or not form.fullmatch(given):
            raise _WrongError("field.value")
        return given

    schema = {"type": "string", "maxLength": chars_max, "pattern": f"^{form.pattern}$"}
    return Parameter(name="cursor", about=about, schema=schema, default=None, read=read)


def phrase(name: str, about: str) -> Parameter:
    """A line of text to look for."""

    def read(given: str) -> str:
        line = unicodedata.normalize("NFC", given)
        if len(line) > limits.SEARCH_TEXT_CHARS_MAX:
            raise _WrongError("field.too_long", limit=limits.SEARCH_TEXT_CHARS_MAX)
        if first_unseen(line):
            raise _WrongError("field.characters")
        return line

    schema = {"type": "string", "maxLength": limits.SEARCH_TEXT_CHARS_MAX, "pattern": PLAIN_LINE, "default": ""}
    return Parameter(name=name, about=about, schema=schema, default="", read=read)


def read_query(given: MultiMapping[str], declared: Iterable[Parameter]) -> Query:
    """The query of a request.

    Raises:
        InvalidRequest: a parameter that is not declared, given twice, or wrong; all of them are listed.
    """
    known = {parameter.name: parameter for parameter in declared}
    values: dict[str, int | str | None] = {name: parameter.default for name, parameter in known.items()}
    errors = []
    for name in dict.fromkeys(given):
        try:
            values[name] = _value(known.get(name), given.getall(name))
        except _WrongError as wrong:
            step = name.replace("~", "~0").replace("/", "~1")
            errors.append(FieldError(pointer=f"/query/{step}", code=wrong.code, params=wrong.params))
    if errors:
        raise InvalidRequest(errors)
    return Query(values)


def _value(parameter: Parameter | None, given: list[str]) -> int | str:
    if parameter is None:
        raise _WrongError("field.unknown")
    if len(given) > 1:
        raise _WrongError("field.duplicate")
    return parameter.read(given[0])
