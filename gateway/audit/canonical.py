"""Canonical JSON (RFC 8785) for the one shape the log needs: a flat object of ASCII names, strings and integers.

Within that subset any language can rebuild the bytes with its ordinary JSON writer. RFC 8785 section 3.2.3 sorts names
by UTF-16 code units, which for ASCII is the plain order; 3.2.2.2 escapes only what JSON must escape; 3.2.2.3 writes
numbers as ECMAScript does, which for integers below 2^53 is plain decimal. Floats, true, false and null are refused.
"""

from collections.abc import Mapping
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Final

from gateway.audit.errors import LeafError

INTEGER_MAX: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8785 section 3.2.2.3, I-JSON RFC 7493 section 2.2)."""
SHAPES_MAX: Final = 256
"""Sets of names: each kind of event has one or two."""


def canonical_json(fields: Mapping[str, str | int]) -> bytes:
    """The canonical bytes (UTF-8) of a flat object.

    Raises:
        LeafError: a name is not ASCII, an integer is too large, a text is no Unicode, or a value is of another type.
    """
    # Python's writer escapes the quotation mark, the backslash and U+0000-001F, with the short forms and lower-case
    # hex that RFC 8785 section 3.2.2.2 asks for, and nothing else.
    members = [
        start + (encode_basestring(value) if isinstance(value := fields[name], str) else _integer(name, value))
        for name, start in _shape(tuple(fields))
    ]
    try:
        return f"{{{','.join(members)}}}".encode()
    except UnicodeEncodeError as error:
        raise LeafError("a text with a lone surrogate has no UTF-8 form") from error


@lru_cache(SHAPES_MAX)
def _shape(names: tuple[object, ...]) -> tuple[tuple[str, str], ...]:
    """The names in order, each with what is written before its value."""
    known = [name for name in names if isinstance(name, str) and name.isascii()]
    if len(known) < len(names):
        raise LeafError("a name that is not ASCII text")
    return tuple((name, f"{encode_basestring(name)}:") for name in sorted(known))


def _integer(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise LeafError(f"{name}: neither text nor integer")
    if abs(value) > INTEGER_MAX:
        raise LeafError(f"{name}: an integer beyond 2^53 - 1")
    return int.__repr__(value)
