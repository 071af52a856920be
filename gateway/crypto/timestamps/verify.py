"""A timestamp token, judged: by itself it says when, and only a good one says it truly (EN 319 102-1 clause 5.4).

Duties of `judge_timestamp`, numbered as in the code:

1. A SignedData with one SignerInfo around a TSTInfo, and the digest of what is stamped by a digest algorithm that the policy
   allows at the moment of judgement (RFC 3161 section 2.4.2).
2. The imprint is the digest of what was stamped (RFC 3161 section 2.4.2, messageImprint).
3. Few certificates came along; the authority's is there and named by its ESS signing-certificate (RFC 5816); the signature
   over the TSTInfo verifies, by an algorithm that the policy allows at that moment.
4. The time lies not in the future (genTime; EN 319 102-1 clause 5.4, with a tolerance for clocks).
5. The certificate passes `judge_certificate` for its role: its path ends at an anchor for authorities, its one purpose,
   marked critical, is to stamp times (RFC 3161 section 2.3). Judged at the moment of judgement, or, with `past`, at one that
   is proven.

Each is told as a `Check`; the first that is not met ends the judgement.

The caller still owes: that the time fits the order of what was signed (clause 5.5.4), and whether a token whose authority has
meanwhile ended is proven by a later one.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from asn1crypto import cms, tsp, x509
from pyhanko.sign.general import find_unique_cms_attribute
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation, validate_sig_integrity

from gateway.core import limits
from gateway.core.validation import Check, Indication, Outcome, SubIndication, TimestampKind, TimestampSeen
from gateway.crypto.duty import Duty, UnmetDuty, failed, undecided, walk
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.paths.algorithms import check_use
from gateway.crypto.paths.certificates import CertificateVerdict, judge_certificate
from gateway.crypto.paths.embedded import embedded_certificates
from gateway.crypto.paths.past import Look
from gateway.crypto.paths.subject import certificate_digest, common_name
from gateway.crypto.paths.trust import NO_EVIDENCE, Evidence, Role, Trust

FUTURE_TOLERANCE: Final = timedelta(seconds=60)
"""How far a genTime may lie ahead of our clock: authorities' clocks and ours differ a little (facts 2.2: 60 s in practice)."""


@dataclass(slots=True, kw_only=True)
class _Token:
    """A token on its way through the duties, and what is known of it so far."""

    der: bytes
    digest: Callable[[str], bytes]
    look: Look
    signed: Any = None
    """The SignedData that duty 1 found, and below its TSTInfo."""
    info: Any = None
    signer: x509.Certificate | None = None
    others: tuple[x509.Certificate, ...] = ()
    verdict: CertificateVerdict | None = None


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
    look = Look(trust=trust, moment=moment, evidence=evidence, past=past)
    case = _Token(der=token, digest=digest, look=look)
    walked = walk(_DUTIES, case)
    unmet, verdict = walked.unmet, case.verdict
    seen = TimestampSeen(
        kind=kind,
        indication=Indication.TOTAL_PASSED if unmet is None else unmet.indication,
        sub_indication=None if unmet is None else unmet.sub_indication,
        reason=_passed(case) if unmet is None else str(unmet),
        time=None,
        authority="",
        chain=verdict.chain if verdict else (),
        revocation=verdict.revocation if verdict else (),
        checks=walked.checks,
    )
    return seen if case.info is None else _told(case, seen)


def _passed(case: _Token) -> str:
    """Why it is trusted: a policy may let old evidence pass, and then that is said."""
    assert case.verdict is not None, "duty 5 judged the certificate"
    return case.verdict.reason


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


def _check_form(token: _Token) -> None:
    """Duty 1, by what can be said without looking at a certificate."""
    _read(token)
    check_use(token.look.trust.policy.algorithms, (_imprint_algorithm(token),), token.look.moment)


def _read(token: _Token) -> None:
    """Take it apart.

    Raises:
        ValueError: not a token; whatever asn1crypto throws at hostile bytes.
    """
    if len(token.der) > limits.TIMESTAMP_BYTES_MAX:
        raise ValueError("too large for a timestamp")
    content = cms.ContentInfo.load(token.der, strict=True)
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
    token.signed, token.info = signed, info


def _imprint_algorithm(token: _Token) -> str:
    name: str = token.info["message_imprint"]["hash_algorithm"]["algorithm"].native
    return name


def _check_imprint(token: _Token) -> None:
    """Duty 2."""
    if token.info["message_imprint"]["hashed_message"].native != token.digest(_imprint_algorithm(token)):
        raise failed(SubIndication.HASH_FAILURE, "a timestamp upon something else")


def _check_signed(token: _Token) -> None:
    """Duty 3."""
    _find_signer(token)
    _check_signature(token)


def _find_signer(token: _Token) -> None:
    """Who is said to have stamped."""
    embedded_certificates(token.signed)
    found = extract_certs_for_validation(token.signed)
    token.signer, token.others = found.signer_cert, tuple(found.other_certs)
    attributes = token.signed["signer_infos"][0]["signed_attrs"]
    if not any(_attribute(attributes, name) for name in ("signing_certificate_v2", "signing_certificate")):
        raise undecided(SubIndication.SIG_CONSTRAINTS_FAILURE, "no signing-certificate attribute")


def _attribute(attributes: cms.CMSAttributes, name: str) -> bool:
    return not isinstance(attempt(find_unique_cms_attribute, attributes, name), Trouble)


def _check_signature(token: _Token) -> None:
    signer_info = token.signed["signer_infos"][0]
    digest_name = signer_info["digest_algorithm"]["algorithm"].native
    mechanism = signer_info["signature_algorithm"].signature_algo
    check_use(token.look.trust.policy.algorithms, (digest_name, mechanism), token.look.moment)
    content = bytes(token.signed["encap_content_info"]["content"])
    actual = hashlib.new(digest_name, content).digest()
    intact, valid = validate_sig_integrity(signer_info, token.signer, "tst_info", actual)
    if not intact:
        raise failed(SubIndication.HASH_FAILURE, "the timestamp was changed")
    if not valid:
        raise failed(SubIndication.SIG_CRYPTO_FAILURE, "not signed by its authority")


def _check_time(token: _Token) -> None:
    """Duty 4."""
    time = token.info["gen_time"].native
    if time > token.look.moment + FUTURE_TOLERANCE:
        raise undecided(SubIndication.TIMESTAMP_ORDER_FAILURE, "a timestamp from the future")


def _check_authority(token: _Token) -> None:
    """Duty 5."""
    assert token.signer is not None, "duty 3 found it"
    look = token.look
    certificates = (*look.evidence.certificates, *(other.dump() for other in token.others))
    token.verdict = verdict = judge_certificate(
        token.signer.dump(),
        trust=look.trust,
        moment=look.moment,
        role=Role.TIMESTAMP,
        evidence=replace(look.evidence, certificates=certificates),
        past=look.past,
    )
    if verdict.indication is not Indication.TOTAL_PASSED:
        assert verdict.sub_indication is not None, "a verdict that is no pass says why"
        raise UnmetDuty(verdict.indication, verdict.sub_indication, verdict.reason)


_DUTIES: Final[Sequence[Duty[_Token]]] = (
    Duty(number=1, name="timestamp.form", clause="RFC 3161 2.4.2", do=_check_form),
    Duty(number=2, name="timestamp.imprint", clause="EN 319 102-1 5.4", do=_check_imprint),
    Duty(number=3, name="timestamp.signature", clause="RFC 5816 2.2", do=_check_signed),
    Duty(number=4, name="timestamp.time", clause="EN 319 102-1 5.4", do=_check_time),
    Duty(number=5, name="timestamp.authority", clause="RFC 3161 2.3", do=_check_authority),
)


# --- not judged, or judged otherwise by whoever looked at more than the token ------------------------------------------


def not_judged(kind: TimestampKind, fault: UnmetDuty, *, duty: int = 1) -> TimestampSeen:
    """A timestamp that ended at a duty before its token was walked through: nothing else was looked at."""
    outcome = Outcome.FAILED if fault.indication is Indication.TOTAL_FAILED else Outcome.UNDECIDED
    checks = (
        Check(duty=one.number, name=one.name, clause=one.clause, outcome=outcome, detail=str(fault))
        if one.number == duty
        else Check(duty=one.number, name=one.name, clause=one.clause, outcome=Outcome.NOT_MADE)
        for one in _DUTIES
    )
    return TimestampSeen(
        kind=kind,
        indication=fault.indication,
        sub_indication=fault.sub_indication,
        reason=str(fault),
        time=None,
        authority="",
        checks=tuple(checks),
    )


def with_authority_refused(seen: TimestampSeen) -> TimestampSeen:
    """The checks of one that met all five duties, and of which the past, or its authority's beginning, said otherwise."""
    if seen.indication is Indication.TOTAL_PASSED or any(one.outcome is not Outcome.MET for one in seen.checks):
        return seen
    refused = tuple(replace(one, outcome=Outcome.UNDECIDED, detail=seen.reason) for one in seen.checks[-1:])
    return replace(seen, checks=(*seen.checks[:-1], *refused))


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
