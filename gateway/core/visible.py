"""What strangers wrote, as a terminal may show it: whatever is not plain text (`gateway.core.plain_text`) stands escaped."""

import json

from gateway.core.plain_text import with_unseen


def visible(foreign: object) -> str:
    r"""One line that acts on nothing: `\n`, `\u001b`, `\u202e`, as JSON writes them, so that both can be searched for."""
    return with_unseen(str(foreign), _escaped)


def visible_json(value: object, *, indent: int | None = None) -> str:
    """JSON with its letters as they are and everything else escaped; whoever parses it gets the same value.

    Inside a text the writer has escaped line feeds already; one between members is nobody's text.
    """
    return with_unseen(json.dumps(value, ensure_ascii=False, indent=indent), _escaped, lines=True)


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}" if character == "\x7f" else json.dumps(character)[1:-1]
