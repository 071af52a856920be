"""Names and media types of files that strangers hand in: one rule, at every door and in every envelope.

A name is shown to a clerk, becomes a file on somebody's disk and decides which program opens it. So it must be a name (no
path of any system) and must look like what it is: a line of plain text (`gateway.core.plain_text`; `a<U+202E>fdp.exe` is
shown as `aexe.pdf`).
"""

import re
import unicodedata
from pathlib import PurePath
from typing import Final

from gateway.core.limits import FILE_NAME_CHARS_MAX
from gateway.core.plain_text import first_unseen, is_blank, without_unseen

_NEVER: Final = re.compile(r"[/\\:]")
"""Separators of paths, drives and streams."""
NAME_BYTES_MAX: Final = 200
"""What is left of a name where it becomes a file: one may have 255 bytes, the rest is room for a number and `.part`."""
SUFFIX_BYTES_MAX: Final = 20
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


def shortened(name: str, *, bytes_max: int = NAME_BYTES_MAX) -> str:
    """The name in so many bytes of UTF-8, its extension kept: what file systems and headers of proxies can hold."""
    if len(name.encode()) <= bytes_max:
        return name
    stem, suffix = split_name(name)
    room = bytes_max - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(" .") + suffix


def split_name(name: str) -> tuple[str, str]:
    """Stem and extension with its dot; what is too long for an extension is none."""
    suffix = PurePath(name).suffix
    if len(suffix.encode()) > SUFFIX_BYTES_MAX:
        suffix = ""
    return name.removesuffix(suffix), suffix


def plain_name(name: str) -> str:
    """The name as programs may take it in the end: nothing unseen, in one case, no space around it, no dot behind."""
    return unicodedata.normalize("NFKC", without_unseen(name)).casefold().strip().rstrip(". ")
