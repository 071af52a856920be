"""The keys that sign our trust list: public halves as the installation keeps them, and how one signs.

Ed25519 (RFC 8032), or ECDSA on P-256 with SHA-256 for those whose hardware has no other. They are no certificates: nobody above
them vouches for them, the installation names them itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gateway.core import limits
from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.reasons import because, of_os

KEYS_MAX: Final = 16
_KEY_BYTES_MAX: Final = 16 * limits.KIB
_SUFFIXES: Final = frozenset({".pem", ".pub"})
_UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm, InternalError)
"""What cryptography raises of a damaged key; the last when OpenSSL fails in a way that nobody has a name for."""

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey
PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class ListKey:
    """The public half of a key that signs lists."""

    name: str
    """Of its file, without the ending."""
    public: PublicKey

    @property
    def digest(self) -> Digest:
        """SHA-256 of its SubjectPublicKeyInfo."""
        return Digest(sha256(self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest())


def read_list_keys(folder: Path) -> tuple[ListKey, ...]:
    """The keys in a folder of PEM files, each once.

    Raises:
        SiteError: `config.invalid` naming what cannot be read.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES)
    except OSError as error:
        raise SiteError("config.invalid", path=str(folder), reason=of_os(error)) from error
    if len(paths) > KEYS_MAX:
        raise SiteError("config.invalid", path=str(folder), reason=because("many_files", limit=KEYS_MAX))
    keys = {key.digest: key for path in paths for key in (_public_key(path),)}  # one key under two names is one key
    return tuple(keys.values())


def verifies(key: ListKey, signature: bytes, signed: bytes) -> bool:
    """Whether this key made that signature."""
    try:
        if isinstance(key.public, Ed25519PublicKey):
            key.public.verify(signature, signed)
        else:
            key.public.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def sign_list_bytes(key: PrivateKey, signed: bytes) -> tuple[ListKey, bytes]:
    """The signature, and the key that checks it."""
    known = ListKey("", key.public_key())
    return known, key.sign(signed) if isinstance(key, Ed25519PrivateKey) else key.sign(signed, ECDSA(SHA256()))


def read_signing_key(path: Path, *, password: Callable[[], bytes]) -> PrivateKey:
    """A private key (PKCS#8, PEM); `password` is asked only when it is encrypted.

    Raises:
        SiteError: `key.missing` with the reason.
    """
    data = _read(path, code="key.missing")
    try:
        try:
            key = load_pem_private_key(data, password=None)
        except TypeError:  # it is encrypted
            key = load_pem_private_key(data, password=password())
    except _UNREADABLE as error:
        raise SiteError("key.missing", key=path.name, reason=because("other", detail=_first_line(error))) from error
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    raise SiteError("key.missing", key=path.name, reason=because("other", detail="neither Ed25519 nor ECDSA P-256"))


def _public_key(path: Path) -> ListKey:
    try:
        key = load_pem_public_key(_read(path, code="config.invalid"))
    except _UNREADABLE as error:
        raise SiteError("config.invalid", path=str(path), reason=because("other", detail=_first_line(error))) from error
    if isinstance(key, Ed25519PublicKey) or (
        isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    ):
        return ListKey(path.stem, key)
    reason = because("other", detail="neither Ed25519 nor ECDSA P-256")
    raise SiteError("config.invalid", path=str(path), reason=reason)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][: limits.CONTENT_CHARS_MAX]


def _read(path: Path, *, code: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_KEY_BYTES_MAX + 1)
    except OSError as error:
        if code == "key.missing":
            raise SiteError(code, key=path.name, reason=of_os(error)) from error
        raise SiteError(code, path=str(path), reason=of_os(error)) from error
    return data[:_KEY_BYTES_MAX]
