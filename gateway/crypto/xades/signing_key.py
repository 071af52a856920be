"""Public keys of signers' certificates, parsed once: the same body signs thousands of envelopes.

What is kept follows from the certificate's bytes and from nothing else, and whether the certificate is worth anything is asked
each time (`paths`): so keeping it changes no verdict. Only certificates of ordinary size are kept, a bounded number of them.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from cryptography import x509

from gateway.crypto.paths.subject import certificate_name

KEPT_MAX: Final = 1_000
"""More than the bodies that write to one gateway in an hour; about 3 KB each."""
CERTIFICATE_BYTES_MAX: Final = 8_192
"""Larger ones are parsed each time: a stranger must not fill memory with his."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """What verifying a signature needs of a certificate, and by what name a report knows it."""

    public_key: Any
    name: str


def signing_key(der: bytes) -> SigningKey:
    """The key of a certificate.

    Raises:
        ValueError: not a certificate, or with a key of an unknown kind.
    """
    return _kept(der) if len(der) <= CERTIFICATE_BYTES_MAX else _read(der)


def _read(der: bytes) -> SigningKey:
    certificate = x509.load_der_x509_certificate(der)
    return SigningKey(public_key=certificate.public_key(), name=certificate_name(der))


_kept = lru_cache(maxsize=KEPT_MAX)(_read)
