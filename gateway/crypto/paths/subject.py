"""What a certificate says of its subject and its key: read, not judged."""

import hashlib
import re
from typing import Final

from asn1crypto import x509

from gateway.core import limits
from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.validation import CertificateSeen, SignerIdentity, SignerKind
from gateway.crypto.edge import attempt

DEMO_POLICY_OID: Final = "2.25.306413785792219455053749732691130954138"
"""Certificate policy of every development certificate (certs/pki.toml): an arc of our own under 2.25, ITU-T X.667 cl. 7."""
_DEMO_WORD: Final = re.compile(r"\bDEMO\b")


def certificate_digest(der: bytes) -> Digest:
    """SHA-256 of the certificate, as the registry names it."""
    return Digest(hashlib.sha256(der).hexdigest())


def spki_digest(der: bytes) -> Digest:
    """SHA-256 of a certificate's SubjectPublicKeyInfo: the pin of a peer's TLS key."""
    return Digest(hashlib.sha256(subject_public_key(der)).hexdigest())


def subject_public_key(der: bytes) -> bytes:
    """SubjectPublicKeyInfo (DER) of a certificate.

    Raises:
        ValueError: not a certificate.
    """
    key: bytes = x509.Certificate.load(der, strict=True).public_key.dump()
    return key


def organization_identifier(der: bytes) -> str | None:
    """The organizationIdentifier (2.5.4.97) of the subject: a body's electronic identification code, where it stands.

    Raises:
        ValueError: not a certificate.
    """
    value = x509.Certificate.load(der, strict=True).subject.native.get("organization_identifier")
    return value if isinstance(value, str) else None


def common_name(certificate: x509.Certificate) -> str:
    """Common name of the subject, or an empty text; bounded, since strangers write it."""
    value = certificate.subject.native.get("common_name", "")
    return str(value)[: limits.CONTENT_CHARS_MAX]


def certificate_seen(certificate: x509.Certificate, *, anchor: bool) -> CertificateSeen:
    """The certificate as a report shows it."""
    return CertificateSeen(
        digest=certificate_digest(certificate.dump()),
        subject=_short(certificate.subject.human_friendly),
        issuer=_short(certificate.issuer.human_friendly),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before,
        not_after=certificate.not_valid_after,
        key=key_name(certificate),
        anchor=anchor,
    )


def key_name(certificate: x509.Certificate) -> str:
    """Kind and size of the key: `RSA-2048`, `secp256r1`."""
    key = certificate.public_key
    if key.algorithm == "ec":
        return str(key.curve[1]) if key.curve[0] == "named" else "ec"
    return f"RSA-{key.bit_size}" if key.algorithm in {"rsa", "rsassa_pss"} else str(key.algorithm)


def identity_of(certificate: x509.Certificate, kind: SignerKind) -> SignerIdentity:
    """What the subject says of itself (RFC 5280 section 4.1.2.6, EN 319 412-1 clause 5); bounded, since strangers write it."""
    said = certificate.subject.native
    return SignerIdentity(
        kind=kind,
        name=common_name(certificate),
        organization=_first(said.get("organization_name")),
        organ_id=_first(said.get("organization_identifier")),
        title=_first(said.get("title")),
    )


def _first(value: object) -> str:
    """A field may occur more than once: the first counts, as in a path's text."""
    return _short(str(value[0] if isinstance(value, list) and value else value or ""))


def _short(text: str) -> str:
    return text[: limits.CONTENT_CHARS_MAX]


def certificate_name(der: bytes) -> str:
    """Common name of the subject, or an empty text: for reports, from bytes that may be hostile."""
    name = attempt(lambda: common_name(x509.Certificate.load(der, strict=True)))
    return name if isinstance(name, str) else ""


def is_demo(der: bytes) -> bool:
    """Whether the certificate is marked as a development one: policy `DEMO_POLICY_OID`, or the word DEMO in a name.

    Raises:
        ValueError: not a certificate.
    """
    return marked_demo(x509.Certificate.load(der, strict=True))


def marked_demo(certificate: x509.Certificate) -> bool:
    """`is_demo` for a certificate that is parsed already."""
    return DEMO_POLICY_OID in policies_of(certificate) or any(
        _DEMO_WORD.search(name.human_friendly) for name in (certificate.subject, certificate.issuer)
    )


def policies_of(certificate: x509.Certificate) -> frozenset[str]:
    """The certificate policies it was issued under (RFC 5280 section 4.2.1.4), as OIDs."""
    return frozenset(one["policy_identifier"].dotted for one in certificate.certificate_policies_value or ())


def refuse_demo(der: bytes, *, what: str) -> None:
    """Stop an installation that is no demo from using a demo certificate as key or anchor.

    Raises:
        SiteError: `key.demo`, naming `what` it was to be used for.
    """
    if is_demo(der):
        raise SiteError("key.demo", what=what)
