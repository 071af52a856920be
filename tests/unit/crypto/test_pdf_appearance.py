"""What is seen of a signature: places on pages of every shape, pictures, letters; and how it looks to poppler."""

import datetime as dt
import json
import re
import shutil
import struct
import subprocess
import unicodedata
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from PIL import Image
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from gateway.core import limits
from gateway.core.errors import SenderError
from gateway.core.validation import Indication
from gateway.crypto import (
    Appearance,
    AttachmentText,
    CopyText,
    JudgePool,
    PersonPicture,
    SealPicture,
    Spot,
    judge_pdf,
    prepare_seal,
)
from gateway.crypto.cades.cms import assemble, room_for, seal_attributes
from gateway.crypto.pades.appearance import drawn, line_width
from gateway.crypto.pades.page import POINTS_PER_MM, Box, pages
from gateway.crypto.pades.place import fields_of, place_in_document
from gateway.crypto.pades.typeface import composed, outlines, tinos
from tests.kit.pdfs import pages_pdf, tiny_pdf
from tests.kit.pictures import hand_signature, opaque, png, seal
from tests.kit.pki import MOMENT, Pki
from tests.unit.crypto.sealing import raw_signature

PKI = Pki()
LEAF = PKI.leaf("seal")
SHAPES = {
    "plain": "",
    "turned": "/Rotate 90",
    "upside down": "/Rotate 180",
    "turned back": "/Rotate -90",
    "cropped": "/MediaBox [-100 -50 700 900] /CropBox [20 30 560 800]",
    "cropped and turned": "/MediaBox [0 0 900 1200] /CropBox [700 1000 100 50] /Rotate 270",
    "large units": "/MediaBox [0 0 297.5 421] /UserUnit 2",
}
SHOWN = {
    "person": PersonPicture(png=hand_signature(), spot=Spot(page=1, across_mm=120, down_mm=100)),
    "attachment": AttachmentText(number="128/QĐ-VPTU"),
    "copy": CopyText(form="Sao y", body="Đảng ủy Phường Bến Nghé"),
}


def signed(pdf: bytes, appearance: Appearance | None = None, field: str = "") -> bytes:
    prepared = prepare_seal(pdf, room=room_for(LEAF.chain), moment=MOMENT, appearance=appearance, field=field)
    attributes = seal_attributes(prepared.digest, LEAF.der)
    return prepared.filled(assemble(attributes, raw_signature(LEAF, attributes.to_sign), LEAF.chain))


def passes(pdf: bytes) -> bool:
    return judge_pdf(pdf, trust=PKI.trust, moment=MOMENT).indication is Indication.TOTAL_PASSED


def places(pdf: bytes) -> dict[str, Box]:
    """Where each field is seen, by name."""
    reader = PdfFileReader(BytesIO(pdf))
    found = {field.name: place_in_document(field, reader) for field in fields_of(reader)}
    return {name: place.box for name, place in found.items() if place is not None}


def with_fields(pdf: bytes, **boxes: tuple[int, int, int, int] | None) -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    for name, box in boxes.items():
        append_signature_field(writer, SigFieldSpec(name, box=box, on_page=0))
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def refusal(appearance: Appearance, pdf: bytes | None = None, field: str = "") -> str:
    with pytest.raises(SenderError) as caught:
        signed(pdf or tiny_pdf(), appearance, field)
    assert caught.value.code == "seal.appearance"
    return str(caught.value.params["reason"])


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_a_box_that_is_seen_comes_back_from_the_page_s_own_space(shape: str) -> None:
    (page,) = pages(PdfFileReader(BytesIO(pages_pdf(SHAPES[shape]))))
    box = Box(10, 20, 110, 60)
    own = page.to_own(box)
    assert page.shown.holds(own)
    back = page.to_seen(own)
    assert [back.left, back.bottom, back.right, back.top] == pytest.approx([10, 20, 110, 60])


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("shape", SHAPES)
def test_on_pages_of_every_shape_it_stands_where_it_belongs_and_passes(shape: str, name: str) -> None:
    pdf = pages_pdf(SHAPES[shape], "")
    sealed = signed(pdf, SHOWN[name])
    (box,) = places(sealed).values()
    page = next(pages(PdfFileReader(BytesIO(pdf))))
    assert page.seen.holds(box)
    if name == "person":
        assert (box.width, box.height) == pytest.approx((45 * POINTS_PER_MM, 20 * POINTS_PER_MM), rel=0.01)
        assert box.middle[0] == pytest.approx(120 * POINTS_PER_MM, abs=0.1)
        assert page.seen.top - box.middle[1] == pytest.approx(100 * POINTS_PER_MM, abs=0.1)
    else:
        assert page.seen.right - box.right == pytest.approx(15 * POINTS_PER_MM, abs=0.1)
        assert page.seen.top - box.top == pytest.approx(6 * POINTS_PER_MM, abs=0.1)
    assert passes(sealed)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_seal_stands_left_of_the_person_s_signature_over_a_third_of_it(shape: str) -> None:
    both = signed(signed(pages_pdf(SHAPES[shape]), SHOWN["person"]), SealPicture(png=seal()))
    person, body = places(both)["Signature1"], places(both)["Seal1"]
    assert (body.width, body.height) == pytest.approx((36 * POINTS_PER_MM,) * 2, rel=0.01)
    assert body.left < person.left
    assert body.right - person.left == pytest.approx(person.width / 3, abs=0.1)
    assert body.middle[1] == pytest.approx(person.middle[1], abs=0.1)
    assert passes(both)


def test_the_last_signed_signature_is_the_person_s_unless_another_is_named() -> None:
    fields = with_fields(tiny_pdf(), Truong=(300, 400, 420, 450), Pho=(300, 200, 420, 250), An=None)
    one = signed(signed(fields, None, "Pho"), None, "Truong")
    assert places(signed(one, SealPicture(png=seal())))["Seal1"].middle[1] == pytest.approx(225, abs=0.1)
    named = signed(one, SealPicture(png=seal(), beside="Truong"))
    assert places(named)["Seal1"].middle[1] == pytest.approx(425, abs=0.1)
    assert refusal(SealPicture(png=seal(), beside="An"), one) == "no_person"
    assert refusal(SealPicture(png=seal()), fields) == "no_person"  # two empty ones: whose is it?
    alone = with_fields(tiny_pdf(), Truong=(300, 400, 420, 450))
    assert places(signed(alone, SealPicture(png=seal())))["Seal1"].middle[1] == pytest.approx(425, abs=0.1)


def test_a_named_field_has_its_own_place_and_the_picture_fits_into_it() -> None:
    pdf = with_fields(tiny_pdf(), Dau=(100, 100, 150, 160))
    sealed = signed(pdf, SealPicture(png=seal()), "Dau")
    assert list(places(sealed)) == ["Dau"]
    assert places(sealed)["Dau"] == Box(100, 100, 150, 160)
    reader = PdfFileReader(BytesIO(sealed))
    form = fields_of(reader)[0].widget["/AP"]["/N"]
    assert form.data.startswith(b"q 50 0 0 50 0 5 cm")
    assert passes(sealed)


@pytest.mark.parametrize(
    ("appearance", "reason"),
    [
        (PersonPicture(png=hand_signature(), spot=Spot(page=2, across_mm=100, down_mm=100)), "no_page page=2"),
        (PersonPicture(png=hand_signature(), spot=Spot(page=1, across_mm=5, down_mm=100)), "outside page=1"),
        (PersonPicture(png=hand_signature()), "no_spot"),
        (SealPicture(png=seal()), "no_person"),
    ],
)
def test_a_place_that_is_none_is_refused(appearance: Appearance, reason: str) -> None:
    assert refusal(appearance) == reason


@pytest.mark.parametrize("page", ["/MediaBox [0 0 100 60]", "/MediaBox [0 0 595 20]", "/CropBox [0 0 40 40]"])
def test_a_page_that_is_too_small_is_refused(page: str) -> None:
    for appearance in SHOWN.values():
        assert refusal(appearance, pages_pdf(page)) == "outside page=1"


@pytest.mark.parametrize(
    "page", ["/MediaBox [0 0 0 0]", "/MediaBox [1 2 3]", "/UserUnit -1", "/CropBox [900 900 950 950]"]
)
def test_a_page_that_shows_nothing_cannot_be_read(page: str) -> None:
    with pytest.raises(SenderError) as caught:
        signed(pages_pdf(page), SHOWN["copy"])
    assert caught.value.code == "file.unreadable"


def test_a_page_tree_that_bites_its_tail_cannot_be_read() -> None:
    for old, new in ((b"/Kids [3 0 R]", b"/Kids [2 0 R]"), (b"/Kids [3 0 R]", b"/Kids [3 0 R 3 0 R]")):
        pdf = tiny_pdf().replace(old, new)
        with pytest.raises(SenderError) as caught:
            signed(pdf, PersonPicture(png=hand_signature(), spot=Spot(page=9, across_mm=50, down_mm=50)))
        assert caught.value.code == "file.unreadable"


def test_of_many_pages_only_so_many_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    pdf = pages_pdf("", "", "")
    spot = Spot(page=3, across_mm=100, down_mm=100)
    assert passes(signed(pdf, PersonPicture(png=hand_signature(), spot=spot)))
    monkeypatch.setattr("gateway.core.limits.PDF_PAGES_MAX", 2)
    with pytest.raises(SenderError) as caught:
        signed(pdf, PersonPicture(png=hand_signature(), spot=spot))
    assert caught.value.code == "file.unreadable"


def test_no_flipped_byte_of_a_document_brings_anything_but_a_refusal() -> None:
    person = signed(pages_pdf("/Rotate 90"), SHOWN["person"])
    look = SealPicture(png=seal(8))
    told = set()
    for position in range(3, len(person), 61):
        flipped = bytearray(person)
        flipped[position] ^= 1 << position % 8
        try:
            prepare_seal(bytes(flipped), room=4_000, moment=MOMENT, appearance=look)
        except SenderError as refused:
            told.add(refused.code)
    assert {"file.unreadable"} <= told <= {"file.unreadable", "seal.appearance", "seal.forbidden"}


# --- pictures ---------------------------------------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge(side: int) -> bytes:
    head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (b"", "picture_form"),
        (b"GIF89a not a picture", "picture_form"),
        (seal()[:200], "picture_form"),
        (huge(3_000), "picture_pixels"),
        (huge(60_000), "picture_"),
        (opaque(), "picture_opaque"),
        (png(Image.new("RGBA", (10, 10), (0, 0, 0, 0))), "picture_opaque"),
        (seal(dpi=None), "picture_resolution"),
        (bytes(limits.PICTURE_BYTES_MAX + 1), "picture_size"),
    ],
)
def test_pictures_that_cannot_be_used_are_refused(picture: bytes, reason: str) -> None:
    spot = Spot(page=1, across_mm=100, down_mm=100)
    assert refusal(SealPicture(png=picture, spot=spot)).startswith(reason)


def test_no_flipped_byte_of_a_picture_brings_anything_but_a_refusal() -> None:
    picture, told = seal(4), set()
    for position in range(len(picture)):
        flipped = bytearray(picture)
        flipped[position] ^= 1 << position % 8
        try:
            drawn(SealPicture(png=bytes(flipped), width_mm=4), MOMENT)
        except SenderError as refused:
            told.add(refused.code)
    assert told == {"seal.appearance"}


def test_only_a_png_is_a_picture() -> None:
    out = BytesIO()
    Image.open(BytesIO(seal())).save(out, "WEBP")
    assert refusal(SealPicture(png=out.getvalue(), spot=Spot(page=1, across_mm=100, down_mm=100))).startswith(
        "picture_form"
    )


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_pictures_of_every_kind_are_drawn_with_their_transparency(mode: str) -> None:
    image = Image.open(BytesIO(seal()))
    image = image.convert("RGBA").quantize() if mode == "P" else image.convert(mode)
    drawing = drawn(SealPicture(png=png(image)), MOMENT)
    assert drawing.picture is not None
    assert len(drawing.picture.opacity) * 3 == len(drawing.picture.colours)
    assert {drawing.picture.opacity[0], max(drawing.picture.opacity)} == {0, 255}


def test_a_width_that_is_given_counts() -> None:
    drawing = drawn(SealPicture(png=seal(dpi=None), width_mm=40), MOMENT)
    assert (drawing.width, drawing.height) == pytest.approx((40 * POINTS_PER_MM,) * 2)


# --- letters ----------------------------------------------------------------------------------------------------------

EVERY_VOWEL = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđ"


def test_the_moment_is_vietnam_s_and_every_text_is_whole() -> None:
    assert drawn(AttachmentText(number="12/CV-VPTU"), MOMENT).lines == ("12/CV-VPTU", "2026-11-21T19:00:00+07:00")
    late = dt.datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC)
    assert drawn(CopyText(form="Sao y", body="Đảng ủy"), late).lines == (
        "Sao y",
        "Đảng ủy",
        "2027-01-01T06:59:59+07:00",
    )


def test_every_vietnamese_letter_is_there_however_it_is_composed() -> None:
    letters = EVERY_VOWEL + EVERY_VOWEL.upper()
    assert tinos().lacking(letters) == ""
    apart = unicodedata.normalize("NFD", letters)
    assert composed(apart) == letters
    assert drawn(AttachmentText(number=apart[:90]), MOMENT).lines[0] == composed(apart[:90])


def test_letters_that_it_lacks_and_texts_that_are_too_long_are_refused() -> None:
    assert refusal(AttachmentText(number="12/中-VPTU")) == "letters letters=中"
    for text in ("", "  ", "x" * (limits.SHOWN_TEXT_CHARS_MAX + 1)):
        assert refusal(AttachmentText(number=text)).startswith("text_length")


def test_long_names_are_broken_between_words() -> None:
    body = "Ban Chấp hành Đảng bộ các cơ quan Đảng Thành phố Hồ Chí Minh " * 2
    lines = drawn(CopyText(form="Trích sao", body=body), MOMENT).lines
    assert len(lines) == 4
    assert " ".join(lines[1:3]) == body.strip()
    assert all(line_width(line) <= 120 * POINTS_PER_MM for line in lines)


def test_the_table_says_what_the_font_file_says() -> None:
    font = TTFont(BytesIO(tinos().file))
    assert {letter: font.getGlyphID(name) for code, name in font.getBestCmap().items() for letter in [chr(code)]} == {
        letter: glyph for letter, (glyph, _) in tinos().letters.items()
    }
    for letter, (glyph, width) in tinos().letters.items():
        assert width == round(font["hmtx"][font.getGlyphName(glyph)][0] * 1000 / font["head"].unitsPerEm), letter


def test_what_goes_into_a_document_has_the_outlines_of_its_letters_and_no_others() -> None:
    wanted = frozenset(tinos().letters[letter][0] for letter in "Đồng ý")
    whole, part = TTFont(BytesIO(tinos().file)), TTFont(BytesIO(outlines(tinos().file, wanted)))
    parts = {
        name for glyph in wanted for name in whole["glyf"][whole.getGlyphName(glyph)].getComponentNames(whole["glyf"])
    }
    kept = wanted | {0} | {whole.getGlyphID(name) for name in parts}
    for number, name in enumerate(part.getGlyphOrder()):
        there, meant = part["glyf"][name], whole["glyf"][whole.getGlyphName(number)]
        if number in kept:
            assert there.compile(part["glyf"]) == meant.compile(whole["glyf"])
        else:
            assert there.numberOfContours == 0
    assert len(outlines(tinos().file, wanted)) < 8_000


def test_the_typeface_is_a_free_one_and_says_so() -> None:
    folder = Path(__file__).parents[3] / "gateway" / "crypto" / "pades" / "typeface"
    assert "SIL OPEN FONT LICENSE Version 1.1" in (folder / "OFL.txt").read_text(encoding="utf-8")
    assert json.loads((folder / "tinos.json").read_text(encoding="utf-8"))["letters"]["ệ"]


# --- in a judge, and before somebody's eyes ---------------------------------------------------------------------------


async def test_a_confined_judge_draws_the_same(tmp_path: Path) -> None:
    pool = JudgePool(size=1, preload=("gateway.crypto.pades.prepare",), readable=(tmp_path,))
    await pool.start()
    try:
        for appearance in SHOWN.values():
            there = await pool.run(prepare_seal, tiny_pdf(), room=8_000, moment=MOMENT, appearance=appearance)
            here = prepare_seal(tiny_pdf(), room=8_000, moment=MOMENT, appearance=appearance)
            assert (there.start, there.end) == (here.start, here.end)
            assert places(there.filled(b"")) == places(here.filled(b""))
    finally:
        await pool.close()


DRAWN = [shape for shape in SHAPES if shape != "large units"]
"""Poppler knows no UserUnit."""
needs_poppler = pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="poppler is not here")


def rendered(pdf: bytes, folder: Path, page: int = 1) -> Image.Image:
    """What poppler shows, 72 pixels an inch."""
    (folder / "page.pdf").write_bytes(pdf)
    command = [
        "pdftoppm",
        "-r",
        "72",
        "-f",
        str(page),
        "-l",
        str(page),
        "-singlefile",
        "-cropbox",
        "-png",
        "page.pdf",
        "page",
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return Image.open(folder / "page.png").convert("RGB")


def area(image: Image.Image, colour: str) -> tuple[int, int, int, int] | None:
    """The smallest rectangle around all pixels of a colour: left, upper, right, lower."""

    def has(pixel: tuple[int, int, int]) -> bool:
        red, green, blue = pixel
        return {"red": red > 180 > 120 > max(green, blue), "blue": blue > 150 > 110 > red, "black": max(pixel) < 100}[
            colour
        ]

    mask = Image.new("1", image.size)
    mask.putdata([has(pixel) for pixel in image.get_flattened_data()])  # type: ignore[arg-type]
    return mask.getbbox()


@needs_poppler
@pytest.mark.parametrize("shape", DRAWN)
def test_person_and_seal_are_seen_upright_and_in_place(shape: str, tmp_path: Path) -> None:
    both = signed(signed(pages_pdf(SHAPES[shape]), SHOWN["person"]), SealPicture(png=seal()))
    image = rendered(both, tmp_path)
    boxes = places(both)
    for name, colour in (("Signature1", "blue"), ("Seal1", "red")):
        found, box = area(image, colour), boxes[name]
        assert found is not None
        left, upper, right, lower = found
        assert box.left - 1 <= left < right <= box.right + 1
        assert image.height - box.top - 1 <= upper < lower <= image.height - box.bottom + 1
        if colour == "red":
            assert (right - left, lower - upper) == pytest.approx((box.width, box.height), abs=4)
    pen, frame = area(image, "blue"), boxes["Signature1"]
    assert pen is not None
    assert pen[2] - pen[0] > 2 * (pen[3] - pen[1]) * 0.7  # wider than high: not lying on its side
    assert pen[0] - frame.left < 12


@needs_poppler
@pytest.mark.parametrize("shape", DRAWN)
def test_the_text_is_seen_and_can_be_copied(shape: str, tmp_path: Path) -> None:
    sealed = signed(pages_pdf(SHAPES[shape]), SHOWN["copy"])
    image = rendered(sealed, tmp_path)
    (box,) = places(sealed).values()
    cut = image.crop((round(box.left) - 2, 0, image.width, round(image.height - box.bottom) + 2))
    found = area(cut, "black")
    assert found is not None
    assert found[2] - found[0] == pytest.approx(box.width, abs=4)
    assert 24 < found[3] - found[1] < 36
    text = subprocess.run(["pdftotext", "page.pdf", "-"], cwd=tmp_path, check=True, capture_output=True).stdout.decode()
    for line in ("Sao y", "Đảng ủy Phường Bến Nghé", "2026-11-21T19:00:00+07:00"):
        assert line in text
    fonts = subprocess.run(["pdffonts", "page.pdf"], cwd=tmp_path, check=True, capture_output=True).stdout.decode()
    assert re.search(r"[A-Z]{6}\+Tinos +CID TrueType +Identity-H +yes yes yes", fonts)
