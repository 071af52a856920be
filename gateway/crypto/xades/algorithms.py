"""The algorithms of an XML signature that count, each with the library's verb. What is not in these tables is refused.

RSA with PKCS#1 v1.5 and SHA-2, RSASSA-PSS with SHA-256 as RFC 6931 section 2.3.10 fixes it (MGF1 with the same hash, salt as
long as the hash), ECDSA with r and s side by side (XML Signature 1.1 section 6.4.3). No SHA-1, no MD5, no DSA, and no HMAC:
whoever is told to check an HMAC with a public key checks what anybody can make (CVE-2025-48994).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256, sha384, sha512
from types import MappingProxyType
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"


@dataclass(frozen=True, slots=True)
class DigestMethod:
    """A digest by its name in reports."""

    name: str
    digest: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class SignatureMethod:
    """A way to sign by its name in reports; `hash_name` is the digest in it."""

    name: str
    hash_name: str
    verify: Callable[[Any, bytes, bytes], None]
    """(public key, value as it stands in the file, octets): raises InvalidSignature, also for a key of another kind."""


def _pkcs1(algorithm: hashes.HashAlgorithm) -> Callable[[Any, bytes, bytes], None]:
    def verify(key: Any, value: bytes, data: bytes) -> None:
        if not isinstance(key, rsa.RSAPublicKey):
            raise InvalidSignature("not a key for RSA")
        key.verify(value, data, padding.PKCS1v15(), algorithm)

    return verify


def _pss(key: Any, value: bytes, data: bytes) -> None:
    if not isinstance(key, rsa.RSAPublicKey):
        raise InvalidSignature("not a key for RSA")
    algorithm = hashes.SHA256()
    key.verify(value, data, padding.PSS(mgf=padding.MGF1(algorithm), salt_length=algorithm.digest_size), algorithm)


def _ecdsa(algorithm: hashes.HashAlgorithm) -> Callable[[Any, bytes, bytes], None]:
    def verify(key: Any, value: bytes, data: bytes) -> None:
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise InvalidSignature("not a key for ECDSA")
        half = coordinate_bytes(key)
        if len(value) != 2 * half:
            raise InvalidSignature("r and s are not as long as the curve says")
        r, s = int.from_bytes(value[:half]), int.from_bytes(value[half:])
        key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(algorithm))

    return verify


def coordinate_bytes(key: Any) -> int:
    """Size of r and of s for an elliptic key, 0 for any other."""
    return -(-key.key_size // 8) if isinstance(key, ec.EllipticCurvePublicKey) else 0


_PKCS1: Final = "RSASSA-PKCS1-v1_5"
METHODS: Final[Mapping[str, SignatureMethod]] = MappingProxyType(
    {
        RSA_SHA256: SignatureMethod(_PKCS1, "SHA-256", _pkcs1(hashes.SHA256())),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": SignatureMethod(
            _PKCS1, "SHA-384", _pkcs1(hashes.SHA384())
        ),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": SignatureMethod(
            _PKCS1, "SHA-512", _pkcs1(hashes.SHA512())
        ),
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1": SignatureMethod("RSASSA-PSS", "SHA-256", _pss),
        ECDSA_SHA256: SignatureMethod("ECDSA", "SHA-256", _ecdsa(hashes.SHA256())),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384": SignatureMethod(
            "ECDSA", "SHA-384", _ecdsa(hashes.SHA384())
        ),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512": SignatureMethod(
            "ECDSA", "SHA-512", _ecdsa(hashes.SHA512())
        ),
    }
)
DIGESTS: Final[Mapping[str, DigestMethod]] = MappingProxyType(
    {
        SHA256: DigestMethod("SHA-256", lambda data: sha256(data).digest()),
        "http://www.w3.org/2001/04/xmldsig-more#sha384": DigestMethod("SHA-384", lambda data: sha384(data).digest()),
        "http://www.w3.org/2001/04/xmlenc#sha512": DigestMethod("SHA-512", lambda data: sha512(data).digest()),
    }
)
