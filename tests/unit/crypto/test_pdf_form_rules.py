"""What is done to the form of a sealed PDF so that readers show another text: the seal must not pass over it."""

from collections.abc import Sequence
from io import BytesIO

import pytest
from pyhanko.pdf_utils.generic import (
    ArrayObject,
    BooleanObject,
    DictionaryObject,
    IndirectObject,
    NumberObject,
    PdfObject,
    StreamObject,
    TextStringObject,
    pdf_name,
)
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp

from gateway.core.validation import Indication, SubIndication
from gateway.core.verdict import FileVerdict
from gateway.crypto import judge_pdf
from tests.kit.pdfs import tiny_pdf
from tests.kit.pki import MOMENT, Pki
from tests.kit.stamps import TOKEN_ROOM_BYTES, document_stamped
from tests.kit.timestamp_authority import Authority
from tests.unit.crypto.sealing import sealed

PKI = Pki()
SEAL, OTHER = PKI.leaf("seal"), PKI.leaf("seal", organ_id="H29.17")
PAGE = (0, 0, 595, 842)
FIXED, NEW = SubIndication.SIG_CONSTRAINTS_FAILURE, "Cover"


def judge(pdf: bytes) -> FileVerdict:
    return judge_pdf(pdf, trust=PKI.trust, moment=MOMENT)


def named(**entries: PdfObject) -> DictionaryObject:
    return DictionaryObject({pdf_name(f"/{key}"): value for key, value in entries.items()})


def numbers(values: Sequence[int]) -> ArrayObject:
    return ArrayObject(NumberObject(value) for value in values)


def written(writer: IncrementalPdfFileWriter) -> bytes:
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


def stamped(writer: IncrementalPdfFileWriter, transform: IndirectObject | None = None) -> bytes:
    """What the writer has, and in the same update an archive timestamp; `transform`: what its parameters are said to be."""
    placeholder = DocumentTimestamp(bytes_reserved=2 * TOKEN_ROOM_BYTES)
    if transform is not None:
        placeholder[pdf_name("/Reference")] = ArrayObject([named(Type=pdf_name("/SigRef"), TransformParams=transform)])
    embedding = PdfCMSEmbedder().write_cms(NEW, writer)
    next(embedding)
    embedding.send(SigObjSetup(sig_placeholder=placeholder))
    prepared, output = embedding.send(SigIOSetup(md_algorithm="sha256"))
    data = output.getvalue()
    stamp = Authority(PKI).at(MOMENT)
    embedding.send(stamp(data[: prepared.reserved_region_start] + data[prepared.reserved_region_end :]))
    return bytes(output.getvalue())


class Shadow:
    """A letter with a picture that nothing shows (another sum, on white), and with numbers that stand by themselves."""

    def __init__(self) -> None:
        writer = IncrementalPdfFileWriter(BytesIO(tiny_pdf("Chi 100 dong")))
        form = named(Type=pdf_name("/XObject"), Subtype=pdf_name("/Form"), BBox=numbers(PAGE))
        text = b"1 g 0 0 595 842 re f 0 g BT /F1 18 Tf 72 720 Td (Chi 900 dong) Tj ET"
        self.picture = writer.add_object(StreamObject(form, stream_data=text)).idnum
        self.numbers = [writer.add_object(NumberObject(value)).idnum for value in PAGE]
        self.pdf = written(writer)

    def widget(self, writer: IncrementalPdfFileWriter, rectangle: str) -> DictionaryObject:
        """One that shows the picture, whose objects were all there before."""
        sides = numbers((*PAGE, 0)) if rectangle == "five numbers" else numbers(PAGE)
        if rectangle == "numbers elsewhere":
            sides = ArrayObject(IndirectObject(number, 0, writer.prev) for number in self.numbers)
        return named(
            Type=pdf_name("/Annot"),
            Subtype=pdf_name("/Widget"),
            F=NumberObject(4),
            Rect=sides,
            AP=named(N=IndirectObject(self.picture, 0, writer.prev)),
        )

    def covered(self, pdf: bytes, rectangle: str, *, apart: bool = False, stamp: bool = False) -> bytes:
        """The PDF with a field more whose widget covers the page; `apart`: the widget is another object.

        `stamp`: an archive timestamp stands in it; else it is empty.
        """
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        widget, page = self.widget(writer, rectangle), writer.root["/Pages"]["/Kids"].raw_get(0)
        field = named(FT=pdf_name("/Sig"), T=TextStringObject(NEW))
        if apart:
            shown = writer.add_object(widget)
            added = writer.add_object(DictionaryObject({**field, pdf_name("/Kids"): ArrayObject([shown])}))
            widget[pdf_name("/Parent")] = added
        else:
            added = shown = writer.add_object(DictionaryObject({**field, **widget}))
        page.get_object()[pdf_name("/Annots")] = ArrayObject([*page.get_object()["/Annots"], shown])
        writer.mark_update(page.reference)
        writer.root["/AcroForm"]["/Fields"].append(added)
        writer.update_container(writer.root["/AcroForm"])
        return stamped(writer) if stamp else written(writer)


SHADOW = Shadow()


def test_the_letter_that_is_attacked_passes() -> None:
    assert judge(sealed(SHADOW.pdf, SEAL)).indication is Indication.TOTAL_PASSED


@pytest.mark.parametrize("apart", [False, True], ids=["one object", "two objects"])
@pytest.mark.parametrize("rectangle", ["plain", "five numbers", "numbers elsewhere"])
def test_a_field_that_covers_the_page_is_not_taken_for_an_invisible_one(rectangle: str, apart: bool) -> None:
    verdict = judge(SHADOW.covered(sealed(SHADOW.pdf, SEAL), rectangle, apart=apart))
    assert (verdict.indication, verdict.sub_indication) == (Indication.INDETERMINATE, FIXED)


@pytest.mark.parametrize("rectangle", ["plain", "five numbers", "numbers elsewhere"])
def test_nor_where_an_archive_timestamp_stands_in_it(rectangle: str) -> None:
    stamp = Authority(PKI).at(MOMENT)
    assert judge(document_stamped(sealed(SHADOW.pdf, SEAL), stamp)).indication is Indication.TOTAL_PASSED
    verdict = judge(SHADOW.covered(sealed(SHADOW.pdf, SEAL), rectangle, stamp=True))
    assert (verdict.indication, verdict.sub_indication) == (Indication.INDETERMINATE, FIXED)


SCRIPT = named(S=pdf_name("/JavaScript"), JS=TextStringObject("app.alert('Chi 900 dong')"))


@pytest.mark.parametrize("apart", [False, True], ids=["one object", "two objects"])
@pytest.mark.parametrize("actions", [{}, {"AA": named(PO=SCRIPT)}, {"A": SCRIPT}], ids=["none", "/AA", "/A"])
def test_an_invisible_field_runs_no_script(actions: dict[str, PdfObject], apart: bool) -> None:
    class Scripted(Shadow):
        def widget(self, writer: IncrementalPdfFileWriter, rectangle: str) -> DictionaryObject:
            shown = super().widget(writer, rectangle)
            return DictionaryObject({**shown, pdf_name("/Rect"): numbers((0, 0, 0, 0)), **named(**actions)})

    shadow = Scripted()
    verdict = judge(shadow.covered(sealed(shadow.pdf, SEAL), "plain", apart=apart, stamp=True))
    assert verdict.indication is (Indication.INDETERMINATE if actions else Indication.TOTAL_PASSED)


CORNERS = numbers((0, 0, 595, 0, 595, 842, 0, 842))
WHITE = numbers((1, 1, 1))
KINDS: dict[str, DictionaryObject] = {
    "widget": named(),
    "polygon": named(Subtype=pdf_name("/Polygon"), Vertices=CORNERS, IC=WHITE, C=WHITE),
    "line": named(Subtype=pdf_name("/Line"), L=numbers((0, 720, 595, 720)), C=WHITE, BS=named(W=NumberObject(300))),
    "strike-out": named(Subtype=pdf_name("/StrikeOut"), QuadPoints=CORNERS, C=WHITE),
    "note": named(Subtype=pdf_name("/Text"), Contents=TextStringObject("Chi 900 dong")),
}


@pytest.mark.parametrize("apart", [False, True], ids=["one object", "two objects"])
@pytest.mark.parametrize("rectangle", [(0, 0, 0, 0), (1, 1, 3, 3)], ids=["invisible", "small"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_field_is_drawn_as_a_widget_and_as_nothing_else(
    kind: str, rectangle: tuple[int, int, int, int], apart: bool
) -> None:
    """A polygon is drawn over its corners, whatever its rectangle says: the page was white, and the seal passed."""

    class Painted(Shadow):
        def widget(self, writer: IncrementalPdfFileWriter, rectangle: str) -> DictionaryObject:
            shown = named(Type=pdf_name("/Annot"), Subtype=pdf_name("/Widget"), F=NumberObject(4), Rect=sides)
            return DictionaryObject({**shown, **KINDS[kind]})

    sides, shadow = numbers(rectangle), Painted()
    verdict = judge(shadow.covered(sealed(shadow.pdf, SEAL), "plain", apart=apart, stamp=True))
    other_kind = f"changed after this signature: the field {NEW} is an annotation of another kind"
    if kind != "widget":
        assert (verdict.indication, verdict.sub_indication, verdict.reason) == (
            Indication.INDETERMINATE,
            FIXED,
            other_kind,
        )
    else:  # a visible one may come before a signature only
        expected = Indication.INDETERMINATE if any(rectangle) else Indication.TOTAL_PASSED
        assert verdict.indication is expected


# --- objects that the pages use -----------------------------------------------------------------------------------------

PAGE_OBJECT, CONTENT_OBJECT = 3, 4
"""Of `tiny_pdf`."""
LIE = b"BT /F1 18 Tf 72 720 Td (Chi 900 dong) Tj ET"


def replaced(pdf: bytes, number: int, *, named_by_stamp: bool) -> bytes:
    """The PDF with an archive timestamp, and in the same update with another object of that number."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    page, content = writer.root["/Pages"]["/Kids"][0], StreamObject(stream_data=LIE)
    if number == PAGE_OBJECT:
        page[pdf_name("/Contents")] = writer.add_object(content)
        writer.update_container(page)
    else:
        writer.objects[0, number] = content
    return stamped(writer, IndirectObject(number, 0, writer) if named_by_stamp else None)


@pytest.mark.parametrize("empty", [False, True], ids=["new field", "empty field"])
@pytest.mark.parametrize("named_by_stamp", [False, True])
@pytest.mark.parametrize("number", [PAGE_OBJECT, CONTENT_OBJECT])
def test_a_timestamp_does_not_excuse_that_objects_are_replaced(number: int, named_by_stamp: bool, empty: bool) -> None:
    pdf = tiny_pdf("Chi 100 dong")
    if empty:
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        append_signature_field(writer, SigFieldSpec("Seal"))
        append_signature_field(writer, SigFieldSpec(NEW))
        pdf = written(writer)
    signed = sealed(pdf, SEAL, field="Seal" if empty else "")
    assert judge(document_stamped(signed, Authority(PKI).at(MOMENT), field=NEW)).indication is Indication.TOTAL_PASSED
    verdict = judge(replaced(signed, number, named_by_stamp=named_by_stamp))
    assert (verdict.indication, verdict.sub_indication) == (Indication.INDETERMINATE, FIXED)


def test_the_catalog_does_not_take_the_place_of_a_text() -> None:
    signed = sealed(tiny_pdf("Chi 100 dong"), SEAL)
    reader = PdfFileReader(BytesIO(signed))
    catalog = BytesIO()
    reader.root.write_to_stream(catalog, None)
    added = b"%d 0 obj\n%b\nendobj\n" % (CONTENT_OBJECT, catalog.getvalue())
    table = b"xref\n%d 1\n%010d 00000 n \n" % (CONTENT_OBJECT, len(signed))
    before = int(signed.rpartition(b"startxref")[2].split()[0])
    numbers = (reader.trailer["/Size"], CONTENT_OBJECT, before, len(signed) + len(added))
    trailer = b"trailer\n<< /Size %d /Root %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % numbers
    verdict = judge(signed + added + table + trailer)
    assert (verdict.indication, verdict.sub_indication) == (Indication.INDETERMINATE, FIXED)


# --- how fields of text are drawn -------------------------------------------------------------------------------------


def with_text_field(pdf: bytes) -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    field = named(
        FT=pdf_name("/Tx"),
        T=TextStringObject("Sum"),
        V=TextStringObject("100"),
        Type=pdf_name("/Annot"),
        Subtype=pdf_name("/Widget"),
        Rect=numbers((72, 600, 272, 630)),
    )
    added = writer.add_object(field)
    page.get_object()[pdf_name("/Annots")] = ArrayObject([added])
    writer.mark_update(page.reference)
    fonts = named(Font=named(Helv=IndirectObject(5, 0, writer.prev)))
    form = named(
        Fields=ArrayObject([added]), DA=TextStringObject("/Helv 12 Tf 0 g"), DR=fonts, SigFlags=NumberObject(3)
    )
    writer.root[pdf_name("/AcroForm")] = writer.add_object(form)
    writer.update_root()
    append_signature_field(writer, SigFieldSpec("Seal"))
    return written(writer)


def drawn_otherwise(pdf: bytes, key: str) -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    values: dict[str, PdfObject] = {
        "/DA": TextStringObject("/Helv 12 Tf 1 g"),
        "/DR": named(Font=named(Helv=IndirectObject(4, 0, writer.prev))),
        "/Q": NumberObject(2),
        "/NeedAppearances": BooleanObject(True),
    }
    writer.root["/AcroForm"][pdf_name(key)] = values[key]
    writer.update_container(writer.root["/AcroForm"])
    return written(writer)


@pytest.mark.parametrize("key", ["/DA", "/DR", "/Q", "/NeedAppearances"])
def test_fields_of_text_are_not_drawn_otherwise_after_a_seal(key: str) -> None:
    signed = sealed(with_text_field(tiny_pdf()), SEAL)
    assert judge(signed).indication is Indication.TOTAL_PASSED
    assert judge(sealed(signed, OTHER)).indication is Indication.TOTAL_PASSED
    for changed in (drawn_otherwise(signed, key), sealed(drawn_otherwise(signed, key), OTHER)):
        first = judge(changed).signatures[0]
        assert (first.indication, first.sub_indication) == (Indication.INDETERMINATE, FIXED)


def test_where_nothing_is_drawn_by_them_they_may_change() -> None:
    """Some signers' programs write them whenever they sign."""
    assert judge(drawn_otherwise(sealed(tiny_pdf(), SEAL), "/DR")).indication is Indication.TOTAL_PASSED
