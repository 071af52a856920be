"""PDF signatures (PAdES, ISO 32000-2 clause 12.8): judged, and never believed by a single yes.

The duties of `judge_pdf`, numbered as below in the code; each signature takes 3 to 12 by itself:

1. Readers would open the file as a PDF (`judged_type`); anything else carries no signature we know.
2. It begins with its header and a strict reader reads it (`document`); encrypted, hybrid and damaged files are "cannot judge",
   not "forged". Few signatures, not too many revisions.
3. SubFilter ETSI.CAdES.detached, or the older adbe.pkcs7.detached; one SignerInfo, no content inside the CMS.
4. Few embedded certificates, counted before anything is built from them (signing.md 1.2 C).
5. ESS signing-certificate-v2 names the signer's certificate (EN 319 122-1 clause 5.2.2.3; EN 319 102-1 clause 5.2.3).
6. The digest over the byte range is the signed one, and the signature over the attributes verifies (clause 5.2.7).
7. The byte range covers the whole file, or a whole revision of it, and nothing hides in the gap or after the end (`coverage`).
8. What came after the signed revision is allowed (`difference`).
9. The timestamps upon and over the signature are judged, and fit their order (`times`; clauses 5.4, 5.5.4). One that is not
   good is told, and is as if it were not there.
10. Digest and signature algorithm are on the policy's list; one that has ended only counts where the best signature time proves
    that it was used before (clause 5.2.8, 5.5.4).
11. The certificate passes `judge_certificate` now: basic validation (clause 5.3).
12. It was good at the best signature time. What 11 leaves open is looked at in the past (`paths.past`), where a timestamp
    proves when that was: with time (clause 5.5.4), and by evidence that archive timestamps prove (clause 5.6.3). Where nothing
    is proven, 11 stands. It had begun then, and evidence is as young as the policy asks (`paths.best_time`).

`judge_pdf` says what it found in all of this (`SignatureDetails`). The caller still owes: whose certificate it must be.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from asn1crypto import core, x509
from pyhanko.sign.general import find_unique_cms_attribute
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation, validate_sig_integrity

from gateway.core.magic import OTHER, ZIP, is_pdf, is_zip
from gateway.core.model import PDF
from gateway.core.validation import (
    Check,
    Indication,
    Level,
    Outcome,
    SignatureDetails,
    SubIndication,
)
from gateway.core.verdict import FileVerdict, SignatureVerdict, worst
from gateway.crypto.cades.signer_info import signer_certificate
from gateway.crypto.duty import Duty, LeftOpen, UnmetDuty, failed, undecided, walk
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.pades.coverage import check_coverage, check_end, whole_file
from gateway.crypto.pades.difference import Difference, difference
from gateway.crypto.pades.document import PADES, PKCS7, Document, read_document
from gateway.crypto.pades.security_store import SecurityStores, archived_evidence
from gateway.crypto.pades.times import Archived, Times, check_order, judge_archive, judge_times
from gateway.crypto.paths.algorithms import SPOKEN, check_use
from gateway.crypto.paths.best_time import REVOKED, begun, graced
from gateway.crypto.paths.certificates import CertificateVerdict, judge_certificate
from gateway.crypto.paths.embedded import embedded_certificates
from gateway.crypto.paths.past import OPEN, Look, Proof, at_present, by_genuine, in_the_past, without_evidence
from gateway.crypto.paths.subject import certificate_digest, common_name
from gateway.crypto.paths.trust import Evidence, Trust
from gateway.crypto.timestamps.verify import proven

_BEFORE: Final = (
    Check(duty=1, name="pades.kind", clause="ISO 32000-2 7.5.2", outcome=Outcome.MET),
    Check(duty=2, name="pades.structure", clause="EN 319 102-1 5.2.2", outcome=Outcome.MET),
)
"""What a signature has behind it when it is looked at by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """One document and all that its signatures share."""

    document: Document
    stores: SecurityStores
    archive: tuple[Archived, ...]
    trust: Trust
    moment: datetime


@dataclass(slots=True, kw_only=True)
class _Case:
    """One signature on its way through the duties, and what is known of it so far."""

    file: _File
    signature: Any
    """pyHanko's `EmbeddedPdfSignature`, whose annotations are not those of what it holds."""
    signer: x509.Certificate | None = None
    others: tuple[bytes, ...] = ()
    difference: Difference = field(default_factory=lambda: Difference(changes=(), reason=""))
    times: Times = field(default_factory=Times)
    algorithms: tuple[str, ...] = ()
    verdict: CertificateVerdict | None = None
    level: Level | None = None


def judged_type(data: bytes) -> str:
    """What a file is to a judge, by its first `core.magic.MAGIC_BYTES`: ZIP, PDF, or anything.

    Not `core.magic.media_type`, which tells more kinds apart and takes the end of an empty ZIP for a ZIP, whatever follows.
    A PDF begins with its header (ISO 32000-2 clause 7.5.2), but what readers open with something before it is one too: as a
    file "of another kind" it would be carried unsealed. A ZIP may hold a PDF that is not compressed: it stays a ZIP.
    """
    if is_zip(data):
        return ZIP
    return PDF if is_pdf(data) else OTHER


def judge_pdf(data: bytes, *, trust: Trust, moment: datetime) -> FileVerdict:
    """Judge a file that may be a PDF; pure and total: hostile bytes give a verdict, never an exception."""
    kind = judged_type(data)
    if kind != PDF:  # duty 1
        return _file_verdict(kind, None, None, "not a PDF: no signature that can be judged")
    found = attempt(_judge_all, data, trust, moment)
    if isinstance(found, Trouble):
        return _file_verdict(PDF, Indication.INDETERMINATE, SubIndication.FORMAT_FAILURE, found.reason)
    decisive = worst(found)
    if decisive is None:
        return _file_verdict(PDF, None, None, "no signature")
    return FileVerdict(
        media_type=PDF,
        indication=decisive.indication,
        sub_indication=decisive.sub_indication,
        signatures=found,
        reason=decisive.reason,
    )


def _file_verdict(
    kind: str, indication: Indication | None, sub_indication: SubIndication | None, reason: str
) -> FileVerdict:
    return FileVerdict(
        media_type=kind, indication=indication, sub_indication=sub_indication, signatures=(), reason=reason
    )


def _judge_all(data: bytes, trust: Trust, moment: datetime) -> tuple[SignatureVerdict, ...]:
    """Duty 2, then one verdict per signature, in the order of the revisions."""
    document = read_document(data)
    if not document.signatures:
        return ()
    stores = SecurityStores(document)
    _ = stores.latest  # before anything else: with too much in it the whole file cannot be judged
    archive = judge_archive(document, stores, trust, moment)
    file = _File(document=document, stores=stores, archive=archive, trust=trust, moment=moment)
    return tuple(_judge_one(_Case(file=file, signature=signature)) for signature in document.signatures)


def _judge_one(case: _Case) -> SignatureVerdict:
    """Run one signature through its duties and say how far it came."""
    walked = walk(_DUTIES, case)
    unmet, verdict, signer = walked.unmet, case.verdict, case.signer
    claimed = attempt(lambda: case.signature.self_reported_timestamp)
    details = SignatureDetails(
        identity=verdict.identity if verdict else None,
        level=case.level,
        chain=verdict.chain if verdict else (),
        revocation=verdict.revocation if verdict else (),
        timestamps=case.times.seen,
        best_time=case.times.best or case.file.moment,
        changes=case.difference.changes,
        algorithms=case.algorithms,
        checks=(*_BEFORE, *walked.checks),
        policy=case.file.trust.policy.used,
    )
    return SignatureVerdict(
        indication=unmet.indication if unmet else Indication.TOTAL_PASSED,
        sub_indication=unmet.sub_indication if unmet else None,
        reason=str(unmet) if unmet else _passed(case),
        certificate=certificate_digest(signer.dump()) if signer else None,
        signer=common_name(signer) if signer else "",
        claimed_time=claimed if isinstance(claimed, datetime) and claimed.tzinfo else None,
        covers="whole file" if whole_file(case.signature) else "revision",
        details=details,
    )


def _passed(case: _Case) -> str:
    """Why it is trusted: a policy may let old evidence pass, and then that is said."""
    assert case.verdict is not None, "duty 11 is never skipped"
    return case.verdict.reason


def _check_form(case: _Case) -> None:
    """Duty 3."""
    if case.signature.sig_object.get("/SubFilter") not in {PADES, PKCS7}:
        raise undecided(SubIndication.FORMAT_FAILURE, "unknown SubFilter")
    signed_data = case.signature.signed_data
    if len(signed_data["signer_infos"]) != 1:
        raise undecided(SubIndication.FORMAT_FAILURE, "not exactly one SignerInfo")
    content = signed_data["encap_content_info"]["content"]
    if content is not core.VOID and content:
        raise undecided(SubIndication.FORMAT_FAILURE, "content inside a detached signature")


def _check_certificates(case: _Case) -> str:
    """Duty 4."""
    return str(len(embedded_certificates(case.signature.signed_data)))


def _check_signer(case: _Case) -> None:
    """Duty 5."""
    signed_data, signer_info = case.signature.signed_data, case.signature.signer_info
    found = attempt(find_unique_cms_attribute, signer_info["signed_attrs"], "signing_certificate_v2")
    named = None if isinstance(found, Trouble) else found
    is_pades = case.signature.sig_object["/SubFilter"] == PADES
    if named is None or not is_pades:  # the older kind may name it otherwise, or not at all; and who signed is told
        case.signer = extract_certs_for_validation(signed_data).signer_cert
    if is_pades:
        case.signer = signer_certificate(signer_info, named, embedded_certificates(signed_data))
    assert case.signer is not None, "found, or it was raised"
    signer = case.signer.dump()
    case.others = tuple(der for one in embedded_certificates(signed_data) if (der := one.dump()) != signer)


def _check_integrity(case: _Case) -> None:
    """Duty 6. Whether its digest algorithm still holds is asked first: nothing follows from one that was never on the list."""
    signature = case.signature
    if signature.md_algorithm not in dict(case.file.trust.policy.algorithms.digests):
        raise undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"digest {signature.md_algorithm}")
    digest = signature.compute_digest()
    intact, valid = validate_sig_integrity(signature.signer_info, case.signer, "data", digest)
    if not intact:
        raise failed(SubIndication.HASH_FAILURE, "the file was changed after it was signed")
    if not valid:
        raise failed(SubIndication.SIG_CRYPTO_FAILURE, "the signature does not verify with the signer's key")


def _check_coverage(case: _Case) -> None:
    """Duty 7."""
    check_coverage(case.file.document, case.signature)
    check_end(case.file.document, case.signature)


def _check_changes(case: _Case) -> str:
    """Duty 8."""
    case.difference = difference(case.file.document, case.signature)
    if case.difference.reason:
        raise undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, case.difference.reason)
    return ", ".join(change.kind for change in case.difference.changes)


def _check_times(case: _Case) -> str:
    """Duty 9."""
    file = case.file
    case.times = judge_times(
        case.signature, archive=file.archive, stores=file.stores, trust=file.trust, moment=file.moment
    )
    check_order(case.times)
    bad = [f"{one.kind}: {one.sub_indication}: {one.reason}" for one in case.times.seen if proven(one) is None]
    more = [f"{case.times.left_out} more are not looked at"] if case.times.left_out else []
    return "; ".join(bad + more)


def _check_algorithms(case: _Case) -> str:
    """Duty 10; the key's strength is the certificate's business (11, 12)."""
    algorithm = case.signature.signer_info["signature_algorithm"]
    # A bare "rsaEncryption" names no digest: the SignerInfo's own is used (RFC 3370 section 3.2).
    named = attempt(lambda: algorithm.hash_algo)
    digests = {case.signature.md_algorithm, *([named] if isinstance(named, str) else [])}
    mechanism = algorithm.signature_algo
    case.algorithms = tuple(SPOKEN.get(name, name) for name in (*sorted(digests), mechanism))
    check_use(case.file.trust.policy.algorithms, case.algorithms, case.times.best or case.file.moment)
    return ", ".join(case.algorithms)


def _check_now(case: _Case) -> LeftOpen | None:
    """Duty 11."""
    file = case.file
    look, embedded = _today(case), _with(case.others, file.stores.latest)
    case.verdict = verdict = at_present(_judge(case), look, embedded=embedded)
    if verdict.indication is Indication.TOTAL_PASSED:
        return None
    return LeftOpen(f"{verdict.sub_indication}: {verdict.reason}")


def _check_then(case: _Case) -> str | None:
    """Duty 12, and the level: what a signature carries counts as far as it is good for something."""
    case.level = _level(case)
    now, best, signer = case.verdict, case.times.best, case.signer
    assert now is not None, "duty 11 is never skipped"
    assert signer is not None, "duty 5 is vital"
    began = now if best is None else begun(now, begins=signer.not_valid_before, best=best)
    if began is not now:
        raise _unmet(began)
    detail = None if now.indication is Indication.TOTAL_PASSED else _look_back(case, now)
    good = case.verdict
    assert good is not None, "duty 11 is never skipped"
    final = good if best is None else graced(good, freshness=case.file.trust.policy.freshness, best=best)
    if final is not good:
        raise _unmet(final)
    return detail


def _unmet(verdict: CertificateVerdict) -> UnmetDuty:
    assert verdict.sub_indication is not None, "a verdict that is no pass says why"
    return UnmetDuty(verdict.indication, verdict.sub_indication, verdict.reason)


def _look_back(case: _Case, now: CertificateVerdict) -> str:
    """What 11 left open, answered for the best signature time."""
    assert now.sub_indication is not None, "a verdict that is no pass says why"
    file, best = case.file, case.times.best
    if best is None or now.sub_indication not in OPEN:
        raise _unmet(now)
    # As old as the signature is what it signed; what archive timestamps prove; and, for what has not ended, what is here now.
    signed = archived_evidence(case.signature.signer_info)
    proofs = (
        Proof(time=file.moment, evidence=Evidence(certificates=case.others)),
        Proof(time=best, evidence=_with(case.others, signed)),
        *(Proof(time=one.time, evidence=_with(case.others, one.evidence)) for one in case.times.proofs),
        Proof(time=file.moment, evidence=_with(case.others, file.stores.latest)),
    )
    then = in_the_past(_judge(case), _today(case), proofs=proofs, at=best)
    if then.indication is Indication.TOTAL_PASSED:
        case.verdict = then
        return f"{now.sub_indication} today; good at {best.isoformat()}"
    decisive = then if then.sub_indication in REVOKED else now
    assert decisive.sub_indication is not None, "a verdict that is no pass says why"
    raise UnmetDuty(decisive.indication, decisive.sub_indication, f"{decisive.reason}; in the past: {then.reason}")


def _level(case: _Case) -> Level | None:
    """The baseline level (EN 319 142-1 clause 6); None: another kind of signature."""
    if case.signature.sig_object.get("/SubFilter") != PADES:
        return None
    if case.times.best is None:
        return Level.B_B
    if any(_suffices(case, proof.evidence) for proof in case.times.proofs):
        return Level.B_LTA
    return Level.B_LT if _suffices(case, case.file.stores.latest) else Level.B_T


def _suffices(case: _Case, evidence: Evidence) -> bool:
    """Whether evidence by itself says that the signer was good when he signed, whatever our own store holds."""
    if not evidence.crls and not evidence.ocsps:
        return False
    assert case.times.best is not None, "asked only where something is proven"
    look = replace(
        _today(case),
        trust=without_evidence(case.file.trust),
        moment=case.times.best,
        evidence=_with(case.others, evidence),
        past=True,
    )
    return by_genuine(_judge(case), look).indication is Indication.TOTAL_PASSED


def _today(case: _Case) -> Look:
    evidence = Evidence(certificates=case.others)
    return Look(trust=case.file.trust, moment=case.file.moment, evidence=evidence, past=False)


def _with(others: tuple[bytes, ...], evidence: Evidence) -> Evidence:
    """Evidence, with the certificates that stand in the CMS before its own."""
    more = tuple(der for der in evidence.certificates if der not in others)
    return Evidence(certificates=(*others, *more), crls=evidence.crls, ocsps=evidence.ocsps)


def _judge(case: _Case) -> Any:
    assert case.signer is not None, "duty 5 is vital"
    der = case.signer.dump()

    def judge(look: Look) -> CertificateVerdict:
        return judge_certificate(der, trust=look.trust, moment=look.moment, evidence=look.evidence, past=look.past)

    return judge


_DUTIES: Final = (
    Duty(number=3, name="pades.form", clause="EN 319 142-1 6.3", do=_check_form),
    Duty(number=4, name="pades.certificates", clause="RFC 5652 5.1", do=_check_certificates),
    Duty(number=5, name="pades.signer", clause="EN 319 102-1 5.2.3", do=_check_signer),
    Duty(number=6, name="pades.integrity", clause="EN 319 102-1 5.2.7", do=_check_integrity),
    Duty(number=7, name="pades.coverage", clause="ISO 32000-2 12.8.1", do=_check_coverage),
    Duty(number=8, name="pades.changes", clause="ISO 32000-2 12.8.2.2", do=_check_changes, vital=False),
    Duty(number=9, name="pades.timestamps", clause="EN 319 102-1 5.5.4", do=_check_times, vital=False),
    Duty(number=10, name="pades.algorithms", clause="EN 319 102-1 5.2.8", do=_check_algorithms, vital=False),
    Duty(number=11, name="pades.certificate_now", clause="EN 319 102-1 5.3", do=_check_now, vital=False),
    Duty(number=12, name="pades.certificate_then", clause="EN 319 102-1 5.6.3", do=_check_then, vital=False),
)
