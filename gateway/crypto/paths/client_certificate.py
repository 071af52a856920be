"""A TLS client certificate as far as it counts: by which key a system is known, and how long its certificate is good."""

import hashlib
from functools import lru_cache
from typing import Final

from asn1crypto import x509

from gateway.core.ids import Digest
from gateway.core.principal import ClientCertificate
from gateway.crypto.edge import attempt
from gateway.crypto.paths.subject import is_demo

_REMEMBERED: Final = 256


@lru_cache(maxsize=_REMEMBERED)
def client_certificate(der: bytes, *, demo: bool) -> ClientCertificate | None:
    """What counts of a certificate whose chain TLS has verified; None when it is not fit to identify a system.

    Unfit is one that is unreadable, an authority's, not expressly for client authentication (RFC 5280 section 4.2.1.12:
    without extended key usage a certificate is for anything, and so here for nothing), or a demo one where `demo` says
    that none is accepted. Whether its dates and its pin are good is for the caller to see, on every call.
    """
    found = attempt(_read, der, demo)
    return found if isinstance(found, ClientCertificate) else None


def _read(der: bytes, demo: bool) -> ClientCertificate | None:
    leaf = x509.Certificate.load(der, strict=True)
    purposes = leaf.extended_key_usage_value
    if purposes is None or "client_auth" not in purposes.native or leaf.ca or (is_demo(der) and not demo):
        return None
    return ClientCertificate(
        pin=Digest(hashlib.sha256(leaf.public_key.dump()).hexdigest()),
        not_before=leaf.not_valid_before,
        not_after=leaf.not_valid_after,
    )
