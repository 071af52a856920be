"""`gateway verify` on each of the shared files with known verdicts: the right sentence first, and the exit code to it."""

import shutil
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.cli.exits import Exit
from tests.unit.crypto.conftest import VECTORS

Capture = pytest.CaptureFixture[str]
OWN = VECTORS / "own-pki"
MOMENT = "2026-11-21T20:00:00Z"
"""Its timestamps were made at 19:23, its list of revoked certificates runs until midnight."""
VALID = {
    *("person-B", "person-T", "person-LT", "person-LTA", "ecperson-B", "hsm-cli", "hsm-lib-rsa", "hsm-lib-ec"),
    *("two-newfields-approval", "two-prefields-approval-LTA", "two-prefields-certify"),
    *("expired-signed-2021-LTA", "revoked-later-signed-2025-03-LTA", "revoked-later-signed-2025-03-LT"),
}
UNSIGNED = {"plain"}
SENTENCES = {
    "valid": ("✔ Chữ ký hợp lệ: ", "✔ Signature valid: ", Exit.OK),
    "undecided": ("! Chưa đủ căn cứ kết luận: ", "! Not enough evidence: ", Exit.VERIFICATION),
    "unsigned": ("? Không có chữ ký số: ", "? Not signed: ", Exit.VERIFICATION),
}


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not OWN.is_dir():
        pytest.skip("the shared vectors are not here")
    folder = tmp_path_factory.mktemp("trust")
    for name, files in (
        ("anchors", ["root.cert.pem"]),
        ("authorities", ["root.cert.pem"]),
        ("intermediates", ["interm.cert.pem"]),
        ("crls", ["crls/root.crl", "crls/interm.crl"]),
    ):
        (folder / name).mkdir()
        for file in files:
            shutil.copy(OWN / file, folder / name)
    return folder


def first_line(capsys: Capture, *line: str | Path) -> tuple[str, int]:
    code = main(["verify", *map(str, line), "--at", MOMENT])
    return capsys.readouterr().out.splitlines()[0], code


def kind_of(name: str) -> str:
    return "valid" if name in VALID else "unsigned" if name in UNSIGNED else "undecided"


@pytest.mark.parametrize("language", [0, 1], ids=["vi", "en"])
@pytest.mark.parametrize("path", sorted(OWN.glob("*.pdf")), ids=lambda path: path.stem)
def test_each_file_gets_its_sentence(path: Path, language: int, trust: Path, capsys: Capture) -> None:
    *sentences, code = SENTENCES[kind_of(path.stem)]
    said = first_line(capsys, path, "--trust", trust, "--lang", ("vi", "en")[language])
    assert said == (f"{sentences[language]}{path.name}", code)


@pytest.mark.parametrize("signature", ["blob-cades-B.p7s", "blob-cades-T.p7s"])
def test_a_signature_beside_its_file(signature: str, trust: Path, tmp_path: Path, capsys: Capture) -> None:
    beside = ["--signature", OWN / signature, "--trust", trust, "--lang", "en"]
    assert first_line(capsys, OWN / "blob.bin", *beside) == ("✔ Signature valid: blob.bin", Exit.OK)
    other = tmp_path / "other.bin"
    other.write_bytes((OWN / "blob.bin").read_bytes() + b"!")
    assert first_line(capsys, other, *beside) == ("✘ Signature NOT valid: other.bin", Exit.VERIFICATION)


def test_a_signature_that_holds_its_file(trust: Path, capsys: Capture) -> None:
    said = first_line(capsys, OWN / "blob-attached.p7m", "--trust", trust, "--lang", "en")
    assert said == ("✔ Signature valid: blob-attached.p7m", Exit.OK)


def test_nothing_is_valid_where_evidence_was_withheld(trust: Path, tmp_path: Path, capsys: Capture) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(trust, bare, ignore=shutil.ignore_patterns("*.crl"))
    said = first_line(capsys, OWN / "person-B.pdf", "--trust", bare, "--lang", "en")
    assert said == ("! Not enough evidence: person-B.pdf", Exit.VERIFICATION)
