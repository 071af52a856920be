"""Certificates: judged by path, revocation, usage and strength against our own anchors, and nothing else's.

The steps of `judge_certificate`, in this order:

1. The chain may hold few other certificates, and very few of one subject: path building is factorial in them.
2. PKIX path (RFC 5280 section 6) to one of `Trust.anchors` at the given moment. Nothing is fetched, ever.
3. Revocation of every certificate below the anchor by the CRLs in `Trust`: no evidence is never good news. A path that
   was found good is not walked again until something that 1 to 3 depend on can have changed (`path_memory`).
4. Key usage: one of the usages asked for; extended key usage: none, or one meant for signing documents.
5. Strength of the leaf's own key, which the path check leaves out (signing.md 1.2 I): RSA >= 2048, P-256, P-384, P-521.
6. A demo certificate only where demo certificates are accepted.

The caller still owes: whether this certificate belongs to who is said to have signed (the registry knows).
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from asn1crypto import crl, x509
from cryptography.x509 import load_der_x509_crl
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator import errors as path_errors

from gateway.core import limits
from gateway.core.errors import SiteError
from gateway.core.ids import Digest
from gateway.core.validation import Indication, SubIndication
from gateway.crypto.edge import Trouble, attempt, finish
from gateway.crypto.paths.path_memory import TOLERANCE, PathMemory, path_key
from gateway.crypto.processes.shared import SHARED_MAX, Shared

DEMO_POLICY_OID: Final = "2.25.306413785792219455053749732691130954138"
"""Certificate policy of every development certificate (certs/pki.toml): an arc of our own under 2.25, ITU-T X.667 cl. 7."""

SEAL_USAGES: Final = frozenset({"non_repudiation", "digital_signature"})
"""Key usages that may sign a document: one of them (RFC 5280 section 4.2.1.3)."""

_SIGNING_PURPOSES: Final = frozenset(
    {
        "any_extended_key_usage",
        "email_protection",
        "client_auth",
        "1.3.6.1.5.5.7.3.36",  # id-kp-documentSigning, RFC 9336
        "microsoft_document_signing",
        "adobe_authentic_documents_trust",
    }
)
"""Vietnamese authorities issue signing certificates with emailProtection and clientAuth; serverAuth never signs."""

_GENERAL: Final = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
_PATH_FAILURES: Final[tuple[tuple[tuple[type[Exception], ...], SubIndication], ...]] = (
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
_CURVES: Final = frozenset({"secp256r1", "secp384r1", "secp521r1"})
_DEMO_WORD: Final = re.compile(r"\bDEMO\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust(Shared):
    """Whom this installation believes. All as DER."""

    anchors: tuple[bytes, ...]
    intermediates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    demo: bool = False
    """Whether certificates marked DEMO are accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateVerdict:
    """What may be concluded about one certificate at one moment."""

    indication: Indication
    sub_indication: SubIndication | None
    reason: str


def judge_certificate(
    der: bytes,
    *,
    trust: Trust,
    moment: datetime,
    usages: frozenset[str] = SEAL_USAGES,
    chain: tuple[bytes, ...] = (),
) -> CertificateVerdict:
    """Judge a certificate; `chain`: other certificates that came along with it, from strangers.

    Never raises for hostile bytes; never TOTAL-FAILED: a certificate alone proves no forgery.
    """
    found = attempt(_judge, der, trust, moment, usages, chain)
    if isinstance(found, Trouble):
        return _undecided(_GENERAL, found.reason)
    return found


def _judge(
    der: bytes, trust: Trust, moment: datetime, usages: frozenset[str], chain: tuple[bytes, ...]
) -> CertificateVerdict:
    leaf = x509.Certificate.load(der, strict=True)
    return (
        _judge_path(leaf, tuple(other for other in chain if other != der), trust, moment)
        or _judge_usage(leaf, usages)
        or _judge_strength(leaf)
        or _judge_demo(leaf, trust)
        or CertificateVerdict(indication=Indication.TOTAL_PASSED, sub_indication=None, reason="trusted")
    )


def too_many(certificates: list[x509.Certificate]) -> bool:
    """Whether path building over these could take forever (signing.md 1.2 C: 9 of one subject, over 60 s)."""
    subjects = Counter(certificate.subject.dump() for certificate in certificates)
    return (
        len(certificates) > limits.EMBEDDED_CERTIFICATES_MAX
        or max(subjects.values(), default=0) > limits.EMBEDDED_CERTIFICATES_PER_SUBJECT_MAX
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A `Trust` as it was read once, and the paths that lead to its anchors."""

    anchors: list[x509.Certificate]
    intermediates: list[x509.Certificate]
    crls: list[crl.CertificateList]
    good: PathMemory


@lru_cache(maxsize=SHARED_MAX)
def _known(trust: Trust) -> _Known:
    anchors = [x509.Certificate.load(der) for der in trust.anchors]
    intermediates = [x509.Certificate.load(der) for der in trust.intermediates]
    turns = attempt(lambda: [*_ends((*anchors, *intermediates)), *_turns_of(trust.crls)])
    return _Known(
        anchors=anchors,
        intermediates=intermediates,
        crls=[crl.CertificateList.load(der) for der in trust.crls],
        good=PathMemory(None if isinstance(turns, Trouble) else turns),
    )


def _ends(certificates: Iterable[x509.Certificate]) -> Iterator[datetime]:
    """When certificates begin and cease to be valid."""
    for certificate in certificates:
        yield certificate.not_valid_before
        yield certificate.not_valid_after


def _turns_of(crls: tuple[bytes, ...]) -> Iterator[datetime]:
    """When revocation lists begin and cease to count, and what they list begins to be revoked.

    Raises:
        ValueError: one of them does not say until when it counts, or cannot be read.
    """
    for der in crls:
        found = load_der_x509_crl(der)
        if found.next_update_utc is None:
            raise ValueError("a revocation list without a next one")
        yield found.last_update_utc
        yield found.next_update_utc
        yield from (entry.revocation_date_utc for entry in found)


def _judge_path(
    leaf: x509.Certificate, chain: tuple[bytes, ...], trust: Trust, moment: datetime
) -> CertificateVerdict | None:
    known = _known(trust)
    key = path_key(leaf.dump(), chain)
    if known.good.is_good(key, moment):
        return None
    others = [x509.Certificate.load(other, strict=True) for other in chain]
    if too_many(others):
        return _undecided(_GENERAL, "too many certificates came along")
    context = ValidationContext(
        trust_roots=known.anchors,
        other_certs=[*known.intermediates, *others],
        crls=known.crls,
        moment=moment,
        allow_fetching=False,
        revocation_mode="require",  # signing.md 1.2 I: "hard-fail" overlooks CRLs when no distribution point is named
        time_tolerance=TOLERANCE,
    )
    try:
        finish(CertificateValidator(leaf, validation_context=context).async_validate_path())
    except (path_errors.PathBuildingError, path_errors.ValidationError) as error:
        return _undecided(_path_failure(error), " ".join(str(error).split()))
    known.good.keep(key, moment, turns=tuple(_ends((leaf, *others))))
    return None


def _path_failure(error: Exception) -> SubIndication:
    """The EN 319 102-1 clause 5.2.6.4 sub-indication for what the path validator found."""
    return next((found for kinds, found in _PATH_FAILURES if _is_about_leaf(error, kinds)), _GENERAL)


def _is_about_leaf(error: Exception, kinds: tuple[type[Exception], ...]) -> bool:
    """Dates and revocation of an authority, or of a CRL's signer, say something else than those of the leaf."""
    if not isinstance(error, kinds):
        return False
    if isinstance(error, path_errors.RevokedError | path_errors.ExpiredError | path_errors.NotYetValidError):
        return error.is_ee_cert and not error.is_side_validation
    return True


def _judge_usage(leaf: x509.Certificate, usages: frozenset[str]) -> CertificateVerdict | None:
    granted = set(leaf.key_usage_value.native) if leaf.key_usage_value is not None else set()
    if not granted & usages:
        return _undecided(
            SubIndication.CHAIN_CONSTRAINTS_FAILURE, f"key usage is {', '.join(sorted(granted)) or 'none'}"
        )
    purposes = leaf.extended_key_usage_value
    if purposes is not None and not set(purposes.native) & _SIGNING_PURPOSES:
        return _undecided(SubIndication.CHAIN_CONSTRAINTS_FAILURE, "extended key usage is not for signing documents")
    if leaf.ca:
        return _undecided(SubIndication.CHAIN_CONSTRAINTS_FAILURE, "a certification authority signs no documents")
    return None


def _judge_strength(leaf: x509.Certificate) -> CertificateVerdict | None:
    key = leaf.public_key
    if key.algorithm in {"rsa", "rsassa_pss"} and key.bit_size >= limits.RSA_BITS_MIN:
        return None
    if key.algorithm == "ec" and key.curve[0] == "named" and key.curve[1] in _CURVES:
        return None
    return _undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"weak or unknown key: {key.algorithm}")


def _judge_demo(leaf: x509.Certificate, trust: Trust) -> CertificateVerdict | None:
    if trust.demo or not _is_demo(leaf):
        return None
    return _undecided(SubIndication.CHAIN_CONSTRAINTS_FAILURE, "a demo certificate")


def _undecided(sub_indication: SubIndication, reason: str) -> CertificateVerdict:
    return CertificateVerdict(indication=Indication.INDETERMINATE, sub_indication=sub_indication, reason=reason)


# --- what a certificate says ------------------------------------------------------------------------------------------


def certificate_digest(der: bytes) -> Digest:
    """SHA-256 of the certificate, as the registry names it."""
    return Digest(hashlib.sha256(der).hexdigest())


def spki_digest(der: bytes) -> Digest:
    """SHA-256 of a certificate's SubjectPublicKeyInfo: the pin of a peer's TLS key."""
    return Digest(hashlib.sha256(subject_public_key(der)).hexdigest())


def subject_public_key(der: bytes) -> bytes:
    """SubjectPublicKeyInfo (DER) of a certificate.

    Raises:
        ValueError: not a certificate.
    """
    key: bytes = x509.Certificate.load(der, strict=True).public_key.dump()
    return key


def organization_identifier(der: bytes) -> str | None:
    """The organizationIdentifier (2.5.4.97) of the subject: a body's electronic identification code, where it stands.

    Raises:
        ValueError: not a certificate.
    """
    value = x509.Certificate.load(der, strict=True).subject.native.get("organization_identifier")
    return value if isinstance(value, str) else None


def common_name(certificate: x509.Certificate) -> str:
    """Common name of the subject, or an empty text; bounded, since strangers write it."""
    value = certificate.subject.native.get("common_name", "")
    return str(value)[: limits.CONTENT_CHARS_MAX]


def certificate_name(der: bytes) -> str:
    """Common name of the subject, or an empty text: for reports, from bytes that may be hostile."""
    name = attempt(lambda: common_name(x509.Certificate.load(der, strict=True)))
    return name if isinstance(name, str) else ""


def is_demo(der: bytes) -> bool:
    """Whether the certificate is marked as a development one: policy `DEMO_POLICY_OID`, or the word DEMO in a name.

    Raises:
        ValueError: not a certificate.
    """
    return _is_demo(x509.Certificate.load(der, strict=True))


def _is_demo(certificate: x509.Certificate) -> bool:
    policies = certificate.certificate_policies_value or ()
    return any(policy["policy_identifier"].dotted == DEMO_POLICY_OID for policy in policies) or any(
        _DEMO_WORD.search(name.human_friendly) for name in (certificate.subject, certificate.issuer)
    )


def refuse_demo(der: bytes, *, what: str) -> None:
    """Stop an installation that is no demo from using a demo certificate as key or anchor.

    Raises:
        SiteError: `key.demo`, naming `what` it was to be used for.
    """
    if is_demo(der):
        raise SiteError("key.demo", what=what)
