"""A key of our own: what is shown with it, and signing with it, checked against what is shown.

Each signature is checked against the certificate it will be shown with, so a key file in the wrong place is found here and not
by a recipient.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.core.errors import SiteError
from gateway.core.reasons import because
from gateway.crypto.keys.holders import KeyHolder

CERTIFICATES_REMEMBERED_MAX: Final = 1_024
"""Our own: a few for each body of this gateway."""
_TRIAL: Final = b"gateway: a trial of this key, which says nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRef:
    """A private key by name, and the certificates that go with it."""

    key_id: str
    chain: tuple[bytes, ...]
    """DER, the key's own certificate first."""


async def try_key(holder: KeyHolder, key: KeyRef) -> None:
    """Sign something with a key before it is put to use.

    Raises:
        SiteError: `key.missing`: it cannot be loaded, or it is not the key of its certificate.
    """
    await sign_with(holder, key, _TRIAL)


async def sign_with(holder: KeyHolder, key: KeyRef, data: bytes) -> bytes:
    """The signature of a key-holder, if it is one by the key of the certificate.

    Raises:
        SiteError: `key.missing`.
    """
    signature = await holder.sign(key.key_id, data)
    if not _belongs(signature, data, key.chain[0]):
        raise SiteError("key.missing", key=key.key_id, reason=because("no_pair"))
    return signature


@lru_cache(CERTIFICATES_REMEMBERED_MAX)
def _public_key(leaf: bytes) -> CertificatePublicKeyTypes:
    return x509.load_der_x509_certificate(leaf).public_key()


def _belongs(signature: bytes, data: bytes, leaf: bytes) -> bool:
    public_key = _public_key(leaf)
    try:
        if isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, data, padding.PKCS1v15(), SHA256())
        elif isinstance(public_key, ec.EllipticCurvePublicKey):
            public_key.verify(signature, data, ec.ECDSA(SHA256()))
        else:
            return False
    except InvalidSignature:
        return False
    return True
