"""The two letters shipped in the tree: the same bytes when made again, and the words their envelopes repeat."""

import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from gateway.core import limits
from gateway.demo.letters import CITY_LETTER, WARD_REPLY, DemoLetter
from gateway.demo.resources import demo_resource
from gateway.demo.world import demo_world
from tests.kit.letter import LETTERS, print_letter
from tests.kit.letter_text import LetterText

BOTH = (CITY_LETTER, WARD_REPLY)


@pytest.mark.skipif("zlib-ng" in zlib.ZLIB_RUNTIME_VERSION, reason="another zlib compresses to other bytes")
@pytest.mark.parametrize(("letter", "text"), LETTERS, ids=lambda value: getattr(value, "resource", ""))
def test_made_again_a_letter_has_the_same_bytes(letter: DemoLetter, text: LetterText) -> None:
    again = print_letter(letter, text)
    assert again == print_letter(letter, text)
    assert again == demo_resource(letter.resource).read_bytes(), "run `make letter` and look at the pages"


@pytest.mark.parametrize("letter", BOTH, ids=lambda letter: letter.resource)
def test_the_fields_fit_the_envelope(letter: DemoLetter) -> None:
    assert len(letter.code.number) <= limits.CODE_NUMBER_CHARS_MAX
    assert len(letter.code.notation) <= limits.CODE_NOTATION_CHARS_MAX
    assert len(letter.subject) <= limits.SUBJECT_CHARS_MAX
    assert len(letter.promulgation_place) <= limits.PLACE_CHARS_MAX
    assert 20_000 < demo_resource(letter.resource).stat().st_size < 100_000


def test_each_side_writes_its_number_in_its_own_way() -> None:
    assert CITY_LETTER.code.text() == "12-CV/VPTU"
    assert WARD_REPLY.code.text() == "25/UBND-VP"


def test_the_reply_comes_from_the_ward_that_answers() -> None:
    assert demo_world().answering.name.endswith(WARD_REPLY.promulgation_place)


@pytest.mark.interop
@pytest.mark.parametrize("letter", BOTH, ids=lambda letter: letter.resource)
def test_another_program_reads_the_words_and_their_accents(letter: DemoLetter) -> None:
    words = _pdftotext(demo_resource(letter.resource))
    day = letter.promulgation_date
    assert letter.code.text() in words
    assert f"ngày {day:%d} tháng {day:%m} năm {day:%Y}" in words
    assert letter.signer.full_name in words
    assert letter.subject.removeprefix("Về việc ") in words
    assert words.count("VĂN BẢN MẪU – DEMO") == letter.page_amount


@pytest.mark.interop
def test_each_letter_has_the_title_of_its_side() -> None:
    party, government = (_pdftotext(demo_resource(letter.resource)) for letter in BOTH)
    assert "ĐẢNG CỘNG SẢN VIỆT NAM" in party
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in government
    assert "Độc lập - Tự do - Hạnh phúc" in government


def _pdftotext(path: Path) -> str:
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    printed = subprocess.run([program, str(path), "-"], capture_output=True, check=True)
    return " ".join(printed.stdout.decode("utf-8").split())
