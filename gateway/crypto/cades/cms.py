"""The CMS of a PAdES or CAdES B-B signature, built around a signature made elsewhere (EN 319 142-1, EN 319 122-1, RFC 5652).

It holds exactly what level B-B asks for (clause 6.3 of both): content-type, message-digest, ESS signing-certificate-v2, and
beside them CMSAlgorithmProtection (RFC 6211). CAdES asks for signing-time, too; PAdES forbids it: in a PDF the claimed time
stands in /M.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from asn1crypto import algos, cms, core, parser, tsp, x509

_OVERHEAD_BYTES: Final = 1_024
"""Attributes, algorithm identifiers and lengths of the CMS, rounded up (measured: about 400)."""
_SIGNATURE_BYTES_MAX: Final = 1_024
"""RSA-8192."""
_UTC_TIME_ENDS: Final = 2050
"""RFC 5652 section 11.3: UTCTime until then, GeneralizedTime from then on."""
_LEAVES_MAX: Final = 512
"""Bodies whose seals one installation holds, or nearly all of them: 400 bytes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealAttributes:
    """What the key signs: the DER of the signed attributes as a SET OF (RFC 5652 section 5.4)."""

    to_sign: bytes


def room_for(chain: tuple[bytes, ...]) -> int:
    """Bytes to leave in the document for a signature with this certificate chain."""
    return sum(len(der) for der in chain) + _OVERHEAD_BYTES + _SIGNATURE_BYTES_MAX


def seal_attributes(digest: bytes, leaf: bytes, *, signed_at: datetime | None = None) -> SealAttributes:
    """The signed attributes for a document digest (SHA-256) and the signer's certificate (DER).

    `signed_at`: signing-time, for CAdES and never for PAdES.
    """
    encoded = [*_attributes_of(leaf), _attribute("message_digest", digest)]
    if signed_at is not None:
        encoded.append(_attribute("signing_time", _time(signed_at)))
    # DER of a SET OF sorts its members (X.690 clause 11.6). By hand: asn1crypto encodes each level many times over.
    return SealAttributes(to_sign=parser.emit(0, 1, core.SetOf.tag, b"".join(sorted(encoded))))


@lru_cache(_LEAVES_MAX)
def _attributes_of(leaf: bytes) -> tuple[bytes, ...]:
    """Those that are the same for every document that this certificate signs."""
    certificate_id = tsp.ESSCertIDv2({"cert_hash": sha256(leaf).digest()})  # SHA-256 is the default algorithm
    algorithm = _signature_algorithm(x509.Certificate.load(leaf))
    protection = cms.CMSAlgorithmProtection({"digest_algorithm": _digest_algorithm(), "signature_algorithm": algorithm})
    return (
        _attribute("content_type", "data"),
        _attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [certificate_id]})),
        _attribute("cms_algorithm_protection", protection),
    )


def assemble(attributes: SealAttributes, signature: bytes, chain: tuple[bytes, ...]) -> bytes:
    """The ContentInfo (DER) of attributes, the signature over them, and the certificates, leaf first."""
    certificates = [x509.Certificate.load(der) for der in chain]
    leaf = certificates[0]
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {
                    "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                        {"issuer": leaf.issuer, "serial_number": leaf.serial_number}
                    )
                }
            ),
            "digest_algorithm": _digest_algorithm(),
            "signed_attrs": cms.CMSAttributes.load(attributes.to_sign),
            "signature_algorithm": _signature_algorithm(leaf),
            "signature": signature,
        }
    )
    signed_data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [_digest_algorithm()],
            "encap_content_info": {"content_type": "data"},
            "certificates": certificates,
            "signer_infos": [signer],
        }
    )
    whole: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed_data}).dump()
    return whole


def _time(moment: datetime) -> cms.Time:
    whole = moment.astimezone(UTC).replace(microsecond=0)
    kind = "utc_time" if whole.year < _UTC_TIME_ENDS else "generalized_time"
    return cms.Time(name=kind, value=whole)


def _attribute(kind: str, value: object) -> bytes:
    der: bytes = cms.CMSAttribute({"type": kind, "values": [value]}).dump()
    return der


def _digest_algorithm() -> algos.DigestAlgorithm:
    return algos.DigestAlgorithm({"algorithm": "sha256"})


def _signature_algorithm(leaf: x509.Certificate) -> algos.SignedDigestAlgorithm:
    """RFC 5754 sections 3.2 and 3.3: RSA carries NULL parameters, ECDSA none."""
    if leaf.public_key.algorithm == "ec":
        return algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"})
    return algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa", "parameters": core.Null()})
