"""Certificate paths (RFC 5280 section 6): from a certificate to one of our anchors, and to nobody else's. Nothing is fetched.

What it costs decides the shape: path building is factorial in the certificates of one subject (signing.md 1.2 C), so they are
counted first; and a path that was found good is not walked again until something it depends on can have changed
(`path_memory`). Evidence that came along (CRLs, OCSP responses of strangers) is good for that one walk only.

Where several paths lead to an anchor (cross-signed authorities) one good path is enough; when there is none, the fault that is
told is the one that counts most (`_WEIGHTS`): that the certificate itself is revoked, then whatever may yet become good.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from asn1crypto import x509
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator import errors as path_errors
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import NO_REVOCATION, CertRevTrustPolicy
from pyhanko_certvalidator.util import CancelableAsyncIterator
from pyhanko_certvalidator.validate import async_validate_path

from gateway.core import limits
from gateway.core.validation import CertificateSeen, RevocationSeen, RevocationStatus, SubIndication
from gateway.crypto.edge import Trouble, attempt, finish
from gateway.crypto.paths.algorithms import AllowList, ends
from gateway.crypto.paths.path_memory import TOLERANCE, PathMemory, path_key
from gateway.crypto.paths.pieces import Piece, own_pieces, serials_of, strange_pieces, turns_of, turns_of_lists
from gateway.crypto.paths.revocation import Examiner, Terms, age
from gateway.crypto.paths.subject import certificate_seen
from gateway.crypto.paths.trust import Evidence, Role, Trust
from gateway.crypto.processes.shared import SHARED_MAX

GENERAL: Final = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
PATHS_TRIED_MAX: Final = 16
"""Different ways from one certificate to our anchors that are tried; cross-signed authorities give two or three."""
_FAILURES: Final[tuple[tuple[tuple[type[Exception], ...], SubIndication], ...]] = (
    # Of the certificate itself and of authorities above it alike: what a proof of existence may yet heal.
    ((path_errors.ExpiredError, path_errors.NotYetValidError), SubIndication.OUT_OF_BOUNDS_NO_POE),
    ((path_errors.DisallowedAlgorithmError,), SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    # A self-signed stranger is reported as an invalid certificate; for us it leads to no anchor.
    (
        (path_errors.PathBuildingError, path_errors.InvalidCertificateError),
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    ),
)
_WEIGHTS: Final = (
    SubIndication.REVOKED_NO_POE,
    SubIndication.TRY_LATER,
    SubIndication.OUT_OF_BOUNDS_NO_POE,
    SubIndication.REVOKED_CA_NO_POE,
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
    GENERAL,
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodPath:
    """A path to an anchor, with nothing on it revoked."""

    chain: tuple[CertificateSeen, ...]
    """The certificate itself first, the anchor last."""
    revocation: tuple[RevocationSeen, ...] = ()
    """Of every certificate below the anchor, in the same order."""
    stale: bool = False
    """Some of the evidence is too old, and counts by the policy all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFault:
    """Why there is none."""

    sub_indication: SubIndication
    reason: str
    chain: tuple[CertificateSeen, ...] = ()
    """A path to an anchor that was looked at to its end."""
    revocation: tuple[RevocationSeen, ...] = ()


def too_many(certificates: list[x509.Certificate]) -> bool:
    """Whether path building over these could take forever (signing.md 1.2 C: 9 of one subject, over 60 s)."""
    subjects = Counter(certificate.subject.dump() for certificate in certificates)
    return (
        len(certificates) > limits.EMBEDDED_CERTIFICATES_MAX
        or max(subjects.values(), default=0) > limits.EMBEDDED_CERTIFICATES_PER_SUBJECT_MAX
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a certificate is asked: good for what, when, by whom, and what came along with it."""

    trust: Trust
    moment: datetime
    role: Role
    evidence: Evidence
    past: bool
    """The moment is over and proven, so evidence issued later counts as well."""


def find_path(leaf: x509.Certificate, question: Question) -> GoodPath | CertificateFault:
    """The path of a certificate.

    Raises:
        whatever the libraries throw at hostile evidence; call it inside `attempt`.
    """
    if (end := question.trust.expires_at) is not None and question.moment >= end and not question.past:
        return CertificateFault(sub_indication=SubIndication.TRY_LATER, reason=f"our list of anchors ended at {end}")
    known, der = _known(question.trust, question.role), leaf.dump()
    evidence, moment = question.evidence, question.moment
    chain = tuple(other for other in evidence.certificates if other != der)
    plain = not question.past and not evidence.crls and not evidence.ocsps
    key = path_key(der, chain)
    if plain and (remembered := known.good.recall(key, moment)) is not None:
        return _aged(remembered, moment)
    others = [x509.Certificate.load(other, strict=True) for other in chain]
    if too_many(others):
        return CertificateFault(sub_indication=GENERAL, reason="too many certificates came along")
    if len(evidence.crls) + len(evidence.ocsps) > limits.EMBEDDED_EVIDENCE_MAX:
        return CertificateFault(sub_indication=GENERAL, reason="too much revocation evidence came along")
    walk = _Walk(leaf, known, others, question)
    found = walk.best()
    if plain and isinstance(found, GoodPath):
        turns = attempt(lambda: (*_ends((leaf, *others)), *turns_of_lists(walk.pieces)))
        if not isinstance(turns, Trouble):
            known.good.keep(key, moment, found, turns=turns)
    return found


class _Walk:
    """One search for a path, and everything that it is made with."""

    def __init__(
        self, leaf: x509.Certificate, known: "_Known", others: list[x509.Certificate], question: Question
    ) -> None:
        policy = question.trust.policy
        self._leaf = leaf
        along = [*known.intermediates, *others]
        own = {piece.digest for piece in known.pieces}
        strange = strange_pieces(question.evidence.crls, question.evidence.ocsps)
        came = [piece for piece in strange if piece.digest not in own]  # what we have ourselves is not verified twice
        every = [*known.pieces, *came]
        everybody = serials_of(every, [leaf, *along, *known.anchors])
        self.pieces: Final = [piece.about(everybody) for piece in every]
        self._context = ValidationContext(
            trust_roots=known.anchors,
            other_certs=along,
            moment=question.moment,
            allow_fetching=False,
            revinfo_policy=CertRevTrustPolicy(revocation_checking_policy=NO_REVOCATION),  # the examiner's
            algorithm_usage_policy=AllowList(policy.algorithms, question.moment),
            time_tolerance=TOLERANCE,
        )
        self._examiner = Examiner(
            self.pieces,
            roots=known.anchors,
            others=along,
            terms=Terms(policy=policy, moment=question.moment, past=question.past),
        )

    def best(self) -> GoodPath | CertificateFault:
        """The first good path, or the fault of the others that counts most."""
        faults: list[CertificateFault] = []
        paths = self._context.path_builder.async_build_paths_lazy(self._leaf)
        try:
            while len(faults) < PATHS_TRIED_MAX:
                candidate = finish(_next(paths))
                if candidate is None:
                    break
                found = self._judge(candidate)
                if isinstance(found, GoodPath):
                    return found
                faults.append(found)
        except path_errors.PathBuildingError as error:
            if not faults:
                return _fault(error)
        finally:
            finish(paths.cancel())
        return min(faults, key=lambda fault: _WEIGHTS.index(fault.sub_indication))

    def _judge(self, path: ValidationPath) -> GoodPath | CertificateFault:
        try:
            finish(async_validate_path(self._context, path))
        except path_errors.ValidationError as error:
            return _fault(error)
        chain = tuple(reversed([certificate_seen(one, anchor=not at) for at, one in enumerate(path)]))
        return self._revocation(path, chain)

    def _revocation(self, path: ValidationPath, chain: tuple[CertificateSeen, ...]) -> GoodPath | CertificateFault:
        """From the anchor down: what a revoked authority says of those below it counts for nothing."""
        seen: tuple[RevocationSeen, ...] = ()
        certificates, stale = list(path), False
        for at in range(1, len(certificates)):
            part = ValidationPath(path.trust_anchor, interm=certificates[1:at], leaf=certificates[at])
            finding = self._examiner.examine(certificates[at], part)
            seen, stale = (finding.seen, *seen), stale or finding.stale
            if finding.seen.status is not RevocationStatus.GOOD:
                who = "the certificate" if at == len(certificates) - 1 else f"the authority {chain[-1 - at].subject}"
                sub, why = _bad_news(finding.seen, leaf=at == len(certificates) - 1)
                reason = f"{who} {why}" if why else f"whether {who} is revoked is not known: {finding.why}"
                return CertificateFault(sub_indication=sub, reason=reason, chain=chain, revocation=seen)
        return GoodPath(chain=chain, revocation=seen, stale=stale)


async def _next(paths: CancelableAsyncIterator[ValidationPath]) -> ValidationPath | None:
    async for path in paths:
        return path
    return None


def _bad_news(seen: RevocationSeen, *, leaf: bool) -> tuple[SubIndication, str]:
    if seen.status is not RevocationStatus.REVOKED:
        return SubIndication.TRY_LATER, ""
    sub = SubIndication.REVOKED_NO_POE if leaf else SubIndication.REVOKED_CA_NO_POE
    return sub, f"was revoked at {seen.revoked_at}, says the {seen.kind.upper()} of {seen.issued_at}"


def _aged(found: GoodPath, moment: datetime) -> GoodPath:
    """As it is told at this moment: the evidence has grown older since it was remembered."""
    aged = (
        one if one.issued_at is None else replace(one, age_seconds=age(one.issued_at, moment))
        for one in found.revocation
    )
    return replace(found, revocation=tuple(aged))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A `Trust` as it was read once for a role, and the paths that lead to its anchors."""

    anchors: list[x509.Certificate]
    intermediates: list[x509.Certificate]
    pieces: list[Piece]
    good: PathMemory[GoodPath]


@lru_cache(maxsize=SHARED_MAX * len(Role))
def _known(trust: Trust, role: Role) -> _Known:
    anchors = [x509.Certificate.load(der) for der in trust.anchors_for(role)]
    intermediates = [x509.Certificate.load(der) for der in trust.intermediates]
    pieces = own_pieces(trust.crls, trust.ocsps)
    rules, fresh = trust.policy.algorithms, trust.policy.freshness
    turns = attempt(lambda: [*_ends((*anchors, *intermediates)), *turns_of(pieces, fresh), *ends(rules)])
    return _Known(
        anchors=anchors,
        intermediates=intermediates,
        pieces=pieces,
        good=PathMemory(None if isinstance(turns, Trouble) else turns),
    )


def _ends(certificates: Iterable[x509.Certificate]) -> Iterator[datetime]:
    """When certificates begin and cease to be valid."""
    for certificate in certificates:
        yield certificate.not_valid_before
        yield certificate.not_valid_after


def _fault(error: Exception) -> CertificateFault:
    """The EN 319 102-1 clause 5.2.6.4 sub-indication for what the path validator found."""
    if isinstance(error, path_errors.DisallowedAlgorithmError) and error.banned_since is not None:
        sub = SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
        return CertificateFault(sub_indication=sub, reason=" ".join(str(error).split()))
    sub_indication = next((found for kinds, found in _FAILURES if isinstance(error, kinds)), GENERAL)
    return CertificateFault(sub_indication=sub_indication, reason=" ".join(str(error).split()))
