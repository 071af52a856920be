"""Timestamp tokens (RFC 3161), good and forged, around any TSTInfo.

certomancer names the authority's certificate by its SHA-1 (signing-certificate, RFC 2634); RFC 5816 and EN 319 422 clause 4
want signing-certificate-v2 for anything newer, and so do we: a good token of these tests is good for the strictest reader.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from asn1crypto import algos, cms, core, tsp, x509
from asn1crypto import keys as asn1_keys
from certomancer.services import choose_signed_digest

from tests.kit.certomancer.signing import signature_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong with a token on purpose; nothing of it by itself."""

    signature: bool = False
    """The signature is of something else."""
    digest: bool = False
    """message-digest is of something else."""
    named: bytes | None = None
    """signing-certificate-v2 has the digest of this instead of the certificate; empty: there is no such attribute."""
    certificates: tuple[bytes, ...] | None = None
    """These come along instead of the authority's own."""
    signers: int = 1


NONE = Flaw()


def token(info: bytes, authority: x509.Certificate, key: asn1_keys.PrivateKeyInfo, *, flaw: Flaw = NONE) -> bytes:
    """The token over this TSTInfo by that authority, DER. Layer by layer: asn1crypto encodes deep values over and over."""
    attributes = cms.CMSAttributes(
        [
            _attribute("content_type", "tst_info"),
            _attribute("message_digest", sha256(info + (b"!" if flaw.digest else b"")).digest()),
            *_named(authority.dump() if flaw.named is None else flaw.named),
        ]
    ).dump()
    algorithm = choose_signed_digest("sha256", authority.public_key)
    signature = signature_of(attributes + (b"!" if flaw.signature else b""), key, algorithm)
    embedded = (authority.dump(),) if flaw.certificates is None else flaw.certificates
    signed_data = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
            "encap_content_info": {"content_type": "tst_info", "content": cms.ParsableOctetString(info)},
            "certificates": [x509.Certificate.load(der) for der in embedded],
            "signer_infos": [cms.SignerInfo.load(_signer(authority, attributes, algorithm, signature))] * flaw.signers,
        }
    ).dump()
    content = cms.SignedData.load(signed_data)
    der: bytes = cms.ContentInfo({"content_type": "signed_data", "content": content}).dump()
    return der


def _signer(authority: x509.Certificate, attributes: bytes, algorithm: Any, signature: bytes) -> bytes:
    name = cms.IssuerAndSerialNumber({"issuer": authority.issuer, "serial_number": authority.serial_number})
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": name}),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "signed_attrs": cms.CMSAttributes.load(attributes),
            "signature_algorithm": algorithm,
            "signature": signature,
        }
    )
    der: bytes = signer.dump()
    return der


def _named(certificate: bytes) -> list[cms.CMSAttribute]:
    if not certificate:
        return []
    identifier = tsp.ESSCertIDv2({"cert_hash": sha256(certificate).digest()})
    return [_attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [identifier]}))]


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})


def info_of(der: bytes) -> bytes:
    """The TSTInfo of a token, DER, to be signed again."""
    content = cms.ContentInfo.load(der)["content"]["encap_content_info"]["content"]
    assert isinstance(content, core.ParsableOctetString), "a timestamp token"
    info: bytes = content.parsed.dump()
    return info
