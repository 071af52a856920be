"""Revocation evidence of every kind for tests: CRLs and OCSP responses, good and bad, by keys that the test chooses."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA224, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.kit.pki import DAY, MOMENT, Key, Leaf, Pki, der, rsa_key

SIGNER: Final = x509.ReasonFlags.key_compromise


@dataclass(frozen=True)
class Responder:
    """Who signs OCSP responses."""

    certificate: x509.Certificate
    key: Key


def issuing_key(pki: Pki) -> Key:
    return rsa_key(f"{pki.name} issuing")


def itself(pki: Pki) -> Responder:
    """The issuing authority."""
    return Responder(pki.issuing, issuing_key(pki))


def delegated(pki: Pki, *, nocheck: bool = True, purpose: bool = True, key: Key | None = None) -> Responder:
    """A responder of the issuing authority's (RFC 6960 section 4.2.2.2)."""
    own = key or rsa_key("responder")
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "OCSP responder")]))
        .issuer_name(pki.issuing.subject)
        .public_key(own.public_key())
        .serial_number(0x0C59 + nocheck + 2 * purpose)
        .not_valid_before(pki.now - 20 * DAY)
        .not_valid_after(pki.now + 20 * DAY)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing_key(pki).public_key()), critical=False
        )
    )
    if nocheck:
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    if purpose:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
    return Responder(builder.sign(issuing_key(pki), SHA256()), own)


def response(
    pki: Pki,
    leaf: Leaf,
    *,
    responder: Responder | None = None,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    issued: dt.timedelta = -DAY / 24,
    following: dt.timedelta | None = DAY,
    revoked: dt.timedelta = -DAY,
    reason: x509.ReasonFlags | None = SIGNER,
    algorithm: SHA224 | SHA256 | None = None,
) -> bytes:
    """An OCSP response about a leaf; times are relative to the middle of the PKI's life."""
    signer = responder or itself(pki)
    gone = status is ocsp.OCSPCertStatus.REVOKED
    built = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=leaf.certificate,
            issuer=leaf.issuing,
            algorithm=SHA256(),
            cert_status=status,
            this_update=pki.now + issued,
            next_update=None if following is None else pki.now + following,
            revocation_time=pki.now + revoked if gone else None,
            revocation_reason=reason if gone else None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
        .certificates([signer.certificate])
        .sign(signer.key, algorithm or SHA256())
    )
    return built.public_bytes(Encoding.DER)


def crl(
    issuer: x509.Certificate,
    key: Key,
    revoked: dict[int, dt.datetime] | None = None,
    *,
    issued: dt.datetime = MOMENT - DAY,
    following: dt.datetime | None = MOMENT + 30 * DAY,
    reason: x509.ReasonFlags = SIGNER,
    algorithm: SHA224 | SHA256 | None = None,
    extension: x509.ExtensionType | None = None,
    number: int = 1,
) -> bytes:
    """A CRL of an issuer's, of these serial numbers and when they were revoked."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(issued)
        .next_update(following or issued + 30 * DAY)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    for serial, when in (revoked or {}).items():
        gone = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when)
        builder = builder.add_revoked_certificate(gone.add_extension(x509.CRLReason(reason), critical=False).build())
    return der(builder.sign(key, algorithm or SHA256()))
