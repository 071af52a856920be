"""Who is at the other end: from a certificate to exactly one gateway of the registry. Pure: no socket, no clock.

TLS has already checked chain, validity and extended key usage. This is the second, narrower gate: the key must be
pinned, by one gateway only, and the certificate must say that gateway's name (docs/PROTOCOL.md, section 3).
"""

import hashlib
import ssl
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.core.directory import GatewayEntry, Snapshot
from gateway.core.errors import PeerError
from gateway.core.ids import Digest

CERTIFICATES_REMEMBERED_MAX: Final = 256
"""Peers' certificates are a few kilobytes; TLS has checked each that comes here."""


def identify(snapshot: Snapshot, certificate: bytes) -> GatewayEntry:
    """The one gateway whose pinned key and whose name the certificate (DER) carries.

    Raises:
        PeerError: `peer.unpinned`: unreadable, pinned by nobody or by several, or made out to another name.
    """
    pin, names = _pin_and_names(certificate)
    holders = [entry for entry in snapshot.gateways.values() if pin in entry.tls_keys]
    if len(holders) != 1:
        raise PeerError("peer.unpinned", key=pin)
    if holders[0].gateway not in names:
        raise PeerError("peer.unpinned", key=pin)
    return holders[0]


@lru_cache(CERTIFICATES_REMEMBERED_MAX)
def _pin_and_names(certificate: bytes) -> tuple[Digest, frozenset[str]]:
    """Digest of its key, and the names in lower case: the same for ever, where the registry changes."""
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        key = parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, UnsupportedAlgorithm, x509.ExtensionNotFound, x509.DuplicateExtension) as error:
        raise PeerError("peer.unpinned") from error
    pin = Digest(hashlib.sha256(key).hexdigest())
    return pin, frozenset(name.lower() for name in names.get_values_for_type(x509.DNSName))


def assert_strict(context: ssl.SSLContext) -> None:
    """Stop the start when the TLS context handed to this door is weaker than the protocol: our own mistake."""
    assert context.minimum_version == ssl.TLSVersion.TLSv1_3, "peers speak TLS 1.3 only"
    assert context.verify_mode == ssl.CERT_REQUIRED, "peers show a certificate"
