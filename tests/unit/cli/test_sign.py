"""`gateway sign`: a signature beside a file, that another program finds good; and no signature where there must be none."""

import asyncio
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.cli.exits import Exit
from gateway.cli.main import main
from tests.kit.pki import LeafKind, Pki, write_chain, write_key
from tests.kit.signing_desk import SigningDesk
from tests.kit.timestamp_authority import Authority, served
from tests.unit.cli.schemas import check

Capture = pytest.CaptureFixture[str]
NOBODY = "http://127.0.0.1:9/tsa"
CONTENT = "Phụ lục".encode() * 1000


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki(name="Signing", now=datetime.now(UTC))


class Desk:
    """A folder with a file to sign, keys and whom to believe."""

    def __init__(self, folder: Path, pki: Pki) -> None:
        self.folder, self.pki = folder, pki
        self.file = folder / "phụ lục.xlsx"
        self.file.write_bytes(CONTENT)
        pki.write_trust(folder / "trust")

    def sign(self, kind: LeafKind, *more: str, certificate: LeafKind | None = None) -> int:
        key, chain = self.folder / "key.pem", self.folder / "certificate.pem"
        if not key.exists():
            write_key(key, self.pki.leaf(kind).key)
        shown = self.pki.leaf(certificate or kind)
        write_chain(chain, shown.certificate, shown.issuing)
        line = [
            *("sign", str(self.file), "--key", str(key), "--cert", str(chain), "--trust", str(self.folder / "trust"))
        ]
        return main([*line, *more])


@pytest.fixture
def desk(tmp_path: Path, pki: Pki) -> Desk:
    return Desk(tmp_path, pki)


@pytest.mark.parametrize("kind", ["seal", "elliptic"])
def test_openssl_finds_it_good(desk: Desk, kind: LeafKind, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.sign(kind, "--json") == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert told["signature"] == f"{desk.file}.p7s"
    assert told["level"] == "B-B"
    assert desk.file.read_bytes() == CONTENT
    command = [
        *("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", f"{desk.file}.p7s"),
        *("-content", desk.file, "-CAfile", desk.folder / "trust" / "anchors" / "0.pem"),
        *("-purpose", "any", "-out", desk.folder / "out"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "CAdES Verification successful" in done.stderr


@pytest.mark.parametrize("kind", ["revoked", "expired", "usage", "weak", "demo"])
def test_a_key_that_may_not_sign_signs_nothing(desk: Desk, kind: LeafKind) -> None:
    assert desk.sign(kind) == Exit.CONFIGURATION
    assert not list(desk.folder.glob("*.p7s"))
    assert not list(desk.folder.glob(".gateway-*"))


def test_a_key_of_another_certificate_signs_nothing(desk: Desk) -> None:
    assert desk.sign("seal", certificate="transport") == Exit.CONFIGURATION
    assert not list(desk.folder.glob("*.p7s"))


def test_a_key_that_others_may_read_signs_nothing(desk: Desk) -> None:
    write_key(desk.folder / "key.pem", desk.pki.leaf("seal").key, 0o644)
    assert desk.sign("seal") == Exit.CONFIGURATION


def test_a_signature_that_is_there_stays(desk: Desk) -> None:
    there = desk.folder / "there.p7s"
    there.write_bytes(b"theirs")
    assert desk.sign("seal", "-o", str(there)) == Exit.CONFLICT
    assert there.read_bytes() == b"theirs"
    assert desk.sign("seal", "-o", str(there), "--force") == Exit.OK
    assert there.read_bytes()[:1] == b"\x30"


def test_what_is_not_there(desk: Desk) -> None:
    desk.file.unlink()
    assert desk.sign("seal") == Exit.NOT_FOUND


# --- with a timestamp --------------------------------------------------------------------------------------------------


@pytest.fixture
def stamping(tmp_path: Path) -> SigningDesk:
    desk = SigningDesk.furnished(tmp_path)
    (tmp_path / "minutes.docx").write_bytes(CONTENT)
    return desk


def stamped(desk: SigningDesk, *more: str) -> int:
    own = ["--key", str(desk.key), "--cert", str(desk.certificate), "--trust", str(desk.trust)]
    return main(["sign", str(desk.folder / "minutes.docx"), *own, "--lang", "en", *more])


async def test_it_is_stamped_by_the_second_authority_and_others_find_it_good(
    stamping: SigningDesk, capsys: Capture
) -> None:
    async with stamping.served() as url:
        line = ["--level", "B-T", "--tsa", NOBODY, "--tsa", url, "--chain", str(untrusted(stamping)), "--json"]
        assert await asyncio.to_thread(stamped, stamping, *line) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    check("sign", told)
    assert (told["level"], told["owed"]) == ("B-T", None)
    line = ["verify", str(stamping.folder / "minutes.docx"), "--trust", str(stamping.trust), "--json"]
    assert await asyncio.to_thread(main, line) == Exit.OK
    (file,) = json.loads(capsys.readouterr().out)["files"]
    (signature,) = (one for part in file["parts"] for one in part["signatures"])
    assert signature["level"] == "B-T"
    assert [one["indication"] for one in signature["timestamps"]] == ["TOTAL-PASSED"]
    openssl_agrees(stamping)


def openssl_agrees(desk: SigningDesk) -> None:
    """On the signature over the file, and on the timestamp over the signature's value."""
    root, signature = desk.trust / "anchors" / "0.pem", desk.folder / "minutes.docx.p7s"
    command = [
        *("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", signature),
        *("-content", desk.folder / "minutes.docx", "-CAfile", root, "-purpose", "any", "-out", desk.folder / "out"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "CAdES Verification successful" in done.stderr
    signer = cms.ContentInfo.load(signature.read_bytes())["content"]["signer_infos"][0]
    (desk.folder / "token").write_bytes(signer["unsigned_attrs"][0]["values"][0].dump())
    for value, accepted in ((signer["signature"].native, True), (b"another", False)):
        (desk.folder / "value").write_bytes(value)
        command = [
            "openssl",
            "ts",
            "-verify",
            "-token_in",
            "-in",
            desk.folder / "token",
            "-data",
            desk.folder / "value",
        ]
        command += ["-CAfile", desk.trust / "authorities" / "root.pem", "-untrusted", untrusted(desk)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ("Verification: OK" in done.stdout) is accepted, done.stderr


def untrusted(desk: SigningDesk) -> Path:
    path = desk.folder / "issuing.pem"
    path.write_bytes(desk.pki.issuing.public_bytes(Encoding.PEM))
    return path


def test_without_an_answer_it_is_refused_unless_a_lower_level_will_do(stamping: SigningDesk, capsys: Capture) -> None:
    refusals = (
        (["--tsa", NOBODY], Exit.UNREACHABLE, "timestamp.unavailable"),
        (["--level", "B-T"], Exit.USAGE, "cli.seal.tsa"),
    )
    for line, code, word in refusals:
        assert stamped(stamping, *line) == code
        assert word in capsys.readouterr().err
        assert not list(stamping.folder.glob("*.p7s"))
    assert stamped(stamping, "--tsa", NOBODY, "--allow-lower", "--json") == Exit.OK
    said = capsys.readouterr()
    told = json.loads(said.out)
    check("sign", told)
    assert (told["level"], told["owed"]) == ("B-B", "B-T")
    assert "Still owed for level B-T" in said.err


def test_levels_of_a_pdf_are_none_of_these(stamping: SigningDesk) -> None:
    assert stamped(stamping, "--level", "B-LT") == Exit.USAGE


async def test_an_authority_that_nobody_believes_stamps_nothing(stamping: SigningDesk, capsys: Capture) -> None:
    stranger = Authority(Pki(name="Stranger", now=stamping.pki.now))
    async with served(stamping.clock, stranger.answer) as url:
        assert await asyncio.to_thread(stamped, stamping, "--tsa", url) == Exit.UNREACHABLE
    assert "timestamp.unavailable" in capsys.readouterr().err
