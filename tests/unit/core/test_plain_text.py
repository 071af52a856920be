"""Plain text: one rule, the same for every text of ours, and no hindrance to anybody who writes Vietnamese."""

import json
import re
import sys
import unicodedata

import pytest

from gateway.core.plain_text import NOT_PLAIN, first_unseen, is_blank, plain_json, same_words, shown, without_unseen

PLAIN = [
    "",
    "Về việc gửi, nhận văn bản điện tử – quý I/2026 (lần 2)…",
    "ĂÂĐÊÔƠƯ ăâđêôơư ẠẢÃÀÁ ẬẨẪẦẤ ỆỂỄỀẾ ỘỔỖỒỐ ỢỞỠỜỚ ỰỬỮỪỨ ỴỶỸỲÝ",
    "№ 12 • “trích yếu” ‘a’ § 3 € 5 ½ ² ™ ☑ → 文書 😀",
    "a\u00a0b\u2003c\u3000d",
]
UNSEEN = {
    "U+0000": "\x00", "U+0009": "\t", "U+000A": "\n", "U+000D": "\r", "U+001B": "\x1b", "U+0085": "\x85",
    "U+009B": "\x9b", "U+00AD": "\u00ad", "U+034F": "\u034f", "U+061C": "\u061c", "U+115F": "\u115f",
    "U+1160": "\u1160", "U+17B4": "\u17b4", "U+180E": "\u180e", "U+200B": "\u200b", "U+200D": "\u200d",
    "U+200E": "\u200e", "U+2028": "\u2028", "U+2029": "\u2029", "U+202A": "\u202a", "U+202E": "\u202e",
    "U+2060": "\u2060", "U+2066": "\u2066", "U+2069": "\u2069", "U+206F": "\u206f", "U+3164": "\u3164",
    "U+FE0F": "\ufe0f", "U+FEFF": "\ufeff", "U+FFA0": "\uffa0", "U+FFF9": "\ufff9", "U+FFFE": "\ufffe",
    "U+D800": "\ud800", "U+E000": "\ue000", "U+0378": "\u0378", "U+1D173": "\U0001d173", "U+E0001": "\U000e0001",
    "U+E0041": "\U000e0041", "U+E0100": "\U000e0100", "U+F0000": "\U000f0000", "U+10FFFF": "\U0010ffff",
}  # fmt: skip


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("text", PLAIN)
def test_what_people_write_is_plain(text: str, form: str) -> None:
    written = unicodedata.normalize(form, text)  # type: ignore[arg-type]
    assert first_unseen(written) is None
    assert shown(written) == without_unseen(written) == written


@pytest.mark.parametrize("number", UNSEEN)
def test_what_nobody_sees_is_named_shown_and_taken_out(number: str) -> None:
    text = f"Thử{UNSEEN[number]}fdp"
    assert first_unseen(text) == number
    assert shown(text) == f"Thử[{number}]fdp"
    assert without_unseen(text) == "Thửfdp"
    assert without_unseen(text, instead="_") == "Thử_fdp"


def test_running_text_has_line_feeds_and_tabs_and_nothing_else_besides() -> None:
    assert first_unseen("a\n\tb", lines=True) is None
    assert shown("a\n\tb\u202e", lines=True) == "a\n\tb[U+202E]"
    assert first_unseen("a\rb", lines=True) == "U+000D"
    assert first_unseen("a\vb", lines=True) == "U+000B"


@pytest.mark.parametrize("text", ["", " ", "\u00a0\u3000", "\u2800", "\u3164", "\u200b \u00ad", "\n"])
def test_blank_is_what_shows_nothing(text: str) -> None:
    assert is_blank(text)
    assert not is_blank(text + "à")


def test_every_code_point_is_judged_by_its_properties() -> None:
    shapeless = set("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
    shapeless |= {chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))}
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        category = unicodedata.category(letter)
        unseen = category[0] == "C" or category in ("Zl", "Zp") or letter in shapeless
        assert (first_unseen(letter) is not None) == unseen, f"{code:04X}"


def test_the_pattern_for_programs_says_the_same_but_for_unassigned_letters() -> None:
    pattern = re.compile(f"[{NOT_PLAIN}]")
    for code in range(0x10000):
        letter = chr(code)
        if unicodedata.category(letter) != "Cs" and (unicodedata.category(letter) != "Cn" or pattern.match(letter)):
            assert (first_unseen(letter) is not None) == (pattern.match(letter) is not None), f"{code:04X}"


def test_names_are_compared_as_a_reader_does() -> None:
    name = "Văn phòng Thành ủy"
    assert same_words(name, unicodedata.normalize("NFD", name))
    assert same_words(name, "  VĂN PHÒNG\n\tthành\u00a0ủy ")
    assert not same_words(name, "Thành ủy")
    assert not same_words(name, name + "\u200b")
    assert not same_words(name, "Van phong Thanh uy")


@pytest.mark.parametrize("indent", [None, 1, 2])
def test_json_acts_on_nothing_and_keeps_its_value(indent: int | None) -> None:
    unseen = "|".join(letter for point in range(sys.maxunicode + 1) if first_unseen(letter := chr(point)))
    value = {"subject": f"Trích yếu {unseen}", unseen: [unseen, 1, None]}
    text = plain_json(value, indent=indent)
    assert json.loads(text) == value
    assert "Trích yếu" in text
    assert first_unseen(text.replace("\n", "")) is None
    assert ("\n" in text) == (indent is not None)
