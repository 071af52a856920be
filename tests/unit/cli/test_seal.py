"""`gateway seal`, `gateway ltaupdate`: signed, shown, stamped, renewed; and what they refuse before a key is used."""

import asyncio
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.cli import main
from gateway.cli.exits import Exit
from gateway.core.validation import Indication, Level
from gateway.crypto import judge_pdf, load_trust
from tests.kit.pdfs import encrypted_pdf, tiny_pdf
from tests.kit.pictures import hand_signature, opaque, seal
from tests.kit.pki import LeafKind, Pki, write_chain, write_key
from tests.kit.signing_desk import SigningDesk
from tests.unit.cli.schemas import check

Capture = pytest.CaptureFixture[str]
NOBODY = "http://127.0.0.1:9/tsa"


@pytest.fixture
def desk(tmp_path: Path) -> SigningDesk:
    desk = SigningDesk.furnished(tmp_path)
    (tmp_path / "letter.pdf").write_bytes(tiny_pdf())
    (tmp_path / "seal.png").write_bytes(seal())
    (tmp_path / "hand.png").write_bytes(hand_signature())
    return desk


def sign(desk: SigningDesk, *more: str, file: str = "letter.pdf", out: str = "out.pdf") -> int:
    own = ["--key", str(desk.key), "--cert", str(desk.certificate)]
    return main(["seal", str(desk.folder / file), "-o", str(desk.folder / out), *own, "--lang", "en", *more])


def verdicts(desk: SigningDesk, name: str = "out.pdf") -> list[Indication]:
    trust = load_trust(desk.trust, demo=False)
    found = judge_pdf((desk.folder / name).read_bytes(), trust=trust, moment=desk.pki.now)
    return [one.indication for one in found.signatures]


def levels(desk: SigningDesk, name: str) -> list[Level | None]:
    trust = load_trust(desk.trust, demo=False)
    found = judge_pdf((desk.folder / name).read_bytes(), trust=trust, moment=desk.pki.now)
    return [one.details.level for one in found.signatures]


def test_a_letter_is_signed_invisibly_and_passes(desk: SigningDesk, capsys: Capture) -> None:
    assert sign(desk, "--trust", str(desk.trust)) == Exit.OK
    said = capsys.readouterr()
    assert said.out.strip() == str(desk.folder / "out.pdf")
    assert "Signed, level B-B" in said.err
    assert verdicts(desk) == [Indication.TOTAL_PASSED]
    assert (desk.folder / "letter.pdf").read_bytes() == tiny_pdf()


def test_a_person_then_the_body_beside_it(desk: SigningDesk) -> None:
    hand = ["--appearance", "signature", "--image", str(desk.folder / "hand.png"), "--at", "150,150", "--page", "1"]
    assert sign(desk, *hand, out="one.pdf") == Exit.OK
    body = ["--appearance", "seal", "--image", str(desk.folder / "seal.png"), "--trust", str(desk.trust)]
    assert sign(desk, *body, file="one.pdf") == Exit.OK
    assert verdicts(desk) == [Indication.TOTAL_PASSED] * 2


def test_no_seal_covers_the_page_that_a_person_has_signed(desk: SigningDesk, capsys: Capture) -> None:
    """It was made, and both signatures were called good."""
    assert sign(desk, out="one.pdf") == Exit.OK
    capsys.readouterr()
    wide = ["--appearance", "seal", "--image", str(desk.folder / "seal.png"), "--at", "105,148", "--width", "200"]
    assert sign(desk, *wide, file="one.pdf") == Exit.PROBLEM
    assert "at most 10% of page 1" in capsys.readouterr().err
    assert sign(desk, *wide, "--lang", "vi", file="one.pdf") == Exit.PROBLEM
    assert "tối đa 10% trang 1" in capsys.readouterr().err
    assert not (desk.folder / "out.pdf").exists()


@pytest.mark.parametrize(
    "look",
    [
        ("attachment", "--number", "12/CV-VPTU"),
        ("copy", "--form", "Sao y", "--body", "Đảng ủy Phường Bến Nghé"),
        ("seal", "--image", "seal.png", "--at", "100,100", "--width", "40"),
    ],
)
def test_every_appearance(desk: SigningDesk, look: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    assert sign(desk, "--appearance", *look, "--trust", str(desk.trust)) == Exit.OK
    assert verdicts(desk) == [Indication.TOTAL_PASSED]


async def test_every_level_by_an_authority_and_renewal(desk: SigningDesk, capsys: Capture) -> None:
    async with desk.served() as url:
        for level in ("B-T", "B-LT", "B-LTA"):
            more = ["--trust", str(desk.trust), "--tsa", url, "--level", level, "--json", "--force"]
            assert await asyncio.to_thread(sign, desk, *more) == Exit.OK
            told = json.loads(capsys.readouterr().out)
            check("seal", told)
            assert (told["level"], told["owed"]) == (level, None)
        line = ["ltaupdate", str(desk.folder / "out.pdf"), "-o", str(desk.folder / "renewed.pdf"), "--trust"]
        more = [str(desk.trust), "--tsa", url, "--json", "--lang", "en"]
        assert await asyncio.to_thread(main, [*line, *more]) == Exit.OK
    said = capsys.readouterr()
    check("ltaupdate", json.loads(said.out))
    assert "Timestamps renewed, level B-LTA" in said.err
    assert "Signed" not in said.err, "nobody signs"
    assert verdicts(desk, "renewed.pdf") == [Indication.TOTAL_PASSED]
    renewed, before = (desk.folder / "renewed.pdf").read_bytes(), (desk.folder / "out.pdf").read_bytes()
    assert renewed.startswith(before)


def test_without_an_answer_it_refuses_unless_a_lower_level_will_do(desk: SigningDesk, capsys: Capture) -> None:
    more = ["--trust", str(desk.trust), "--tsa", NOBODY]
    assert sign(desk, *more) == Exit.UNREACHABLE
    assert not (desk.folder / "out.pdf").exists()
    capsys.readouterr()
    assert sign(desk, *more, "--level", "B-LT", "--allow-lower", "--json") == Exit.OK
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (told["level"], told["owed"]) == ("B-B", "B-LT")
    assert "Still owed for level B-LT" in said.err
    assert "authority answered (asked 1)" in said.err
    assert verdicts(desk) == [Indication.TOTAL_PASSED]


async def test_what_was_owed_is_paid_by_the_renewal(desk: SigningDesk, capsys: Capture) -> None:
    """Found as a refusal: a file that was sealed while no authority answered had no way to its timestamp."""
    assert await asyncio.to_thread(sign, desk, "--trust", str(desk.trust), "--tsa", NOBODY, "--allow-lower") == Exit.OK
    assert "gateway ltaupdate" in capsys.readouterr().err
    line = ["ltaupdate", str(desk.folder / "out.pdf"), "-o", str(desk.folder / "renewed.pdf"), "--json"]
    async with desk.served() as url:
        assert await asyncio.to_thread(main, [*line, "--trust", str(desk.trust), "--tsa", url]) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["level"], told["owed"]) == ("B-LTA", None)
    assert levels(desk, "renewed.pdf") == [Level.B_LTA]


async def test_a_renewal_of_level_b_t_has_the_signer_s_evidence_too(desk: SigningDesk, capsys: Capture) -> None:
    """Found: B-LTA was said of a file in which only the authority's evidence was."""
    line = ["ltaupdate", str(desk.folder / "out.pdf"), "-o", str(desk.folder / "renewed.pdf"), "--json"]
    async with desk.served() as url:
        assert await asyncio.to_thread(sign, desk, "--trust", str(desk.trust), "--tsa", url) == Exit.OK
        capsys.readouterr()
        assert await asyncio.to_thread(main, [*line, "--trust", str(desk.trust), "--tsa", url]) == Exit.OK
    assert json.loads(capsys.readouterr().out)["level"] == "B-LTA"
    assert levels(desk, "renewed.pdf") == [Level.B_LTA]


def test_a_renewal_of_what_nobody_signed_says_what_to_do(desk: SigningDesk, capsys: Capture) -> None:
    line = ["ltaupdate", str(desk.folder / "letter.pdf"), "-o", str(desk.folder / "out.pdf"), "--lang", "en"]
    assert main([*line, "--trust", str(desk.trust), "--tsa", NOBODY]) == Exit.PROBLEM
    said = capsys.readouterr().err
    assert "no signature" in said
    assert "gateway seal" in said
    assert not (desk.folder / "out.pdf").exists()


@pytest.mark.parametrize("kind", ["expired", "revoked", "usage", "weak"])
def test_a_bad_certificate_of_one_s_own_is_refused_before_signing(tmp_path: Path, kind: str, capsys: Capture) -> None:
    desk = SigningDesk.furnished(tmp_path, kind)  # type: ignore[arg-type]
    (tmp_path / "letter.pdf").write_bytes(tiny_pdf())
    assert sign(desk, "--trust", str(desk.trust)) == Exit.CONFIGURATION
    assert "certificate" in capsys.readouterr().err
    assert not (tmp_path / "out.pdf").exists()


def test_a_key_that_is_another_one_s_is_refused(desk: SigningDesk, capsys: Capture) -> None:
    write_chain(desk.certificate, desk.pki.leaf("transport").certificate)
    assert sign(desk) == Exit.CONFIGURATION
    assert "no pair" in capsys.readouterr().err


def test_the_chain_goes_along(desk: SigningDesk) -> None:
    above = desk.folder / "above.pem"
    above.write_bytes(desk.pki.issuing.public_bytes(Encoding.PEM))
    assert sign(desk, "--chain", str(above), "--trust", str(desk.trust)) == Exit.OK
    issuing = desk.pki.issuing.public_bytes(Encoding.DER).hex().encode()
    assert issuing in (desk.folder / "out.pdf").read_bytes()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--appearance", "seal"), Exit.USAGE),
        (("--appearance", "seal", "--image", "nowhere.png"), Exit.NOT_FOUND),
        (("--appearance", "seal", "--image", "seal.png"), Exit.PROBLEM),
        (("--appearance", "seal", "--image", "opaque.png", "--at", "100,100"), Exit.PROBLEM),
        (("--appearance", "signature", "--image", "hand.png", "--at", "9,9"), Exit.PROBLEM),
        (("--appearance", "signature", "--image", "hand.png", "--at", "here"), Exit.USAGE),
        (("--appearance", "signature", "--image", "hand.png", "--at", "nan,5"), Exit.USAGE),
        (("--appearance", "attachment"), Exit.USAGE),
        (("--appearance", "copy", "--form", "Sao y"), Exit.USAGE),
        (("--field", "Khac"), Exit.PROBLEM),
        (("--tsa", NOBODY), Exit.USAGE),
        (("--chain", "nowhere.pem"), Exit.NOT_FOUND),
        (("--chain", "letter.pdf"), Exit.CONFIGURATION),
        (("--trust", "nowhere"), Exit.CONFIGURATION),
    ],
)
def test_what_is_wrong_with_a_line_is_told_and_nothing_is_written(
    desk: SigningDesk, more: tuple[str, ...], code: Exit, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(desk.folder)
    (desk.folder / "opaque.png").write_bytes(opaque())
    assert sign(desk, *more) == code
    assert len([line for line in capsys.readouterr().err.splitlines() if line.strip()]) == 3
    assert not (desk.folder / "out.pdf").exists()


def test_a_file_that_is_there_is_left_alone_without_force(desk: SigningDesk) -> None:
    (desk.folder / "out.pdf").write_bytes(b"mine")
    assert sign(desk) == Exit.CONFLICT
    assert (desk.folder / "out.pdf").read_bytes() == b"mine"
    assert sign(desk, "--force") == Exit.OK


@pytest.mark.parametrize("data", [b"no pdf", encrypted_pdf(), tiny_pdf()[:200]])
def test_what_is_no_pdf_is_told(desk: SigningDesk, data: bytes, capsys: Capture) -> None:
    (desk.folder / "letter.pdf").write_bytes(data)
    assert sign(desk) == Exit.PROBLEM
    line = ["ltaupdate", str(desk.folder / "letter.pdf"), "-o", str(desk.folder / "out.pdf"), "--lang", "en"]
    assert main([*line, "--trust", str(desk.trust), "--tsa", NOBODY]) == Exit.PROBLEM
    assert capsys.readouterr().err.count("file.unreadable") == 2


def test_a_key_file_that_others_may_read_is_refused(desk: SigningDesk) -> None:
    desk.key.chmod(0o644)
    assert sign(desk) == Exit.CONFIGURATION


def test_a_stranger_s_key_signs_but_not_before_a_trust_that_does_not_know_it(desk: SigningDesk) -> None:
    stranger = Pki(name="Stranger", now=desk.pki.now).leaf("seal")
    desk.key.chmod(0o600)
    write_key(desk.key, stranger.key)
    write_chain(desk.certificate, stranger.certificate)
    assert sign(desk) == Exit.OK
    assert verdicts(desk) == [Indication.INDETERMINATE]
    assert sign(desk, "--trust", str(desk.trust), "--force") == Exit.CONFIGURATION


def test_standard_output_is_the_file(desk: SigningDesk, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    own = ["--key", str(desk.key), "--cert", str(desk.certificate)]
    assert main(["seal", str(desk.folder / "letter.pdf"), "-o", "-", *own]) == Exit.OK
    assert capfdbinary.readouterr().out.startswith(tiny_pdf())
    assert main(["seal", str(desk.folder / "letter.pdf"), "-o", "-", *own, "--json"]) == Exit.USAGE


@pytest.mark.parametrize(
    ("kind", "words"),
    [("expired", "has expired"), ("future", "not valid yet"), ("usage", "not issued for signing")],
)
def test_without_a_trust_folder_the_key_signs_only_with_a_certificate_that_says_nothing_against_it(
    tmp_path: Path, capsys: Capture, kind: LeafKind, words: str
) -> None:
    """Found: without `--trust` nothing was looked at, and an expired certificate signed."""
    desk = SigningDesk.furnished(tmp_path, kind)
    (tmp_path / "letter.pdf").write_bytes(tiny_pdf())
    assert sign(desk) == Exit.CONFIGURATION
    assert not (tmp_path / "out.pdf").exists()
    assert words in capsys.readouterr().err


def test_without_a_trust_folder_it_says_what_was_not_looked_at(desk: SigningDesk, capsys: Capture) -> None:
    assert sign(desk) == Exit.OK
    assert "not whether it was revoked" in capsys.readouterr().err
    assert sign(desk, "--trust", str(desk.trust), "--force") == Exit.OK
    assert "revoked" not in capsys.readouterr().err
