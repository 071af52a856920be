"""Timestamp tokens (RFC 3161), good and forged, around any TSTInfo.

certomancer names the authority's certificate by its SHA-1 (signing-certificate, RFC 2634); RFC 5816 and EN 319 422 clause 4
want signing-certificate-v2 for anything newer, and so do we: a good token of these tests is good for the strictest reader.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from asn1crypto import algos, cms, core, tsp, x509
from asn1crypto import keys as asn1_keys
from certomancer.crypto_utils import generic_sign
from certomancer.services import choose_signed_digest


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


def token(
    stamped: tsp.TSTInfo, authority: x509.Certificate, key: asn1_keys.PrivateKeyInfo, *, flaw: Flaw = NONE
) -> cms.ContentInfo:
    """The token over this TSTInfo by that authority."""
    content = stamped.dump(force=True)
    attributes = cms.CMSAttributes(
        [
            _attribute("content_type", "tst_info"),
            _attribute("message_digest", sha256(content + (b"!" if flaw.digest else b"")).digest()),
            *_named(authority.dump() if flaw.named is None else flaw.named),
        ]
    )
    algorithm = choose_signed_digest("sha256", authority.public_key)
    signature = generic_sign(key, attributes.dump() + (b"!" if flaw.signature else b""), algorithm)
    signer = _signer(authority, attributes, algorithm, signature)
    embedded = (authority.dump(),) if flaw.certificates is None else flaw.certificates
    signed_data = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
            "encap_content_info": {"content_type": "tst_info", "content": cms.ParsableOctetString(content)},
            "certificates": [x509.Certificate.load(der) for der in embedded],
            "signer_infos": [signer] * flaw.signers,
        }
    )
    return cms.ContentInfo({"content_type": "signed_data", "content": signed_data})


def _signer(
    authority: x509.Certificate, attributes: cms.CMSAttributes, algorithm: Any, signature: bytes
) -> cms.SignerInfo:
    name = cms.IssuerAndSerialNumber({"issuer": authority.issuer, "serial_number": authority.serial_number})
    return cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": name}),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "signed_attrs": attributes,
            "signature_algorithm": algorithm,
            "signature": signature,
        }
    )


def _named(certificate: bytes) -> list[cms.CMSAttribute]:
    if not certificate:
        return []
    identifier = tsp.ESSCertIDv2({"cert_hash": sha256(certificate).digest()})
    return [_attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [identifier]}))]


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})


def info_of(der: bytes) -> tsp.TSTInfo:
    """The TSTInfo of a token, to be changed and signed again."""
    content = cms.ContentInfo.load(der)["content"]["encap_content_info"]["content"]
    assert isinstance(content, core.ParsableOctetString), "a timestamp token"
    return tsp.TSTInfo.load(content.parsed.dump())
