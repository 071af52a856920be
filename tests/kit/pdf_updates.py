"""What an attacker appends to a signed PDF, and what he does to its byte range: each takes a signed file and gives another."""

import io
import re
from collections.abc import Callable
from typing import Final

from pyhanko.pdf_utils.generic import (
    ArrayObject,
    DictionaryObject,
    FloatObject,
    IndirectObject,
    NameObject,
    NumberObject,
    StreamObject,
    TextStringObject,
    pdf_name,
)
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from tests.kit.pyhanko_signer import How, signed, with_fields, written

Writer = IncrementalPdfFileWriter
_TEXT: Final = b"BT /F1 18 Tf 72 720 Td (Chi 900 dong) Tj ET"


def _writer(pdf: bytes) -> Writer:
    return IncrementalPdfFileWriter(io.BytesIO(pdf))


def _page(writer: Writer) -> DictionaryObject:
    page: DictionaryObject = writer.root["/Pages"]["/Kids"][0]
    return page


def _stream(data: bytes, **entries: object) -> StreamObject:
    return StreamObject(dict_data={pdf_name(f"/{name}"): value for name, value in entries.items()}, stream_data=data)


def _form(data: bytes) -> StreamObject:
    """A picture that covers the whole page with something else."""
    box = ArrayObject(map(NumberObject, (0, 0, 595, 842)))
    return _stream(data, Type=NameObject("/XObject"), Subtype=NameObject("/Form"), BBox=box)


# --- another content (shadow attacks: hide, replace, hide and replace) ------------------------------------------------


def content_replaced(pdf: bytes) -> bytes:
    """The page's stream again, with another text."""
    writer = _writer(pdf)
    page = _page(writer)
    page["/Contents"] = writer.add_object(_stream(_TEXT))
    writer.update_container(page)
    return written(writer)


def content_object_replaced(pdf: bytes) -> bytes:
    """The same, under the number of the old stream: the page itself stays as it was."""
    reference = _page(_writer(pdf)).raw_get("/Contents")
    return _object_replaced(pdf, reference.idnum, b"<< /Length %d >>\nstream\n%b\nendstream" % (len(_TEXT), _TEXT))


def font_replaced(pdf: bytes) -> bytes:
    """Another font under the old one's number: the same letters, other shapes."""
    reference = _page(_writer(pdf))["/Resources"]["/Font"].raw_get("/F1")
    return _object_replaced(pdf, reference.idnum, b"<< /Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats >>")


def page_added(pdf: bytes) -> bytes:
    writer = _writer(pdf)
    pages = writer.root["/Pages"]
    page = DictionaryObject(_page(writer))
    page[pdf_name("/Contents")] = writer.add_object(_stream(_TEXT))
    pages["/Kids"].append(writer.add_object(page))
    pages["/Count"] = NumberObject(2)
    writer.update_container(pages)
    writer.update_container(pages["/Kids"])
    return written(writer)


def pages_swapped(pdf: bytes) -> bytes:
    """Another tree of pages in the catalogue; the old one lies unused."""
    writer = _writer(pdf)
    page = DictionaryObject(_page(writer))
    page[pdf_name("/Contents")] = writer.add_object(_stream(_TEXT))
    kids = ArrayObject([writer.add_object(page)])
    entries = {"/Type": NameObject("/Pages"), "/Kids": kids, "/Count": NumberObject(1)}
    writer.root["/Pages"] = writer.add_object(DictionaryObject({pdf_name(k): v for k, v in entries.items()}))
    writer.update_root()
    return written(writer)


def annotation_added(pdf: bytes) -> bytes:
    """A note with a picture of its own, over the text."""
    return _annotated(pdf, NameObject("/FreeText"))


def stamp_annotation_added(pdf: bytes) -> bytes:
    return _annotated(pdf, NameObject("/Stamp"))


def _annotated(pdf: bytes, subtype: NameObject) -> bytes:
    writer = _writer(pdf)
    page = _page(writer)
    note = _widget(writer)
    note[pdf_name("/Subtype")] = subtype
    note[pdf_name("/Contents")] = TextStringObject("Chi 900 dong")
    _annotations(writer, page).append(writer.add_object(note))
    return written(writer)


def _annotations(writer: Writer, page: DictionaryObject) -> ArrayObject:
    if "/Annots" not in page:
        page["/Annots"] = ArrayObject()
    found: ArrayObject = page["/Annots"]
    writer.update_container(page)
    writer.update_container(found)
    return found


def _widget(writer: Writer) -> DictionaryObject:
    picture = writer.add_object(_form(b"1 1 1 rg 0 0 595 842 re f"))
    entries = {
        "/Type": NameObject("/Annot"),
        "/Subtype": NameObject("/Widget"),
        "/Rect": ArrayObject(map(FloatObject, (0, 0, 595, 842))),
        "/F": NumberObject(4),
        "/AP": DictionaryObject({pdf_name("/N"): picture}),
    }
    return DictionaryObject({pdf_name(name): value for name, value in entries.items()})


# --- forms and the catalogue ------------------------------------------------------------------------------------------


def with_text_field(pdf: bytes) -> bytes:
    """A text field in the form, before anybody signs."""
    writer = _writer(with_fields(pdf, "Later"))
    field = DictionaryObject({pdf_name("/FT"): NameObject("/Tx"), pdf_name("/T"): TextStringObject("Amount")})
    field[pdf_name("/V")] = TextStringObject("100")
    fields = writer.root["/AcroForm"]["/Fields"]
    fields.append(writer.add_object(field))
    writer.update_container(fields)
    return written(writer)


def text_field_filled(pdf: bytes) -> bytes:
    """Another value in the text field of `with_text_field`."""
    writer = _writer(pdf)
    (field,) = (one for one in _fields(writer) if one["/T"] == "Amount")
    field["/V"] = TextStringObject("900")
    writer.update_container(field)
    return written(writer)


def empty_field_with_picture(pdf: bytes) -> bytes:
    """A signature field that nobody signs, whose picture covers the page."""
    return _field_added(pdf, lambda writer, field: None)


def signature_used_twice(pdf: bytes) -> bytes:
    """A new field, with a picture over the page, that shows the old signature as its own."""

    def reuse(writer: Writer, field: DictionaryObject) -> None:
        field[pdf_name("/V")] = _signed_field(writer).raw_get("/V")

    return _field_added(pdf, reuse)


def _field_added(pdf: bytes, change: Callable[[Writer, DictionaryObject], None]) -> bytes:
    writer = _writer(pdf)
    field = _widget(writer)
    field[pdf_name("/FT")] = NameObject("/Sig")
    field[pdf_name("/T")] = TextStringObject("Attack")
    change(writer, field)
    reference = writer.add_object(field)
    fields = writer.root["/AcroForm"]["/Fields"]
    fields.append(reference)
    writer.update_container(fields)
    _annotations(writer, _page(writer)).append(reference)
    return written(writer)


def _signed_field(writer: Writer) -> DictionaryObject:
    found: DictionaryObject = next(one for one in _fields(writer) if "/V" in one)
    return found


def _fields(writer: Writer) -> list[DictionaryObject]:
    return [field.get_object() for field in writer.root["/AcroForm"]["/Fields"]]


def picture_of_signature_replaced(pdf: bytes) -> bytes:
    """The signed field's own picture now covers the page."""
    writer = _writer(pdf)
    field = _signed_field(writer)
    field[pdf_name("/AP")] = _widget(writer)["/AP"]
    field[pdf_name("/Rect")] = ArrayObject(map(FloatObject, (0, 0, 595, 842)))
    writer.update_container(field)
    return written(writer)


def script_added(pdf: bytes) -> bytes:
    """A script that runs when the file is opened."""
    writer = _writer(pdf)
    script = {"/S": NameObject("/JavaScript"), "/JS": TextStringObject("this.getField('x')")}
    writer.root["/OpenAction"] = DictionaryObject({pdf_name(name): value for name, value in script.items()})
    writer.update_root()
    return written(writer)


def file_embedded(pdf: bytes) -> bytes:
    """Another file inside, named by the catalogue."""
    writer = _writer(pdf)
    entry = writer.add_object(_stream(b"MZ", Type=NameObject("/EmbeddedFile")))
    spec = DictionaryObject({pdf_name("/Type"): NameObject("/Filespec"), pdf_name("/F"): TextStringObject("a.exe")})
    spec[pdf_name("/EF")] = DictionaryObject({pdf_name("/F"): entry})
    names = ArrayObject([TextStringObject("a.exe"), writer.add_object(spec)])
    tree = DictionaryObject({pdf_name("/Names"): names})
    writer.root["/Names"] = DictionaryObject({pdf_name("/EmbeddedFiles"): tree})
    writer.update_root()
    return written(writer)


UPDATES: Final[dict[str, Callable[[bytes], bytes]]] = {
    change.__name__.replace("_", " "): change
    for change in (
        *(content_replaced, content_object_replaced, font_replaced, page_added, pages_swapped),
        *(annotation_added, stamp_annotation_added, empty_field_with_picture, signature_used_twice),
        *(picture_of_signature_replaced, script_added, file_embedded),
    )
}
"""What nobody may append to a signed file."""


def _object_replaced(pdf: bytes, number: int, body: bytes) -> bytes:
    """An incremental update by hand: one object anew, under its old number."""
    start, size = (int(re.findall(word + rb"\s+(\d+)", pdf)[-1]) for word in (rb"startxref", rb"/Size"))
    root = re.findall(rb"/Root\s+(\d+ \d+ R)", pdf)[-1]
    out = pdf if pdf.endswith(b"\n") else pdf + b"\n"
    offset = len(out)
    out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    xref = len(out)
    out += b"xref\n%d 1\n%010d 00000 n \n" % (number, offset)
    return out + b"trailer\n<< /Size %d /Root %b /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (size, root, start, xref)


# --- the byte range ---------------------------------------------------------------------------------------------------


def _range(pdf: bytes) -> tuple[re.Match[bytes], tuple[int, ...]]:
    (found,) = re.finditer(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", pdf)
    return found, tuple(int(number) for number in found.groups())


def _with_range(pdf: bytes, *numbers: int) -> bytes:
    """Other numbers in the same room."""
    found, _ = _range(pdf)
    text = b"/ByteRange [%b]" % b" ".join(b"%d" % number for number in numbers)
    start, end = found.span()
    room = re.match(rb"[^/>]*", pdf[start + 1 :])
    assert room is not None
    assert len(text) <= room.end() + 1, "no room for the numbers"
    return pdf[:start] + text.ljust(end - start) + pdf[start + max(len(text), end - start) :]


def gap_stretched(pdf: bytes) -> bytes:
    _, (first, length, second, rest) = _range(pdf)
    return _with_range(pdf, first, length, second + 1, rest - 1)


def gap_begins_early(pdf: bytes) -> bytes:
    _, (first, length, second, rest) = _range(pdf)
    return _with_range(pdf, first, length - 1, second, rest)


def begins_late(pdf: bytes) -> bytes:
    _, (first, length, second, rest) = _range(pdf)
    return _with_range(pdf, first + 1, length - 1, second, rest)


def ends_early(pdf: bytes) -> bytes:
    _, (first, length, second, rest) = _range(pdf)
    return _with_range(pdf, first, length, second, rest - 1)


def overlaps(pdf: bytes) -> bytes:
    _, (first, length, _, rest) = _range(pdf)
    return _with_range(pdf, first, length, length - 10, rest)


def beyond_the_end(pdf: bytes) -> bytes:
    _, (first, length, second, rest) = _range(pdf)
    return _with_range(pdf, first, length, second, rest + 9)


def two_numbers(pdf: bytes) -> bytes:
    _, (first, length, *_) = _range(pdf)
    return _with_range(pdf, first, length)


def negative(pdf: bytes) -> bytes:
    _, (_, length, second, rest) = _range(pdf)
    return _with_range(pdf, -1, length, second, rest)


def no_range(pdf: bytes) -> bytes:
    return pdf.replace(b"/ByteRange", b"/ByteRagne")


def no_contents(pdf: bytes) -> bytes:
    return pdf.replace(b"/Contents <30", b"/Contenst <30")


def empty_contents(pdf: bytes) -> bytes:
    """All zeros: a signature of nothing (universal signature forgery)."""
    found = re.search(rb"/Contents <([0-9a-fA-F]+)>", pdf)
    assert found is not None
    return pdf[: found.start(1)] + b"0" * len(found[1]) + pdf[found.end(1) :]


def bytes_after_the_end(pdf: bytes) -> bytes:
    return pdf + b"% Chi 900 dong\n"


def wrapped(pdf: bytes) -> bytes:
    """Signature wrapping: the signed halves stay, moved apart, and between them stands another revision.

    The signed end still says where the cross-reference table is; moved down, it points into the gap, where a table of the
    attacker's now stands: it names a new text, and a new signature dictionary with the same Contents and other numbers.
    """
    _, (first, length, second, rest) = _range(pdf)
    table = int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])
    trailer = pdf[pdf.index(b"trailer", table) :]
    head = pdf.rindex(b" obj", 0, length)
    number = int(pdf[pdf.rindex(b"\n", 0, head) + 1 : head].split()[0])
    text = b"4 0 obj\n<< /Length %d >>\nstream\n%b\nendstream\nendobj\n" % (len(_TEXT), _TEXT)
    offsets = _offsets(pdf, table)
    after = table + len(trailer) + len(_table({**offsets, 4: 0, number: 0}))
    down = after + len(text) + (second - length) + 300  # where the second half begins now
    moved = {at: where + (down - second if where >= second else 0) for at, where in offsets.items()}
    names = b"/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached"
    values = (number, names, pdf[length:second], first, length, down, rest)
    gap = pdf[length:second].ljust(table - length) + _table(moved | {4: after, number: after + len(text)}) + trailer
    gap += text + b"%d 0 obj\n<< %b /Contents %b /ByteRange [%d %d %d %d] >>\nendobj\n" % values
    assert len(gap) <= down - length, "wide enough"
    return pdf[:length] + gap.ljust(down - length) + pdf[second:]


def _table(offsets: dict[int, int]) -> bytes:
    return b"xref\n" + b"".join(b"%d 1\n%010d 00000 n \n" % entry for entry in sorted(offsets.items()))


def _offsets(pdf: bytes, table: int) -> dict[int, int]:
    """Object number -> where it is, by the cross-reference table that begins there."""
    found, number = {}, 0
    for line in pdf[table : pdf.index(b"trailer", table)].splitlines()[1:]:
        words = line.split()
        if len(words) == 2:
            number = int(words[0])
            continue
        if words[2] == b"n":
            found[number] = int(words[0])
        number += 1
    return found


RANGES: Final[dict[str, Callable[[bytes], bytes]]] = {
    change.__name__.replace("_", " "): change
    for change in (
        *(gap_stretched, gap_begins_early, begins_late, ends_early, overlaps, beyond_the_end, two_numbers, negative),
        *(no_range, no_contents, empty_contents, bytes_after_the_end, wrapped),
    )
}
"""What can be done to the byte range, and to what it leaves out."""

# --- files that never end ---------------------------------------------------------------------------------------------


def sections_in_a_circle(pdf: bytes) -> bytes:
    """The last cross-reference section names itself as the one before it."""
    again = _object_replaced(pdf, 1, b"<< /Type /Catalog /Pages 2 0 R >>")
    start = re.findall(rb"startxref\s+(\d+)", again)[-1]
    at = again.rindex(b"/Prev ")
    end = again.index(b" >>", at)
    return again[:at] + b"/Prev %b" % start + again[end:]


def fields_in_a_circle(pdf: bytes) -> bytes:
    """A form field that is its own child."""
    writer = _writer(pdf)
    field = DictionaryObject({pdf_name("/T"): TextStringObject("Circle")})
    reference = writer.add_object(field)
    field[pdf_name("/Kids")] = ArrayObject([reference])
    fields = writer.root["/AcroForm"]["/Fields"]
    fields.append(reference)
    writer.update_container(fields)
    return written(writer)


def pages_in_a_circle(pdf: bytes) -> bytes:
    """A tree of pages that is its own branch."""
    writer = _writer(pdf)
    pages = writer.root["/Pages"]
    pages["/Kids"].append(IndirectObject(pages.container_ref.idnum, 0, writer))
    writer.update_container(pages)
    writer.update_container(pages["/Kids"])
    return written(writer)


CIRCLES: Final[dict[str, Callable[[bytes], bytes]]] = {
    change.__name__.replace("_", " "): change
    for change in (sections_in_a_circle, fields_in_a_circle, pages_in_a_circle)
}
"""Files that keep a careless reader busy for ever."""


def signed_often(pdf: bytes, times: int) -> bytes:
    for number in range(times):
        pdf = signed(pdf, "seal-ec", How(field=f"Signature{number}"))
    return pdf
