"""Certificate paths (RFC 5280 section 6): from a certificate to one of our anchors, and to nobody else's. Nothing is fetched.

What it costs decides the shape: path building is factorial in the certificates of one subject (signing.md 1.2 C), so they are
counted first; and a path that was found good is not walked again until something it depends on can have changed
(`path_memory`). Evidence that came along (CRLs, OCSP responses of strangers) is good for that one walk only.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from asn1crypto import crl, ocsp, x509
from cryptography.x509 import load_der_x509_crl
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator import errors as path_errors

from gateway.core import limits
from gateway.core.validation import CertificateSeen, RevocationSeen, SubIndication
from gateway.crypto.edge import Trouble, attempt, finish
from gateway.crypto.paths.path_memory import TOLERANCE, PathMemory, path_key
from gateway.crypto.paths.subject import certificate_seen
from gateway.crypto.paths.trust import Evidence, Role, Trust
from gateway.crypto.processes.shared import SHARED_MAX

GENERAL: Final = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
_FAILURES: Final[tuple[tuple[tuple[type[Exception], ...], SubIndication], ...]] = (
    ((path_errors.RevokedError,), SubIndication.REVOKED_NO_POE),
    ((path_errors.ExpiredError, path_errors.NotYetValidError), SubIndication.OUT_OF_BOUNDS_NO_POE),
    ((path_errors.InsufficientRevinfoError,), SubIndication.TRY_LATER),
    ((path_errors.DisallowedAlgorithmError,), SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    # A self-signed stranger is reported as an invalid certificate; for us it leads to no anchor.
    (
        (path_errors.PathBuildingError, path_errors.InvalidCertificateError),
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodPath:
    """A path to an anchor, with nothing on it revoked."""

    chain: tuple[CertificateSeen, ...]
    """The certificate itself first, the anchor last."""
    revocation: tuple[RevocationSeen, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFault:
    """Why there is none."""

    sub_indication: SubIndication
    reason: str


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
    known, der = _known(question.trust, question.role), leaf.dump()
    evidence, moment, past = question.evidence, question.moment, question.past
    chain = tuple(other for other in evidence.certificates if other != der)
    plain = not past and not evidence.crls and not evidence.ocsps
    key = path_key(der, chain)
    if plain and (remembered := known.good.recall(key, moment)) is not None:
        return remembered
    others = [x509.Certificate.load(other, strict=True) for other in chain]
    if too_many(others):
        return CertificateFault(sub_indication=GENERAL, reason="too many certificates came along")
    context = ValidationContext(
        trust_roots=known.anchors,
        other_certs=[*known.intermediates, *others],
        crls=[*known.crls, *(crl.CertificateList.load(one, strict=True) for one in evidence.crls)],
        ocsps=[*known.ocsps, *(ocsp.OCSPResponse.load(one, strict=True) for one in evidence.ocsps)],
        moment=moment,
        allow_fetching=False,
        revocation_mode="require",  # signing.md 1.2 I: "hard-fail" overlooks CRLs when no distribution point is named
        retroactive_revinfo=past,
        time_tolerance=TOLERANCE,
    )
    try:
        path = finish(CertificateValidator(leaf, validation_context=context).async_validate_path())
    except (path_errors.PathBuildingError, path_errors.ValidationError) as error:
        return CertificateFault(sub_indication=_sub_indication(error), reason=" ".join(str(error).split()))
    found = GoodPath(chain=tuple(reversed([certificate_seen(one, anchor=not at) for at, one in enumerate(path)])))
    if plain:
        known.good.keep(key, moment, found, turns=tuple(_ends((leaf, *others))))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A `Trust` as it was read once for a role, and the paths that lead to its anchors."""

    anchors: list[x509.Certificate]
    intermediates: list[x509.Certificate]
    crls: list[crl.CertificateList]
    ocsps: list[ocsp.OCSPResponse]
    good: PathMemory[GoodPath]


@lru_cache(maxsize=SHARED_MAX * len(Role))
def _known(trust: Trust, role: Role) -> _Known:
    anchors = [x509.Certificate.load(der) for der in trust.anchors_for(role)]
    intermediates = [x509.Certificate.load(der) for der in trust.intermediates]
    turns = attempt(lambda: [*_ends((*anchors, *intermediates)), *_turns_of(trust)])
    return _Known(
        anchors=anchors,
        intermediates=intermediates,
        crls=[crl.CertificateList.load(der) for der in trust.crls],
        ocsps=[ocsp.OCSPResponse.load(der) for der in trust.ocsps],
        good=PathMemory(None if isinstance(turns, Trouble) else turns),
    )


def _ends(certificates: Iterable[x509.Certificate]) -> Iterator[datetime]:
    """When certificates begin and cease to be valid."""
    for certificate in certificates:
        yield certificate.not_valid_before
        yield certificate.not_valid_after


def _turns_of(trust: Trust) -> Iterator[datetime]:
    """When evidence begins and ceases to count, and what it lists begins to be revoked.

    Raises:
        ValueError: some does not say until when it counts, or cannot be read.
    """
    if trust.ocsps:
        raise ValueError("when OCSP responses turn is not worked out")
    for der in trust.crls:
        found = load_der_x509_crl(der)
        if found.next_update_utc is None:
            raise ValueError("a revocation list without a next one")
        yield found.last_update_utc
        yield found.next_update_utc
        yield from (entry.revocation_date_utc for entry in found)


def _sub_indication(error: Exception) -> SubIndication:
    """The EN 319 102-1 clause 5.2.6.4 sub-indication for what the path validator found."""
    return next((found for kinds, found in _FAILURES if _is_about_leaf(error, kinds)), GENERAL)


def _is_about_leaf(error: Exception, kinds: tuple[type[Exception], ...]) -> bool:
    """Dates and revocation of an authority, or of a CRL's signer, say something else than those of the leaf."""
    if not isinstance(error, kinds):
        return False
    if isinstance(error, path_errors.RevokedError | path_errors.ExpiredError | path_errors.NotYetValidError):
        return error.is_ee_cert and not error.is_side_validation
    return True
