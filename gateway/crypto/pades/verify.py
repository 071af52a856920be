"""PDF signatures (PAdES, ISO 32000-2 clause 12.8): judged, and never believed by a single yes.

The duties of `judge_pdf`, numbered as below in the code; each signature takes 3 to 10 by itself:

1. Readers would open the file as a PDF (`media_type`); anything else carries no signature we know.
2. It begins with its header and a strict reader reads it; encrypted, hybrid and damaged files are "cannot judge", not
   "forged". Few signatures.
3. SubFilter ETSI.CAdES.detached, or the older adbe.pkcs7.detached.
4. Few embedded certificates, counted before anything is built from them (signing.md 1.2 C).
5. One SignerInfo, no content inside the CMS, ESS signing-certificate-v2 naming the signer's certificate (EN 319 122-1
   clause 5.2.2.3), a digest algorithm that still holds.
6. The digest over the byte range is the signed one, and the signature over the attributes verifies.
7. The byte range covers the whole file, or a whole revision of it, and nothing hides in the gap or after the end.
8. What came after the signed revision is allowed: after the last signature only validation data and archive
   timestamps; between signatures only the next signature. The policy is stricter than pyHanko's (signing.md 1.2 F).
9. The signature's algorithm is on our list.
10. The certificate passes `judge_certificate` now: basic validation of EN 319 102-1 clause 5.3.

Left out on purpose: timestamps are not believed yet, so a signature is only as good as its certificate is today. That is
never too kind (signing.md 1.2 A was, by believing them too much). The caller still owes: whose certificate it must be.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import islice
from typing import Any, Final

from asn1crypto import cms, core, parser, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESFailure
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DiffResult,
    DocInfoRule,
    DSSCompareRule,
    FormUpdatingRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    XrefStreamRule,
)
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.general import find_unique_cms_attribute
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation, validate_sig_integrity
from pyhanko.sign.validation.status import SignatureCoverageLevel

from gateway.core import limits
from gateway.core.ids import Digest
from gateway.core.magic import OTHER, PDF_HEADER, ZIP, is_pdf, is_zip
from gateway.core.model import PDF
from gateway.core.validation import Indication, SubIndication
from gateway.core.verdict import FileVerdict, SignatureVerdict, worst
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.pades.hex import read_hex_in_pieces
from gateway.crypto.pades.new_fields import NoEmptyFieldsRule
from gateway.crypto.paths.certificates import Trust, certificate_digest, common_name, judge_certificate, too_many

_PADES: Final = "/ETSI.CAdES.detached"
_PKCS7: Final = "/adbe.pkcs7.detached"
_DIGESTS: Final = frozenset({"sha256", "sha384", "sha512"})
_MECHANISMS: Final = frozenset({"rsassa_pkcs1v15", "rsassa_pss", "ecdsa"})
_CLAIMED_KINDS: Final = frozenset({"/Sig", "/DocTimeStamp"})

_UPDATES: Final = ModificationLevel.LTA_UPDATES
_STRICT: Final = StandardDiffPolicy(
    global_rules=[
        CatalogModificationRule(),
        DocInfoRule().as_qualified(_UPDATES),
        ObjectStreamRule().as_qualified(_UPDATES),
        XrefStreamRule().as_qualified(_UPDATES),
        DSSCompareRule().as_qualified(_UPDATES),
        MetadataUpdateRule().as_qualified(_UPDATES),
    ],
    # pyHanko's own policy also lets the values of ordinary form fields change, and empty fields appear: ways to show another
    # text.
    form_rule=FormUpdatingRule(
        field_rules=[
            NoEmptyFieldsRule(),
            SigFieldCreationRule(),
            SigFieldModificationRule(),
        ]
    ),
)


class _Verdict(Exception):  # noqa: N818 - not an error: the way a judgement ends early
    """A duty was not met: the judgement of this signature ends here."""

    def __init__(self, indication: Indication, sub_indication: SubIndication, reason: str) -> None:
        super().__init__(reason)
        self.indication = indication
        self.sub_indication = sub_indication


@dataclass(slots=True, kw_only=True)
class _Case:
    """One signature on its way through the duties, and what is known of it so far."""

    data: bytes
    signature: Any
    """pyHanko's `EmbeddedPdfSignature`, whose annotations are not those of what it holds."""
    last: bool
    """No other signature (archive timestamps aside) comes after this one."""
    signer: x509.Certificate | None = None
    others: tuple[x509.Certificate, ...] = ()


def media_type(data: bytes) -> str:
    """What a file is by its first `core.magic.MAGIC_BYTES`: ZIP, PDF, or anything.

    A PDF begins with its header (ISO 32000-2 clause 7.5.2), but what readers open with something before it is one too: as a
    file "of another kind" it would be carried unsealed. A ZIP may hold a PDF that is not compressed: it stays a ZIP.
    """
    if is_zip(data):
        return ZIP
    return PDF if is_pdf(data) else OTHER


def judge_pdf(data: bytes, *, trust: Trust, moment: datetime) -> FileVerdict:
    """Judge a file that may be a PDF; pure and total: hostile bytes give a verdict, never an exception."""
    kind = media_type(data)
    if kind != PDF:  # duty 1
        return _file_verdict(kind, None, None, "not a PDF: no signature that can be judged")
    found = attempt(lambda: tuple(_judge_all(data, trust, moment)))
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


def _judge_all(data: bytes, trust: Trust, moment: datetime) -> Iterator[SignatureVerdict]:
    """Duty 2, then one verdict per signature, in the order of the revisions."""
    if not data.startswith(PDF_HEADER):  # readers differ over where such a file begins, and so over what it shows
        raise ValueError("bytes before the header: cannot judge")
    read_hex_in_pieces()
    reader = PdfFileReader(BytesIO(data), strict=True)
    if reader.encrypted:
        raise ValueError("encrypted: cannot judge")
    fields = list(islice(enumerate_sig_fields(reader, filled_status=True), limits.PDF_SIGNATURES_MAX + 1))
    if len(fields) > limits.PDF_SIGNATURES_MAX:
        raise ValueError(f"more than {limits.PDF_SIGNATURES_MAX} signatures: cannot judge")
    embedded: Sequence[Any] = reader.embedded_signatures
    if len(embedded) != len(fields):  # pyHanko leaves out those whose SubFilter it does not know
        raise ValueError("a signature of an unknown kind: cannot judge")
    if any(str(signature.sig_object_type) not in _CLAIMED_KINDS for signature in embedded):
        raise ValueError("a signature that is neither signature nor timestamp: cannot judge")
    signatures = [signature for signature in embedded if signature.sig_object_type == "/Sig"]
    for signature in signatures:
        yield _judge_one(_Case(data=data, signature=signature, last=signature is signatures[-1]), trust, moment)


def _judge_one(case: _Case, trust: Trust, moment: datetime) -> SignatureVerdict:
    """Run one signature through its duties and say how far it came."""
    indication, sub_indication, reason = Indication.INDETERMINATE, SubIndication.FORMAT_FAILURE, ""
    outcome = attempt(_duties, case, trust, moment)
    if isinstance(outcome, Trouble):
        reason = outcome.reason
    elif isinstance(outcome, _Verdict):
        indication, sub_indication, reason = outcome.indication, outcome.sub_indication, str(outcome)
    passed = outcome is None
    claimed = attempt(lambda: case.signature.self_reported_timestamp)
    return SignatureVerdict(
        indication=Indication.TOTAL_PASSED if passed else indication,
        sub_indication=None if passed else sub_indication,
        reason="trusted" if passed else reason,
        certificate=None if case.signer is None else _digest(case.signer),
        signer="" if case.signer is None else common_name(case.signer),
        claimed_time=claimed if isinstance(claimed, datetime) and claimed.tzinfo else None,
        covers="whole file" if case.signature.coverage == SignatureCoverageLevel.ENTIRE_FILE else "revision",
    )


def _digest(certificate: x509.Certificate) -> Digest:
    return certificate_digest(certificate.dump())


def _duties(case: _Case, trust: Trust, moment: datetime) -> _Verdict | None:
    """Duties 3 to 10; None when all are met."""
    try:
        _check_form(case)
        _check_certificates(case)
        _check_integrity(case)
        _check_coverage(case)
        _check_changes(case)
        _check_algorithm(case)
        _check_trust(case, trust, moment)
    except _Verdict as verdict:
        return verdict
    except SignatureValidationError as error:
        return _library_verdict(error)
    return None


def _library_verdict(error: SignatureValidationError) -> _Verdict:
    """What pyHanko concluded, in our words: its failures are failures, everything else is undecided."""
    found = error.ades_subindication
    indication = Indication.TOTAL_FAILED if isinstance(found, AdESFailure) else Indication.INDETERMINATE
    known = {member.name: member for member in SubIndication}
    sub_indication = known.get(found.standard_name, SubIndication.SIG_CONSTRAINTS_FAILURE)
    return _Verdict(indication, sub_indication, error.failure_message)


def _undecided(sub_indication: SubIndication, reason: str) -> _Verdict:
    return _Verdict(Indication.INDETERMINATE, sub_indication, reason)


def _failed(sub_indication: SubIndication, reason: str) -> _Verdict:
    return _Verdict(Indication.TOTAL_FAILED, sub_indication, reason)


def _check_form(case: _Case) -> None:
    """Duty 3, and of duty 5 what can be said before certificates are looked at."""
    if case.signature.sig_object.get("/SubFilter") not in {_PADES, _PKCS7}:
        raise _undecided(SubIndication.FORMAT_FAILURE, "unknown SubFilter")
    signed_data: cms.SignedData = case.signature.signed_data
    if len(signed_data["signer_infos"]) != 1:
        raise _undecided(SubIndication.FORMAT_FAILURE, "not exactly one SignerInfo")
    if signed_data["encap_content_info"]["content"] is not core.VOID and signed_data["encap_content_info"]["content"]:
        raise _undecided(SubIndication.FORMAT_FAILURE, "content inside a detached signature")
    if case.signature.md_algorithm not in _DIGESTS:
        raise _undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"digest {case.signature.md_algorithm}")


def _check_certificates(case: _Case) -> None:
    """Duty 4, then 5: who is said to have signed."""
    choices = case.signature.signed_data["certificates"]
    if len(choices) > limits.EMBEDDED_CERTIFICATES_MAX or too_many(
        [choice.chosen for choice in choices if choice.name == "certificate"]
    ):
        raise _undecided(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, "too many embedded certificates")
    found = extract_certs_for_validation(case.signature.signed_data)
    case.signer, case.others = found.signer_cert, tuple(found.other_certs)
    if case.signature.sig_object["/SubFilter"] == _PADES:
        try:
            find_unique_cms_attribute(case.signature.signer_info["signed_attrs"], "signing_certificate_v2")
        except (KeyError, ValueError):
            raise _undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, "no signing-certificate-v2 attribute") from None


def _check_integrity(case: _Case) -> None:
    """Duty 6."""
    signature = case.signature
    digest = signature.compute_digest()
    intact, valid = validate_sig_integrity(signature.signer_info, case.signer, "data", digest)
    if not intact:
        raise _failed(SubIndication.HASH_FAILURE, "the file was changed after it was signed")
    if not valid:
        raise _failed(SubIndication.SIG_CRYPTO_FAILURE, "the signature does not verify with the signer's key")


def _check_coverage(case: _Case) -> None:
    """Duty 7: the gap in the byte range holds this signature's Contents in hex, zero padding, and nothing else."""
    signature = case.signature
    first, length, second, rest = (int(number) for number in signature.byte_range)
    gap = case.data[length:second]
    contents: bytes = signature.pkcs7_content
    end = parser.peek(contents)
    if first != 0 or gap.lower() != b"<" + contents.hex().encode() + b">" or contents[end:].strip(b"\0"):
        raise _failed(SubIndication.FORMAT_FAILURE, "the byte range leaves out more than the signature itself")
    signature.coverage = signature.evaluate_signature_coverage()
    if signature.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        raise _failed(SubIndication.FORMAT_FAILURE, "the byte range does not cover a whole revision")
    latest = signature.signed_revision == signature.reader.xrefs.total_revisions - 1
    if (latest and case.data[second + rest :].strip()) or not case.data.rstrip().endswith(b"%%EOF"):
        raise _undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, "bytes after the end that belong to no revision")


def _check_changes(case: _Case) -> None:
    """Duty 8."""
    signature = case.signature
    signature.compute_integrity_info(diff_policy=_STRICT)
    result = signature.diff_result
    if not isinstance(result, DiffResult) or not signature.summarise_integrity_info()["docmdp_ok"]:
        raise _undecided(
            SubIndication.SIG_CONSTRAINTS_FAILURE, f"changed after this signature: {result or 'beyond what it allows'}"
        )
    allowed = ModificationLevel.LTA_UPDATES if case.last else ModificationLevel.FORM_FILLING
    if result.modification_level > allowed:
        raise _undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, "changed after the last signature")


def _check_algorithm(case: _Case) -> None:
    """Duty 9; the key's strength is the certificate's business (duty 10)."""
    algorithm = case.signature.signer_info["signature_algorithm"]
    if algorithm.signature_algo not in _MECHANISMS:
        raise _undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"algorithm {algorithm.signature_algo}")
    # A bare "rsaEncryption" names no digest: the SignerInfo's own, checked in duty 5, is used (RFC 3370 section 3.2).
    named = attempt(lambda: algorithm.hash_algo)
    if isinstance(named, str) and named not in _DIGESTS:
        raise _undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"digest {named} in the signature")


def _check_trust(case: _Case, trust: Trust, moment: datetime) -> None:
    """Duty 10."""
    assert case.signer is not None, "duty 5 found the signer"
    verdict = judge_certificate(
        case.signer.dump(), trust=trust, moment=moment, chain=tuple(other.dump() for other in case.others)
    )
    if verdict.indication is not Indication.TOTAL_PASSED:
        assert verdict.sub_indication is not None, "a verdict that is no pass says why"
        raise _Verdict(verdict.indication, verdict.sub_indication, verdict.reason)
