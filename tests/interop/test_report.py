"""Verification reports as PDF, looked at with programs we did not write: poppler, qpdf."""

import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest

from gateway.evidence import Verification, Wording, record_bytes
from gateway.evidence.papers.pdf import draw_pdf
from tests.kit.verifications import everything, hostile, verification
from tests.unit.evidence.test_papers import texts

pytestmark = pytest.mark.interop

FOUND = {"all": everything(), "hostile": verification(hostile())}
every = pytest.mark.parametrize("found", FOUND.values(), ids=FOUND.keys())


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def run(*command: str | Path) -> tuple[int, bytes]:
    done = subprocess.run([str(part) for part in command], capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def written(folder: Path, found: Verification, language: str = "vi") -> Path:
    path = folder / "report.pdf"
    path.write_bytes(draw_pdf(Wording(found, language).paper(), record_bytes(found)))
    return path


@needs("pdftotext")
@pytest.mark.parametrize("language", ["vi", "en"])
def test_what_is_written_can_be_taken_out_again(tmp_path: Path, language: str) -> None:
    """Letter for letter and composed (NFC): a report that can be searched and quoted."""
    found = everything()
    paper = Wording(found, language).paper()
    code, out = run("pdftotext", "-raw", "-enc", "UTF-8", written(tmp_path, found, language), "-")
    assert code == 0
    taken = out.decode()
    assert taken == unicodedata.normalize("NFC", taken)
    foot = re.compile(f"{re.escape(paper.made)}\\s*{'Trang' if language == 'vi' else 'Page'} [0-9]+\\S*( of [0-9]+)?")
    flat = "".join(foot.sub("", taken).split())
    missing = [words for words in texts(paper) if "".join(words.split()) not in flat]
    assert missing == []


@needs("pdftotext")
def test_letters_that_have_no_shape_are_written_as_numbers(tmp_path: Path) -> None:
    _, out = run("pdftotext", "-raw", written(tmp_path, verification(hostile())), "-")
    taken = out.decode()
    for words in ("<script>alert(1)</script>", "công[U+202E]fdp.văn", "{{ 7*7 }}{nb}{page}%s", "[U+6587][U+66F8]"):
        assert "".join(words.split()) in "".join(taken.split())
    assert not re.search("[\u4e00-\u9fff\u0590-\u05ff\ufffd]", taken)


@needs("pdfdetach")
@every
def test_the_record_comes_out_as_it_was(tmp_path: Path, found: Verification) -> None:
    out = tmp_path / "out.json"
    code, said = run("pdfdetach", "-save", "1", "-o", out, written(tmp_path, found))
    assert code == 0, said
    assert out.read_bytes() == record_bytes(found)


@needs("pdffonts")
@every
def test_every_font_is_inside(tmp_path: Path, found: Verification) -> None:
    _, out = run("pdffonts", written(tmp_path, found))
    rows = out.decode().splitlines()[2:]
    assert rows
    assert all(re.search(r"\byes yes yes\b", row) for row in rows), "embedded, a subset, with a map to Unicode"


@needs("qpdf")
@every
def test_the_file_is_sound(tmp_path: Path, found: Verification) -> None:
    code, said = run("qpdf", "--check", written(tmp_path, found))
    assert code == 0, said


@needs("pdftoppm")
def test_it_can_be_drawn(tmp_path: Path) -> None:
    path = written(tmp_path, everything())
    code, said = run("pdftoppm", "-r", "40", "-png", path, tmp_path / "page")
    assert (code, said) == (0, b"")
    assert len(list(tmp_path.glob("page*.png"))) >= 5
