"""The letters of what a signature shows: Tinos, which has the widths of Times New Roman and every Vietnamese letter.

`tinos.ttf` is the Latin and Vietnamese part of the typeface (330 glyphs, 26 KB; `tests/kit/typeface.py` made it), `tinos.json`
what a PDF has to say of it. Into a document goes only what the text needs (`outlines`), a few KB: the glyphs keep their
numbers, those that are not needed are empty. No library is asked: the file is our own, and this is a table of offsets.
"""

import json
import struct
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

_TABLES: Final = (b"glyf", b"head", b"hhea", b"hmtx", b"loca", b"maxp")
"""What a TrueType font in a PDF consists of (ISO 32000-2 clause 9.9); unhinted, so without cvt, fpgm and prep."""

# Composite glyphs (OpenType: glyf, "Composite Glyph Description").
_WORDS: Final = 0x0001
_SCALE: Final = 0x0008
_MORE: Final = 0x0020
_TWO_SCALES: Final = 0x0040
_MATRIX: Final = 0x0080


@dataclass(frozen=True, slots=True, kw_only=True)
class Typeface:
    """The typeface as it lies in the package; measures in thousandths of an em."""

    file: bytes
    ascent: int
    descent: int
    cap_height: int
    box: tuple[int, ...]
    letters: Mapping[str, tuple[int, int]]
    """Number of the glyph, and its width."""

    def lacking(self, text: str) -> str:
        """The letters of a text (NFC) that it does not have."""
        return "".join(sorted(set(text) - self.letters.keys()))

    def width(self, text: str) -> int:
        """How long a line is."""
        return sum(self.letters[letter][1] for letter in text)

    def glyphs(self, text: str) -> bytes:
        """The text as it stands in a content stream under the encoding Identity-H."""
        return b"".join(self.letters[letter][0].to_bytes(2) for letter in text)


def composed(text: str) -> str:
    """The text with each Vietnamese letter as one character, and any white space as a space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


@cache
def tinos() -> Typeface:
    """The one there is."""
    folder = files(__name__)
    said = json.loads((folder / "tinos.json").read_text(encoding="utf-8"))
    return Typeface(
        file=(folder / "tinos.ttf").read_bytes(),
        ascent=said["ascent"],
        descent=said["descent"],
        cap_height=said["cap_height"],
        box=tuple(said["box"]),
        letters={letter: (glyph, width) for letter, (glyph, width) in said["letters"].items()},
    )


def outlines(file: bytes, wanted: frozenset[int]) -> bytes:
    """The font file with nothing but these glyphs and those that they are made of."""
    tables = dict(_tables(file))
    long = struct.unpack_from(">h", tables[b"head"], 50)[0]  # head.indexToLocFormat
    count = struct.unpack_from(">H", tables[b"maxp"], 4)[0]
    places = struct.unpack(f">{count + 1}{'I' if long else 'H'}", tables[b"loca"][: (count + 1) * (4 if long else 2)])
    unit = 1 if long else 2
    every = [tables[b"glyf"][places[number] * unit : places[number + 1] * unit] for number in range(count)]
    kept = _whole(every, {0, *wanted})
    chosen = [outline if number in kept else b"" for number, outline in enumerate(every)]
    offsets = [0]
    for outline in chosen:
        offsets.append(offsets[-1] + len(outline) // unit)
    tables[b"glyf"] = b"".join(chosen)
    tables[b"loca"] = struct.pack(f">{count + 1}{'I' if long else 'H'}", *offsets)
    return _file({tag: tables[tag] for tag in _TABLES})


def _whole(every: list[bytes], wanted: set[int]) -> set[int]:
    """The glyphs, and all that they are made of."""
    kept: set[int] = set()
    while wanted:
        number = wanted.pop()
        if number not in kept:
            kept.add(number)
            wanted |= set(_components(every[number]))
    return kept


def _components(outline: bytes) -> Iterator[int]:
    """What a composite glyph is made of; nothing for a plain one."""
    if not outline or struct.unpack_from(">h", outline)[0] >= 0:  # numberOfContours
        return
    place, flags = 10, _MORE
    while flags & _MORE:
        flags, number = struct.unpack_from(">HH", outline, place)
        yield number
        place += 4 + (4 if flags & _WORDS else 2)
        place += 2 if flags & _SCALE else 4 if flags & _TWO_SCALES else 8 if flags & _MATRIX else 0


def _tables(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    for number in range(struct.unpack_from(">H", file, 4)[0]):
        tag, _, offset, length = struct.unpack_from(">4sIII", file, 12 + 16 * number)
        yield tag, file[offset : offset + length]


def _file(tables: Mapping[bytes, bytes]) -> bytes:
    """Tables as a font file: a directory sorted by tag, each table at a multiple of four bytes, with its checksum."""
    power = len(tables).bit_length() - 1
    directory = [struct.pack(">IHHHH", 0x0001_0000, len(tables), 16 << power, power, 16 * (len(tables) - (1 << power)))]
    body, offset = [], 12 + 16 * len(tables)
    for tag, data in sorted(tables.items()):
        padded = data + bytes(-len(data) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFF_FFFF
        directory.append(struct.pack(">4sIII", tag, total, offset, len(data)))
        body.append(padded)
        offset += len(padded)
    return b"".join((*directory, *body))
