"""How much of a page later signers may cover: signed by pyHanko, by somebody who is believed; and what we make ourselves."""

import asyncio
from collections.abc import Sequence
from io import BytesIO

import pytest
from pyhanko.pdf_utils.generic import (
    ArrayObject,
    DictionaryObject,
    FloatObject,
    IndirectObject,
    NumberObject,
    StreamObject,
    pdf_name,
)
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec, append_signature_field, enumerate_sig_fields
from pyhanko.sign.signers import PdfTimeStamper

from gateway.core import limits
from gateway.core.errors import SenderError
from gateway.core.validation import Indication, SubIndication
from gateway.crypto import Appearance, AttachmentText, PersonPicture, SealPicture, Spot, judge_pdf, prepare_seal
from gateway.crypto.cades.cms import assemble, room_for, seal_attributes
from gateway.crypto.pades.cover import excess_between
from tests.kit.certomancer.declared import bundle, timestamp
from tests.kit.pdf_updates import written
from tests.kit.pdfs import pages_pdf, tiny_pdf
from tests.kit.pictures import hand_signature, seal
from tests.kit.pki import MOMENT, Pki
from tests.kit.pyhanko_signer import How, signed, stamper_of
from tests.unit.crypto.sealing import raw_signature

PKI = Pki()
LEAF = PKI.leaf("seal")
PAGE = (0, 0, 595, 842)
TENTH = (0, 0, 595, 84)
"""Of the page, just below ten percent."""
TOO_MUCH = (Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE)
PASSED = (Indication.TOTAL_PASSED, None)

Box = tuple[int, int, int, int]


def countersigned(*boxes: Box, pdf: bytes | None = None) -> bytes:
    """Sealed, then signed by others, each in a new field of that size."""
    pdf = signed(pdf or tiny_pdf("Chi 100 dong"), "seal", How(field="First"))
    for number, box in enumerate(boxes):
        pdf = signed(pdf, "person-ec", How(field=f"Later{number}", box=box))
    return pdf


def told(pdf: bytes) -> list[tuple[Indication, SubIndication | None]]:
    verdict = judge_pdf(pdf, trust=bundle().trust, moment=MOMENT)
    return [(one.indication, one.sub_indication) for one in verdict.signatures]


def changed(pdf: bytes, **entries: object) -> bytes:
    """The PDF with other entries in its first page, before anybody signs it."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    page = writer.root["/Pages"]["/Kids"][0]
    for name, value in entries.items():
        page[pdf_name(f"/{name}")] = value
    writer.update_container(page)
    return written(writer)


# --- what is judged ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("box", [PAGE, (0, 0, 595, 86), (200, 100, 480, 400), (-3000, -3000, 3000, 3000)])
def test_a_believed_second_signer_covers_no_page_that_was_signed(box: Box) -> None:
    first, second = told(countersigned(box))
    assert first == TOO_MUCH
    assert second == PASSED  # what he signed is what is there


def test_the_change_is_told_as_one_that_is_not_allowed() -> None:
    first = judge_pdf(countersigned(PAGE), trust=bundle().trust, moment=MOMENT).signatures[0]
    assert [change.allowed for change in first.details.changes] == [False]
    assert first.reason == (
        "changed after this signature: a field was added that covers more than 10 percent of page 1"
    )


def test_nor_do_several_together_each_of_which_is_small() -> None:
    strips = [(0, 100 * number, 595, 100 * number + 84) for number in range(3)]
    assert told(countersigned(*strips[:2])) == [PASSED] * 3
    first, second, third, fourth = told(countersigned(*strips))
    assert first == TOO_MUCH
    assert (second, third, fourth) == (PASSED, PASSED, PASSED)  # they have seen the others, or made them


def test_what_goes_wrong_later_is_not_laid_upon_whoever_came_before_it() -> None:
    """The third one covers the page: neither the first nor the second has signed that."""
    assert told(countersigned(TENTH, PAGE)) == [TOO_MUCH, TOO_MUCH, PASSED]


@pytest.mark.parametrize(
    "box",
    [(300, 300, 428, 357), (200, 270, 320, 390), (240, 760, 580, 820), TENTH],
    ids=["hand", "seal", "text", "10 %"],
)
def test_pictures_of_the_decree_s_sizes_pass(box: Box) -> None:
    assert told(countersigned(box)) == [PASSED, PASSED]


def test_three_persons_and_three_bodies_find_room() -> None:
    hands = [(100 + 150 * number, 300, 240 + 150 * number, 380) for number in range(3)]
    seals = [(60 + 150 * number, 280, 180 + 150 * number, 400) for number in range(3)]
    assert told(countersigned(*hands, *seals)) == [PASSED] * 7


def test_fields_on_different_pages_do_not_add_up() -> None:
    pdf = signed(pages_pdf("", "", "", ""), "seal", How(field="First"))
    for page in range(4):
        pdf = signed(pdf, "person-ec", How(field=f"Later{page}", box=TENTH, page=page))
    assert told(pdf) == [PASSED] * 5


def test_the_share_is_that_of_what_is_shown() -> None:
    """A small window upon a large page: what is small for the one covers the other."""
    window = ArrayObject(map(NumberObject, (0, 0, 200, 200)))
    assert told(countersigned((20, 20, 110, 110), pdf=changed(tiny_pdf(), CropBox=window)))[0] == TOO_MUCH
    assert told(countersigned((20, 20, 110, 110)))[0] == PASSED


def test_units_change_nothing() -> None:
    large = changed(tiny_pdf(), UserUnit=FloatObject("4"))
    assert told(countersigned(TENTH, pdf=large))[0] == PASSED
    assert told(countersigned((0, 0, 595, 86), pdf=large))[0] == TOO_MUCH


def test_a_field_that_the_first_signer_saw_may_be_as_large_as_he_let_it() -> None:
    writer = IncrementalPdfFileWriter(BytesIO(tiny_pdf()))
    append_signature_field(writer, SigFieldSpec("Large", box=PAGE))
    first = signed(written(writer), "seal", How(field="First"))
    assert told(signed(first, "person-ec", How(field="Large"))) == [PASSED, PASSED]


@pytest.mark.parametrize(("flags", "expected"), [(4, PASSED), (132, PASSED), (12, TOO_MUCH)])
def test_a_field_does_not_keep_its_size_when_the_page_gets_smaller(flags: int, expected: object) -> None:
    first = signed(tiny_pdf(), "seal", How(field="First"))
    assert told(signed(first, "person-ec", How(field="Later", box=(300, 300, 428, 357), flags=flags)))[0] == expected


@pytest.mark.parametrize("box", [PAGE, (300, 300, 428, 357)])
def test_a_widget_apart_from_its_field_is_measured_too(box: Box) -> None:
    writer = IncrementalPdfFileWriter(BytesIO(signed(tiny_pdf(), "seal", How(field="First"))))
    append_signature_field(writer, SigFieldSpec("Later", box=box, combine_annotation=False))
    _, _, field = next(enumerate_sig_fields(writer, with_name="Later"))
    assert "/Rect" not in field.get_object()
    later = signed(written(writer), "person-ec", How(field="Later"))
    # empty first, then signed: that alone is not allowed; what is asked here is which reason comes with the picture
    reader = PdfFileReader(BytesIO(later))
    states = reader.get_historical_resolver(1), reader.get_historical_resolver(reader.xrefs.total_revisions - 1)
    assert (excess_between(*states) is not None) is (box == PAGE)


@pytest.mark.parametrize("box", [PAGE, (300, 300, 428, 357)])
def test_a_page_that_says_it_has_pages_under_it_is_not_left_unmeasured(box: Box) -> None:
    """Readers show it, and pyHanko takes it for a page; it was none here, and what covered it was measured on no page."""
    pdf = changed(tiny_pdf(), Kids=ArrayObject())
    assert told(countersigned(pdf=pdf)) == [PASSED]
    assert told(countersigned(box, pdf=pdf))[0] == TOO_MUCH


def note(writer: IncrementalPdfFileWriter, colour: bytes) -> IndirectObject:
    """A note over the text, as large as another one."""
    box = ArrayObject(map(NumberObject, (0, 0, 300, 100)))
    entries = {"/Type": pdf_name("/XObject"), "/Subtype": pdf_name("/Form"), "/BBox": box}
    picture = StreamObject(
        {pdf_name(name): value for name, value in entries.items()}, stream_data=colour + b" rg 0 0 300 100 re f"
    )
    shown = {
        "/Type": pdf_name("/Annot"),
        "/Subtype": pdf_name("/Stamp"),
        "/F": NumberObject(4),
        "/Rect": ArrayObject(map(NumberObject, (72, 600, 372, 700))),
        "/AP": DictionaryObject({pdf_name("/N"): writer.add_object(picture)}),
    }
    return writer.add_object(DictionaryObject({pdf_name(name): value for name, value in shown.items()}))


@pytest.mark.parametrize(
    ("order", "expected"),
    [((0, 1), PASSED), ((1, 0), TOO_MUCH), ((0, 1, 0), TOO_MUCH)],
    ids=["as it was", "another order", "once more"],
)
def test_what_lay_under_another_note_does_not_come_to_light(order: Sequence[int], expected: object) -> None:
    """With the invisible field of an archive timestamp, which anybody may add."""
    writer = IncrementalPdfFileWriter(BytesIO(tiny_pdf()))
    page = writer.root["/Pages"]["/Kids"][0]
    page[pdf_name("/Annots")] = ArrayObject([note(writer, b"1 0 0"), note(writer, b"0 0 1")])
    writer.update_container(page)
    first = signed(written(writer), "seal", How(field="First"))
    writer = IncrementalPdfFileWriter(BytesIO(first))
    append_signature_field(writer, SigFieldSpec("Later", box=(0, 0, 0, 0)))
    page = writer.root["/Pages"]["/Kids"][0]
    *notes, own, later = page["/Annots"]
    page[pdf_name("/Annots")] = ArrayObject([*(notes[number] for number in order), own, later])
    writer.update_container(page)
    stamper = PdfTimeStamper(stamper_of(timestamp), field_name="Later")
    output = asyncio.run(stamper.async_timestamp_pdf(writer, "sha256"))
    assert told(bytes(output.getvalue())) == [expected]


# --- what we make -----------------------------------------------------------------------------------------------------


def sealed(pdf: bytes, appearance: Appearance | None = None) -> bytes:
    prepared = prepare_seal(pdf, room=room_for(LEAF.chain), moment=MOMENT, appearance=appearance)
    attributes = seal_attributes(prepared.digest, LEAF.der)
    return prepared.filled(assemble(attributes, raw_signature(LEAF, attributes.to_sign), LEAF.chain))


def picture(width_mm: float, down_mm: float = 150, page: int = 1) -> SealPicture:
    return SealPicture(png=seal(), width_mm=width_mm, spot=Spot(page=page, across_mm=105, down_mm=down_mm))


def refusal(pdf: bytes, appearance: Appearance) -> str:
    with pytest.raises(SenderError) as caught:
        sealed(pdf, appearance)
    assert caught.value.code == "seal.appearance"
    return str(caught.value.params["reason"])


def passes(pdf: bytes) -> bool:
    return judge_pdf(pdf, trust=PKI.trust, moment=MOMENT).indication is Indication.TOTAL_PASSED


def test_no_picture_is_made_that_covers_a_signed_page() -> None:
    assert refusal(sealed(tiny_pdf()), picture(200)) == "covers percent=10 page=1"
    assert refusal(sealed(tiny_pdf()), picture(79.1)) == "covers percent=10 page=1"


def test_what_is_made_at_the_bound_passes() -> None:
    """Both ask the same thing: 10 % of A4 are a square of 78.97 mm (595 by 842 points: 78.96)."""
    assert passes(sealed(sealed(tiny_pdf()), picture(78.9)))


def test_pictures_that_were_added_before_count_in() -> None:
    pdf = sealed(tiny_pdf())
    for down in (50, 150):
        pdf = sealed(pdf, picture(78, down))
    assert passes(pdf)
    assert refusal(pdf, picture(78, 250)) == "covers_together percent=25 page=1"
    assert passes(sealed(pdf, picture(36, 250)))


def test_pictures_on_other_pages_and_of_who_signed_first_do_not() -> None:
    first = sealed(pages_pdf("", ""), picture(150))
    assert passes(first)
    assert refusal(first, picture(150)) == "covers percent=10 page=1"
    second = sealed(first, picture(78))
    third = sealed(sealed(second, picture(78, page=2)), picture(78, 60, page=2))
    assert passes(third)


def test_what_the_decree_asks_for_is_made_upon_a_signed_page() -> None:
    person = PersonPicture(png=hand_signature(80, 40), spot=Spot(page=1, across_mm=140, down_mm=200))
    pdf = sealed(sealed(sealed(tiny_pdf()), person), SealPicture(png=seal(42)))
    assert passes(sealed(pdf, AttachmentText(number="128/QĐ-VPTU")))


def test_the_bounds_leave_room_for_what_their_reasons_name() -> None:
    a4 = 21.0 * 29.7
    assert a4 * limits.ADDED_FIELD_PAGE_PERCENT_MAX / 100 > max(8 * 4, 4.2**2, 12 * 5 * 0.4234)
    assert a4 * limits.ADDED_FIELDS_PAGE_PERCENT_MAX / 100 > 3 * (8 * 4 + 4.2**2)


# --- what stands apart ------------------------------------------------------------------------------------------------


def apart(pdf: bytes) -> bytes:
    """The PDF with the annotations and the unit of its page as objects of their own, as other programs write them."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    page = writer.root["/Pages"]["/Kids"][0]
    page[pdf_name("/Annots")] = writer.add_object(ArrayObject(page["/Annots"]))
    page[pdf_name("/UserUnit")] = writer.add_object(NumberObject(1))
    writer.update_container(page)
    return written(writer)


def kids_apart(pdf: bytes) -> bytes:
    """... and the widgets of its fields, in a list that is an object of its own."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    append_signature_field(writer, SigFieldSpec("Ready", box=(300, 400, 420, 450), combine_annotation=False))
    _, _, field = next(enumerate_sig_fields(writer, with_name="Ready"))
    found = field.get_object()
    found[pdf_name("/Kids")] = writer.add_object(found["/Kids"])
    return written(writer)


def test_lists_that_are_objects_of_their_own_are_read() -> None:
    """Sealing such a file was refused as one that cannot be read."""
    ready = apart(kids_apart(tiny_pdf()))
    person = PersonPicture(png=hand_signature())
    prepared = prepare_seal(ready, room=room_for(LEAF.chain), moment=MOMENT, appearance=person, field="Ready")
    attributes = seal_attributes(prepared.digest, LEAF.der)
    one = prepared.filled(assemble(attributes, raw_signature(LEAF, attributes.to_sign), LEAF.chain))
    assert passes(one)
    assert passes(sealed(one, SealPicture(png=seal())))
    assert refusal(one, picture(200)) == "covers percent=10 page=1"


@pytest.mark.parametrize("box", [PAGE, (300, 300, 428, 357)])
def test_a_cover_in_a_list_that_is_an_object_of_its_own_is_seen(box: Box) -> None:
    writer = IncrementalPdfFileWriter(BytesIO(tiny_pdf()))
    append_signature_field(writer, SigFieldSpec("First", box=(60, 60, 160, 100)))
    assert told(countersigned(box, pdf=apart(written(writer))))[0] == (TOO_MUCH if box == PAGE else PASSED)
