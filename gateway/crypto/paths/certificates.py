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

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asn1crypto import x509

from gateway.core import limits
from gateway.core.validation import (
    CertificateSeen,
    Indication,
    RevocationSeen,
    SignerIdentity,
    SignerKind,
    SubIndication,
)
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.paths.path import GENERAL, CertificateFault, Question, find_path
from gateway.crypto.paths.policy import SIGNING_PURPOSES
from gateway.crypto.paths.subject import certificate_digest, identity_of, marked_demo
from gateway.crypto.paths.trust import NO_EVIDENCE, Evidence, Role, Trust

_CURVES: Final = frozenset({"secp256r1", "secp384r1", "secp521r1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateVerdict:
    """What may be concluded about one certificate at one moment."""

    indication: Indication
    sub_indication: SubIndication | None
    reason: str
    identity: SignerIdentity | None = None
    """What it says of its subject; None: it cannot be read."""
    chain: tuple[CertificateSeen, ...] = ()
    """From itself to the anchor; empty when there is no path."""
    revocation: tuple[RevocationSeen, ...] = ()
    """The evidence that was used, in the order of the chain."""


def judge_certificate(  # noqa: PLR0913 - the question has as many parts, and each caller names those it has
    der: bytes,
    *,
    trust: Trust,
    moment: datetime,
    role: Role = Role.SIGNER,
    evidence: Evidence = NO_EVIDENCE,
    past: bool = False,
) -> CertificateVerdict:
    """Judge a certificate at a moment; `past`: that moment is over and proven, so evidence issued later counts as well.

    Never raises for hostile bytes; never TOTAL-FAILED: a certificate alone proves no forgery.
    """
    question = Question(trust=trust, moment=moment, role=role, evidence=evidence, past=past)
    found = attempt(_judge, der, question)
    if isinstance(found, Trouble):
        return CertificateVerdict(indication=Indication.INDETERMINATE, sub_indication=GENERAL, reason=found.reason)
    return found


def _judge(der: bytes, question: Question) -> CertificateVerdict:
    leaf = x509.Certificate.load(der, strict=True)
    trust, role = question.trust, question.role
    path = find_path(leaf, question)
    kind = _kind(leaf, trust, role, () if isinstance(path, CertificateFault) else path.chain)
    fault = path if isinstance(path, CertificateFault) else _fault(leaf, trust, role)
    return CertificateVerdict(
        indication=Indication.INDETERMINATE if fault else Indication.TOTAL_PASSED,
        sub_indication=fault.sub_indication if fault else None,
        reason=fault.reason if fault else "trusted",
        identity=identity_of(leaf, kind),
        chain=() if isinstance(path, CertificateFault) else path.chain,
        revocation=() if isinstance(path, CertificateFault) else path.revocation,
    )


def _fault(leaf: x509.Certificate, trust: Trust, role: Role) -> CertificateFault | None:
    usage = _timestamp_usage(leaf) if role is Role.TIMESTAMP else _judge_usage(leaf, trust.policy.body.usages)
    return usage or _judge_strength(leaf) or _judge_demo(leaf, trust)


def _kind(leaf: x509.Certificate, trust: Trust, role: Role, chain: tuple[CertificateSeen, ...]) -> SignerKind:
    """As whom this certificate signs: by the anchor, and where all lead to the same ones by what it names."""
    if role is Role.TIMESTAMP:
        return SignerKind.AUTHORITY
    if chain and any(chain[-1].digest == certificate_digest(anchor) for anchor in trust.people):
        return SignerKind.PERSON
    return SignerKind.BODY if leaf.subject.native.get("organization_identifier") else SignerKind.UNKNOWN


def _timestamp_usage(leaf: x509.Certificate) -> CertificateFault | None:
    """RFC 3161 section 2.3: extended key usage timeStamping, critical, and nothing beside it."""
    purposes = leaf.extended_key_usage_value
    critical = any(
        extension["extn_id"].native == "extended_key_usage" and extension["critical"].native
        for extension in leaf["tbs_certificate"]["extensions"]
    )
    if purposes is None or purposes.native != ["time_stamping"] or not critical:
        return _undecided(SubIndication.CHAIN_CONSTRAINTS_FAILURE, "not the certificate of a timestamp authority")
    return None


def _judge_usage(leaf: x509.Certificate, usages: frozenset[str]) -> CertificateFault | None:
    granted = set(leaf.key_usage_value.native) if leaf.key_usage_value is not None else set()
    if not granted & usages:
        return _undecided(
            SubIndication.CHAIN_CONSTRAINTS_FAILURE, f"key usage is {', '.join(sorted(granted)) or 'none'}"
        )
    purposes = leaf.extended_key_usage_value
    if purposes is not None and not set(purposes.native) & SIGNING_PURPOSES:
        return _undecided(SubIndication.CHAIN_CONSTRAINTS_FAILURE, "extended key usage is not for signing documents")
    if leaf.ca:
        return _undecided(SubIndication.CHAIN_CONSTRAINTS_FAILURE, "a certification authority signs no documents")
    return None


def _judge_strength(leaf: x509.Certificate) -> CertificateFault | None:
    key = leaf.public_key
    if key.algorithm in {"rsa", "rsassa_pss"} and key.bit_size >= limits.RSA_BITS_MIN:
        return None
    if key.algorithm == "ec" and key.curve[0] == "named" and key.curve[1] in _CURVES:
        return None
    return _undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"weak or unknown key: {key.algorithm}")


def _judge_demo(leaf: x509.Certificate, trust: Trust) -> CertificateFault | None:
    if trust.demo or not marked_demo(leaf):
        return None
    return _undecided(SubIndication.CHAIN_CONSTRAINTS_FAILURE, "a demo certificate")


def _undecided(sub_indication: SubIndication, reason: str) -> CertificateFault:
    return CertificateFault(sub_indication=sub_indication, reason=reason)
