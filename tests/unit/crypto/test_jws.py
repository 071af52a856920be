"""Receipt tokens: one form, one algorithm, and everything else refused."""

import datetime as dt
import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.core import limits
from gateway.core.errors import PeerError, SiteError
from gateway.crypto import FileSigner, SignedToken, sign_jws, verify_jws
from tests.kit.pki import ec_key, rsa_key, spki, write_key

PAYLOAD = '{"lời":"đã nhận"}'.encode()
KEY = spki(ec_key("receipt"))
KID = hashlib.sha256(KEY).hexdigest()
SIGNED_AT = dt.datetime(2026, 11, 21, 12, 0, 59, 999_999, tzinfo=dt.UTC)
WHOLE = SIGNED_AT.replace(microsecond=0)


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    return FileSigner(write_key(tmp_path / "receipt.pem", ec_key("receipt")), key_id="receipt")


@pytest.fixture(params=[None, SIGNED_AT], ids=["first", "second"])
async def token(request: pytest.FixtureRequest, signer: FileSigner) -> bytes:
    return await sign_jws(PAYLOAD, kid=KID, signer=signer, signed_at=request.param)


def b64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


FIRST_HEADER = {"alg": "ES256", "kid": KID, "typ": "edoc-receipt+jws"}
SECOND_HEADER = {
    "alg": "ES256",
    "iat": 1795262459,
    "kid": KID,
    "sigT": "2026-11-21T12:00:59Z",
    "typ": "edoc-receipt+jws",
}


@pytest.mark.parametrize(("signed_at", "header"), [(None, FIRST_HEADER), (SIGNED_AT, SECOND_HEADER)])
async def test_there_and_back(signer: FileSigner, signed_at: dt.datetime | None, header: dict[str, object]) -> None:
    token = await sign_jws(PAYLOAD, kid=KID, signer=signer, signed_at=signed_at)
    back = verify_jws(token, [spki(ec_key("older")), KEY])
    assert back == SignedToken(payload=PAYLOAD, signed_at=WHOLE if signed_at else None)
    assert json.loads(unb64(token.split(b".")[0])) == header
    assert len(token.split(b".")[2]) == 86


async def test_a_local_time_is_written_in_utc(signer: FileSigner) -> None:
    local = SIGNED_AT.astimezone(dt.timezone(dt.timedelta(hours=7)))
    token = await sign_jws(PAYLOAD, kid=KID, signer=signer, signed_at=local)
    assert json.loads(unb64(token.split(b".")[0])) == SECOND_HEADER


# Made once with a key that is published here and nowhere else: what was signed yesterday is read tomorrow.
OLD_KEY = ec.derive_private_key(0x65646F63, ec.SECP256R1())
STORED: dict[str, tuple[bytes, dt.datetime | None]] = {
    "first": (
        (
            b"eyJhbGciOiJFUzI1NiIsImtpZCI6IjE3OTljNjZjMTRjZmU1NTNiM2VjNzg4ZDgyMmJiZDQzYjlmZDE3NWFjMzY2OGQyMTVlMjM4"
            b"MWEzNzhiNTkzZDQiLCJ0eXAiOiJlZG9jLXJlY2VpcHQrandzIn0.eyJs4budaSI6IsSRw6Mgbmjhuq1uIn0.q0kIIjM6b4pqh3SH"
            b"3fCHYUZ6jNBazgZ-apQ_uCmUeB8YnojYEaBSWhQTnVGmoDd7H--OZIEFnCeMR4AbRTAz_g"
        ),
        None,
    ),
    "second": (
        (
            b"eyJhbGciOiJFUzI1NiIsImlhdCI6MTc5NTI2MjQ1OSwia2lkIjoiMTc5OWM2NmMxNGNmZTU1M2IzZWM3ODhkODIyYmJkNDNiOWZk"
            b"MTc1YWMzNjY4ZDIxNWUyMzgxYTM3OGI1OTNkNCIsInNpZ1QiOiIyMDI2LTExLTIxVDEyOjAwOjU5WiIsInR5cCI6ImVkb2MtcmVj"
            b"ZWlwdCtqd3MifQ.eyJs4budaSI6IsSRw6Mgbmjhuq1uIn0.EOChM_RWaFO-yeOIkjGhHHov2in39k4yemtqgxBi8kX_f0oRbk1Ve"
            b"Y_sfKhRNeRKBY4ZWpA81b6L9bm4I8WhGQ"
        ),
        WHOLE,
    ),
}


@pytest.mark.parametrize("form", STORED)
def test_receipts_that_were_stored_are_read_for_ever(form: str) -> None:
    token, signed_at = STORED[form]
    assert verify_jws(token, [spki(OLD_KEY)]) == SignedToken(payload=PAYLOAD, signed_at=signed_at)
    for position in range(len(token)):
        refuse(token[:position] + bytes([token[position] ^ 1]) + token[position + 1 :], [spki(OLD_KEY)])


async def signed_with(header: bytes) -> bytes:
    """A token whose signature is good and whose header is this text."""
    signing_input = b64(header) + b"." + b64(PAYLOAD)
    r, s = utils.decode_dss_signature(ec_key("receipt").sign(signing_input, ec.ECDSA(SHA256())))
    return signing_input + b"." + b64(r.to_bytes(32) + s.to_bytes(32))


def changed(**members: object) -> dict[str, object]:
    """The header of the second form with other members; None leaves one out."""
    return {name: value for name, value in (SECOND_HEADER | members).items() if value is not None}


HEADERS: dict[str, dict[str, object]] = {
    "another second in sigT": changed(sigT="2026-11-21T12:01:00Z"),
    "another second in iat": changed(iat=1795262460),
    "only sigT": changed(iat=None),
    "only iat": changed(sigT=None),
    "iat as a text": changed(iat="1795262459"),
    "iat with a fraction": changed(iat=1795262459.0),
    "sigT with a fraction": changed(sigT="2026-11-21T12:00:59.000Z"),
    "sigT with an offset": changed(sigT="2026-11-21T19:00:59+07:00"),
    "sigT in lower case": changed(sigT="2026-11-21t12:00:59z"),
    "a day that is none": changed(sigT="2026-02-30T12:00:59Z"),
    "a leap second": changed(sigT="2026-11-21T12:00:60Z"),
    "digits of another script": changed(sigT="２026-11-21T12:00:59Z"),
    "the old form and a time": changed(iat=None, typ=None),
    "crit": changed(crit=["sigT"]),
    "a certificate's digest of nobody's": changed(**{"x5t#S256": "A" * 43}),
    "another algorithm": changed(alg="ES384"),
    "none": changed(alg="none"),
    "another type": changed(typ="JWT"),
    "no type": changed(typ=None),
    "no key": changed(kid=None),
    "the key in capitals": changed(kid=KID.upper()),
    "something long": changed(note="x" * 10_000),
}


@pytest.mark.parametrize("lie", HEADERS)
async def test_a_header_of_the_second_form_has_one_spelling(lie: str) -> None:
    text = json.dumps(HEADERS[lie], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert "header" in refuse(await signed_with(text))


async def test_the_same_members_spelled_otherwise_are_refused() -> None:
    good = json.dumps(SECOND_HEADER, sort_keys=True, separators=(",", ":"))
    assert verify_jws(await signed_with(good.encode()), [KEY]).signed_at == WHOLE
    twice = good.replace('"sigT"', '"sigT":"2026-11-21T12:00:59Z","sigT"')
    for text in (
        json.dumps(SECOND_HEADER),
        json.dumps(dict(reversed(SECOND_HEADER.items())), separators=(",", ":")),
        good + "\n",
        good.replace("sigT", "sig\\u0054"),
        twice,
        "[" + good + "]",
    ):
        assert "header" in refuse(await signed_with(text.encode()))


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
