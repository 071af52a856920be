"""What strangers wrote, as it may be shown: whatever would move a cursor, forge a line or turn the writing stands escaped."""

import json
import re
from typing import Final

# C0 and C1, the line and paragraph separators, every mark that turns the direction of writing, and half surrogates
# (file names that are no text). The rest of Unicode only looks like what it is.
_ACTING: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ACTING_IN_JSON: Final = re.compile(_ACTING.pattern.replace("\x00-\x1f", ""))
"""In JSON the first of them are escaped anyway, and a line feed between members is nobody's text."""


def visible(foreign: object) -> str:
    r"""One line that acts on nothing: `\n`, `\u001b`, `\u202e`, as JSON writes them, so that both can be searched for."""
    return _ACTING.sub(_escaped, str(foreign))


def visible_json(value: object, *, indent: int | None = None) -> str:
    """JSON with its letters as they are and everything else escaped; whoever parses it gets the same value."""
    return _ACTING_IN_JSON.sub(_escaped, json.dumps(value, ensure_ascii=False, indent=indent))


def _escaped(found: re.Match[str]) -> str:
    character = found.group()
    return f"\\u{ord(character):04x}" if character == "\x7f" else json.dumps(character)[1:-1]
