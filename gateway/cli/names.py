"""Names for files that a stranger named: they stay in the folder, are visible, and fit any file system."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

EDXML_SUFFIX: Final = ".edxml"
NAME_BYTES_MAX: Final = 200
"""A name may have 255 bytes; the rest is room for a number and for `.part`."""
SUFFIX_BYTES_MAX: Final = 20

# Separators and reserved characters of any system, controls, marks that turn the direction of writing, half surrogates.
_UNSAFE: Final = re.compile(
    '[\x00-\x1f\x7f-\x9f/\\\\:*?"<>|\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]'
)
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")


def safe_name(name: str, fallback: str) -> str:
    """The name as far as it is harmless; `fallback` when nothing of it is left."""
    plain = _UNSAFE.sub("_", unicodedata.normalize("NFC", name)).strip(" .")
    if not plain.strip("_"):
        return fallback
    if _RESERVED.match(plain):
        plain = "_" + plain
    return _shortened(plain)


def safe_names(names: Sequence[str]) -> tuple[str, ...]:
    """A safe name for each, no two alike even where the file system does not tell capitals apart."""
    taken: set[str] = set()
    chosen: list[str] = []
    for position, name in enumerate(names, start=1):
        wanted = safe_name(name, f"file-{position}")
        stem, suffix = _split(wanted)
        candidate, count = wanted, 1
        while candidate.casefold() in taken:
            count += 1
            candidate = f"{stem} ({count}){suffix}"
        taken.add(candidate.casefold())
        chosen.append(candidate)
    return tuple(chosen)


def _split(name: str) -> tuple[str, str]:
    suffix = PurePath(name).suffix
    if len(suffix.encode()) > SUFFIX_BYTES_MAX:
        suffix = ""
    return name.removesuffix(suffix), suffix


def _shortened(name: str) -> str:
    if len(name.encode()) <= NAME_BYTES_MAX:
        return name
    stem, suffix = _split(name)
    room = NAME_BYTES_MAX - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(" .") + suffix
