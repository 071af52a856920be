"""Drawings as objects of a PDF: the form that is a field's appearance, with its pictures and its letters."""

import string
import zlib
from hashlib import sha256
from typing import Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from gateway.crypto.pades.appearance import FONT, PICTURE, Drawing, content, upright
from gateway.crypto.pades.picture import Picture
from gateway.crypto.pades.typeface import outlines, tinos

_TAG_LETTERS: Final = 6
_SERIF_NONSYMBOLIC: Final = 0b10_0010
_STEM: Final = 80
"""Width of the stems, in thousandths of an em: for readers that have to do without the embedded font."""


def add_form(
    writer: BasePdfFileWriter, drawing: Drawing, *, width: float, height: float, turn: int
) -> generic.IndirectObject:
    """The form XObject (ISO 32000-2 clause 8.10) that shows a drawing in a frame of this size, upright on a page so turned."""
    if drawing.picture is None:
        resources = _dictionary({"/Font": _dictionary({f"/{FONT}": _add_font(writer, "".join(drawing.lines))})})
    else:
        resources = _dictionary({"/XObject": _dictionary({f"/{PICTURE}": _add_picture(writer, drawing.picture)})})
    return _add_stream(
        writer,
        content(drawing, width, height),
        {
            "/Type": pdf_name("/XObject"),
            "/Subtype": pdf_name("/Form"),
            "/BBox": _reals(0, 0, width, height),
            "/Matrix": _reals(*upright(width, height, turn)),
            "/Resources": resources,
        },
    )


def _add_picture(writer: BasePdfFileWriter, picture: Picture) -> generic.IndirectObject:
    """Colours, and beside them how opaque they are (clause 11.6.5.2)."""
    common: dict[str, generic.PdfObject] = {
        "/Type": pdf_name("/XObject"),
        "/Subtype": pdf_name("/Image"),
        "/Width": generic.NumberObject(picture.columns),
        "/Height": generic.NumberObject(picture.rows),
        "/BitsPerComponent": generic.NumberObject(8),
    }
    mask = _add_stream(writer, picture.opacity, common | {"/ColorSpace": pdf_name("/DeviceGray")})
    return _add_stream(writer, picture.colours, common | {"/ColorSpace": pdf_name("/DeviceRGB"), "/SMask": mask})


def _add_font(writer: BasePdfFileWriter, text: str) -> generic.IndirectObject:
    """The letters of a text, as a composite font whose codes are its glyphs' numbers (clauses 9.7.4, 9.9)."""
    face = tinos()
    letters = {face.letters[letter][0]: letter for letter in sorted(set(text))}
    file = outlines(face.file, frozenset(letters))
    name = pdf_name(f"/{_tag(file)}+Tinos")
    descriptor = _dictionary(
        {
            "/Type": pdf_name("/FontDescriptor"),
            "/FontName": name,
            "/Flags": generic.NumberObject(_SERIF_NONSYMBOLIC),
            "/FontBBox": generic.ArrayObject(map(generic.NumberObject, face.box)),
            "/ItalicAngle": generic.NumberObject(0),
            "/Ascent": generic.NumberObject(face.ascent),
            "/Descent": generic.NumberObject(face.descent),
            "/CapHeight": generic.NumberObject(face.cap_height),
            "/StemV": generic.NumberObject(_STEM),
            "/FontFile2": _add_stream(writer, file, {"/Length1": generic.NumberObject(len(file))}),
        }
    )
    widths = generic.ArrayObject()
    for glyph, letter in sorted(letters.items()):
        width = generic.NumberObject(face.letters[letter][1])
        widths += [generic.NumberObject(glyph), generic.ArrayObject([width])]
    system: dict[str, generic.PdfObject] = {
        "/Registry": generic.pdf_string("Adobe"),
        "/Ordering": generic.pdf_string("Identity"),
    }
    descendant = _dictionary(
        {
            "/Type": pdf_name("/Font"),
            "/Subtype": pdf_name("/CIDFontType2"),
            "/BaseFont": name,
            "/CIDSystemInfo": _dictionary({**system, "/Supplement": generic.NumberObject(0)}),
            "/FontDescriptor": writer.add_object(descriptor),
            "/CIDToGIDMap": pdf_name("/Identity"),
            "/DW": generic.NumberObject(0),
            "/W": widths,
        }
    )
    font: dict[str, generic.PdfObject] = {
        "/Type": pdf_name("/Font"),
        "/Subtype": pdf_name("/Type0"),
        "/BaseFont": name,
        "/Encoding": pdf_name("/Identity-H"),
        "/DescendantFonts": generic.ArrayObject([writer.add_object(descendant)]),
        "/ToUnicode": _add_stream(writer, _to_unicode(letters), {}),
    }
    return writer.add_object(_dictionary(font))


def _tag(file: bytes) -> str:
    """Six capital letters that tell this subset from another one of the same typeface (clause 9.9.2)."""
    digest = int.from_bytes(sha256(file).digest())
    capitals = string.ascii_uppercase
    return "".join(capitals[digest // len(capitals) ** place % len(capitals)] for place in range(_TAG_LETTERS))


def _to_unicode(letters: dict[int, str]) -> bytes:
    """From glyphs back to letters, for whoever searches, copies or reads aloud (clause 9.10.3)."""
    pairs = [f"<{glyph:04x}> <{letter.encode('utf-16-be').hex()}>" for glyph, letter in sorted(letters.items())]
    blocks = (pairs[start : start + 100] for start in range(0, len(pairs), 100))
    mapped = "\n".join(f"{len(block)} beginbfchar\n{chr(10).join(block)}\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
        f"{mapped}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode("ascii")


def _add_stream(
    writer: BasePdfFileWriter, data: bytes, entries: dict[str, generic.PdfObject]
) -> generic.IndirectObject:
    packed = {**entries, "/Filter": pdf_name("/FlateDecode")}
    return writer.add_object(generic.StreamObject(_dictionary(packed), encoded_data=zlib.compress(data)))


def _dictionary(entries: dict[str, generic.PdfObject]) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(name): value for name, value in entries.items()})


def _reals(*numbers: float) -> generic.ArrayObject:
    return generic.ArrayObject(generic.FloatObject(round(number, 4)) for number in numbers)
