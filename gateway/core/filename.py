"""Names and media types of files that strangers hand in: one rule, at every door and in every envelope.

A name is shown to a clerk, becomes a file on somebody's disk and decides which program opens it. So it must be a name (no
path of any system) and must look like what it is: a line of plain text (`gateway.core.plain_text`; `a<U+202E>fdp.exe` is
shown as `aexe.pdf`).
"""

import re
import unicodedata
from typing import Final

from gateway.core.limits import FILE_NAME_CHARS_MAX
from gateway.core.plain_text import first_unseen, is_blank, without_unseen

_NEVER: Final = re.compile(r"[/\\:]")
"""Separators of paths, drives and streams."""
_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,62}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}")
"""RFC 6838 section 4.2, without parameters."""


def is_file_name(name: str, *, limit: int = FILE_NAME_CHARS_MAX) -> bool:
    """Whether a text names a file and nothing else, and shows all of itself; at most `limit` characters."""
    if is_blank(name.replace(".", "")) or name != name.strip() or len(name) > limit:
        return False
    return not _NEVER.search(name) and first_unseen(name) is None


def is_media_type(text: str) -> bool:
    """Whether a text is a media type, without parameters and in whatever case."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def plain_name(name: str) -> str:
    """The name as programs may take it in the end: nothing unseen, in one case, no space around it, no dot behind."""
    return unicodedata.normalize("NFKC", without_unseen(name)).casefold().strip().rstrip(". ")
