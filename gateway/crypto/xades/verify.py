"""A signature over parts of an XML file, verified: structure first, then cryptography, then the certificate.

Duties of `verify_envelope`, numbered as in the code (signing.md 4.1; the attacks are those of XML signature wrapping):

1. Exactly one ds:Signature in the whole file, the last child of edXMLHeader. None at all is no verdict.
2. Each part the only one of its kind, in its place, under its Id; no two id-like attributes equal (`parts`).
3. The signature is built of SignedInfo, SignatureValue, KeyInfo and one Object with SignedProperties: nothing else but a few
   SignatureTimeStamps in UnsignedSignatureProperties (`form`).
4. Exclusive C14N for SignedInfo and as the one transform of each reference; algorithms from a short list (`algorithms`).
5. The references are the parts that are there, all of them, KeyInfo and SignedProperties: no other, none twice.
6. The signer's certificate is the one in KeyInfo that the (signed) SigningCertificateV2 names.
7. SignatureValue is that certificate's key's signature over the canonical form of the very SignedInfo of duties 3 to 5.
8. What is digested for a reference is the canonical form of the very element that duty 5 found, in the tree that the
   reader uses: nothing is looked up a second time, and there is no copy that could differ.
9. Outside the signed parts stands only what hubs may add and the files: nothing that a reader could take for signed (`frame`).
10. Timestamps upon the signature are judged; the earliest good one is the best signature time. One that is not good counts for
    nothing, and fails nothing (`signature_timestamp`).
11. The algorithms are on the policy's list; one whose time has ended counts where duty 10 proves that the signature is older.
12. The certificate passes `judge_certificate`: today, or at the time that duty 10 proved.

The caller still owes: that the certificate is the registry's for the body in From; attachment digests against the signed
manifest; that the message is neither old nor repeated. A signature alone says none of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidSignature

from gateway.core.validation import (
    Indication,
    Level,
    Outcome,
    SignatureDetails,
    SubIndication,
    TimestampSeen,
)
from gateway.core.verdict import SignatureVerdict
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.paths.certificates import CertificateVerdict
from gateway.crypto.paths.past import Look, judge_with_time
from gateway.crypto.paths.subject import certificate_digest
from gateway.crypto.paths.trust import Evidence, Trust
from gateway.crypto.timestamps.verify import judge_timestamp as judge_token
from gateway.crypto.xades.algorithms import DIGESTS, IN_POLICY, METHODS
from gateway.crypto.xades.duties import Duty, DutyList
from gateway.crypto.xades.form import (
    Signer,
    Target,
    check_algorithms,
    check_references,
    check_shape,
    find_signer,
    need,
    octets,
)
from gateway.crypto.xades.frame import frame_fault
from gateway.crypto.xades.names import ds
from gateway.crypto.xades.parts import StructureError, header_of, parts_of
from gateway.crypto.xades.prepare import canonical
from gateway.crypto.xades.signature_timestamp import TimestampJudge, earliest_proven, judge_timestamps
from gateway.crypto.xades.signing_key import signing_key
from gateway.safe_xml import QCVN, Element

DUTIES: Final = (
    Duty("xades.place", "EN 319 102-1 5.2.2"),
    Duty("xades.parts", "XML Signature 1.1 4.4.3.3"),
    Duty("xades.form", "EN 319 132-1 4.4"),
    Duty("xades.algorithms", "EN 319 102-1 5.2.8"),
    Duty("xades.references", "XML Signature 1.1 4.4.3"),
    Duty("xades.signer", "EN 319 132-1 5.2.2"),
    Duty("xades.value", "XML Signature 1.1 3.2.2"),
    Duty("xades.digests", "XML Signature 1.1 3.2.1"),
    Duty("xades.frame", "EN 319 102-1 5.2.8"),
    Duty("xades.timestamps", "EN 319 132-1 5.3"),
    Duty("xades.policy", "EN 319 102-1 5.2.8"),
    Duty("xades.certificate", "EN 319 102-1 5.2.6"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeVerdict:
    """What the signature of an envelope, or of a seal slip, is worth."""

    signature: SignatureVerdict | None
    """None when the file carries no ds:Signature."""
    certificate: bytes | None
    """DER of the signer's certificate, once duty 6 found it."""
    signed: frozenset[str]
    """Ids of the parts that the signature covers; empty unless duties 1 to 8 are met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A kind of file: where its signature stands, what it has signed, and what may stand beside that."""

    root: str
    parent_of: Callable[[Element], Element]
    """The element whose last child the signature is. Raises StructureError."""
    parts_of: Callable[[Element], Mapping[str, Element]]
    fault: Callable[[Element], str]
    duties: tuple[Duty, ...] = DUTIES


ENVELOPE: Final = Profile(root=f"{{{QCVN}}}edXML", parent_of=header_of, parts_of=parts_of, fault=frame_fault)


def verify_envelope(
    root: Element, *, trust: Trust, moment: datetime, judge_timestamp: TimestampJudge = judge_token
) -> EnvelopeVerdict:
    """Verify the signature of an envelope; `root` is the tree of the skeleton that the reader uses too.

    Pure and total: hostile input gives a verdict, never an exception.
    """
    return verify(root, ENVELOPE, trust=trust, moment=moment, judge_timestamp=judge_timestamp)


def verify(
    root: Element, profile: Profile, *, trust: Trust, moment: datetime, judge_timestamp: TimestampJudge
) -> EnvelopeVerdict:
    """Verify the signature of a kind of file; see `verify_envelope`."""
    signatures = list(root.iter(ds("Signature")))
    if not signatures:
        return EnvelopeVerdict(signature=None, certificate=None, signed=frozenset())
    findings = _Findings(duties=DutyList(profile.duties))
    outcome = attempt(_duties, root, profile, signatures, findings)
    if isinstance(outcome, Trouble):
        outcome = _Outcome(Indication.TOTAL_FAILED, SubIndication.FORMAT_FAILURE, outcome.reason)
    if outcome is None:
        _judge_timestamps(signatures[0], findings, trust, moment, judge_timestamp)
        outcome = _judge_algorithms(findings, trust) or _judge_signer(findings, trust, moment)
    findings.duties.decide(outcome.indication, outcome.reason)
    signer = findings.signer
    return EnvelopeVerdict(
        signature=_verdict(findings, outcome, trust),
        certificate=None if signer is None else signer.certificate,
        signed=findings.signed,
    )


@dataclass(slots=True, kw_only=True)
class _Findings:
    """What is known of a signature while its duties are gone through."""

    duties: DutyList
    algorithms: tuple[str, ...] = ()
    signer: Signer | None = None
    signed: frozenset[str] = frozenset()
    timestamps: tuple[TimestampSeen, ...] = ()
    proven: datetime | None = None
    best_time: datetime | None = None
    certificate: CertificateVerdict | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    indication: Indication
    sub_indication: SubIndication | None
    reason: str


def _verdict(findings: _Findings, outcome: _Outcome, trust: Trust) -> SignatureVerdict:
    signer = findings.signer
    return SignatureVerdict(
        indication=outcome.indication,
        sub_indication=outcome.sub_indication,
        reason=outcome.reason,
        certificate=None if signer is None else certificate_digest(signer.certificate),
        signer="" if signer is None else _name(signer),
        claimed_time=None if signer is None else signer.claimed_time,
        covers=" ".join(sorted(findings.signed)),
        details=_details(findings, trust),
    )


def _name(signer: Signer) -> str:
    """Of a certificate that cannot be parsed there is none to tell."""
    key = attempt(signing_key, signer.certificate)
    return "" if isinstance(key, Trouble) else key.name


def _details(findings: _Findings, trust: Trust) -> SignatureDetails:
    level = Level.B_B if findings.proven is None else Level.B_T
    seen = findings.certificate
    return SignatureDetails(
        identity=None if seen is None else seen.identity,
        level=level if findings.signed else None,
        chain=() if seen is None else seen.chain,
        revocation=() if seen is None else seen.revocation,
        timestamps=findings.timestamps,
        best_time=findings.best_time,
        algorithms=findings.algorithms,
        checks=findings.duties.checks(),
        policy=trust.policy.used,
    )


def _duties(root: Element, profile: Profile, signatures: list[Element], findings: _Findings) -> _Outcome | None:
    """Duties 1 to 9; None when all are met."""
    duties = findings.duties
    duties.begin(1)
    try:
        parent = profile.parent_of(root) if root.tag == profile.root else None
        if reason := _foreign(parent, signatures):
            return _Outcome(Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE, reason)
        need(len(signatures) == 1, "more than one signature")
        (signature,) = signatures
        need(signature.getparent() is parent and signature.getnext() is None, "the signature is not in its place")
        duties.begin(2)
        parts = profile.parts_of(root)
        targets, value = _structure(signature, parts, findings)
    except StructureError as error:
        return _Outcome(Indication.TOTAL_FAILED, SubIndication.FORMAT_FAILURE, str(error))
    assert findings.signer is not None, "duty 6 found the signer"
    if not _is_signed(signature[0], value, findings.signer):
        reason = "the signature's value is not of this key over this SignedInfo"
        return _Outcome(Indication.TOTAL_FAILED, SubIndication.SIG_CRYPTO_FAILURE, reason)
    duties.begin(8)
    if not all(map(_is_unchanged, targets)):
        return _Outcome(Indication.TOTAL_FAILED, SubIndication.HASH_FAILURE, "a signed part was changed")
    findings.signed = frozenset(parts)
    duties.begin(9)
    if fault := profile.fault(root):
        reason = f"outside the signed parts: {fault}"
        return _Outcome(Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE, reason)
    return None


def _structure(signature: Element, parts: Mapping[str, Element], findings: _Findings) -> tuple[list[Target], bytes]:
    """Duties 3 to 6, and the beginning of 7: what is referenced, and the signature's value."""
    duties = findings.duties
    duties.begin(3)
    check_shape(signature)
    duties.begin(4)
    findings.algorithms = check_algorithms(signature)
    duties.begin(5)
    targets = check_references(signature, parts)
    duties.begin(6)
    findings.signer = find_signer(signature)
    duties.begin(7)
    return targets, octets(signature[1], "SignatureValue")


def _foreign(parent: Element | None, signatures: list[Element]) -> str:
    """Files from others are judged for what they are, not as attacks: nobody here can say what their signatures cover.

    A signature over the whole document may stand in an envelope too (QCVN 102 lays down no profile); never beside another.
    """
    if parent is None:
        return "another kind of file: not the profile of this gateway"
    references = signatures[0].iterfind(f"{ds('SignedInfo')}/{ds('Reference')}")
    if len(signatures) == 1 and any(reference.get("URI") == "" for reference in references):
        return "a signature over the whole document: not the profile of this gateway"
    return ""


def _is_signed(signed_info: Element, value: bytes, signer: Signer) -> bool:
    """Duty 7: the octets are made from the element that duties 3 to 5 looked at."""
    method = METHODS[signed_info[1].get("Algorithm", "")]
    try:
        method.verify(signing_key(signer.certificate).public_key, value, canonical(signed_info))
    except InvalidSignature:
        return False
    return True


def _is_unchanged(target: Target) -> bool:
    """Duty 8."""
    return DIGESTS[target.digest_method].digest(canonical(target.element)) == target.digest


def _judge_timestamps(
    signature: Element, findings: _Findings, trust: Trust, moment: datetime, judge: TimestampJudge
) -> None:
    """Duty 10: it decides what the best signature time is, and nothing else."""
    findings.duties.begin(10)
    findings.timestamps = judge_timestamps(signature, judge=judge, trust=trust, moment=moment)
    findings.proven = earliest_proven(findings.timestamps, moment)
    findings.best_time = findings.proven or moment
    if not findings.timestamps:
        findings.duties.end(Outcome.NOT_MADE, "there is none")
    elif findings.proven is None:
        findings.duties.end(Outcome.UNDECIDED, findings.timestamps[0].reason)


def _judge_algorithms(findings: _Findings, trust: Trust) -> _Outcome | None:
    """Duty 11; None when it is met."""
    assert findings.best_time is not None, "duty 10 said it"
    findings.duties.begin(11)
    rules = {**dict(trust.policy.algorithms.digests), **dict(trust.policy.algorithms.mechanisms)}
    day = findings.best_time.astimezone(UTC).date()
    for name in findings.algorithms:
        if IN_POLICY[name] not in rules:
            reason = f"{name} is not on the list of the policy"
            return _Outcome(Indication.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, reason)
        until = rules[IN_POLICY[name]]
        if until is not None and day > until:
            reason = f"{name} counts until {until.isoformat()}, and nothing proves that the signature is as old"
            return _Outcome(Indication.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE, reason)
    return None


def _judge_signer(findings: _Findings, trust: Trust, moment: datetime) -> _Outcome:
    """Duty 12: as of today; and where a proof of existence can heal what is wrong today, as of the time that is proven."""
    assert findings.signer is not None, "duty 6 found the signer"
    findings.duties.begin(12)
    signer, proven = findings.signer, findings.proven
    look = Look(trust=trust, moment=moment, evidence=Evidence(certificates=signer.others), past=False)
    verdict = findings.certificate = judge_with_time(signer.certificate, look, proven=proven)
    if proven is not None and proven < signing_key(signer.certificate).not_before:
        reason = "a timestamp from before the signer's certificate was issued"
        return _Outcome(Indication.INDETERMINATE, SubIndication.TIMESTAMP_ORDER_FAILURE, reason)
    return _Outcome(verdict.indication, verdict.sub_indication, verdict.reason)
