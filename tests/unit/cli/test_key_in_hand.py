"""What a command signs with: keys in files with a password, and a token by its PKCS#11 URI."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, pkcs12

from gateway.cli import main
from gateway.cli.exits import Exit
from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.validation import Indication
from gateway.crypto import judge_pdf, load_trust
from gateway.crypto.keys.pkcs11_uri import URI_CHARS_MAX, read_pkcs11_uri
from tests.kit.pdfs import tiny_pdf
from tests.kit.signing_desk import SigningDesk
from tests.kit.softhsm import MODULE, PIN, TOOL, SoftToken

Capture = pytest.CaptureFixture[str]
CERTIFICATE = Digest("ab" * 32)
GOOD = "pkcs11:token=V%C4%83n%20th%C6%B0;serial=1a;id=%01%ff?module-path=/lib/p11.so&pin-source=file:/run/pin"


@pytest.fixture
def desk(tmp_path: Path) -> SigningDesk:
    desk = SigningDesk.furnished(tmp_path)
    (tmp_path / "letter.pdf").write_bytes(tiny_pdf())
    return desk


def private(path: Path, data: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(data)
    return path


def encrypted(desk: SigningDesk, password: bytes = b"m\xe1\xba\xadt kh\xe1\xba\xa9u") -> tuple[Path, Path]:
    key = desk.leaf().key
    assert isinstance(key, rsa.RSAPrivateKey)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
    return private(desk.folder / "locked.pem", pem), private(desk.folder / "password", password + b"\n")


def bundled(desk: SigningDesk, password: bytes = b"p12") -> tuple[Path, Path]:
    leaf = desk.leaf()
    assert isinstance(leaf.key, rsa.RSAPrivateKey)
    data = pkcs12.serialize_key_and_certificates(
        b"seal", leaf.key, leaf.certificate, None, BestAvailableEncryption(password)
    )
    return private(desk.folder / "body.P12", data), private(desk.folder / "p12.password", password)


def seal(desk: SigningDesk, key: str, *more: str) -> int:
    line = ["seal", str(desk.folder / "letter.pdf"), "-o", str(desk.folder / "out.pdf"), "--key", key]
    return main([*line, "--cert", str(desk.certificate), "--trust", str(desk.trust), "--lang", "en", *more])


def passed(desk: SigningDesk) -> bool:
    trust = load_trust(desk.trust, demo=False)
    verdict = judge_pdf((desk.folder / "out.pdf").read_bytes(), trust=trust, moment=desk.pki.now)
    return verdict.indication is Indication.TOTAL_PASSED


@pytest.mark.parametrize("make", [encrypted, bundled])
def test_a_key_with_a_password_signs(desk: SigningDesk, make: type) -> None:
    key, password = make(desk)
    assert seal(desk, str(key), "--password-file", str(password)) == Exit.OK
    assert passed(desk)


@pytest.mark.parametrize("make", [encrypted, bundled])
def test_without_the_right_password_nothing_is_signed_and_it_is_said_what_to_do(
    desk: SigningDesk, make: type, capsys: Capture
) -> None:
    key, password = make(desk)
    assert seal(desk, str(key)) != Exit.OK
    assert "password" in capsys.readouterr().err
    password.write_bytes(b"another")
    assert seal(desk, str(key), "--password-file", str(password)) == Exit.CONFIGURATION
    said = capsys.readouterr().err
    assert "password" in said
    assert "another" not in said
    assert not (desk.folder / "out.pdf").exists()


def test_a_file_beside_a_pdf_is_signed_by_it_too(desk: SigningDesk) -> None:
    key, password = bundled(desk)
    line = ["sign", str(desk.folder / "letter.pdf"), "--key", str(key), "--cert", str(desk.certificate)]
    assert main([*line, "--trust", str(desk.trust), "--password-file", str(password)]) == Exit.OK
    assert (desk.folder / "letter.pdf.p7s").exists()


def test_a_password_file_that_is_not_there(desk: SigningDesk) -> None:
    assert seal(desk, str(encrypted(desk)[0]), "--password-file", "nowhere") == Exit.NOT_FOUND


@pytest.mark.interop
@pytest.mark.skipif(MODULE is None or TOOL is None, reason="SoftHSM (softhsm2) is not here")
def test_a_key_in_a_token_signs_by_its_uri(desk: SigningDesk) -> None:
    token = SoftToken.make(desk.folder / "hsm")
    token.put(desk.leaf(), object_id="01")
    uri = f"pkcs11:token={token.label}?module-path={MODULE}&pin-source={token.pin_file}"
    line = ["seal", "letter.pdf", "-o", "out.pdf", "--key", uri, "--cert", desk.certificate, "--trust", desk.trust]
    # As a person runs it: the holder's process is a child of one that has the vendor's settings.
    settings = {**os.environ, "SOFTHSM2_CONF": str(token.folder / "softhsm2.conf")}
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *line],
        check=False,
        cwd=desk.folder,
        env=settings,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == Exit.OK, done.stderr.decode()
    assert PIN.encode() not in done.stdout + done.stderr
    assert passed(desk)


def test_what_a_uri_says() -> None:
    key = read_pkcs11_uri(GOOD, certificate=CERTIFICATE)
    assert (key.token.label, key.token.serial, key.object_id) == ("Văn thư", "1a", "01ff")
    assert (key.token.module, key.token.pin_file) == (Path("/lib/p11.so"), Path("/run/pin"))
    assert key.certificate == CERTIFICATE
    assert dataclasses.replace(key, object_id="") == read_pkcs11_uri(
        GOOD.replace(";id=%01%ff", ""), certificate=CERTIFICATE
    )


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "PKCS11:token=a",
        "pkcs11:",
        GOOD.replace("token=V%C4%83n%20th%C6%B0;serial=1a;", ""),
        GOOD.replace("module-path", "module-name"),
        GOOD.replace("&pin-source=file:/run/pin", ""),
        GOOD.replace("pin-source=file:/run/pin", "pin-value=1234"),
        GOOD + "&pin-value=1234",
        GOOD + "&pin-source=/other",
        GOOD.replace("serial=1a", "token=b"),
        GOOD.replace("serial=1a", "object=seal"),
        GOOD.replace("serial=1a", "type=cert"),
        GOOD.replace("serial=1a", "serial"),
        GOOD + "&module-path=" + "x" * URI_CHARS_MAX,
    ],
)
def test_what_is_no_uri_or_says_too_little_or_too_much_is_refused(uri: str) -> None:
    with pytest.raises(SiteError) as caught:
        read_pkcs11_uri(uri, certificate=CERTIFICATE)
    assert caught.value.code == "key.missing"
    assert "1234" not in str(caught.value), "a PIN that should not have been there is not repeated"
