"""Whoever signs with a key of his own is told what happened and what to do himself: nobody else has the turn."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.cli.exits import Exit
from tests.kit.pdfs import tiny_pdf
from tests.kit.pictures import seal
from tests.kit.signing_desk import SigningDesk

Capture = pytest.CaptureFixture[str]
NOBODY = "http://127.0.0.1:9/tsa"
OPERATOR = ("Quản trị cổng", "cổng tự thử lại", "Người gửi")


@pytest.fixture
def desk(tmp_path: Path) -> SigningDesk:
    desk = SigningDesk.furnished(tmp_path)
    (tmp_path / "letter.pdf").write_bytes(tiny_pdf())
    (tmp_path / "seal.png").write_bytes(seal())
    return desk


def sealing(desk: SigningDesk, *more: str, file: str = "letter.pdf") -> list[str]:
    own = ["--key", str(desk.key), "--cert", str(desk.certificate), "--trust", str(desk.trust)]
    return ["seal", str(desk.folder / file), "-o", str(desk.folder / "out.pdf"), *own, "--lang", "vi", *more]


@pytest.mark.parametrize(
    ("more", "option"),
    [
        (("--image", "seal.png"), "--image"),
        (("--number", "12/CV-VPTU"), "--number"),
        (("--appearance", "attachment", "--number", "1", "--at", "10,10"), "--at"),
        (("--appearance", "signature", "--image", "seal.png", "--at", "90,90", "--beside", "Signature1"), "--beside"),
    ],
)
def test_what_would_not_be_seen_is_refused(
    desk: SigningDesk, more: tuple[str, ...], option: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk.folder)
    assert main(sealing(desk, *more, "--json")) == Exit.USAGE
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "cli.seal.unused"
    assert option in error["what_vi"]
    assert not (desk.folder / "out.pdf").exists()


def test_a_page_without_a_place_is_refused(desk: SigningDesk, capsys: Capture) -> None:
    picture = str(desk.folder / "seal.png")
    assert main(sealing(desk, "--appearance", "seal", "--image", picture, "--page", "2")) == Exit.USAGE
    assert "--at" in capsys.readouterr().err


def test_a_level_with_timestamps_asks_for_an_authority(desk: SigningDesk, capsys: Capture) -> None:
    assert main(sealing(desk, "--level", "B-T")) == Exit.USAGE
    assert "--tsa" in capsys.readouterr().err


def test_the_turn_is_of_whoever_typed(desk: SigningDesk, capsys: Capture) -> None:
    (desk.folder / "table.xlsx").write_bytes(b"PK\x03\x04")
    assert main(sealing(desk, "--tsa", NOBODY)) == Exit.UNREACHABLE
    assert main(sealing(desk, file="table.xlsx")) == Exit.PROBLEM
    renewal = ["ltaupdate", str(desk.folder / "letter.pdf"), "-o", str(desk.folder / "out.pdf"), "--lang", "vi"]
    (desk.folder / "bare.pdf").write_bytes(tiny_pdf())
    assert main([*renewal, "--trust", str(desk.trust), "--tsa", NOBODY]) == Exit.PROBLEM
    desk.key.chmod(0o644)
    assert main(sealing(desk)) == Exit.CONFIGURATION
    signing = ["sign", str(desk.folder / "letter.pdf"), "--key", str(desk.key), "--cert", str(desk.certificate)]
    assert main([*signing, "--trust", str(desk.trust), "--lang", "vi"]) == Exit.CONFIGURATION
    assert main([*signing, "--trust", str(desk.folder / "nowhere"), "--lang", "vi"]) == Exit.CONFIGURATION
    said = capsys.readouterr().err
    assert not [words for words in OPERATOR if words in said]
    assert "tệp không phải PDF" in said
    assert "Tệp PDF chưa có chữ ký số" in said
    assert "cli.trust" in said
    assert said.count("key.missing") == 2


def test_a_key_in_the_place_of_a_certificate_is_told_as_that(desk: SigningDesk, capsys: Capture) -> None:
    line = ["seal", str(desk.folder / "letter.pdf"), "-o", str(desk.folder / "out.pdf"), "--key", str(desk.key)]
    assert main([*line, "--cert", str(desk.key), "--lang", "vi"]) == Exit.CONFIGURATION
    said = capsys.readouterr().err
    assert "cli.certificate" in said
    assert "thư mục tin cậy" not in said


def test_no_log_line_stands_between_the_sentences(desk: SigningDesk) -> None:
    line = [sys.executable, "-m", "gateway", *sealing(desk, "--tsa", NOBODY)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False)
    assert done.returncode == Exit.UNREACHABLE
    assert "'event'" not in done.stderr + done.stdout
    assert len(done.stderr.strip().splitlines()) == 3


def test_a_signature_beside_a_file_is_named_and_a_lone_one_told(desk: SigningDesk, capsys: Capture) -> None:
    letter = desk.folder / "letter.pdf"
    own = ["--key", str(desk.key), "--cert", str(desk.certificate), "--trust", str(desk.trust)]
    assert main(["sign", str(letter), *own]) == Exit.OK
    believing = ["--trust", str(desk.trust), "--lang", "vi"]
    (desk.folder / "other.txt").write_text("another one")
    capsys.readouterr()
    beside = ["--signature", str(desk.folder / "letter.pdf.p7s")]
    assert main(["verify", str(desk.folder / "other.txt"), *beside, *believing]) == Exit.VERIFICATION
    said = capsys.readouterr().out
    assert "letter.pdf.p7s: Chữ ký KHÔNG hợp lệ" in said
    assert "hoặc đây là chữ ký của tệp khác" in said

    letter.rename(desk.folder / "elsewhere.pdf")
    page = desk.folder / "report.html"
    alone = ["verify", str(desk.folder / "letter.pdf.p7s"), "--report", str(page), *believing]
    assert main(alone) == Exit.VERIFICATION
    assert "không thấy tệp được ký bên cạnh" in capsys.readouterr().out
    assert "không thấy tệp được ký bên cạnh" in page.read_text(encoding="utf-8")

    line = ["verify", str(desk.folder / "other.txt"), "--signature", str(desk.folder / "elsewhere.pdf"), *believing]
    assert main(line) == Exit.VERIFICATION
    assert "không phải chữ ký rời" in capsys.readouterr().out


def test_the_parts_of_a_name_are_called_in_the_reader_s_language(desk: SigningDesk, capsys: Capture) -> None:
    assert main(sealing(desk)) == Exit.OK
    page = desk.folder / "report.html"
    report = ["--report", str(page), "--force"]
    for language, word, other in (("vi", "Quốc gia: VN", "Country: VN"), ("en", "Country: VN", "Quốc gia: VN")):
        capsys.readouterr()
        line = ["verify", str(desk.folder / "out.pdf"), "--trust", str(desk.trust), "--lang", language, *report]
        assert main(line) == Exit.OK
        for said in (capsys.readouterr().out, page.read_text(encoding="utf-8").partition("verification.json")[0]):
            assert word in said
            assert other not in said
