"""The CMS of a PAdES or CAdES B-B or B-T signature, around a signature made elsewhere (EN 319 142-1, EN 319 122-1, RFC 5652).

It holds exactly what level B-B asks for: content-type, message-digest, ESS signing-certificate-v2, and beside them
CMSAlgorithmProtection (RFC 6211). CAdES asks for signing-time, too; PAdES forbids it: in a PDF the claimed time stands in /M.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from asn1crypto import algos, cms, core, tsp, x509

from gateway.core import limits

_OVERHEAD_BYTES: Final = 1_024
"""Attributes, algorithm identifiers and lengths of the CMS, rounded up (measured: about 400)."""
_SIGNATURE_BYTES_MAX: Final = 1_024
"""RSA-8192."""
_UTC_TIME_ENDS: Final = 2050
"""RFC 5652 section 11.3: UTCTime until then, GeneralizedTime from then on."""
_LEAVES_MAX: Final = 512
"""Bodies whose seals one installation holds, or nearly all of them: 6 KB each."""

# DER: tags, and values that are always the same.
_OCTET_STRING: Final = 0x04
_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_VERSION_1: Final = b"\x02\x01\x01"
_DATA: Final = core.ObjectIdentifier("1.2.840.113549.1.7.1").dump()
_SIGNED_DATA: Final = core.ObjectIdentifier("1.2.840.113549.1.7.2").dump()
_MESSAGE_DIGEST: Final = core.ObjectIdentifier("1.2.840.113549.1.9.4").dump()
_SIGNATURE_TIMESTAMP: Final = core.ObjectIdentifier("1.2.840.113549.1.9.16.2.14").dump()
"""id-aa-signatureTimeStampToken (RFC 3161 appendix A)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealAttributes:
    """What the key signs: the DER of the signed attributes as a SET OF (RFC 5652 section 5.4)."""

    to_sign: bytes


def room_for(chain: tuple[bytes, ...], *, timestamped: bool = False) -> int:
    """Bytes to leave in the document for a signature with this certificate chain, and its timestamp if there is to be one."""
    timestamp = limits.TIMESTAMP_ROOM_BYTES if timestamped else 0
    return sum(len(der) for der in chain) + _OVERHEAD_BYTES + _SIGNATURE_BYTES_MAX + timestamp


def seal_attributes(digest: bytes, leaf: bytes, *, signed_at: datetime | None = None) -> SealAttributes:
    """The signed attributes for a document digest (SHA-256) and the signer's certificate (DER).

    `signed_at`: signing-time, for CAdES and never for PAdES.
    """
    encoded = [*_attributes_of(leaf), _attribute_of(_MESSAGE_DIGEST, _tlv(_OCTET_STRING, digest))]
    if signed_at is not None:
        encoded.append(_attribute("signing_time", _time(signed_at)))
    return SealAttributes(to_sign=_tlv(_SET, *sorted(encoded)))  # a SET OF is sorted in DER (X.690 clause 11.6)


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


def assemble(
    attributes: SealAttributes, signature: bytes, chain: tuple[bytes, ...], *, timestamp: bytes = b""
) -> bytes:
    """The ContentInfo (DER) of attributes, the signature over them, and the certificates.

    `timestamp`: a signature timestamp (RFC 3161 token, DER) over the signature, for level B-T (EN 319 122-1 clause 5.3).
    """
    frame = _frame_of(chain)
    signed = b"\xa0" + attributes.to_sign[1:]  # [0] IMPLICIT in the place of SET (RFC 5652 section 5.3)
    unsigned = _tlv(0xA1, _attribute_of(_SIGNATURE_TIMESTAMP, timestamp)) if timestamp else b""
    signer = _tlv(_SEQUENCE, frame.signer, signed, frame.algorithm, _tlv(_OCTET_STRING, signature), unsigned)
    return _tlv(_SEQUENCE, _SIGNED_DATA, _tlv(0xA0, _tlv(_SEQUENCE, frame.data, _tlv(_SET, signer))))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What is the same in every CMS with these certificates, in DER."""

    data: bytes
    """SignedData up to its SignerInfos."""
    signer: bytes
    """SignerInfo up to the signed attributes."""
    algorithm: bytes


@lru_cache(_LEAVES_MAX)
def _frame_of(chain: tuple[bytes, ...]) -> _Frame:
    leaf = x509.Certificate.load(chain[0])
    digest = _digest_algorithm().dump()
    return _Frame(
        data=b"".join(
            (
                _VERSION_1,
                _tlv(_SET, digest),
                _tlv(_SEQUENCE, _DATA),
                _tlv(0xA0, *sorted(chain)),  # CertificateSet is a SET OF (X.690 clause 11.6)
            )
        ),
        signer=b"".join(
            (_VERSION_1, _tlv(_SEQUENCE, leaf.issuer.dump(), leaf["tbs_certificate"]["serial_number"].dump()), digest)
        ),
        algorithm=_signature_algorithm(leaf).dump(),
    )


def _tlv(tag: int, *contents: bytes) -> bytes:
    """One element of DER. By hand: through asn1crypto's objects assembling took twice as long as the RSA operation."""
    size = sum(map(len, contents))
    if size < 0x80:
        return b"".join((bytes((tag, size)), *contents))
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return b"".join((bytes((tag, 0x80 | len(length))), length, *contents))


def _attribute_of(kind: bytes, value: bytes) -> bytes:
    """An Attribute (RFC 5652 section 5.3) with one value, of a type and a value that are DER already."""
    return _tlv(_SEQUENCE, kind, _tlv(_SET, value))


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
