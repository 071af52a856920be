"""What tokens do that SoftHSM does not: lock their PIN, hash for us or not at all, answer nonsense."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, TokenFlag
from pkcs11 import exceptions as raised

from gateway.core.errors import SiteError
from gateway.core.reasons import Reason
from gateway.crypto import Pkcs11Key, Token, certificate_digest
from gateway.crypto.keys.token_session import TokenSession
from tests.kit.pki import Leaf, Pki

PKI = Pki()
RSA, EC = PKI.leaf("seal"), PKI.leaf("elliptic")


class FakeKey(pkcs11.SignMixin):
    """Signs as a token does that has these mechanisms only."""

    def __init__(self, leaf: Leaf, *, kind: KeyType) -> None:
        self.leaf, self.kind, self.asked = leaf, kind, []

    def __getitem__(self, name: Attribute) -> Any:
        if name is Attribute.ALWAYS_AUTHENTICATE:
            raise raised.AttributeTypeInvalid
        return {Attribute.KEY_TYPE: self.kind, Attribute.MODULUS: bytes(256)}[name]

    def sign(self, data: Any, **how: Any) -> bytes:
        self.asked.append(how["mechanism"])
        match self.leaf.key, how["mechanism"]:
            case (ec.EllipticCurvePrivateKey() as key, Mechanism.ECDSA):
                der = key.sign(data, ec.ECDSA(Prehashed(SHA256())))
            case (ec.EllipticCurvePrivateKey() as key, Mechanism.ECDSA_SHA256):
                der = key.sign(data, ec.ECDSA(SHA256()))
            case (key, Mechanism.SHA256_RSA_PKCS):
                return key.sign(data, padding.PKCS1v15(), SHA256())  # type: ignore[union-attr,call-arg,arg-type]
            case (key, Mechanism.RSA_PKCS):
                return raw_rsa(key, data)
        r, s = decode_dss_signature(der)
        return r.to_bytes(32) + s.to_bytes(32)


def raw_rsa(key: Any, data: bytes) -> bytes:
    """CKM_RSA_PKCS: padding and the operation, and nothing about the data."""
    size = key.key_size // 8
    block = b"\0\1" + b"\xff" * (size - len(data) - 3) + b"\0" + data
    numbers = key.private_numbers()
    return pow(int.from_bytes(block), numbers.d, numbers.public_numbers.n).to_bytes(size)


class FakeLibrary:
    """A vendor's library with one token."""

    def __init__(self, leaf: Leaf, *, mechanisms: set[Mechanism], flags: TokenFlag = TokenFlag.LOGIN_REQUIRED) -> None:
        kind = KeyType.EC if leaf is EC else KeyType.RSA
        self.key = FakeKey(leaf, kind=kind)
        self.opened: list[str] = []
        self.refusal: type[Exception] | None = None
        self.slot = SimpleNamespace(get_mechanisms=lambda: mechanisms)
        self.flags, self.serial = flags, b"1"
        self.leaf = leaf

    def get_tokens(self, token_label: str | None = None) -> Iterator[Any]:
        yield self

    def finalize(self) -> None:
        raise raised.GeneralError  # CKR_CRYPTOKI_NOT_INITIALIZED and its like

    def initialize(self) -> None:
        pass

    def open(self, user_pin: str = "") -> Any:
        self.opened.append(user_pin)
        if self.refusal is not None:
            raise self.refusal
        return self

    def get_objects(self, template: dict[Attribute, Any]) -> Iterator[Any]:
        if template[Attribute.CLASS] is ObjectClass.CERTIFICATE:
            yield {Attribute.ID: b"\1", Attribute.VALUE: self.leaf.der}
        else:
            assert template[Attribute.ID] == b"\1"
            yield self.key


@pytest.fixture
def pin_file(tmp_path: Path) -> Path:
    path = tmp_path / "pin"
    path.touch(0o600)
    path.write_text("1234\n")
    return path


def session(library: FakeLibrary, pin_file: Path, monkeypatch: pytest.MonkeyPatch) -> TokenSession:
    monkeypatch.setattr("gateway.crypto.keys.token_session.pkcs11.lib", lambda _path: library)
    token = Token(module=Path("/module.so"), pin_file=pin_file, label="gw")
    return TokenSession(token, {"key": Pkcs11Key(token=token, certificate=certificate_digest(library.leaf.der))})


def refused(own: TokenSession) -> tuple[str, str]:
    with pytest.raises(SiteError) as caught:
        own.sign("key", b"data")
    reason = caught.value.params["reason"]
    assert isinstance(reason, Reason)
    return caught.value.code, reason.message_id.removeprefix("why.")


@pytest.mark.parametrize(
    ("leaf", "offered", "used"),
    [
        (RSA, {Mechanism.SHA256_RSA_PKCS, Mechanism.RSA_PKCS}, Mechanism.SHA256_RSA_PKCS),
        (RSA, {Mechanism.RSA_PKCS}, Mechanism.RSA_PKCS),
        (EC, {Mechanism.ECDSA, Mechanism.ECDSA_SHA256}, Mechanism.ECDSA),
        (EC, {Mechanism.ECDSA_SHA256}, Mechanism.ECDSA_SHA256),
    ],
)
def test_a_token_signs_with_what_it_has(
    leaf: Leaf, offered: set[Mechanism], used: Mechanism, pin_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = FakeLibrary(leaf, mechanisms=offered)
    signature = session(library, pin_file, monkeypatch).sign("key", b"data")
    public = leaf.key.public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, b"data", ec.ECDSA(SHA256()))
    else:
        public.verify(signature, b"data", padding.PKCS1v15(), SHA256())
    assert library.key.asked == [used]


@pytest.mark.parametrize(
    ("flag", "why"), [(TokenFlag.USER_PIN_LOCKED, "pin_locked"), (TokenFlag.USER_PIN_FINAL_TRY, "pin_last_try")]
)
def test_the_last_try_is_not_ours(flag: TokenFlag, why: str, pin_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary(RSA, mechanisms={Mechanism.RSA_PKCS}, flags=TokenFlag.LOGIN_REQUIRED | flag)
    own = session(library, pin_file, monkeypatch)
    for _ in range(3):
        assert refused(own) == ("key.pin", why)
    assert library.opened == []


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (raised.PinIncorrect, "pin_wrong"),
        (raised.PinInvalid, "pin_wrong"),
        (raised.PinLenRange, "pin_wrong"),
        (raised.PinLocked, "pin_locked"),
        (raised.PinExpired, "pin_expired"),
        (raised.UserPinNotInitialized, "pin_unset"),
    ],
)
def test_a_pin_that_is_refused_is_tried_once_whatever_the_token_calls_it(
    error: type[Exception], why: str, pin_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = FakeLibrary(RSA, mechanisms={Mechanism.RSA_PKCS})
    library.refusal = error
    own = session(library, pin_file, monkeypatch)
    for _ in range(5):
        assert refused(own) == ("key.pin", why)
    assert library.opened == ["1234"]
    assert not own.lost, "a new process would try it again"


@pytest.mark.parametrize("error", [raised.DeviceRemoved, raised.GeneralError, UnicodeError, KeyError])
def test_whatever_else_a_library_throws_is_the_device_s_trouble(
    error: type[Exception], pin_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = FakeLibrary(RSA, mechanisms={Mechanism.RSA_PKCS})
    library.refusal = error
    own = session(library, pin_file, monkeypatch)
    assert refused(own) == ("key.token", "token_says")
    assert own.lost


def test_a_session_that_is_lost_again_is_given_up(pin_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once within a request, and no more: then it is for a new process."""
    library = FakeLibrary(RSA, mechanisms={Mechanism.RSA_PKCS})
    own = session(library, pin_file, monkeypatch)
    own.sign("key", b"data")

    def lost(*_: object, **__: object) -> bytes:
        library.key.asked.append("lost")
        raise raised.SessionHandleInvalid

    library.key.sign = lost  # type: ignore[method-assign]
    assert refused(own) == ("key.token", "token_says")
    assert library.key.asked.count("lost") == 2
    assert own.lost


def test_the_digest_info_is_that_of_rfc_8017(pin_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary(RSA, mechanisms={Mechanism.RSA_PKCS})
    given: list[bytes] = []
    library.key.sign = lambda data, **_: given.append(data) or b"signature"  # type: ignore[method-assign,assignment,func-returns-value]
    session(library, pin_file, monkeypatch).sign("key", b"data")
    assert given == [bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(b"data").digest()]
