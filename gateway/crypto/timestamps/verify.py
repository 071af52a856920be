"""A timestamp token, judged: by itself it says when, and only a good one says it truly (EN 319 102-1 clause 5.4).

Duties of `judge_timestamp`, numbered as in the code:

1. A SignedData with one SignerInfo around a TSTInfo, few certificates, and the digest of what is stamped by a digest
   algorithm that the policy allows at the moment of judgement (RFC 3161 section 2.4.2).
2. The imprint is the digest of what was stamped (RFC 3161 section 2.4.2, messageImprint).
3. The authority's certificate is there and named by its ESS signing-certificate (RFC 5816); the signature over the TSTInfo
   verifies, by an algorithm that the policy allows at that moment.
4. The time lies not in the future (genTime; EN 319 102-1 clause 5.4, with a tolerance for clocks).
5. The certificate passes `judge_certificate` for its role: its path ends at an anchor for authorities, its one purpose,
   marked critical, is to stamp times (RFC 3161 section 2.3). Judged at the moment of judgement, or, with `past`, at one that
   is proven.

The caller still owes: that the time fits the order of what was signed (clause 5.5.4), and whether a token whose authority has
meanwhile ended is proven by a later one.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from asn1crypto import cms, tsp, x509
from pyhanko.sign.general import find_unique_cms_attribute
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation, validate_sig_integrity

from gateway.core import limits
from gateway.core.validation import Indication, SubIndication, TimestampKind, TimestampSeen
from gateway.crypto.duty import UnmetDuty, failed, of_library, undecided
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.paths.algorithms import check_use
from gateway.crypto.paths.certificates import judge_certificate
from gateway.crypto.paths.embedded import embedded_certificates
from gateway.crypto.paths.subject import certificate_digest, common_name
from gateway.crypto.paths.trust import NO_EVIDENCE, Evidence, Role, Trust

FUTURE_TOLERANCE: Final = timedelta(seconds=60)
"""How far a genTime may lie ahead of our clock: authorities' clocks and ours differ a little (facts 2.2: 60 s in practice)."""


@dataclass(slots=True, kw_only=True)
class _Token:
    """A token on its way through the duties, and what is known of it so far."""

    signed: cms.SignedData
    info: tsp.TSTInfo
    signer: x509.Certificate | None = None
    others: tuple[x509.Certificate, ...] = ()


class TimestampJudge(Protocol):
    """`judge_timestamp`, or what stands for it in a test. Never raises."""

    def __call__(
        self, token: bytes, *, kind: TimestampKind, digest: Callable[[str], bytes], trust: Trust, moment: datetime
    ) -> TimestampSeen:
        """What the token is worth; `digest("sha256")`: the digest of what has to be stamped."""
        ...


def judge_timestamp(  # noqa: PLR0913 - as many parts as the question has; each caller names those it has
    token: bytes,
    *,
    kind: TimestampKind,
    digest: Callable[[str], bytes],
    trust: Trust,
    moment: datetime,
    evidence: Evidence = NO_EVIDENCE,
    past: bool = False,
) -> TimestampSeen:
    """Judge a token (DER of its ContentInfo); `digest`: of what is stamped, by the name of the algorithm (`sha256`).

    Pure and total: hostile bytes give a verdict, never an exception.
    """
    read = attempt(_read, token)
    if isinstance(read, Trouble):
        return _seen(kind, Indication.INDETERMINATE, SubIndication.FORMAT_FAILURE, read.reason)
    fault = attempt(_duties, read, digest, trust, moment)
    if isinstance(fault, Trouble):
        return _told(read, _seen(kind, Indication.INDETERMINATE, SubIndication.FORMAT_FAILURE, fault.reason))
    if fault is not None:
        return _told(read, _seen(kind, fault.indication, fault.sub_indication, str(fault)))
    assert read.signer is not None, "duty 3 found it"
    came_along = replace(evidence, certificates=(*evidence.certificates, *(other.dump() for other in read.others)))
    verdict = judge_certificate(  # duty 5
        read.signer.dump(), trust=trust, moment=moment, role=Role.TIMESTAMP, evidence=came_along, past=past
    )
    return _told(
        read,
        replace(
            _seen(kind, verdict.indication, verdict.sub_indication, verdict.reason),
            chain=verdict.chain,
            revocation=verdict.revocation,
        ),
    )


def _seen(kind: TimestampKind, indication: Indication, sub: SubIndication | None, reason: str) -> TimestampSeen:
    return TimestampSeen(kind=kind, indication=indication, sub_indication=sub, reason=reason, time=None, authority="")


def _told(token: _Token, seen: TimestampSeen) -> TimestampSeen:
    """With what the token says of itself, as far as it can be read."""
    time = attempt(lambda: token.info["gen_time"].native)
    policy = attempt(lambda: token.info["policy"].dotted)
    name = attempt(common_name, token.signer) if token.signer else ""
    return replace(
        seen,
        time=time.astimezone(UTC) if isinstance(time, datetime) and time.tzinfo else None,
        policy=policy if isinstance(policy, str) else "",
        authority=name if isinstance(name, str) else "",
        certificate=certificate_digest(token.signer.dump()) if token.signer else None,
    )


def _read(token: bytes) -> _Token:
    """Duty 1, what can be said without looking at a certificate.

    Raises:
        ValueError: not a token; whatever asn1crypto throws at hostile bytes.
    """
    if len(token) > limits.TIMESTAMP_BYTES_MAX:
        raise ValueError("too large for a timestamp")
    content = cms.ContentInfo.load(token, strict=True)
    if content["content_type"].native != "signed_data":
        raise ValueError("no signed data")
    signed: cms.SignedData = content["content"]
    if len(signed["signer_infos"]) != 1:
        raise ValueError("not exactly one SignerInfo")
    if signed["encap_content_info"]["content_type"].native != "tst_info":
        raise ValueError("no TSTInfo inside")
    info = signed["encap_content_info"]["content"].parsed
    if not isinstance(info, tsp.TSTInfo):
        raise TypeError("no TSTInfo inside")
    return _Token(signed=signed, info=info)


def _duties(token: _Token, digest: Callable[[str], bytes], trust: Trust, moment: datetime) -> UnmetDuty | None:
    """Duties 1 to 4; None when all are met."""
    try:
        _check_imprint(token, digest, trust, moment)
        _check_certificates(token)
        _check_signature(token, trust, moment)
        _check_time(token, moment)
    except UnmetDuty as unmet:
        return unmet
    except SignatureValidationError as error:
        return of_library(error)
    return None


def _check_imprint(token: _Token, digest: Callable[[str], bytes], trust: Trust, moment: datetime) -> None:
    """Duties 1 and 2."""
    imprint = token.info["message_imprint"]
    algorithm = imprint["hash_algorithm"]["algorithm"].native
    check_use(trust.policy.algorithms, (algorithm,), moment)
    if imprint["hashed_message"].native != digest(algorithm):
        raise failed(SubIndication.HASH_FAILURE, "a timestamp upon something else")


def _check_certificates(token: _Token) -> None:
    """Duties 1 and 3: who is said to have stamped."""
    embedded_certificates(token.signed)
    found = extract_certs_for_validation(token.signed)
    token.signer, token.others = found.signer_cert, tuple(found.other_certs)
    attributes = token.signed["signer_infos"][0]["signed_attrs"]
    if not any(_attribute(attributes, name) for name in ("signing_certificate_v2", "signing_certificate")):
        raise undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, "no signing-certificate attribute")


def _attribute(attributes: cms.CMSAttributes, name: str) -> bool:
    return not isinstance(attempt(find_unique_cms_attribute, attributes, name), Trouble)


def _check_signature(token: _Token, trust: Trust, moment: datetime) -> None:
    """Duty 3."""
    signer_info = token.signed["signer_infos"][0]
    digest_name = signer_info["digest_algorithm"]["algorithm"].native
    mechanism = signer_info["signature_algorithm"].signature_algo
    check_use(trust.policy.algorithms, (digest_name, mechanism), moment)
    content = bytes(token.signed["encap_content_info"]["content"])
    actual = hashlib.new(digest_name, content).digest()
    intact, valid = validate_sig_integrity(signer_info, token.signer, "tst_info", actual)
    if not intact:
        raise failed(SubIndication.HASH_FAILURE, "the timestamp was changed")
    if not valid:
        raise failed(SubIndication.SIG_CRYPTO_FAILURE, "not signed by its authority")


def _check_time(token: _Token, moment: datetime) -> None:
    """Duty 4."""
    time = token.info["gen_time"].native
    if time > moment + FUTURE_TOLERANCE:
        raise undecided(SubIndication.TIMESTAMP_ORDER_FAILURE, "a timestamp from the future")


# --- what it proves ----------------------------------------------------------------------------------------------------


def proven(seen: TimestampSeen) -> datetime | None:
    """The time of a good timestamp."""
    return seen.time if seen.indication is Indication.TOTAL_PASSED else None


def earliest_proven(timestamps: Iterable[TimestampSeen], moment: datetime) -> datetime | None:
    """The earliest time that a good timestamp proves: never later than the moment of judgement, at which it was there.

    One a little ahead of our clock was stamped by a clock that differs a little from ours.
    """
    times = [time for seen in timestamps if (time := proven(seen)) is not None and time <= moment + FUTURE_TOLERANCE]
    return min((*times, moment)) if times else None
