"""`gateway edxml sign`: an envelope signed where its receivers look, with a timestamp and a seal slip if one likes."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.cli import main
from gateway.cli.exits import Exit
from gateway.edxml import SLIP_NAME, write_skeleton
from gateway.safe_xml import read_skeleton
from tests.kit.pdfs import tiny_pdf
from tests.kit.signing_desk import SigningDesk
from tests.unit.cli.schemas import check
from tests.unit.edxml.samples import DOCUMENT, STATUS, envelope

Capture = pytest.CaptureFixture[str]
NOBODY = "http://127.0.0.1:9/tsa"
PLAIN = envelope(files=(tiny_pdf(), b"a table"))


@pytest.fixture
def desk(tmp_path: Path) -> SigningDesk:
    desk = SigningDesk.furnished(tmp_path, organ_id="")  # envelopes of two senders are signed here
    (tmp_path / "a.edxml").write_bytes(PLAIN)
    return desk


def sign(desk: SigningDesk, *more: str) -> int:
    own = ["--key", str(desk.key), "--cert", str(desk.certificate), "--trust", str(desk.trust), "--lang", "en"]
    return main(["edxml", "sign", str(desk.folder / "a.edxml"), "-o", str(desk.folder / "out.edxml"), *own, *more])


def verified(desk: SigningDesk, capsys: Capture, code: int = 0) -> Any:
    capsys.readouterr()
    assert main(["verify", str(desk.folder / "out.edxml"), "--trust", str(desk.trust), "--json"]) == code
    (file,) = json.loads(capsys.readouterr().out)["files"]
    return file


def slip_in(file: Any) -> Any:
    (signature,) = (one for part in file["parts"] if part["name"] == SLIP_NAME for one in part["signatures"])
    return signature


def test_it_is_good_and_every_other_byte_is_as_it_was(desk: SigningDesk, capsys: Capture) -> None:
    assert sign(desk, "--json") == Exit.OK
    told = json.loads(capsys.readouterr().out)
    check("edxml_sign", told)
    assert (told["level"], told["owed"], told["slip"]) == ("B-B", None, False)
    made = (desk.folder / "out.edxml").read_bytes()
    at = made.index(b"<ds:Signature")
    assert made[:at] + made[at + len(made) - len(PLAIN) :] == PLAIN
    assert verified(desk, capsys)["envelope"]["level"] == "B-B"
    main(["verify", str(desk.folder / "out.edxml"), "--trust", str(desk.trust), "--lang", "vi"])
    assert "Dấu thời gian: không có" in capsys.readouterr().out, "it is known that there is none"


@pytest.mark.parametrize("slip", [False, True])
async def test_with_a_timestamp(desk: SigningDesk, slip: bool, capsys: Capture) -> None:
    more = ["--slip"] if slip else []
    async with desk.served() as url:
        assert await asyncio.to_thread(sign, desk, "--tsa", NOBODY, "--tsa", url, *more, "--json") == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["level"], told["slip"]) == ("B-T", slip)
    file = await asyncio.to_thread(verified, desk, capsys)
    assert file["envelope"]["level"] == "B-T"
    assert [one["indication"] for one in file["envelope"]["timestamps"]] == ["TOTAL-PASSED"]
    if slip:
        assert slip_in(file)["level"] == "B-T"


def test_without_an_answer_the_line_decides(desk: SigningDesk, capsys: Capture) -> None:
    assert sign(desk, "--tsa", NOBODY) == Exit.UNREACHABLE
    assert not (desk.folder / "out.edxml").exists()
    capsys.readouterr()
    assert sign(desk, "--tsa", NOBODY, "--allow-lower", "--slip") == Exit.OK
    told = capsys.readouterr().err
    assert "Still owed for level B-T" in told
    assert "Reason: No timestamp: no timestamp authority answered (asked 1)." in told
    assert "http" not in told, "what each authority said is for engineers"
    assert verified(desk, capsys)["envelope"]["level"] == "B-B"


def test_a_slip_says_what_the_envelope_says(desk: SigningDesk, capsys: Capture) -> None:
    assert sign(desk, "--slip") == Exit.OK
    file = verified(desk, capsys)
    assert slip_in(file)["indication"] == "TOTAL-PASSED"
    names = [part["name"] for part in file["parts"]]
    assert (len(names), names[-1]) == (3, SLIP_NAME)


def test_a_hub_that_changes_the_envelope_cannot_change_the_slip(desk: SigningDesk, capsys: Capture) -> None:
    assert sign(desk, "--slip") == Exit.OK
    path = desk.folder / "out.edxml"
    root = etree.fromstring(path.read_bytes())
    subject = next(root.iter("{*}Subject"))
    subject.text = "another"
    path.write_bytes(etree.tostring(root))
    file = verified(desk, capsys, Exit.VERIFICATION)
    assert file["envelope"]["indication"] == "TOTAL-FAILED"
    told = slip_in(file)
    assert told["indication"] == "TOTAL-FAILED"
    assert "subject" in told["reason"]


@pytest.mark.parametrize("kind", ["expired", "revoked", "weak"])
def test_a_key_that_may_not_sign_signs_nothing(tmp_path: Path, kind: Any) -> None:
    desk = SigningDesk.furnished(tmp_path, kind)
    (tmp_path / "a.edxml").write_bytes(PLAIN)
    for more in ((), ("--slip",)):
        assert sign(desk, *more) == Exit.CONFIGURATION
        assert not (tmp_path / "out.edxml").exists()


def test_what_cannot_be_signed_is_refused(desk: SigningDesk, capsys: Capture) -> None:
    assert sign(desk, "--slip") == Exit.OK
    finished = (desk.folder / "out.edxml").read_bytes()
    odd = PLAIN.replace(b"<edXML:Subject>", b"<edXML:Odd>x</edXML:Odd><edXML:Subject>")
    assert odd != PLAIN
    cases = {b"no xml": ("", "--slip"), finished: ("", "--slip"), odd: ("--slip",)}
    cases[write_skeleton(STATUS, ())] = ("--slip",)
    for data, ways in cases.items():
        (desk.folder / "a.edxml").write_bytes(data)
        for way in ways:
            assert sign(desk, "--force", *filter(None, (way,))) == Exit.VERIFICATION, data[:80]
    assert "envelope.malformed" in capsys.readouterr().err
    assert (desk.folder / "out.edxml").read_bytes() == finished


def test_a_status_message_is_signed_too(desk: SigningDesk, capsys: Capture) -> None:
    (desk.folder / "a.edxml").write_bytes(write_skeleton(STATUS, ()))
    assert sign(desk) == Exit.OK
    assert verified(desk, capsys)["envelope"]["indication"] == "TOTAL-PASSED"
    read_skeleton([(desk.folder / "out.edxml").read_bytes()])


# --- in whose name (duty 13) ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [(), ("--slip",), ("--force",)])
def test_nothing_is_signed_in_another_bodys_name(tmp_path: Path, more: tuple[str, ...], capsys: Capture) -> None:
    """A trial: `edxml sign` made files that `verify` then called undecided, for the certificate names another body."""
    desk = SigningDesk.furnished(tmp_path, organ_id="H29.16")
    (tmp_path / "a.edxml").write_bytes(PLAIN)
    (tmp_path / "out.edxml").write_bytes(b"theirs")
    if "--force" not in more:
        (tmp_path / "out.edxml").unlink()
    assert sign(desk, *more) == Exit.VERIFICATION
    told = capsys.readouterr().err
    for name in (DOCUMENT.sender.organ_id, DOCUMENT.sender.name, "H29.16"):
        assert name in told
    there = tmp_path / "out.edxml"
    assert there.read_bytes() == b"theirs" if "--force" in more else not there.exists()


def test_it_is_told_in_vietnamese_too(tmp_path: Path, capsys: Capture) -> None:
    desk = SigningDesk.furnished(tmp_path, organ_id="H29.16")
    (tmp_path / "a.edxml").write_bytes(PLAIN)
    assert sign(desk, "--lang", "vi") == Exit.VERIFICATION
    told = capsys.readouterr().err
    assert "chứng thư số là của H29.16" in told
    assert f"đứng tên {DOCUMENT.sender.organ_id}" in told


def test_the_senders_own_certificate_signs_without_a_word(tmp_path: Path, capsys: Capture) -> None:
    desk = SigningDesk.furnished(tmp_path, organ_id=DOCUMENT.sender.organ_id)
    (tmp_path / "a.edxml").write_bytes(PLAIN)
    assert sign(desk) == Exit.OK
    assert "compare" not in capsys.readouterr().err
    assert verified(desk, capsys)["envelope"]["indication"] == "TOTAL-PASSED"


def test_a_certificate_that_names_no_code_is_told(desk: SigningDesk, capsys: Capture) -> None:
    assert sign(desk) == Exit.OK
    assert f"cannot compare the signer with the sender {DOCUMENT.sender.organ_id}" in capsys.readouterr().err


def test_standard_output_is_the_file(desk: SigningDesk, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    own = ["--key", str(desk.key), "--cert", str(desk.certificate), "--trust", str(desk.trust)]
    assert main(["edxml", "sign", str(desk.folder / "a.edxml"), "-o", "-", *own]) == Exit.OK
    assert b"<ds:Signature" in capfdbinary.readouterr().out
