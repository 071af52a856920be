"""What an attacker appends to a signed PDF: each takes a signed file and gives another."""

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
OTHER_TEXT: Final = b"BT /F1 18 Tf 72 720 Td (Chi 900 dong) Tj ET"


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
    page["/Contents"] = writer.add_object(_stream(OTHER_TEXT))
    writer.update_container(page)
    return written(writer)


def content_object_replaced(pdf: bytes) -> bytes:
    """The same, under the number of the old stream: the page itself stays as it was."""
    reference = _page(_writer(pdf)).raw_get("/Contents")
    return _object_replaced(
        pdf, reference.idnum, b"<< /Length %d >>\nstream\n%b\nendstream" % (len(OTHER_TEXT), OTHER_TEXT)
    )


def font_replaced(pdf: bytes) -> bytes:
    """Another font under the old one's number: the same letters, other shapes."""
    reference = _page(_writer(pdf))["/Resources"]["/Font"].raw_get("/F1")
    return _object_replaced(pdf, reference.idnum, b"<< /Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats >>")


def page_added(pdf: bytes) -> bytes:
    writer = _writer(pdf)
    pages = writer.root["/Pages"]
    page = DictionaryObject(_page(writer))
    page[pdf_name("/Contents")] = writer.add_object(_stream(OTHER_TEXT))
    pages["/Kids"].append(writer.add_object(page))
    pages["/Count"] = NumberObject(2)
    writer.update_container(pages)
    writer.update_container(pages["/Kids"])
    return written(writer)


def pages_swapped(pdf: bytes) -> bytes:
    """Another tree of pages in the catalogue; the old one lies unused."""
    writer = _writer(pdf)
    page = DictionaryObject(_page(writer))
    page[pdf_name("/Contents")] = writer.add_object(_stream(OTHER_TEXT))
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
