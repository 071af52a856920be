"""Names for files that a stranger named: they stay in the folder, are visible, and fit any file system."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from gateway.core.filename import shortened, split_name
from gateway.core.plain_text import without_unseen

EDXML_SUFFIX: Final = ".edxml"

# Separators and reserved characters of any system; names of devices, as Windows reads them.
_UNSAFE: Final = re.compile(r'[/\\:*?"<>|]')
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(\.|$)")


def safe_name(name: str, fallback: str) -> str:
    """The name as far as it is harmless; `fallback` when nothing of it is left."""
    plain = _UNSAFE.sub("_", without_unseen(unicodedata.normalize("NFC", name), instead="_")).strip(" .")
    if not plain.strip("_"):
        return fallback
    if _RESERVED.match(plain):
        plain = "_" + plain
    return shortened(plain)


def safe_names(names: Sequence[str]) -> tuple[str, ...]:
    """A safe name for each, no two alike even where the file system does not tell capitals apart."""
    taken: set[str] = set()
    last: dict[str, int] = {}
    chosen: list[str] = []
    for position, name in enumerate(names, start=1):
        wanted = safe_name(name, f"file-{position}")
        stem, suffix = split_name(wanted)
        candidate, count = wanted, last.get(wanted.casefold(), 1)
        while candidate.casefold() in taken:
            count += 1
            candidate = f"{stem} ({count}){suffix}"
        last[wanted.casefold()] = count
        taken.add(candidate.casefold())
        chosen.append(candidate)
    return tuple(chosen)
