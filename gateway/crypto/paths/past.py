"""Certificates at a moment that is over: what may be concluded from what is proven to have existed (EN 319 102-1 clause 5.6.2).

A certificate that has ended or was revoked can still have been good when it signed. Who looks back depends on evidence, and
evidence that somebody brings along today about yesterday proves nothing: an authority forgets what has expired, and a list can
be chosen. So every piece of evidence counts from the time on at which it is proven to exist (`Proof`): now, for what came along
and for what our own store holds; earlier, where a timestamp covers it.

The duties of `in_the_past`, numbered as in the code:

1. The path is good at the moment that is asked about, and each of its certificates had begun and not ended then (RFC 5280
   section 6 with clause 5.6.2.1; signing.md 1.2 A is the false accept that comes of leaving this out).
2. Of a certificate that has ended since, only evidence proven to exist before it ended counts (clause 5.6.2.2): what is proven
   later, our store's own lists included, says nothing of it any more.
3. What our store says was revoked by that moment was revoked, whatever came along.
4. A list that came along counts only when an authority of the path has signed it. `revocation` verifies the signer of every
   list, too; this is asked once more, and of another library, because pyhanko-certvalidator 0.33 takes a forged list where a
   file brings two certificates of one authority: while it looks into the one, it notes the other as the list's issuer without
   having verified the signature (`_find_crl_issuer`, "skip path validation step if we're recursing"). It stays because it is
   narrower, too: a list that somebody else signs for the authority (an indirect one), and that `revocation` takes, counts from
   our store only.

Judged the same way, `at_present` is today: our store first, and only where it does not know, what came along.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeVar

from asn1crypto import core, ocsp, x509
from cryptography.x509 import load_der_x509_certificate, load_der_x509_crl

from gateway.core import limits
from gateway.core.validation import CertificateSeen, Indication, SubIndication, TimestampSeen
from gateway.crypto.edge import attempt
from gateway.crypto.paths.best_time import REVOKED, begun, graced
from gateway.crypto.paths.certificates import CertificateVerdict, judge_certificate
from gateway.crypto.paths.revocation_list import ListOutline, own_outlines
from gateway.crypto.paths.subject import certificate_digest
from gateway.crypto.paths.trust import Evidence, Trust
from gateway.crypto.processes.shared import SHARED_MAX

T = TypeVar("T", CertificateVerdict, TimestampSeen)

OPEN: Final = frozenset(
    {
        SubIndication.REVOKED_NO_POE,
        SubIndication.REVOKED_CA_NO_POE,
        SubIndication.OUT_OF_BOUNDS_NO_POE,
        SubIndication.OUT_OF_BOUNDS_NOT_REVOKED,
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
        SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE,
        SubIndication.TRY_LATER,
        SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
    }
)
"""What a look into the past can still answer (clause 5.6.3); the last, because an authority above may have ended."""
_UNKNOWN: Final = frozenset(
    {
        SubIndication.TRY_LATER,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE,
    }
)
_RESPONSES_MAX: Final = 64
"""OCSP responses of which it is kept whom they speak of: those of one `Trust`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Evidence, and from when on it is proven to exist."""

    time: datetime
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the judge of a certificate, or of a token, is to look at it once more."""

    trust: Trust
    moment: datetime
    evidence: Evidence
    past: bool
    inside: tuple[bytes, ...] = ()
    """Certificates that stand in the token itself: the judge finds them by himself."""


Judge = Callable[[Look], T]


def at_present(judge: Judge[T], look: Look, *, embedded: Evidence) -> T:
    """Judge now: by our store and what the `look` has, and where that does not know, by all that came along."""
    first = judge(look)
    if first.sub_indication not in _UNKNOWN or embedded == look.evidence:
        return first
    second = by_genuine(judge, replace(look, evidence=embedded))
    second = _not_overruled(second, look.trust, look.moment)
    # What strangers brought along may answer, or say that it was revoked; it never makes another failure of one.
    return second if _passed(second) or second.sub_indication in REVOKED else first


def in_the_past(judge: Judge[T], look: Look, *, proofs: Sequence[Proof], at: datetime | None = None) -> T:
    """Judge at a moment that is over and proven, by one proof after the other until one does; `at` None: at the proof's own.

    `look` is today's. Without a pass it is the first answer, which had the least to go by, unless one says revoked.
    """
    found = [_by(judge, look, proof, at or proof.time) for proof in proofs[:1]]
    for proof in proofs[1:]:
        if _passed(found[-1]):
            break
        found.append(_by(judge, look, proof, at or proof.time))
    return found[-1] if _passed(found[-1]) else next((one for one in found if one.sub_indication in REVOKED), found[0])


def judge_with_time(der: bytes, look: Look, *, proven: datetime | None) -> CertificateVerdict:
    """A signer's certificate where a timestamp upon the signature is all that proves when it was made (level B-T, clause 5.5).

    What was revoked since then was good then. A certificate that has ended since is not healed by it: nothing proves that the
    evidence about it is as old (duty 2); that is what levels LT and LTA are for. One that began only after the signature is
    proven to exist has not made it, and evidence may have to be younger than the signature (`best_time`).
    """

    def judge(one: Look) -> CertificateVerdict:
        return judge_certificate(der, trust=one.trust, moment=one.moment, evidence=one.evidence, past=one.past)

    now = judge(look)
    if proven is None:
        return now
    now = begun(now, begins=x509.Certificate.load(der).not_valid_before, best=proven)
    if now.sub_indication in OPEN:
        then = in_the_past(judge, look, proofs=(Proof(time=look.moment, evidence=look.evidence),), at=proven)
        now = then if _passed(then) else now
    return graced(now, freshness=look.trust.policy.freshness, best=proven)


def by_genuine(judge: Judge[T], look: Look) -> T:
    """Duty 4: what is found by those lists alone that an authority of the path has signed."""
    found = judge(look)
    if not _passed(found) or not look.evidence.crls:
        return found
    issuers = _authorities(found.chain, look)
    genuine = tuple(der for der in look.evidence.crls if any(_signed(der, issuer) for issuer in issuers))
    if genuine == look.evidence.crls:
        return found
    return judge(replace(look, evidence=replace(look.evidence, crls=genuine)))


def _authorities(chain: Iterable[CertificateSeen], look: Look) -> tuple[bytes, ...]:
    """The certificates of a path, as far as they stand in our store or came along."""
    digests, trust = {one.digest for one in chain}, look.trust
    ours = (*trust.anchors, *trust.people, *trust.authorities, *trust.intermediates)
    known = {*ours, *look.evidence.certificates, *look.inside}
    return tuple(der for der in known if certificate_digest(der) in digests)


def _signed(listed: bytes, issuer: bytes) -> bool:
    """Whether a list verifies with the key of a certificate."""
    key = attempt(lambda: load_der_x509_certificate(issuer).public_key())
    return attempt(lambda: load_der_x509_crl(listed).is_signature_valid(key)) is True  # type: ignore[arg-type]  # else it fails


def _by(judge: Judge[T], look: Look, proof: Proof, at: datetime) -> T:
    trust, moment = look.trust, look.moment
    found = by_genuine(judge, replace(look, moment=at, evidence=proof.evidence, past=True))
    if not _passed(found):
        return found
    below = _below_anchor(found.chain)
    if not all(one.not_before <= at <= one.not_after for one in below):  # duty 1
        return _refused(found, SubIndication.OUT_OF_BOUNDS_NO_POE, "a certificate of the path was not valid then")
    ended = tuple(one for one in below if one.not_after < moment)
    if any(one.not_after < proof.time for one in ended):  # duty 2
        return _refused(
            found, SubIndication.NO_POE, "no evidence is proven to have existed before the certificate ended"
        )
    if ended:
        bare = _without(trust, ended)
        found = by_genuine(judge, replace(look, trust=bare, moment=at, evidence=proof.evidence, past=True))
    return _not_overruled(found, trust, at)


def _passed(found: CertificateVerdict | TimestampSeen) -> bool:
    return found.indication is Indication.TOTAL_PASSED


def _below_anchor(chain: Iterable[CertificateSeen]) -> tuple[CertificateSeen, ...]:
    return tuple(one for one in chain if not one.anchor)


def _refused(found: T, sub_indication: SubIndication, reason: str) -> T:
    return replace(found, indication=Indication.INDETERMINATE, sub_indication=sub_indication, reason=reason)


def _not_overruled(found: T, trust: Trust, at: datetime) -> T:
    """Duty 3."""
    if not _passed(found):
        return found
    for one in _below_anchor(found.chain):
        for listed in own_outlines(trust.crls):
            gone = (
                listed.revoked_at(core.Integer(int(one.serial, 16)).dump()) if _issuer(listed) == one.issuer else None
            )
            if gone is not None and gone <= at:
                leaf = one is found.chain[0]
                sub_indication = SubIndication.REVOKED_NO_POE if leaf else SubIndication.REVOKED_CA_NO_POE
                return _refused(found, sub_indication, f"revoked since {gone.isoformat()}, says a list of our store")
    return found


def _issuer(listed: ListOutline) -> str:
    """The issuer's name as `CertificateSeen` has it."""
    return str(listed.head.issuer.human_friendly)[: limits.CONTENT_CHARS_MAX]


@lru_cache(maxsize=SHARED_MAX)
def _without(trust: Trust, ended: tuple[CertificateSeen, ...]) -> Trust:
    """The trust without what its store says, today, of certificates that have ended."""
    issuers, serials = {one.issuer for one in ended}, {one.serial for one in ended}
    return replace(
        trust,
        crls=tuple(listed.der for listed in own_outlines(trust.crls) if _issuer(listed) not in issuers),
        ocsps=tuple(der for der in trust.ocsps if not _serials(der) & serials),
    )


@lru_cache(maxsize=_RESPONSES_MAX)
def _serials(der: bytes) -> frozenset[str]:
    """Which certificates an OCSP response speaks of."""
    found = attempt(
        lambda: frozenset(
            f"{single['cert_id']['serial_number'].native:x}"
            for single in ocsp.OCSPResponse.load(der).basic_ocsp_response["tbs_response_data"]["responses"]
        )
    )
    return found if isinstance(found, frozenset) else frozenset()


@lru_cache(maxsize=SHARED_MAX)
def without_evidence(trust: Trust) -> Trust:
    """The same trust, its store empty: to see what the evidence that came along is worth by itself."""
    return replace(trust, crls=(), ocsps=())
