import json
import sys
import unicodedata

import pytest

from gateway.core.visible import visible, visible_json

BIDI = {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
MARKS = "\u200e\u200f\u061c"


def acts(character: str) -> bool:
    """Controls, separators of lines, marks of direction, half surrogates: by what Unicode says of them."""
    kind = unicodedata.category(character)
    return kind in {"Cc", "Zl", "Zp", "Cs"} or unicodedata.bidirectional(character) in BIDI or character in MARKS


def test_exactly_what_acts_is_escaped() -> None:
    everything = [chr(point) for point in range(sys.maxunicode + 1)]
    assert [one for one in everything if (visible(one) != one) != acts(one)] == []
    assert visible("a\tb\r\n\x1b[2J\x7f\x9b\u202e") == r"a\tb\r\n\u001b[2J\u007f\u009b\u202e"
    assert visible("Về việc họp giao ban — “số 12/QĐ-UBND” 😀") == "Về việc họp giao ban — “số 12/QĐ-UBND” 😀"


@pytest.mark.parametrize("indent", [None, 1, 2])
def test_json_acts_on_nothing_and_keeps_its_value(indent: int | None) -> None:
    acting = "|".join(chr(point) for point in range(sys.maxunicode + 1) if acts(chr(point)))
    value = {"subject": f"Trích yếu {acting}", acting: [acting, 1, None]}
    text = visible_json(value, indent=indent)
    assert json.loads(text) == value
    assert "Trích yếu" in text
    assert [one for one in text if acts(one) and one != "\n"] == []
    assert ("\n" in text) == (indent is not None)
