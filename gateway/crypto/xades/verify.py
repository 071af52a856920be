"""The signature of an envelope, verified: structure first, then cryptography, then the certificate.

Duties of `verify_envelope`, numbered as in the code (signing.md 4.1; the attacks are those of XML signature wrapping):

1. Exactly one ds:Signature in the whole file, the last child of edXMLHeader. None at all is no verdict.
2. Each part the only one of its kind, in its place, under its Id; no two id-like attributes equal (`parts`).
3. The signature is built of SignedInfo, SignatureValue, KeyInfo and one Object with SignedProperties: nothing else.
4. Exclusive C14N for SignedInfo and as the one transform of each reference; algorithms from a short list.
5. The references are the parts that are there, all of them, KeyInfo and SignedProperties: no other, none twice.
6. The signer's certificate is the one in KeyInfo that the (signed) SigningCertificateV2 names.
7. signxml verifies SignedInfo with that certificate pinned, at that place, with that number of references.
8. What is digested for a reference is the canonical form of the very element that duty 5 found, in the tree that the
   reader uses: nothing is looked up a second time, and there is no copy that could differ.
9. Outside the signed parts stands only what hubs may add and the files: nothing that a reader could take for signed (`frame`).
10. The certificate passes `judge_certificate`.

The caller still owes: that the certificate is the registry's for the body in From; attachment digests against the signed
manifest; that the message is neither old nor repeated. A signature alone says none of it.
"""

from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256, sha384, sha512
from typing import Any, Final

from cryptography import x509
from lxml import etree
from signxml import DigestAlgorithm, SignatureConfiguration, SignatureMethod, VerifyResult, XMLVerifier
from signxml.exceptions import InvalidDigest, InvalidInput, InvalidSignature

from gateway.core import limits
from gateway.core.validation import Indication, SubIndication
from gateway.core.verdict import SignatureVerdict
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.paths.certificates import judge_certificate
from gateway.crypto.paths.subject import certificate_digest, certificate_name
from gateway.crypto.paths.trust import Evidence, Trust
from gateway.crypto.xades.frame import frame_fault
from gateway.crypto.xades.parts import StructureError, header_of, parts_of
from gateway.crypto.xades.prepare import DS, EXCLUSIVE, XADES
from gateway.safe_xml import QCVN, Element

_METHODS: Final = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.SHA256_RSA_MGF1,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
    }
)
_DIGESTS: Final = {
    DigestAlgorithm.SHA256.value: sha256,
    DigestAlgorithm.SHA384.value: sha384,
    DigestAlgorithm.SHA512.value: sha512,
}
_PROPERTIES_TYPE: Final = "http://uri.etsi.org/01903#SignedProperties"
_PLACE: Final = f"./{{{QCVN}}}edXMLEnvelope/{{{QCVN}}}edXMLHeader/"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeVerdict:
    """What the signature of an envelope is worth."""

    signature: SignatureVerdict | None
    """None when the file carries no ds:Signature."""
    certificate: bytes | None
    """DER of the signer's certificate, once duty 6 found it."""
    signed: frozenset[str]
    """Ids of the parts that the signature covers; empty unless duties 1 to 8 are met."""


@dataclass(slots=True)
class _Findings:
    """What is known of a signature while its duties are gone through."""

    certificate: bytes | None = None
    chain: tuple[bytes, ...] = ()
    claimed_time: datetime | None = None
    signed: frozenset[str] = frozenset()


def verify_envelope(root: Element, *, trust: Trust, moment: datetime) -> EnvelopeVerdict:
    """Verify the signature of an envelope; `root` is the tree of the skeleton that the reader uses too.

    Pure and total: hostile input gives a verdict, never an exception.
    """
    signatures = list(root.iter(_ds("Signature")))
    if not signatures:
        return EnvelopeVerdict(signature=None, certificate=None, signed=frozenset())
    findings = _Findings()
    outcome = attempt(_duties, root, signatures, findings)
    if isinstance(outcome, Trouble):
        outcome = (Indication.TOTAL_FAILED, SubIndication.FORMAT_FAILURE, outcome.reason)
    if outcome is None:
        outcome = _judge_signer(findings, trust, moment)
    return EnvelopeVerdict(
        signature=_verdict(findings, *outcome), certificate=findings.certificate, signed=findings.signed
    )


_Outcome = tuple[Indication, SubIndication | None, str]


def _verdict(
    findings: _Findings, indication: Indication, sub_indication: SubIndication | None, reason: str
) -> SignatureVerdict:
    certificate = findings.certificate
    return SignatureVerdict(
        indication=indication,
        sub_indication=sub_indication,
        reason=reason,
        certificate=None if certificate is None else certificate_digest(certificate),
        signer="" if certificate is None else certificate_name(certificate),
        claimed_time=findings.claimed_time,
        covers=" ".join(sorted(findings.signed)),
    )


def _duties(root: Element, signatures: list[Element], findings: _Findings) -> _Outcome | None:
    """Duties 1 to 9; None when all are met."""
    try:
        header = header_of(root)
        if _is_whole_document(signatures):
            reason = "a signature over the whole document: not the profile of this gateway"
            return Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE, reason
        _need(len(signatures) == 1, "more than one signature")
        signature = signatures[0]
        _need(signature.getparent() is header and signature.getnext() is None, "the signature is not in its place")
        parts = parts_of(root)
        _check_form(signature)
        targets = _check_references(signature, parts)
        _find_signer(signature, findings)
    except StructureError as error:
        return Indication.TOTAL_FAILED, SubIndication.FORMAT_FAILURE, str(error)
    try:
        _verify(root, targets, findings)
    except InvalidDigest:
        return Indication.TOTAL_FAILED, SubIndication.HASH_FAILURE, "a signed part was changed"
    except InvalidSignature as error:
        return Indication.TOTAL_FAILED, SubIndication.SIG_CRYPTO_FAILURE, str(error)
    findings.signed = frozenset(parts)
    if fault := frame_fault(root):
        reason = f"outside the signed parts: {fault}"
        return Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE, reason
    return None


def _need(condition: bool, otherwise: str) -> None:
    if not condition:
        raise StructureError(otherwise)


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"


def _xades(name: str) -> str:
    return f"{{{XADES}}}{name}"


def _is_whole_document(signatures: list[Element]) -> bool:
    """Files from others may carry one (QCVN 102 lays down no profile): judged for what it is, not as an attack."""
    return len(signatures) == 1 and any(
        reference.get("URI") == "" for reference in signatures[0].iterfind(f"{_ds('SignedInfo')}/{_ds('Reference')}")
    )


def _tags(element: Element) -> list[str]:
    return [str(child.tag) for child in element]


def _check_form(signature: Element) -> None:
    """Duties 3 and 4: the exact shape; what the profile does not use is not there to be misread."""
    _need(
        _tags(signature) == [_ds(name) for name in ("SignedInfo", "SignatureValue", "KeyInfo", "Object")],
        "the signature is not built as the profile says",
    )
    signed_info, value, key_info, container = signature
    _need(not len(value) and bool(value.text), "SignatureValue is not one value")
    _need(
        _tags(signed_info)[:2] == [_ds("CanonicalizationMethod"), _ds("SignatureMethod")]
        and set(_tags(signed_info)[2:]) == {_ds("Reference")},
        "SignedInfo is not built as the profile says",
    )
    _need(signed_info[0].get("Algorithm") == EXCLUSIVE.value and not len(signed_info[0]), "canonicalisation")
    methods = {method.value for method in _METHODS}
    _need(signed_info[1].get("Algorithm") in methods and not len(signed_info[1]), "signature algorithm")
    _need(
        _tags(key_info) == [_ds("X509Data")]
        and set(_tags(key_info[0])) == {_ds("X509Certificate")}
        and len(key_info[0]) <= limits.EMBEDDED_CERTIFICATES_MAX,
        "KeyInfo holds more than certificates",
    )
    _need(_tags(container) == [_xades("QualifyingProperties")], "Object holds more than QualifyingProperties")
    _need(_tags(container[0]) == [_xades("SignedProperties")], "QualifyingProperties holds more than SignedProperties")
    identifier = signature.get("Id")
    _need(
        bool(identifier) and container[0].get("Target") == f"#{identifier}", "QualifyingProperties of another signature"
    )


def _check_references(signature: Element, parts: dict[str, Element]) -> list[Element]:
    """Duty 5: the referenced elements, in the order of the references."""
    properties, key_info = signature[3][0][0], signature[2]
    wanted: dict[str, Element] = {**parts, properties.get("Id", ""): properties, key_info.get("Id", ""): key_info}
    _need(len(wanted) == len(parts) + 2 and "" not in wanted, "SignedProperties or KeyInfo without an Id of its own")
    targets = []
    for reference in signature[0][2:]:
        _need(
            _tags(reference) == [_ds(name) for name in ("Transforms", "DigestMethod", "DigestValue")],
            "a reference is not built as the profile says",
        )
        transforms, method, value = reference
        _need(
            _tags(transforms) == [_ds("Transform")]
            and transforms[0].get("Algorithm") == EXCLUSIVE.value
            and not len(transforms[0]),
            "a transform other than exclusive canonicalisation",
        )
        _need(method.get("Algorithm") in _DIGESTS and not len(method) and not len(value), "digest algorithm")
        target = wanted.pop((reference.get("URI") or "")[1:], None)
        _need(target is not None and reference.get("URI", "").startswith("#"), "a reference to something else")
        assert target is not None, "just checked"
        _need((reference.get("Type") == _PROPERTIES_TYPE) is (target is properties), "the type of a reference")
        targets.append(target)
    _need(not wanted, "a part is not signed")
    return targets


def _find_signer(signature: Element, findings: _Findings) -> None:
    """Duty 6 (EN 319 132-1 clause 5.2.2); and the time the signer claims."""
    certificates = [b64decode(element.text or "", validate=False) for element in signature[2][0]]
    named = list(signature.iter(_xades("SigningCertificateV2")))
    _need(len(named) == 1, "not one SigningCertificateV2")
    digest = named[0].find(f"{_xades('Cert')}/{_xades('CertDigest')}")
    _need(digest is not None and _tags(digest) == [_ds("DigestMethod"), _ds("DigestValue")], "SigningCertificateV2")
    assert digest is not None, "just checked"
    algorithm = _DIGESTS.get(digest[0].get("Algorithm", ""))
    _need(algorithm is not None, "digest algorithm of SigningCertificateV2")
    assert algorithm is not None, "just checked"
    wanted = b64decode(digest[1].text or "")
    signer = next((der for der in certificates if algorithm(der).digest() == wanted), None)
    _need(signer is not None, "the certificate that the signature names is not there")
    findings.certificate = signer
    findings.chain = tuple(der for der in certificates if der != signer)
    findings.claimed_time = _claimed_time(signature)


def _claimed_time(signature: Element) -> datetime | None:
    text = signature.findtext(f".//{_xades('SigningTime')}") or ""
    moment = attempt(datetime.fromisoformat, text.strip())
    return moment if isinstance(moment, datetime) and moment.tzinfo else None


def _verify(root: Element, targets: list[Element], findings: _Findings) -> None:
    """Duties 7 and 8."""
    assert findings.certificate is not None, "duty 6 found the signer"
    leaf = x509.load_der_x509_certificate(findings.certificate)
    configuration = SignatureConfiguration(
        location=_PLACE,
        expect_references=len(targets),
        signature_methods=_METHODS,
        digest_algorithms=frozenset(DigestAlgorithm(uri) for uri in _DIGESTS),
        verification_time=leaf.not_valid_before_utc,  # dates are duty 10's business
    )
    results = _TargetVerifier(targets).verify(root, x509_cert=leaf, expect_config=configuration)
    assert isinstance(results, list), "more than one reference gives a list"


class _TargetVerifier(XMLVerifier):
    """signxml's verifier, with the elements that are referenced already found.

    By itself it copies the whole file for each reference, looks the Id up in the copy, copies what it found, and parses
    what it digested once more for callers who have no tree of their own: at 336 recipients that was a third of a
    judge's time, and left us to compare its copy with our tree.
    """

    def __init__(self, targets: list[Element]) -> None:
        self._targets = targets

    def get_root(self, data: Element) -> Element:
        """The tree itself: no transform changes it (duty 4 leaves only canonicalisation)."""
        return data

    def _verify_reference(self, reference: Element, index: int, *_: Any) -> VerifyResult:
        target = self._targets[index]
        if reference.get("URI") != f"#{target.get('Id')}":
            raise InvalidInput("the references are not those that were checked")
        method, value = reference.find(_ds("DigestMethod")), reference.findtext(_ds("DigestValue"))
        assert method is not None, "duty 5 saw it"
        signed = etree.tostring(target, method="c14n", exclusive=True, with_comments=False)
        if _DIGESTS[method.get("Algorithm", "")](signed).digest() != b64decode(value or ""):
            raise InvalidDigest(f"Digest mismatch for reference {index}")
        return VerifyResult(signed, None, reference, b"")


def _judge_signer(findings: _Findings, trust: Trust, moment: datetime) -> _Outcome:
    """Duty 10."""
    assert findings.certificate is not None, "duty 6 found the signer"
    verdict = judge_certificate(
        findings.certificate, trust=trust, moment=moment, evidence=Evidence(certificates=findings.chain)
    )
    return verdict.indication, verdict.sub_indication, verdict.reason
