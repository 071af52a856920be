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

The caller still owes: that the certificate is the registry's for the body in From (`exchange.duties`; without a registry, by
the certificate's code: `evidence.speaker`, which tells it as duty 13); attachment digests against the signed
manifest; that the message is neither old nor repeated. A signature alone says none of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature

from gateway.core.validation import Indication, Level, SignatureDetails, SubIndication, TimestampSeen
from gateway.core.verdict import SignatureVerdict
from gateway.crypto.duty import Duty, LeftOpen, NothingToDo, UnmetDuty, Walked, failed, undecided, walk
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.paths.algorithms import check_use
from gateway.crypto.paths.certificates import CertificateVerdict
from gateway.crypto.paths.past import Look, judge_with_time
from gateway.crypto.paths.subject import certificate_digest
from gateway.crypto.paths.trust import Evidence, Trust
from gateway.crypto.timestamps.verify import TimestampJudge, earliest_proven
from gateway.crypto.timestamps.verify import judge_timestamp as judge_token
from gateway.crypto.xades.algorithms import DIGESTS, METHODS
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
from gateway.crypto.xades.parts import header_of, parts_of
from gateway.crypto.xades.prepare import canonical
from gateway.crypto.xades.signature_timestamp import judge_timestamps
from gateway.crypto.xades.signing_key import signing_key
from gateway.safe_xml import QCVN, Element


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
    case = _Case(
        root=root, profile=profile, signatures=signatures, trust=trust, moment=moment, judge_timestamp=judge_timestamp
    )
    walked = walk(DUTIES, case)
    return EnvelopeVerdict(
        signature=_verdict(case, walked),
        certificate=None if case.signer is None else case.signer.certificate,
        signed=case.signed,
    )


@dataclass(slots=True, kw_only=True)
class _Case:
    """One signature on its way through the duties, and what is known of it so far."""

    root: Element
    profile: Profile
    signatures: list[Element]
    trust: Trust
    moment: datetime
    judge_timestamp: TimestampJudge
    parts: Mapping[str, Element] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    algorithms: tuple[str, ...] = ()
    signer: Signer | None = None
    signed: frozenset[str] = frozenset()
    timestamps: tuple[TimestampSeen, ...] = ()
    proven: datetime | None = None
    best_time: datetime | None = None
    certificate: CertificateVerdict | None = None

    @property
    def signature(self) -> Element:
        """The one that duty 1 found."""
        return self.signatures[0]

    @property
    def named(self) -> Signer:
        """Whom duty 6 found."""
        assert self.signer is not None, "duty 6 found the signer"
        return self.signer


def _verdict(case: _Case, walked: Walked) -> SignatureVerdict:
    signer, seen, unmet = case.signer, case.certificate, walked.unmet
    passed = "" if seen is None else seen.reason
    level = Level.B_B if case.proven is None else Level.B_T
    details = SignatureDetails(
        identity=None if seen is None else seen.identity,
        level=level if case.signed else None,
        chain=() if seen is None else seen.chain,
        revocation=() if seen is None else seen.revocation,
        timestamps=case.timestamps,
        best_time=case.best_time,
        algorithms=case.algorithms,
        checks=walked.checks,
        policy=case.trust.policy.used,
    )
    return SignatureVerdict(
        indication=Indication.TOTAL_PASSED if unmet is None else unmet.indication,
        sub_indication=None if unmet is None else unmet.sub_indication,
        reason=passed if unmet is None else str(unmet),
        certificate=None if signer is None else certificate_digest(signer.certificate),
        signer="" if signer is None else _name(signer),
        claimed_time=None if signer is None else signer.claimed_time,
        covers=" ".join(sorted(case.signed)),
        details=details,
    )


def _name(signer: Signer) -> str:
    """Of a certificate that cannot be parsed there is none to tell."""
    key = attempt(signing_key, signer.certificate)
    return "" if isinstance(key, Trouble) else key.name


def _check_place(case: _Case) -> None:
    """Duty 1."""
    root, profile, signatures = case.root, case.profile, case.signatures
    parent = profile.parent_of(root) if root.tag == profile.root else None
    if reason := _foreign(parent, signatures):
        raise undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, reason)
    need(len(signatures) == 1, "more than one signature")
    (signature,) = signatures
    need(signature.getparent() is parent and signature.getnext() is None, "the signature is not in its place")


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


def _check_parts(case: _Case) -> None:
    """Duty 2."""
    case.parts = case.profile.parts_of(case.root)


def _check_form(case: _Case) -> None:
    """Duty 3."""
    check_shape(case.signature)


def _check_methods(case: _Case) -> None:
    """Duty 4."""
    case.algorithms = check_algorithms(case.signature)


def _check_references(case: _Case) -> None:
    """Duty 5."""
    case.targets = check_references(case.signature, case.parts)


def _check_signer(case: _Case) -> None:
    """Duty 6."""
    case.signer = find_signer(case.signature)


def _check_value(case: _Case) -> None:
    """Duty 7: the octets are made from the element that duties 3 to 5 looked at."""
    signed_info, value = case.signature[0], octets(case.signature[1], "SignatureValue")
    method = METHODS[signed_info[1].get("Algorithm", "")]
    try:
        method.verify(signing_key(case.named.certificate).public_key, value, canonical(signed_info))
    except InvalidSignature:
        reason = "the signature's value is not of this key over this SignedInfo"
        raise failed(SubIndication.SIG_CRYPTO_FAILURE, reason) from None


def _check_digests(case: _Case) -> None:
    """Duty 8; with it the parts are signed."""
    if not all(map(_is_unchanged, case.targets)):
        raise failed(SubIndication.HASH_FAILURE, "a signed part was changed")
    case.signed = frozenset(case.parts)


def _is_unchanged(target: Target) -> bool:
    return DIGESTS[target.digest_method].digest(canonical(target.element)) == target.digest


def _check_frame(case: _Case) -> None:
    """Duty 9."""
    if fault := case.profile.fault(case.root):
        raise undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, f"outside the signed parts: {fault}")


def _check_timestamps(case: _Case) -> NothingToDo | LeftOpen | None:
    """Duty 10: it decides what the best signature time is, and nothing else."""
    case.timestamps = judge_timestamps(case.signature, judge=case.judge_timestamp, trust=case.trust, moment=case.moment)
    case.proven = earliest_proven(case.timestamps, case.moment)
    case.best_time = case.proven or case.moment
    if not case.timestamps:
        return NothingToDo("there is none")
    return LeftOpen(case.timestamps[0].reason) if case.proven is None else None


def _check_policy(case: _Case) -> None:
    """Duty 11."""
    assert case.best_time is not None, "duty 10 said it"
    check_use(case.trust.policy.algorithms, case.algorithms, case.best_time)


def _check_certificate(case: _Case) -> None:
    """Duty 12: as of today; and where a proof of existence can heal what is wrong today, as of the time that is proven."""
    signer = case.named
    look = Look(trust=case.trust, moment=case.moment, evidence=Evidence(certificates=signer.others), past=False)
    verdict = case.certificate = judge_with_time(signer.certificate, look, proven=case.proven)
    if verdict.indication is not Indication.TOTAL_PASSED:
        assert verdict.sub_indication is not None, "a verdict that is no pass says why"
        raise UnmetDuty(verdict.indication, verdict.sub_indication, verdict.reason)


def _duty(number: int, name: str, clause: str, do: Callable[[_Case], LeftOpen | NothingToDo | None]) -> Duty[_Case]:
    """What a library fails over in duties 1 to 9 is not of our profile's form: the gateways that write it are known."""
    return Duty(number=number, name=name, clause=clause, do=do, stumble=failed if number < 10 else undecided)


DUTIES: Final[Sequence[Duty[_Case]]] = (
    _duty(1, "xades.place", "EN 319 102-1 5.2.2", _check_place),
    _duty(2, "xades.parts", "XML Signature 1.1 4.4.3.3", _check_parts),
    _duty(3, "xades.form", "EN 319 132-1 4.4", _check_form),
    _duty(4, "xades.algorithms", "EN 319 102-1 5.2.8", _check_methods),
    _duty(5, "xades.references", "XML Signature 1.1 4.4.3", _check_references),
    _duty(6, "xades.signer", "EN 319 132-1 5.2.2", _check_signer),
    _duty(7, "xades.value", "XML Signature 1.1 3.2.2", _check_value),
    _duty(8, "xades.digests", "XML Signature 1.1 3.2.1", _check_digests),
    _duty(9, "xades.frame", "EN 319 102-1 5.2.8", _check_frame),
    _duty(10, "xades.timestamps", "EN 319 132-1 5.3", _check_timestamps),
    _duty(11, "xades.policy", "EN 319 102-1 5.2.8", _check_policy),
    _duty(12, "xades.certificate", "EN 319 102-1 5.2.6", _check_certificate),
)
