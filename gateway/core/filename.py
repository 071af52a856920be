"""Names and media types of files that strangers hand in: one rule, at every door and in every envelope.

A name is shown to a clerk, becomes a file on somebody's disk and decides which program opens it. So it must be a name (no
path of any system) and must look like what it is: no character that cannot be seen, breaks the line or turns the direction
of writing (Unicode TR 36 section 3.2; `a<U+202E>fdp.exe` is shown as `aexe.pdf`).
"""

import re
import unicodedata
from typing import Final

from gateway.core.limits import FILE_NAME_CHARS_MAX

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode general categories: controls, format characters, half surrogate pairs, line and paragraph separators."""
_NEVER: Final = re.compile("[/\\\\:\ufffe\uffff]")
"""Separators of paths, drives and streams; and what XML 1.0 cannot carry."""
_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,62}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}")
"""RFC 6838 section 4.2, without parameters."""


def is_file_name(name: str, *, limit: int = FILE_NAME_CHARS_MAX) -> bool:
    """Whether a text names a file and nothing else, and shows all of itself; at most `limit` characters."""
    if not name.strip(" .") or name != name.strip() or len(name) > limit:
        return False
    return not _NEVER.search(name) and not any(map(_is_unseen, name))


def is_media_type(text: str) -> bool:
    """Whether a text is a media type, without parameters and in whatever case."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def plain_name(name: str) -> str:
    """The name as programs may take it in the end: nothing unseen, in one case, no space around it, no dot behind."""
    seen = "".join(letter for letter in name if not _is_unseen(letter))
    return unicodedata.normalize("NFKC", seen).casefold().strip().rstrip(". ")


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSEEN
