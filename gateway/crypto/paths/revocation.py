"""Revocation of one certificate (RFC 5280 section 6.3, RFC 6960 section 3.2, EN 319 102-1 clause 5.2.5).

Each CRL and each OCSP response is verified on its own, by certvalidator: who issued it, that he may, that it is about this
certificate. So we know which piece says what, when it was issued and how old it is, and each can be told. certvalidator's own
revocation check is not asked, for three reasons: it looks at OCSP responses only for certificates that name a responder; it
takes a good OCSP response before any CRL, even one that is newer and says revoked; and it verifies evidence by any algorithm.

What follows, in this order:

1. Revoked at or before the moment, for good: revoked, whatever else says good, and however old the piece is.
2. The piece that was issued last decides: when it says that the certificate is on hold, it is revoked for now.
3. A piece says good when it was issued not after the moment (unless that is past and proven), while it was fresh enough by the
   policy, while its signer was valid, and before the certificate ended (a list may forget what has expired: RFC 5280 section
   3.3), or the piece says that it remembers. One that is too old counts only where the policy lets stale evidence pass.
4. Else nobody can say: no evidence is never good news.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from asn1crypto import crl, x509
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator import errors as path_errors
from pyhanko_certvalidator._state import ValProcState
from pyhanko_certvalidator.authority import Authority
from pyhanko_certvalidator.ltv.poe import POEManager
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo, ValidationTimingParams
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.registry import CertificateRegistry
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer
from pyhanko_certvalidator.revinfo.manager import RevinfoManager
from pyhanko_certvalidator.revinfo.validate_crl import verify_crl
from pyhanko_certvalidator.revinfo.validate_ocsp import verify_ocsp_response
from pyhanko_certvalidator.util import ConsList

from gateway.core.ids import Digest
from gateway.core.validation import RevocationSeen, RevocationStatus
from gateway.crypto.edge import attempt, finish
from gateway.crypto.paths.algorithms import AllowList, Verifier
from gateway.crypto.paths.path_memory import TOLERANCE
from gateway.crypto.paths.pieces import Piece, oldest_of, until_of
from gateway.crypto.paths.policy import Policy
from gateway.crypto.paths.revocation_list import ListAbout

_LIBRARY: Final = (
    path_errors.CRLValidationError,
    path_errors.OCSPValidationError,
    path_errors.PathValidationError,
    path_errors.PathBuildingError,
)
"""What certvalidator throws when a piece proves nothing: of another issuer, about another certificate, forged, unauthorised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By which rules, and for when, evidence is examined."""

    policy: Policy
    moment: datetime
    past: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one verified piece says of one certificate."""

    piece: Piece
    revoked_at: datetime | None
    for_good: bool
    """Not merely on hold (RFC 5280 section 5.3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What follows for one certificate."""

    seen: RevocationSeen
    stale: bool = False
    """Good by evidence that is too old, which the policy lets pass."""
    why: str = ""
    """Why nobody can say."""


class _Manager(RevinfoManager):
    """Hands out the piece under examination when it is asked first, and afterwards (for the signers of evidence) all."""

    def __init__(self, registry: CertificateRegistry, pieces: Sequence[Piece], verifier: Verifier) -> None:
        super().__init__(
            certificate_registry=registry,
            poe_manager=POEManager(),
            crls=[one.plain for one in pieces if isinstance(one.plain, CRLContainer)],
            ocsps=[one.plain for one in pieces if isinstance(one.plain, OCSPContainer)],
        )
        self.examined: list[Any] | None = None
        self._verifier = verifier
        self._signers: dict[Digest, x509.Certificate] = {}

    def record_crl_issuer(self, certificate_list: ListAbout, cert: x509.Certificate) -> None:
        """See `RevinfoManager`. Kept by the whole list, and only once its signature was verified here.

        The library's own keeps them by the bytes of the signature, so a forged list that bears the signature of a genuine one
        passes unverified. And where a file brings two certificates of one authority, the library notes the one as the list's
        issuer while it looks into the other, before anybody has verified anything.

        Raises:
            CRLValidationError: this is not its signer.
        """
        if not signed_by(certificate_list, cert, self._verifier):
            raise path_errors.CRLValidationError("the list is not signed by who it says")
        self._signers[certificate_list.digest] = cert

    def check_crl_issuer(self, certificate_list: ListAbout) -> x509.Certificate | None:
        """See `RevinfoManager`."""
        return self._signers.get(certificate_list.digest)

    def currently_available_crls(self) -> list[CRLContainer]:
        """See `RevinfoManager`."""
        taken, self.examined = self.examined, None
        return super().currently_available_crls() if taken is None else taken

    async def async_retrieve_ocsps(self, cert: x509.Certificate, authority: Authority) -> list[OCSPContainer]:
        """See `RevinfoManager`."""
        taken, self.examined = self.examined, None
        return await super().async_retrieve_ocsps(cert, authority) if taken is None else taken


class Examiner:
    """Examines the certificates of one path against the same pieces of evidence, at one moment.

    `pieces` are asked about everybody who can be looked for: whoever stands on a path, and whoever signs evidence.
    """

    def __init__(
        self,
        pieces: Sequence[Piece],
        *,
        roots: Sequence[x509.Certificate],
        others: Sequence[x509.Certificate],
        terms: Terms,
    ) -> None:
        self._pieces = [one for one in pieces if not one.delta]
        self._deltas = [one.plain for one in pieces if one.delta]
        self._all = pieces
        self._roots, self._others = roots, others
        self._terms = terms
        self._contexts: dict[datetime, tuple[ValidationContext, _Manager]] = {}

    def examine(self, certificate: x509.Certificate, path: ValidationPath) -> Conclusion:
        """The status of the last certificate of this path, all others of which are good."""
        statements = [one for piece in self._pieces if (one := self._statement(piece, certificate, path)) is not None]
        return _conclude(certificate, statements, self._terms)

    # --- one piece -----------------------------------------------------------------------------------------------------

    def _statement(self, piece: Piece, certificate: x509.Certificate, path: ValidationPath) -> Statement | None:
        if not _concerns(piece, certificate):
            return None
        found = attempt(self._verify, piece, certificate, path)
        return found if isinstance(found, Statement) else None

    def _verify(self, piece: Piece, certificate: x509.Certificate, path: ValidationPath) -> Statement | None:
        """What the piece says; None: nothing that counts."""
        context, manager = self._context(piece)
        for index, authority in enumerate(path):
            if index <= path.pkix_len - 1:  # found good before its subordinate is looked at
                context.record_validation(authority, path)
        if not _signed_in_time(piece, path):
            return None
        if isinstance(piece.container, CRLContainer):
            _recognise(piece.container.crl_data, path[path.pkix_len - 1], manager)
        manager.examined = [piece.container, *(self._deltas if piece.kind == "crl" else ())]
        state = ValProcState(cert_path_stack=ConsList.sing(path), init_index=path.pkix_len)
        try:
            if piece.kind == "crl":
                deltas = bool(self._deltas)
                finish(verify_crl(certificate, path, context, use_deltas=deltas, proc_state=state))
            else:
                finish(verify_ocsp_response(certificate, path, context, proc_state=state))
        except path_errors.RevokedError as error:
            if error.is_side_validation:
                return None
            hold = error.reason.native == "certificate_hold"
            return Statement(piece=piece, revoked_at=error.revocation_dt, for_good=not hold)
        except _LIBRARY:
            return None
        return Statement(piece=piece, revoked_at=None, for_good=False)

    def _context(self, piece: Piece) -> tuple[ValidationContext, _Manager]:
        """For evidence issued later than a past moment: its signer has to be good when it was issued, not before."""
        at = max(self._terms.moment, piece.issued_at) if self._terms.past else self._terms.moment
        if at not in self._contexts:
            registry = CertificateRegistry.build([*self._roots, *self._others])
            rules = self._terms.policy.algorithms
            manager = _Manager(registry, self._all, Verifier(rules, at))
            context = ValidationContext(
                trust_roots=self._roots,
                certificate_registry=registry,
                revinfo_manager=manager,
                moment=at,
                allow_fetching=False,
                revocation_mode="require",
                time_tolerance=TOLERANCE,
                algorithm_usage_policy=AllowList(rules, at),
                signature_validator=Verifier(rules, at),
            )
            # Whatever is revoked at any time is told with its date: whether that was before the moment, rule 1 asks.
            times = ValidationTimingInfo(validation_time=at, best_signature_time=at, point_in_time_validation=False)
            context.timing_params = ValidationTimingParams(timing_info=times, time_tolerance=TOLERANCE)
            self._contexts[at] = context, manager
        return self._contexts[at]


def _recognise(listed: ListAbout, issuer: x509.Certificate, manager: _Manager) -> None:
    """Recognise a list that the issuer of the certificate signed itself, as is usual.

    certvalidator looks for a path to whoever signed a list, and finds none to an anchor that is not self-signed.
    """
    usage = issuer.key_usage_value
    if listed.issuer != issuer.subject or (usage is not None and "crl_sign" not in usage.native):
        return
    with suppress(path_errors.CRLValidationError):
        manager.record_crl_issuer(listed, issuer)


def signed_by(listed: crl.CertificateList, issuer: x509.Certificate, verifier: Verifier) -> bool:
    """Whether a list bears the signature of that certificate's key, by an algorithm of the policy."""
    try:
        verifier.validate_signature(
            listed["signature"].native,
            listed["tbs_cert_list"].dump(),
            issuer.public_key,
            listed["signature_algorithm"],
        )
    except InvalidSignature:
        return False
    return True


def _concerns(piece: Piece, certificate: x509.Certificate) -> bool:
    """Whether it can be about this certificate at all: a cheap look before signatures are verified."""
    if isinstance(piece.container, CRLContainer):
        listed = piece.container.crl_data
        return bool(listed.issuer == certificate.issuer or listed.issuing_distribution_point_value is not None)
    answer = piece.container.extract_single_response()
    return answer is not None and answer["cert_id"]["serial_number"].native == certificate.serial_number


def _signed_in_time(piece: Piece, path: ValidationPath) -> bool:
    """Whether the issuer was still valid when it issued this; of an anchor we do not ask (RFC 5280 section 6.2)."""
    if path.pkix_len < 2:
        return True
    issuer: x509.Certificate = path[path.pkix_len - 1]
    return bool(piece.issued_at <= issuer.not_valid_after + TOLERANCE)


# --- all pieces together -------------------------------------------------------------------------------------------------


def _conclude(certificate: x509.Certificate, statements: list[Statement], terms: Terms) -> Conclusion:
    moment = terms.moment
    digest = Digest(sha256(certificate.dump()).hexdigest())
    known = [one for one in statements if terms.past or one.piece.issued_at <= moment + TOLERANCE]
    known.sort(key=lambda one: (one.piece.issued_at, one.revoked_at is not None), reverse=True)
    for at, one in enumerate(known):
        final = one.for_good or at == 0  # rules 1 and 2
        if one.revoked_at is not None and one.revoked_at <= moment and final:
            return Conclusion(seen=_seen(digest, one, RevocationStatus.REVOKED, moment))
    remembered = [one for one in known if _remembers(one.piece, certificate)]
    for one in remembered:
        if _fresh(one.piece, terms):
            return Conclusion(seen=_seen(digest, one, RevocationStatus.GOOD, moment))
    if remembered and terms.policy.freshness.stale_passes:
        return Conclusion(seen=_seen(digest, remembered[0], RevocationStatus.GOOD, moment), stale=True)
    if known:
        why = "the revocation evidence is too old" if remembered else "the evidence was issued after it had expired"
        return Conclusion(seen=_seen(digest, known[0], RevocationStatus.UNKNOWN, moment), why=why)
    none = RevocationSeen(certificate=digest, status=RevocationStatus.UNKNOWN, kind="", source="")
    return Conclusion(seen=none, why="there is no revocation evidence that counts")


def _fresh(piece: Piece, terms: Terms) -> bool:
    fresh, moment = terms.policy.freshness, terms.moment
    if terms.past and fresh.grace_seconds and piece.issued_at < moment + timedelta(seconds=fresh.grace_seconds):
        return False
    oldest = oldest_of(piece, fresh)
    return moment <= until_of(piece) + TOLERANCE and (oldest is None or moment <= oldest + TOLERANCE)


def _remembers(piece: Piece, certificate: x509.Certificate) -> bool:
    end = certificate.not_valid_after
    return piece.issued_at <= end + TOLERANCE or (piece.remembers_from is not None and piece.remembers_from <= end)


def _seen(digest: Digest, one: Statement, status: RevocationStatus, moment: datetime) -> RevocationSeen:
    piece = one.piece
    return RevocationSeen(
        certificate=digest,
        status=status,
        kind=piece.kind,
        source=piece.source,
        issued_at=piece.issued_at,
        next_update=piece.next_update,
        age_seconds=age(piece.issued_at, moment),
        revoked_at=one.revoked_at,
        digest=piece.digest,
    )


def age(issued_at: datetime, moment: datetime) -> int:
    """Whole seconds from its issue to the moment; negative: it was issued afterwards."""
    return int((moment - issued_at).total_seconds())
