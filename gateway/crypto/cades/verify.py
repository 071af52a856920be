"""Signatures over any file (CAdES, EN 319 122-1), judged; the file is seen only by its digests, so it may have any size.

The duties of `judge_detached`, numbered as below in the code; 5 to 13 are each signer's own:

1. It is one CMS SignedData in a ContentInfo, with nothing after it (RFC 5652 section 5.1).
2. One signer, or a few: each is judged by itself, and the worst decides for the file.
3. Few embedded certificates, counted before anything is built from them (signing.md 1.2 C).
4. What was signed is here: the file's digests, or content inside the CMS (then `covers` says so), or both, and equal.
5. The signed attributes are there and in DER, none of them twice (RFC 5652 sections 5.3, 5.4). Others: "cannot judge".
6. content-type is that of the content (EN 319 122-1 clause 5.1.1).
7. ESS signing-certificate-v2 names the signer's certificate, which came along and is the one of the SignerInfo
   (clause 5.2.2.3; identification of the signing certificate, EN 319 102-1 clause 5.2.3).
8. Digest and signature algorithm are known to us, and are those that the signer protected (RFC 6211).
9. message-digest is the content's digest (EN 319 122-1 clause 5.1.2).
10. The signature verifies over the attributes (EN 319 102-1 clause 5.2.7).
11. Timestamps upon the signature value are judged, and are few (EN 319 122-1 clause 5.3); a bad one proves nothing and harms
    nothing (EN 319 102-1 clause 5.5.4).
12. The algorithms are on the policy's list, now or at the time that 11 proved (clause 5.2.8).
13. The certificate passes now (clause 5.2.6), or at the time that is proven (`paths.past`).

Left out on purpose: counter-signatures and other unsigned attributes are not looked at, for nobody has signed them. The
caller still owes: whose certificate it must be.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from asn1crypto import cms, core, parser, x509

from gateway.core import limits
from gateway.core.ids import Digest
from gateway.core.magic import OTHER
from gateway.core.validation import (
    Check,
    Indication,
    Level,
    SignatureDetails,
    SubIndication,
    TimestampKind,
    TimestampSeen,
)
from gateway.core.verdict import FileVerdict, SignatureVerdict, worst
from gateway.crypto.cades.content import DIGESTS
from gateway.crypto.cades.signer_info import (
    SignedAttributes,
    check_algorithms,
    check_content_type,
    check_message_digest,
    check_signature,
    digest_algorithm,
    signed_attributes,
    signer_certificate,
)
from gateway.crypto.duty import Duty, LeftOpen, NothingToDo, UnmetDuty, undecided, walk
from gateway.crypto.edge import attempt
from gateway.crypto.paths.algorithms import check_use
from gateway.crypto.paths.certificates import CertificateVerdict
from gateway.crypto.paths.embedded import embedded_certificates
from gateway.crypto.paths.past import Look, judge_with_time
from gateway.crypto.paths.subject import certificate_digest, certificate_name
from gateway.crypto.paths.trust import Evidence, Trust
from gateway.crypto.timestamps.verify import TimestampJudge, earliest_proven, judge_timestamp, proven

_DATA: Final = "data"
INSIDE: Final = "content inside"
"""`SignatureVerdict.covers` of a signature that holds what it signs, judged without a file beside it."""
WHOLE: Final = "whole file"


@dataclass(slots=True, kw_only=True)
class _File:
    """One CMS on its way through the duties of the whole."""

    signature: bytes
    digests: Mapping[str, bytes] | None
    signers: tuple[cms.SignerInfo, ...] = ()
    certificates: tuple[x509.Certificate, ...] = ()
    inside: bytes | None = None
    signed_data: Any = None


@dataclass(slots=True, kw_only=True)
class _Case:
    """One signer on its way, and what is known of it so far."""

    file: _File
    signer: Any
    trust: Trust
    moment: datetime
    judge_timestamp: TimestampJudge
    attributes: SignedAttributes | None = None
    certificate: x509.Certificate | None = None
    algorithms: tuple[str, ...] = ()
    timestamps: tuple[TimestampSeen, ...] = ()
    proven: datetime | None = None
    level: Level | None = None
    verdict: CertificateVerdict | None = None

    @property
    def signed(self) -> SignedAttributes:
        """What duty 5 found."""
        assert self.attributes is not None, "duty 5 found the attributes"
        return self.attributes


def judge_detached(
    signature: bytes,
    *,
    digests: Mapping[str, bytes] | None,
    trust: Trust,
    moment: datetime,
    judge_timestamp: TimestampJudge = judge_timestamp,
) -> FileVerdict:
    """Judge the signatures of a .p7s or .p7m; pure and total: hostile bytes give a verdict, never an exception.

    `digests`: of the file that it is beside, by `digests_named` of this signature; None: there is no such file, and only
    content inside can be judged.
    """
    file = _File(signature=signature, digests=digests)
    whole = walk(_DUTIES_OF_FILE, file)
    if whole.unmet is not None:
        return FileVerdict(
            media_type=OTHER,
            indication=whole.unmet.indication,
            sub_indication=whole.unmet.sub_indication,
            signatures=(),
            reason=str(whole.unmet),
        )
    found = tuple(
        _judge_one(
            _Case(file=file, signer=signer, trust=trust, moment=moment, judge_timestamp=judge_timestamp), whole.checks
        )
        for signer in file.signers
    )
    decisive = worst(found)
    assert decisive is not None, "duty 2 found a signer"
    return FileVerdict(
        media_type=OTHER,
        indication=decisive.indication,
        sub_indication=decisive.sub_indication,
        signatures=found,
        reason=decisive.reason,
    )


def judge_detached_file(
    signature: Path,
    *,
    digests: Mapping[str, bytes] | None,
    trust: Trust,
    moment: datetime,
    judge_timestamp: TimestampJudge = judge_timestamp,
) -> FileVerdict:
    """`judge_detached` for a stored signature; a judge's task.

    Raises:
        OSError: it cannot be read.
    """
    return judge_detached(
        _read(signature), digests=digests, trust=trust, moment=moment, judge_timestamp=judge_timestamp
    )


def digests_named(signature: bytes) -> frozenset[str]:
    """By which algorithms the content must be hashed to judge these signatures; none of what is no CMS."""
    found = attempt(lambda: frozenset(map(digest_algorithm, _signers(_signed_data(signature)))))
    return found & DIGESTS if isinstance(found, frozenset) else frozenset()


def digests_named_by_file(signature: Path) -> frozenset[str]:
    """`digests_named` for a stored signature; a judge's task.

    Raises:
        OSError: it cannot be read.
    """
    return digests_named(_read(signature))


def _read(path: Path) -> bytes:
    """One byte more than duty 1 allows is enough to be refused."""
    with path.open("rb") as file:
        return file.read(limits.DETACHED_SIGNATURE_BYTES_MAX + 1)


# --- the whole ---------------------------------------------------------------------------------------------------------


def _check_form(file: _File) -> None:
    """Duty 1."""
    if len(file.signature) > limits.DETACHED_SIGNATURE_BYTES_MAX:
        raise undecided(SubIndication.FORMAT_FAILURE, "larger than a signature may be")
    file.signed_data = _signed_data(file.signature)


def _signed_data(signature: bytes) -> cms.SignedData:
    """The SignedData of a ContentInfo.

    Raises:
        ValueError: it is something else.
    """
    if parser.peek(signature) != len(signature):
        raise ValueError("bytes after the end of the CMS")
    info = cms.ContentInfo.load(signature)
    if info["content_type"].native != "signed_data":
        raise ValueError("no SignedData")
    return info["content"]


def _check_signers(file: _File) -> str:
    """Duty 2."""
    file.signers = _signers(file.signed_data)
    if not file.signers:
        raise undecided(SubIndication.FORMAT_FAILURE, "no SignerInfo")
    return f"{len(file.signers)}"


def _signers(signed_data: cms.SignedData) -> tuple[cms.SignerInfo, ...]:
    infos = signed_data["signer_infos"]
    if len(infos) > limits.DETACHED_SIGNERS_MAX:
        raise undecided(SubIndication.FORMAT_FAILURE, f"more than {limits.DETACHED_SIGNERS_MAX} SignerInfos")
    return tuple(infos)


def _check_certificates(file: _File) -> None:
    """Duty 3."""
    file.certificates = embedded_certificates(file.signed_data)


def _check_content(file: _File) -> str:
    """Duty 4."""
    encapsulated = file.signed_data["encap_content_info"]
    if encapsulated["content_type"].native != _DATA:
        raise undecided(SubIndication.FORMAT_FAILURE, "content of another type than data")
    if not isinstance(encapsulated["content"], core.Void):
        file.inside = bytes(encapsulated["content"])
    if file.inside is None and file.digests is None:
        raise undecided(SubIndication.SIGNED_DATA_NOT_FOUND, "a detached signature, and not the file that it signs")
    return INSIDE if file.digests is None else WHOLE


_DUTIES_OF_FILE: Final[Sequence[Duty[_File]]] = (
    Duty(number=1, name="cades.form", clause="RFC 5652 5.1", do=_check_form),
    Duty(number=2, name="cades.signers", clause="RFC 5652 5.3", do=_check_signers),
    Duty(number=3, name="cades.certificates", clause="RFC 5652 5.1", do=_check_certificates),
    Duty(number=4, name="cades.content", clause="EN 319 102-1 5.2.7", do=_check_content),
)


# --- one signer --------------------------------------------------------------------------------------------------------


def _judge_one(case: _Case, before: tuple[Check, ...]) -> SignatureVerdict:
    """Take one signer through its duties and say how far it came."""
    walked = walk(_DUTIES_OF_SIGNER, case)
    unmet = walked.unmet
    details = SignatureDetails(
        level=case.level,
        identity=case.verdict.identity if case.verdict else None,
        chain=case.verdict.chain if case.verdict else (),
        revocation=case.verdict.revocation if case.verdict else (),
        timestamps=case.timestamps,
        best_time=case.proven or case.moment,
        algorithms=case.algorithms,
        checks=before + walked.checks,
        policy=case.trust.policy.used,
    )
    certificate = case.certificate
    return SignatureVerdict(
        indication=Indication.TOTAL_PASSED if unmet is None else unmet.indication,
        sub_indication=None if unmet is None else unmet.sub_indication,
        reason=_passed(case) if unmet is None else str(unmet),
        certificate=None if certificate is None else Digest(certificate_digest(certificate.dump())),
        signer="" if certificate is None else certificate_name(certificate.dump()),
        claimed_time=None if case.attributes is None else case.attributes.claimed_time,
        covers=INSIDE if case.file.digests is None else WHOLE,
        details=details,
    )


def _passed(case: _Case) -> str:
    """Why it is trusted: a policy may let old evidence pass, and then that is said."""
    assert case.verdict is not None, "duty 13 judged the certificate"
    return case.verdict.reason


def _check_attributes(case: _Case) -> None:
    """Duty 5."""
    case.attributes = signed_attributes(case.signer)


def _check_type(case: _Case) -> None:
    """Duty 6."""
    check_content_type(case.signed, _DATA)


def _check_signer(case: _Case) -> None:
    """Duty 7; with it all is known that the baseline level B-B asks for (EN 319 122-1 clause 6.3)."""
    case.certificate = signer_certificate(
        case.signer, case.signed.one("signing_certificate_v2"), case.file.certificates
    )
    if case.signed.claimed_time is not None:
        case.level = Level.B_B


def _check_algorithms(case: _Case) -> str:
    """Duty 8; the key's strength is the certificate's business (duty 13)."""
    case.algorithms = check_algorithms(case.signer, case.signed)
    return ", ".join(case.algorithms)


def _check_digest(case: _Case) -> None:
    """Duty 9: of the content inside, and of the file beside, where there are both."""
    algorithm = digest_algorithm(case.signer)
    found = []
    if case.file.inside is not None:
        found.append(hashlib.new(algorithm, case.file.inside).digest())
    if case.file.digests is not None:
        if algorithm not in case.file.digests:
            raise undecided(SubIndication.SIGNED_DATA_NOT_FOUND, f"the file was not hashed by {algorithm}")
        found.append(case.file.digests[algorithm])
    check_message_digest(case.signed, *found)


def _check_signature(case: _Case) -> None:
    """Duty 10."""
    assert case.certificate is not None, "duty 7 found the signer"
    check_signature(case.signer, case.signed, case.certificate)


def _check_timestamps(case: _Case) -> str | LeftOpen | NothingToDo:
    """Duty 11: it decides what time is proven, and nothing else; what is wrong with a bad one is told."""
    case.timestamps = tuple(_judge_timestamps(case))
    case.proven = earliest_proven(case.timestamps, case.moment)
    if case.level is not None and case.proven is not None:
        case.level = Level.B_T
    if not case.timestamps:
        return NothingToDo("there is none")
    bad = "; ".join(f"{one.sub_indication}: {one.reason}" for one in case.timestamps if proven(one) is None)
    return LeftOpen(bad) if case.proven is None else bad


def _check_policy(case: _Case) -> None:
    """Duty 12."""
    check_use(case.trust.policy.algorithms, case.algorithms, case.proven or case.moment)


def _check_certificate(case: _Case) -> None:
    """Duty 13."""
    assert case.certificate is not None, "duty 7 found the signer"
    signer = case.certificate.dump()
    others = tuple(der for one in case.file.certificates if (der := one.dump()) != signer)
    look = Look(trust=case.trust, moment=case.moment, evidence=Evidence(certificates=others), past=False)
    case.verdict = verdict = judge_with_time(signer, look, proven=case.proven)
    if verdict.indication is not Indication.TOTAL_PASSED:
        assert verdict.sub_indication is not None, "a verdict that is no pass says why"
        raise UnmetDuty(verdict.indication, verdict.sub_indication, verdict.reason)


def _judge_timestamps(case: _Case) -> Iterator[TimestampSeen]:
    """Each token upon the signature value."""
    tokens = tuple(_tokens(case.signer))
    if len(tokens) > limits.SIGNATURE_TIMESTAMPS_MAX:
        raise undecided(SubIndication.FORMAT_FAILURE, f"more than {limits.SIGNATURE_TIMESTAMPS_MAX} timestamps")
    value: bytes = case.signer["signature"].native
    for token in tokens:
        seen = case.judge_timestamp(
            token,
            kind=TimestampKind.SIGNATURE,
            digest=lambda name: hashlib.new(name, value).digest(),
            trust=case.trust,
            moment=case.moment,
        )
        yield replace(seen, kind=TimestampKind.SIGNATURE)


def _tokens(signer: cms.SignerInfo) -> Iterator[bytes]:
    unsigned = signer["unsigned_attrs"]
    if isinstance(unsigned, core.Void):
        return
    for attribute in unsigned:
        if attribute["type"].native == "signature_time_stamp_token":
            yield from (value.dump() for value in attribute["values"])


_DUTIES_OF_SIGNER: Final[Sequence[Duty[_Case]]] = (
    Duty(number=5, name="cades.attributes", clause="RFC 5652 5.4", do=_check_attributes),
    Duty(number=6, name="cades.content_type", clause="EN 319 122-1 5.1.1", do=_check_type),
    Duty(number=7, name="cades.signing_certificate", clause="EN 319 122-1 5.2.2.3", do=_check_signer),
    Duty(number=8, name="cades.algorithms", clause="EN 319 102-1 5.2.8", do=_check_algorithms),
    Duty(number=9, name="cades.message_digest", clause="EN 319 122-1 5.1.2", do=_check_digest),
    Duty(number=10, name="cades.signature", clause="EN 319 102-1 5.2.7", do=_check_signature),
    Duty(number=11, name="cades.timestamps", clause="EN 319 122-1 5.3", do=_check_timestamps),
    Duty(number=12, name="cades.policy", clause="EN 319 102-1 5.2.8", do=_check_policy),
    Duty(number=13, name="cades.certificate", clause="EN 319 102-1 5.2.6", do=_check_certificate),
)
