"""Receipt tokens: one form, one algorithm, and everything else refused."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.core import limits
from gateway.core.errors import PeerError, SiteError
from gateway.crypto import FileSigner, sign_jws, verify_jws
from tests.kit.pki import ec_key, rsa_key, spki, write_key

PAYLOAD = '{"lời":"đã nhận"}'.encode()
KEY = spki(ec_key("receipt"))
KID = hashlib.sha256(KEY).hexdigest()


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    return FileSigner(write_key(tmp_path / "receipt.pem", ec_key("receipt")), key_id="receipt")


@pytest.fixture
async def token(signer: FileSigner) -> bytes:
    return await sign_jws(PAYLOAD, kid=KID, signer=signer)


def b64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def test_there_and_back(token: bytes) -> None:
    assert verify_jws(token, [spki(ec_key("older")), KEY]) == PAYLOAD
    header = json.loads(unb64(token.split(b".")[0]))
    assert header == {"alg": "ES256", "kid": KID, "typ": "edoc-receipt+jws"}
    assert len(token.split(b".")[2]) == 86


def unb64(text: bytes) -> bytes:
    return urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def refuse(token: bytes, keys: list[bytes] | None = None) -> str:
    with pytest.raises(PeerError) as caught:
        verify_jws(token, [KEY] if keys is None else keys)
    assert caught.value.code == "peer.receipt"
    return str(caught.value.params["step"])


def test_an_unknown_key_is_refused(token: bytes) -> None:
    assert "header" in refuse(token, [spki(ec_key("another"))])
    assert "header" in refuse(token, [])


def test_another_payload_is_refused(token: bytes) -> None:
    header, _, signature = token.split(b".")
    assert refuse(b".".join((header, b64(b"other"), signature))) == "signature"


async def test_another_signer_under_a_known_kid_is_refused(tmp_path: Path) -> None:
    other = FileSigner(write_key(tmp_path / "other.pem", ec_key("other")), key_id="other")
    assert refuse(await sign_jws(PAYLOAD, kid=KID, signer=other)) == "signature"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": KID, "typ": "edoc-receipt+jws"},
        {"alg": "HS256", "kid": KID, "typ": "edoc-receipt+jws"},
        {"alg": "ES256", "kid": KID},
        {"alg": "ES256", "kid": KID, "typ": "JWT"},
        {"alg": "ES256", "kid": KID, "typ": "edoc-receipt+jws", "crit": ["exp"]},
        {"alg": "ES256", "jku": "https://evil/", "kid": KID, "typ": "edoc-receipt+jws"},
        {"alg": "ES256", "jwk": {}, "kid": KID, "typ": "edoc-receipt+jws"},
        {"alg": "ES256", "kid": KID.upper(), "typ": "edoc-receipt+jws"},
        {"typ": "edoc-receipt+jws", "kid": KID, "alg": "ES256"},
    ],
)
def test_any_other_header_is_refused(header: dict[str, object], token: bytes) -> None:
    _, payload, signature = token.split(b".")
    first = b64(json.dumps(header, separators=(",", ":")).encode())
    assert "header" in refuse(b".".join((first, payload, signature)))
    forged = hmac.digest(KEY, first + b"." + payload, "sha256")
    assert "header" in refuse(b".".join((first, payload, b64(forged))))


def test_other_texts_for_the_same_bytes_are_refused(token: bytes) -> None:
    last = token[-1:]
    twins = [
        bytes([c]) for c in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" if bytes([c]) != last
    ]
    for twin in twins:
        refuse(token[:-1] + twin)
    for form in (token + b"=", token + b"\n", b" " + token, token.replace(b".", b".."), token.rsplit(b".", 1)[0], b""):
        assert refuse(form)


def test_der_in_place_of_r_and_s_is_refused(token: bytes) -> None:
    head = token.rsplit(b".", 1)[0]
    der = ec_key("receipt").sign(head, ec.ECDSA(SHA256()))
    assert refuse(head + b"." + b64(der)) == "signature"
    assert refuse(head + b"." + b64(bytes(64))) == "signature"


def test_size_is_bounded(token: bytes) -> None:
    assert refuse(token + b"A" * limits.RECEIPT_BYTES_MAX) == "size"


def test_a_key_of_another_kind_in_the_registry_is_refused(token: bytes) -> None:
    other = spki(rsa_key("receipt"))
    kid = hashlib.sha256(other).hexdigest()
    first = b64(json.dumps({"alg": "ES256", "kid": kid, "typ": "edoc-receipt+jws"}, separators=(",", ":")).encode())
    _, payload, signature = token.split(b".")
    assert "P-256" in refuse(b".".join((first, payload, signature)), [other])


def test_every_flipped_byte_is_refused(token: bytes) -> None:
    for position in range(len(token)):
        refuse(token[:position] + bytes([token[position] ^ 1]) + token[position + 1 :])


# --- signers ----------------------------------------------------------------------------------------------------------


async def test_an_ed25519_signer(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    path = tmp_path / "log.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o400)
    signer = FileSigner(path, key_id="log")
    key.public_key().verify(await signer.sign(b"checkpoint"), b"checkpoint")
    assert signer.public_key.endswith(key.public_key().public_bytes_raw())


def test_other_keys_and_open_files_make_no_signer(tmp_path: Path) -> None:
    for path in (
        write_key(tmp_path / "rsa.pem", rsa_key("receipt")),
        write_key(tmp_path / "p384.pem", ec.generate_private_key(ec.SECP384R1())),
        write_key(tmp_path / "open.pem", ec_key("receipt"), 0o644),
        tmp_path / "absent.pem",
    ):
        with pytest.raises(SiteError) as caught:
            FileSigner(path, key_id="receipt")
        assert caught.value.code == "key.missing"
