"""`gateway sign`: a signature beside a file, that another program finds good; and no signature where there must be none."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.cli.errors import Exit
from gateway.cli.main import main
from tests.kit.pki import LeafKind, Pki, write_chain, write_key

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
