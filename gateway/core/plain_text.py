r"""Plain text: letters that a reader sees, and none that hides, breaks or turns around what is read. One rule for all texts.

What a clerk reads, a program compares and a terminal prints must be one and the same. A letter has no place in a text when
it cannot be seen or is no letter at all: Unicode general categories C (controls, format characters such as U+202E and
U+200B, halves of surrogate pairs, private and unassigned code points), the separators of lines and paragraphs, and whatever
else Unicode lets programs leave out (`Default_Ignorable_Code_Point`: fillers, variation selectors, tags). Vietnamese needs
none of them, composed or decomposed. Running text may have line feeds and tabs. (UTR 36 section 3.2, UTS 39, UAX 44.)

Who writes here is refused such a letter by its number. Who was written to by a stranger is shown it as a number, so that
nothing moves a cursor, forges a line or turns the writing; a program gets the letter itself, escaped.
"""

import json
import re
import unicodedata
from typing import Final

LINE_BREAKS: Final = "\n\t"
"""What running text may have besides."""
NOT_PLAIN: Final = (
    r"\u0000-\u001f\u007f-\u009f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    r"\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff0-\ufffb\ufffe\uffff"
)
"""The rule as ranges inside a class of a regular expression, for documents that tell programs: what can be said without a
list of all unassigned code points, and in one UTF-16 unit (ECMA-262)."""

# Default_Ignorable_Code_Point (DerivedCoreProperties.txt) outside of the categories C: marks and letters without a shape.
_SHAPELESS: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_NOT_ASCII_TEXT: Final = re.compile("[^ -~\n]")  # a line feed between members of a JSON text is nobody's text
_BLANK: Final = "\u2800"
"""A pattern of Braille without a dot: a symbol to Unicode, nothing to the eye."""


def first_unseen(text: str, *, lines: bool = False) -> str | None:
    """The first letter that has no place in a line of text (or in `lines` of it) as `U+200B`; None for a plain text."""
    if text.isprintable() and not _SHAPELESS.search(text):
        return None
    allowed = LINE_BREAKS if lines else ""
    return next((_number(letter) for letter in text if _is_unseen(letter) and letter not in allowed), None)


def shown(text: str, *, lines: bool = False) -> str:
    """A stranger's text for a reader: a letter that has no place in it stands there as its number, `[U+202E]`."""
    if first_unseen(text, lines=lines) is None:
        return text
    allowed = LINE_BREAKS if lines else ""
    return "".join(
        f"[{_number(letter)}]" if _is_unseen(letter) and letter not in allowed else letter for letter in text
    )


def plain_json(value: object, *, indent: int | None = None) -> str:
    """JSON with its letters as they are and whatever a line has no place for escaped; parsed, it is the same value."""
    return _NOT_ASCII_TEXT.sub(_escaped, json.dumps(value, ensure_ascii=False, indent=indent))


def without_unseen(text: str, *, instead: str = "") -> str:
    """The text without the letters that have no place in a line, or with something instead of each."""
    if first_unseen(text) is None:
        return text
    return "".join(instead if _is_unseen(letter) else letter for letter in text)


def is_blank(text: str) -> bool:
    """Whether there is nothing to be seen."""
    return not without_unseen(text).replace(_BLANK, " ").strip()


def same_words(one: str, other: str) -> bool:
    """Whether two texts are the same to a reader who minds neither composition nor white space nor case."""
    return one == other or _words(one) == _words(other)


def _words(text: str) -> str:
    folded = unicodedata.normalize("NFC", text).casefold()
    return unicodedata.normalize("NFC", " ".join(folded.split()))


def _is_unseen(letter: str) -> bool:
    if letter.isprintable():
        return _SHAPELESS.match(letter) is not None
    return unicodedata.category(letter) != "Zs"  # spaces of another width than U+0020


def _escaped(found: re.Match[str]) -> str:
    letter = found.group()
    if not _is_unseen(letter):
        return letter
    return "\\u007f" if letter == "\x7f" else json.dumps(letter)[1:-1]


def _number(letter: str) -> str:
    return f"U+{ord(letter):04X}"
