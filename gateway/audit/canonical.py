"""Canonical JSON (RFC 8785) for the one shape the log needs: a flat object of ASCII names, strings and integers.

Within that subset any language can rebuild the bytes with its ordinary JSON writer. RFC 8785 section 3.2.3 sorts names
by UTF-16 code units, which for ASCII is the plain order; 3.2.2.2 escapes only what JSON must escape; 3.2.2.3 writes
numbers as ECMAScript does, which for integers below 2^53 is plain decimal. Floats, true, false and null are refused.
"""

import json
from collections.abc import Mapping
from typing import Final

from gateway.audit.errors import LeafError

_WRITER: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)

INTEGER_MAX: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8785 section 3.2.2.3, I-JSON RFC 7493 section 2.2)."""


def canonical_json(fields: Mapping[str, str | int]) -> bytes:
    """The canonical bytes (UTF-8) of a flat object.

    Raises:
        LeafError: a name is not ASCII, an integer is too large, a text is no Unicode, or a value is of another type.
    """
    for name, value in fields.items():
        _check(name, value)
    # Python's writer escapes the quotation mark, the backslash and U+0000-001F, with the short forms and lower-case
    # hex that RFC 8785 section 3.2.2.2 asks for, and nothing else once ensure_ascii is off.
    try:
        return _WRITER.encode(dict(fields)).encode()
    except UnicodeEncodeError as error:
        raise LeafError("a text with a lone surrogate has no UTF-8 form") from error


def _check(name: object, value: object) -> None:
    if not (isinstance(name, str) and name.isascii()):
        raise LeafError("a name that is not ASCII text")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise LeafError(f"{name}: neither text nor integer")
    if isinstance(value, int) and abs(value) > INTEGER_MAX:
        raise LeafError(f"{name}: an integer beyond 2^53 - 1")
