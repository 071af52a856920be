"""The text of a signature, canonical by construction.

SignedInfo, KeyInfo and SignedProperties stand in the file octet for octet as Exclusive XML Canonicalization 1.0 would write
them: no empty-element tags, attributes by name, each namespace declared where it is first seen, nothing in between. So what
is digested and signed is a piece of the very file, and no canonicaliser is needed to make it; the tests prove that lxml's and
signxml's, and what other programs use, find the same octets. All that varies is base64, a moment, and Ids and names of ours.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from gateway.crypto.xades.algorithms import ECDSA_SHA256, RSA_SHA256, SHA256, coordinate_bytes
from gateway.crypto.xades.names import (
    DS,
    EXCLUSIVE,
    KEY_INFO_ID,
    PROPERTIES_ID,
    PROPERTIES_TYPE,
    SIGNATURE_ID,
    XADES,
)
from gateway.crypto.xades.signing_key import signing_key

CHAINS_KEPT_MAX: Final = 64
"""An installation signs for a few bodies; each takes about 6 KB."""
_LINE: Final = 64
"""Characters of a line of a certificate, as in PEM."""

_REFERENCE: Final = (
    '<ds:Reference{attributes} URI="#{identifier}"><ds:Transforms>'
    f'<ds:Transform Algorithm="{EXCLUSIVE}"></ds:Transform></ds:Transforms>'
    f'<ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod><ds:DigestValue>{{digest}}</ds:DigestValue></ds:Reference>'
)
_SIGNED_INFO: Final = (
    f'<ds:SignedInfo xmlns:ds="{DS}"><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"></ds:CanonicalizationMethod>'
    '<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod>{references}</ds:SignedInfo>'
)
_KEY_INFO: Final = (
    f'<ds:KeyInfo xmlns:ds="{DS}" Id="{KEY_INFO_ID}"><ds:X509Data>{{certificates}}</ds:X509Data></ds:KeyInfo>'
)
_CERT: Final = (
    f'<xades:Cert><xades:CertDigest><ds:DigestMethod xmlns:ds="{DS}" Algorithm="{SHA256}"></ds:DigestMethod>'
    f'<ds:DigestValue xmlns:ds="{DS}">{{digest}}</ds:DigestValue></xades:CertDigest></xades:Cert>'
)
_FORMAT: Final = (
    '<xades:DataObjectFormat ObjectReference="#{identifier}"><xades:Description>{description}</xades:Description>'
    "<xades:MimeType>application/xml</xades:MimeType></xades:DataObjectFormat>"
)
_PROPERTIES: Final = (
    f'<xades:SignedProperties xmlns:xades="{XADES}" Id="{PROPERTIES_ID}"><xades:SignedSignatureProperties>'
    "<xades:SigningTime>{time}</xades:SigningTime><xades:SigningCertificateV2>{certs}</xades:SigningCertificateV2>"
    "</xades:SignedSignatureProperties><xades:SignedDataObjectProperties>{formats}</xades:SignedDataObjectProperties>"
    "</xades:SignedProperties>"
)
_BEFORE: Final = f'<ds:Signature xmlns:ds="{DS}" Id="{SIGNATURE_ID}">{{signed_info}}<ds:SignatureValue>'
_AFTER: Final = (
    "</ds:SignatureValue>{key_info}<ds:Object>"
    f'<xades:QualifyingProperties xmlns:xades="{XADES}" Target="#{SIGNATURE_ID}">{{properties}}'
    "</xades:QualifyingProperties></ds:Object></ds:Signature>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureText:
    """A ds:Signature around its value."""

    before: str
    after: str
    signed_info: str
    """Canonical: what the key signs."""
    coordinate_bytes: int
    """Size of r and of s in an ECDSA value (XML Signature 1.1 section 6.4.3); 0 for RSA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chain:
    """What a signature says of its signer's certificates, leaf first."""

    method: str
    coordinate_bytes: int
    key_info: str
    key_info_digest: bytes
    certs: str


def signature_text(
    parts: Mapping[str, bytes], *, description: str, chain: tuple[bytes, ...], moment: datetime
) -> SignatureText:
    """The signature over the parts (Id -> SHA-256 of its canonical form), complete but for its value.

    `description`: of the format of what is signed (EN 319 132-1 clause 5.2.4). `chain`: DER, leaf first.

    Raises:
        ValueError: the leaf is not a certificate.
    """
    of_chain = _chain(chain)
    properties = _PROPERTIES.format(
        time=moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        certs=of_chain.certs,
        formats="".join(_FORMAT.format(identifier=_reference_id(part), description=description) for part in parts),
    )
    references = [
        *(_reference(part, digest, f' Id="{_reference_id(part)}"') for part, digest in parts.items()),
        _reference(PROPERTIES_ID, sha256(properties.encode()).digest(), f' Type="{PROPERTIES_TYPE}"'),
        _reference(KEY_INFO_ID, of_chain.key_info_digest, ""),
    ]
    signed_info = _SIGNED_INFO.format(method=of_chain.method, references="".join(references))
    return SignatureText(
        before=_BEFORE.format(signed_info=signed_info),
        after=_AFTER.format(key_info=of_chain.key_info, properties=properties),
        signed_info=signed_info,
        coordinate_bytes=of_chain.coordinate_bytes,
    )


def _reference_id(part: str) -> str:
    return f"reference-{part}"


def _reference(identifier: str, digest: bytes, attributes: str) -> str:
    return _REFERENCE.format(attributes=attributes, identifier=identifier, digest=_base64(digest))


@lru_cache(maxsize=CHAINS_KEPT_MAX)
def _chain(chain: tuple[bytes, ...]) -> _Chain:
    public_key: Any = signing_key(chain[0]).public_key
    key_info = _KEY_INFO.format(certificates="".join(map(_certificate, chain)))
    size = coordinate_bytes(public_key)
    return _Chain(
        method=ECDSA_SHA256 if size else RSA_SHA256,
        coordinate_bytes=size,
        key_info=key_info,
        key_info_digest=sha256(key_info.encode()).digest(),
        certs="".join(_CERT.format(digest=_base64(sha256(der).digest())) for der in chain),
    )


def _certificate(der: bytes) -> str:
    lines = _lines(_base64(der))
    return f"<ds:X509Certificate>{''.join(lines)}</ds:X509Certificate>"


def _lines(text: str) -> Iterable[str]:
    return (f"{text[start : start + _LINE]}\n" for start in range(0, len(text), _LINE))


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
