"""What CAdES asks of a SignerInfo (RFC 5652 section 5.3, EN 319 122-1 clause 5), one function for each demand.

Each takes what asn1crypto read and raises `UnmetDuty`. None of them trusts a certificate: whose it is and what it is worth is
judged by `judge_certificate` afterwards. PAdES finds its signer here, too; the rest of these demands pyHanko makes for PDFs
and timestamps (`pades.verify`, `timestamps.verify`): it takes attributes in other encodings, and a PDF of the older kind may
have none.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from asn1crypto import cms, core, parser, tsp, x509
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator, SignatureValidationContext

from gateway.core.validation import SubIndication
from gateway.crypto.cades.content import DIGESTS
from gateway.crypto.cades.der import is_der
from gateway.crypto.duty import failed, undecided
from gateway.crypto.edge import attempt
from gateway.crypto.paths.algorithms import SPOKEN

_MECHANISMS: Final = frozenset({"rsassa_pkcs1v15", "rsassa_pss", "ecdsa"})
_SINGLE: Final = frozenset(
    {"content_type", "message_digest", "signing_time", "signing_certificate_v2", "cms_algorithm_protection"}
)
"""Attributes that stand once and have one value (RFC 5652 section 11, RFC 5035 section 5.4, RFC 6211 section 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedAttributes:
    """The attributes that were signed, each by its name, and the bytes that the signature is over."""

    der: bytes
    values: dict[str, Any]

    def one(self, name: str) -> Any:
        """The value of an attribute, or None."""
        return self.values.get(name)

    @property
    def claimed_time(self) -> datetime | None:
        """signing-time: what the signer says (EN 319 122-1 clause 5.2.1)."""
        found = attempt(lambda: self.values["signing_time"].native)
        return found if isinstance(found, datetime) and found.tzinfo else None


def signed_attributes(signer: cms.SignerInfo) -> SignedAttributes:
    """The signed attributes, which must be there and in DER (RFC 5652 section 5.4).

    In another encoding readers differ over what was signed: that is "cannot judge", not "forged".
    """
    attributes = signer["signed_attrs"]
    if isinstance(attributes, core.Void) or not len(attributes):
        raise undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, "no signed attributes: not a CAdES signature")
    tagged: bytes = attributes.dump()
    der = parser.emit(0, 1, core.SetOf.tag, parser.parse(tagged)[4])
    # The tag is exchanged and the length is not: a length in another form would be put right by `emit`.
    if not is_der(bytes((der[0],)) + tagged[1:]):
        raise undecided(SubIndication.FORMAT_FAILURE, "signed attributes are not in DER")
    values: dict[str, Any] = {}
    for attribute in attributes:
        name = str(attribute["type"].native)
        if name in values and name in _SINGLE:
            raise undecided(SubIndication.FORMAT_FAILURE, f"{name} stands twice")
        if name in _SINGLE and len(attribute["values"]) != 1:
            raise undecided(SubIndication.FORMAT_FAILURE, f"{name} has not exactly one value")
        values[name] = attribute["values"][0] if len(attribute["values"]) else None
    return SignedAttributes(der=der, values=values)


def check_content_type(attributes: SignedAttributes, content_type: str) -> None:
    """content-type stands there and is that of the content (RFC 5652 section 11.1, EN 319 122-1 clause 5.1.1)."""
    found = attributes.one("content_type")
    if found is None or found.native != content_type:
        raise undecided(SubIndication.FORMAT_FAILURE, "content-type is missing, or not that of the content")


def signer_certificate(
    signer: cms.SignerInfo, named: tsp.SigningCertificateV2 | None, certificates: Sequence[x509.Certificate]
) -> x509.Certificate:
    """The certificate that ESS signing-certificate-v2 names by its digest, and that the SignerInfo means, too.

    EN 319 122-1 clause 5.2.2.3, EN 319 102-1 clause 5.2.3: identification of the signing certificate.
    """
    if named is None:
        raise undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, "no signing-certificate-v2 attribute")
    ids = tsp.SigningCertificateV2.load(named.dump())["certs"]
    if not len(ids):
        raise undecided(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, "signing-certificate-v2 names no certificate")
    first = ids[0]
    algorithm = first["hash_algorithm"]["algorithm"].native
    if algorithm not in DIGESTS:
        raise undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"digest {algorithm} in signing-certificate-v2")
    digest = first["cert_hash"].native
    found = next((one for one in certificates if hashlib.new(algorithm, one.dump()).digest() == digest), None)
    if found is None:
        raise undecided(SubIndication.NO_SIGNING_CERTIFICATE_FOUND, "the signer's certificate did not come along")
    if not _is_meant(signer["sid"], found) or not _is_issued(first["issuer_serial"], found):
        raise undecided(
            SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
            "signing-certificate-v2 and the SignerInfo name two certificates",
        )
    return found


def _is_meant(sid: cms.SignerIdentifier, certificate: x509.Certificate) -> bool:
    if sid.name == "issuer_and_serial_number":
        return bool(
            sid.chosen["serial_number"].native == certificate.serial_number
            and _is_same(sid.chosen["issuer"], certificate.issuer)
        )
    return bool(sid.chosen.native == certificate.key_identifier)


def _is_issued(named: Any, certificate: x509.Certificate) -> bool:
    """The issuerSerial is optional; where it stands, it agrees (RFC 5035 section 4)."""
    if isinstance(named, core.Void):
        return True
    names = named["issuer"]
    return bool(
        len(names) == 1
        and names[0].name == "directory_name"
        and _is_same(names[0].chosen, certificate.issuer)
        and named["serial_number"].native == certificate.serial_number
    )


def _is_same(name: x509.Name, other: x509.Name) -> bool:
    """Byte for byte, as nearly always; else as RFC 5280 section 7.1 compares names, which takes its time."""
    return bool(name.dump() == other.dump() or name.hashable == other.hashable)


def check_algorithms(signer: cms.SignerInfo, attributes: SignedAttributes) -> tuple[str, ...]:
    """Digest and signature algorithm are known to us, and those that the signer protected (RFC 6211); their names."""
    digest = digest_algorithm(signer)
    if digest not in DIGESTS:
        raise undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"digest {digest}")
    algorithm = signer["signature_algorithm"]
    mechanism = attempt(lambda: algorithm.signature_algo)
    if not isinstance(mechanism, str) or mechanism not in _MECHANISMS:
        raise undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"algorithm {algorithm['algorithm'].native}")
    # A bare "rsaEncryption" names no digest: the SignerInfo's own is used (RFC 3370 section 3.2).
    named = attempt(lambda: algorithm.hash_algo)
    if isinstance(named, str) and named not in DIGESTS:
        raise undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"digest {named} in the signature")
    protected = attributes.one("cms_algorithm_protection")
    if protected is not None and (
        protected["digest_algorithm"].native != signer["digest_algorithm"].native
        or protected["signature_algorithm"].native != algorithm.native
    ):
        raise undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, "not the algorithms that the signer protected")
    digests = {digest, named} if isinstance(named, str) else {digest}
    return tuple(SPOKEN[name] for name in (*sorted(digests), mechanism))


def digest_algorithm(signer: cms.SignerInfo) -> str:
    """What the content was hashed by."""
    return str(signer["digest_algorithm"]["algorithm"].native)


def check_message_digest(attributes: SignedAttributes, *digests: bytes) -> None:
    """message-digest is the digest of the content (EN 319 122-1 clause 5.1.2); of several contents, of each."""
    found = attributes.one("message_digest")
    if found is None:
        raise undecided(SubIndication.FORMAT_FAILURE, "no message-digest attribute")
    if any(found.native != digest for digest in digests):
        raise failed(SubIndication.HASH_FAILURE, "the file is not the one that was signed")


def check_signature(signer: cms.SignerInfo, attributes: SignedAttributes, certificate: x509.Certificate) -> None:
    """The signature over the attributes verifies with the certificate's key (EN 319 102-1 clause 5.2.7)."""
    try:
        DefaultSignatureValidator().validate_signature(
            signer["signature"].native,
            attributes.der,
            certificate.public_key,
            signer["signature_algorithm"],
            context=SignatureValidationContext(contextual_md_algorithm=digest_algorithm(signer)),
        )
    except InvalidSignature:
        raise failed(SubIndication.SIG_CRYPTO_FAILURE, "the signature does not verify with the signer's key") from None
