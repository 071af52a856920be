"""Reports as they are read: the sentences, the record, the page and the PDF, and what hostile texts cannot do to them."""

import base64
import io
import json
import re
import unicodedata
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from gateway.core.validation import ChangeKind, Indication, Outcome, RevocationStatus, SignerKind, TimestampKind
from gateway.evidence import (
    Integrity,
    NextStep,
    Place,
    Result,
    Unreadable,
    Verification,
    Wording,
    record_bytes,
    record_of,
    unexamined,
)
from gateway.evidence.papers.html import draw_html
from gateway.evidence.papers.paper import VALUE_CHARS_MAX, Facts, Heading, Listing, Paper, Paragraph, Table, Tone
from gateway.evidence.papers.pdf import draw_pdf
from gateway.evidence.papers.qr import matrix, payload
from gateway.observe import label, text
from tests.kit.verifications import (
    EMPTY,
    FAILED,
    HOSTILE,
    NOW,
    PASSED,
    PERSON_THEN_SEAL,
    UNDECIDED,
    everything,
    hostile,
    report,
    verification,
)
from tests.unit.cli.schemas import check

GOLDEN = Path(__file__).with_name("verification.golden.json")
LANGUAGES = ("vi", "en")


def paper_of(found: Verification, language: str = "vi") -> Paper:
    return Wording(found, language).paper()


def texts(paper: Paper) -> list[str]:
    """Every text of a report, in order."""
    said = [paper.title, paper.sentence]
    for chapter in paper.chapters:
        said.append(chapter.sentence)
        for section in chapter.sections:
            said.append(section.title)
            for block in section.blocks:
                match block:
                    case Paragraph(words) | Paragraph(words, _) | Heading(words):
                        said.append(words)
                    case Facts(rows):
                        said += [cell for row in rows for cell in row]
                    case Listing(items):
                        said += items
                    case Table(headings, rows, _):
                        said += [*headings, *(cell for row in rows for cell in row)]
    return [*said, paper.record_title, paper.record_note]


# --- sentences


@pytest.mark.parametrize(
    ("found", "mark", "tone", "vi", "en"),
    [
        (report(PASSED), "✔", Tone.GOOD, "Chữ ký hợp lệ: ", "Signature valid: "),
        (report(PASSED, UNDECIDED), "!", Tone.DOUBT, "Chưa đủ căn cứ kết luận: ", "Not enough evidence: "),
        (report(FAILED), "✘", Tone.BAD, "Chữ ký KHÔNG hợp lệ: ", "Signature NOT valid: "),
        (report(), "?", Tone.PLAIN, "Không có chữ ký số: ", "Not signed: "),
        (EMPTY, "!", Tone.DOUBT, "Không kiểm tra được: ", "Could not be examined: "),
    ],
)
def test_one_sentence_comes_first(found: Any, mark: str, tone: Tone, vi: str, en: str) -> None:
    for language, words in (("vi", vi), ("en", en)):
        paper = paper_of(verification(found), language)
        assert (paper.mark, paper.tone) == (mark, tone)
        assert paper.sentence == words + found.name
        assert paper.overview is None
        assert [section.title[:3] for section in paper.chapters[0].sections] == [f"{n}. " for n in range(1, 9)]
        said = texts(paper)
        assert any(one.startswith(("Cần làm gì tiếp:", "What to do next:")) for one in said), "every result says it"


def test_several_files_have_one_sentence_and_a_chapter_each() -> None:
    paper = paper_of(everything())
    assert paper.sentence.startswith("5 tệp: 1 hợp lệ, 1 chưa đủ căn cứ kết luận, 1 KHÔNG hợp lệ")
    assert paper.overview is not None
    assert len(paper.overview.rows) == len(paper.chapters) == 5
    assert paper.tone is Tone.BAD


def test_only_proven_failure_is_red() -> None:
    for found in (report(PASSED, UNDECIDED), report(), EMPTY, hostile()):
        for chapter in paper_of(verification(found)).chapters:
            tones = [
                block.tone for section in chapter.sections for block in section.blocks if isinstance(block, Paragraph)
            ]
            assert Tone.BAD not in [chapter.tone, *tones]
    (chapter,) = paper_of(verification(report(FAILED))).chapters
    assert chapter.tone is Tone.BAD


def test_what_is_not_known_is_said_to_be_not_known() -> None:
    said = "\n".join(texts(paper_of(verification(report(UNDECIDED)))))
    for words in (
        "Chưa rõ: lần kiểm tra này chưa đi tới kết luận về nội dung đã ký.",
        "Chưa rõ: không có thông tin về đường dẫn chứng thư số",
        "Chưa rõ có dấu thời gian hay không: thời điểm ký không được chứng minh.",
        "Những điều KHÔNG được kiểm tra, hoặc chưa rõ:",
    ):
        assert words in said


def test_none_is_said_only_where_the_judge_came_to_the_end() -> None:
    said = texts(paper_of(verification(report(*PERSON_THEN_SEAL))))
    assert said.count("Không có dấu thời gian nào: không chứng minh được thời điểm ký.") == 1


def test_a_full_verdict_is_told_in_full() -> None:
    said = "\n".join(texts(paper_of(verification(report(*PERSON_THEN_SEAL)))))
    for words in (
        "Nguyễn Thị Ngọc Ánh",
        "Chánh Văn phòng",
        "Cơ quan, tổ chức (con dấu)",
        "Z79.VPTU",
        "21/11/2026 13:05:09 +07:00 (do người ký tự khai)",
        "21/11/2026 13:05:11 +07:00",
        "Chữ ký thêm sau",
        "Gốc chuyên dùng Chính phủ, Tổ chức: Thành ủy Thành phố Hồ Chí Minh, Quốc gia: VN [gốc tin cậy]",
        "Chưa bị thu hồi. OCSP (kèm trong tệp); phát hành 21/11/2026 10:05:09 +07:00; 3 giờ trước thời điểm xét",
        "Dịch vụ cấp dấu thời gian",
        "edoc-gateway, phiên bản 1",
        "RSASSA-PKCS1-v1_5",
        "B-LT",
        "EN 319 122-1 5.1.2",
    ):
        assert words in said


def test_every_word_of_our_vocabularies_is_in_the_catalogue() -> None:
    words = {
        "result": Result,
        "change": ChangeKind,
        "revocation": RevocationStatus,
        "stamped": TimestampKind,
        "timestamp": Indication,
        "outcome": Outcome,
        "kind_of_signer": SignerKind,
    }
    for name, vocabulary in words.items():
        for value in vocabulary:
            assert label(f"verification.{name}.{value}")
    for value in Integrity:
        assert text(f"verification.integrity.{value}")
    for value in Result:
        assert text(f"verification.{value}", {"name": "x"})
        assert text(f"verification.explained.{value}")
    for value in NextStep:
        assert text(f"cli.verify.todo.{value}")
    assert label(f"verification.place.{Place.ENVELOPE}")


# --- the record


def test_the_record_has_the_form_that_is_documented_and_never_changes() -> None:
    """A change here is a change for programs: members may be added (and the golden file with them), none may go."""
    record = json.loads(record_bytes(everything()))
    check("verify", record)
    check("verify", json.loads(record_bytes(verification(hostile()))))
    assert record == json.loads(GOLDEN.read_text("utf-8"))


def test_the_record_has_hostile_texts_in_full() -> None:
    names = [one["signer"] for one in record_of(verification(hostile()))["files"][0]["parts"][0]["signatures"]]
    assert names == list(HOSTILE)


@pytest.mark.parametrize(
    ("language", "heading", "authority"),
    [
        ("vi", "Kiểm tra dấu thời gian 1: Dịch vụ cấp dấu thời gian, ", "Tổ chức cấp dấu thời gian được tin cậy"),
        ("en", "Checks of timestamp 1: Dịch vụ cấp dấu thời gian, ", "The timestamp authority is trusted"),
    ],
)
def test_the_appendix_tells_each_check_of_a_timestamp(language: str, heading: str, authority: str) -> None:
    appendix = paper_of(verification(report(PASSED)), language).chapters[0].sections[-1]
    (at,) = (n for n, block in enumerate(appendix.blocks) if isinstance(block, Heading) and heading in block.text)
    table = appendix.blocks[at + 1]
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["1", "5"]
    assert table.rows[1][1:3] == (authority, "RFC 3161 2.3")


@pytest.mark.parametrize("code", ["worker.killed", "worker.died", "size.limit", "file.empty"])
def test_what_could_not_be_examined_is_indeterminate_and_says_why(code: str) -> None:
    found = verification(unexamined("a.pdf", Unreadable(code=code, params={"file": "a.pdf", "bound": "cpu"})))
    (members,) = record_of(found)["files"]
    assert (members["indication"], members["sub_indication"]) == ("INDETERMINATE", None)
    assert members["error"]["code"] == code
    check("verify", json.loads(record_bytes(found)))
    (facts,) = (block for block in paper_of(found).chapters[0].sections[-1].blocks if isinstance(block, Facts))
    assert [value for _, value in facts.rows] == ["INDETERMINATE", f"{code} · file=a.pdf · bound=cpu"]


def test_signatures_of_an_envelope_are_counted_through() -> None:
    found = report(PASSED, UNDECIDED, kind="edxml", envelope=PASSED)
    (members,) = record_of(verification(found))["files"]
    assert members["envelope"]["number"] == 1
    assert [one["number"] for one in members["parts"][0]["signatures"]] == [2, 3]
    assert [one["part"] for one in members["parts"][0]["signatures"]] == ["cong-van-12.pdf"] * 2


# --- the page


class Page(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.seen = ""
        self._style = False
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._style = tag == "style"
        for name, value in attrs:
            if name in {"href", "src", "action", "data", "xlink:href"}:
                self.links.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.seen += data


def page_of(found: Verification, language: str = "vi") -> tuple[bytes, Page]:
    data = draw_html(paper_of(found, language), record_bytes(found))
    return data, Page(data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_everything_that_the_report_says(language: str) -> None:
    found = everything()
    data, page = page_of(found, language)
    assert f'<html lang="{language}">' in data.decode()
    flat = " ".join(page.seen.split())
    for words in texts(paper_of(found, language)):
        assert " ".join(words.split()) in flat


def test_the_page_stands_alone() -> None:
    found = everything()
    data, page = page_of(found)
    assert not {"script", "iframe", "img", "object", "link", "form", "base"} & set(page.tags)
    (link,) = page.links
    head, _, body = link.partition(",")
    assert head == "data:application/json;base64"
    assert base64.b64decode(body) == record_bytes(found)
    assert "url(" not in data.decode()
    assert "default-src 'none'" in data.decode()


def test_hostile_texts_are_texts_on_the_page() -> None:
    found = verification(hostile())
    _, quiet = page_of(verification(report(*[PASSED] * len(HOSTILE))))
    data, page = page_of(found)
    assert set(page.tags) <= set(quiet.tags) | {"table"}
    assert (page.handlers, len(page.links)) == ([], 1)
    assert "<script>alert(1)</script>" in page.seen
    assert "công[U+202E]fdp" in page.seen
    assert "a[U+001B][2Jb[U+0000]c[U+000D][U+000A]d" in page.seen
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", data.decode())
    assert "x" * (VALUE_CHARS_MAX + 1) not in page.seen, "ten thousand letters are cut for the eye"
    assert "49" not in page.seen.partition("{{ 7*7 }}")[2][:10]


def test_colours_can_be_read_by_everybody() -> None:
    """WCAG 2.2 criterion 1.4.3: 4.5 to 1, for each text on each ground it stands on, in light and dark."""
    style = page_of(verification(report(PASSED)))[0].decode()
    themes = [
        dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    assert len(themes) == 3
    for theme in themes:
        pairs = [("ink", "paper"), ("soft", "paper"), ("ink", "back"), ("soft", "back")]
        pairs += [(tone, ground) for tone in ("good", "doubt", "bad") for ground in ("paper", f"{tone}-back")]
        for letters, ground in pairs:
            assert contrast(theme[letters], theme[ground]) >= 4.5, (letters, ground, theme)


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# --- the PDF


def pdf_of(found: Verification, language: str = "vi") -> bytes:
    return draw_pdf(paper_of(found, language), record_bytes(found))


@pytest.mark.parametrize("found", [everything(), verification(hostile())], ids=["all", "hostile"])
def test_the_pdf_is_what_pdf_a_3_asks_for(found: Verification) -> None:
    """ISO 19005-3, as far as structure tells: 6.1.3, 6.2.3, 6.2.11.4, 6.6.4, 6.8 and what must not be there."""
    data = pdf_of(found)
    reader = PdfFileReader(io.BytesIO(data), strict=True)
    root = reader.root
    assert not reader.encrypted
    assert "/ID" in reader.trailer
    xmp = root["/Metadata"].data.decode()
    assert "<pdfaid:part>3</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>U</pdfaid:conformance>" in xmp
    (intent,) = root["/OutputIntents"]
    assert intent.get_object()["/S"] == "/GTS_PDFA1"
    assert intent.get_object()["/DestOutputProfile"].get_object().data
    assert not {"/AA", "/AcroForm"} & set(root)
    assert isinstance(root["/OpenAction"], list), "a place to begin at, and no action"
    assert "/JavaScript" not in root["/Names"]
    fonts = [font.get_object() for page in pages(root) for font in page["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        (descendant,) = font["/DescendantFonts"]
        assert descendant.get_object()["/FontDescriptor"].get_object()["/FontFile2"].get_object().data
        assert "/ToUnicode" in font


def pages(root: Any) -> list[Any]:
    return [kid.get_object() for kid in root["/Pages"]["/Kids"]]


def test_the_record_is_attached_as_what_the_report_was_made_from() -> None:
    found = everything()
    root = PdfFileReader(io.BytesIO(pdf_of(found))).root
    (attached,) = root["/AF"]
    attached = attached.get_object()
    assert attached["/AFRelationship"] == "/Source"
    assert attached["/UF"] == "verification.json"
    stream = attached["/EF"]["/F"].get_object()
    assert stream["/Subtype"] == "/application/json"
    assert stream.data == record_bytes(found)


def test_the_same_verification_makes_the_same_bytes() -> None:
    assert pdf_of(everything()) == pdf_of(everything())
    assert pdf_of(everything()) != pdf_of(verification(report(PASSED)))


def test_long_tables_go_on_over_the_pages() -> None:
    many = verification(report(*[PASSED] * 40))
    root = PdfFileReader(io.BytesIO(pdf_of(many))).root
    assert len(pages(root)) > 15


def test_letters_without_a_shape_are_numbers_and_texts_are_composed() -> None:
    name = unicodedata.normalize("NFD", "Ủy ban nhân dân") + " 文"
    paper = paper_of(verification(report(PASSED, name=name)))
    assert paper.sentence.endswith("文")
    data = draw_pdf(paper, b"{}\n")
    title = PdfFileReader(io.BytesIO(data)).root["/Metadata"].data.decode()
    assert "Ủy ban nhân dân [U+6587]" in title


# --- the code


def test_the_code_says_the_digest_of_the_record() -> None:
    found = verification(report(PASSED))
    paper = paper_of(found)
    assert paper.record_digest == sha256(record_bytes(found)).hexdigest()
    assert payload(paper.record_digest) == f"sha256:{paper.record_digest}"
    rows = matrix(paper.record_digest)
    assert len(rows) == len(rows[0])
    assert not any(rows[0]), "the quiet zone"
    assert rows[4][4:11] == (True,) * 7, "a finder in the corner"


def test_the_moment_that_was_chosen_is_said_as_such() -> None:
    said = "\n".join(texts(paper_of(verification(report(PASSED), moment=NOW))))
    assert "22/11/2026 09:30:05 +07:00 (do người kiểm tra chọn)" in said
    assert "Thời điểm xét do người kiểm tra chọn" in said
    assert "do người kiểm tra chọn" not in "\n".join(texts(paper_of(verification(report(PASSED)))))
