"""Certificates: judged by path, revocation, usage and strength against our own anchors, and nothing else's.

The steps of `judge_certificate`, in this order:

1. The chain may hold few other certificates, and very few of one subject: path building is factorial in them.
2. PKIX path (RFC 5280 section 6) to one of the anchors for that role at the given moment, by the algorithms of the policy.
   Nothing is fetched, ever.
3. Revocation of every certificate below the anchor, by our store and by what came along (`revocation`): no evidence is never
   good news. A path that was found good is not walked again until something that 1 to 3 depend on can have changed
   (`path_memory`).
4. As whom it signs: a body or a person, by its anchor and its QcType; where the two contradict each other, as neither.
5. Key usage, extended key usage and certificate policies, as the policy asks of a body or of a person.
6. The leaf's own key, which the path check leaves out (signing.md 1.2 I), by the algorithms of the policy.
7. A demo certificate only where demo certificates are accepted.

The caller still owes: whether this certificate belongs to who is said to have signed (the registry knows); and to name the
policy in the verdict (`details_of` does).
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import get_ident
from typing import Final

from asn1crypto import x509

from gateway.core.validation import (
    CertificateSeen,
    Indication,
    RevocationSeen,
    SignatureDetails,
    SignerIdentity,
    SignerKind,
    SubIndication,
)
from gateway.crypto.edge import Trouble, attempt
from gateway.crypto.paths.algorithms import BEFORE, key_refusal
from gateway.crypto.paths.path import GENERAL, CertificateFault, Question, find_path
from gateway.crypto.paths.policy import AlgorithmRules, Policy, SignerRules
from gateway.crypto.paths.statements import ESEAL, ESIGN, qc_types
from gateway.crypto.paths.subject import certificate_digest, identity_of, marked_demo, policies_of
from gateway.crypto.paths.trust import NO_EVIDENCE, Evidence, Role, Trust

REMEMBERED_MAX: Final = 64
REMEMBERED_BYTES_MAX: Final = 4_096
"""Certificates of those who wrote last, read: a larger one is read each time. Some 3 MB together."""


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
    """The evidence that was used, in the order of the chain; of a path that is no good, as far as it was looked at."""


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


def judge_alone(der: bytes, *, policy: Policy, moment: datetime) -> CertificateVerdict:
    """What a certificate says against itself (its time, steps 5 and 6), where nobody says whom to believe; never a pass.

    One that says nothing is NO_CERTIFICATE_CHAIN_FOUND: who issued it, and whether it was revoked, was not asked.
    """
    found = attempt(_alone, der, policy, moment)
    if isinstance(found, Trouble):
        return CertificateVerdict(indication=Indication.INDETERMINATE, sub_indication=GENERAL, reason=found.reason)
    return CertificateVerdict(
        indication=Indication.INDETERMINATE, sub_indication=found.sub_indication, reason=found.reason
    )


def _alone(der: bytes, policy: Policy, moment: datetime) -> CertificateFault:
    leaf = x509.Certificate.load(der, strict=True)
    if not leaf.not_valid_before <= moment <= leaf.not_valid_after:
        return _undecided(SubIndication.OUT_OF_BOUNDS_NO_POE, "it has ended, or not begun")
    nobody = Trust(anchors=(), policy=policy)
    kind = _kind(leaf, Question(trust=nobody, moment=moment, role=Role.SIGNER, evidence=NO_EVIDENCE, past=False), ())
    return (
        _judge_usage(leaf, _rules(policy, kind))
        or _judge_strength(leaf, policy.algorithms, moment)
        or _undecided(SubIndication.NO_CERTIFICATE_CHAIN_FOUND, "nobody is believed")
    )


def details_of(verdict: CertificateVerdict, trust: Trust) -> SignatureDetails:
    """What a verdict on a signature tells of its certificate, and by which policy that was judged."""
    return SignatureDetails(
        identity=verdict.identity, chain=verdict.chain, revocation=verdict.revocation, policy=trust.policy.used
    )


def _judge(der: bytes, question: Question) -> CertificateVerdict:
    leaf = _remembered(der, get_ident()) if len(der) <= REMEMBERED_BYTES_MAX else _loaded(der)
    path = find_path(leaf, question)
    kind = _kind(leaf, question, path.chain)
    fault = path if isinstance(path, CertificateFault) else _fault(leaf, question, kind)
    stale = not isinstance(path, CertificateFault) and path.stale
    good = "trusted, by revocation evidence that is too old" if stale else "trusted"
    return CertificateVerdict(
        indication=Indication.INDETERMINATE if fault else Indication.TOTAL_PASSED,
        sub_indication=fault.sub_indication if fault else None,
        reason=fault.reason if fault else good,
        identity=identity_of(leaf, kind),
        chain=path.chain,
        revocation=path.revocation,
    )


def _loaded(der: bytes) -> x509.Certificate:
    return x509.Certificate.load(der, strict=True)


@lru_cache(REMEMBERED_MAX)
def _remembered(der: bytes, _thread: int) -> x509.Certificate:
    """Read once, and its fields, too: they are read when they are asked for, by one thread alone.

    What these very bytes say, and nothing of what was found of them; a file can at most push others out.
    """
    return _loaded(der)


def _fault(leaf: x509.Certificate, question: Question, kind: SignerKind) -> CertificateFault | None:
    trust = question.trust
    policy = trust.policy
    usage = (
        _timestamp_usage(leaf)
        if question.role is Role.TIMESTAMP
        else _judge_role(leaf, policy, kind, trust) or _judge_usage(leaf, _rules(policy, kind))
    )
    return usage or _judge_strength(leaf, policy.algorithms, question.moment) or _judge_demo(leaf, trust)


def _rules(policy: Policy, kind: SignerKind) -> SignerRules:
    """Of whom nobody says that he is a person, as much is asked as of a body."""
    return policy.person if kind is SignerKind.PERSON else policy.body


# --- as whom ---------------------------------------------------------------------------------------------------------------


def _kind(leaf: x509.Certificate, question: Question, chain: tuple[CertificateSeen, ...]) -> SignerKind:
    """As whom this certificate signs: by the anchor, and where one is for both or there is none, by what it says itself."""
    if question.role is Role.TIMESTAMP:
        return SignerKind.AUTHORITY
    bodies, people = _anchored(question.trust, chain)
    if bodies != people:
        return SignerKind.PERSON if people else SignerKind.BODY
    said = qc_types(leaf)
    if said & {ESEAL, ESIGN} in ({ESEAL}, {ESIGN}):
        return SignerKind.BODY if ESEAL in said else SignerKind.PERSON
    borne, policy = policies_of(leaf), question.trust.policy
    if borne & policy.person.certificate_policies and not borne & policy.body.certificate_policies:
        return SignerKind.PERSON
    return SignerKind.BODY if leaf.subject.native.get("organization_identifier") else SignerKind.UNKNOWN


def _anchored(trust: Trust, chain: tuple[CertificateSeen, ...]) -> tuple[bool, bool]:
    """Whether the anchor is one for bodies, one for persons; one for bodies is for both as long as persons have none."""
    if not chain:
        return False, False
    end = chain[-1].digest
    bodies = any(end == certificate_digest(anchor) for anchor in trust.anchors)
    people = any(end == certificate_digest(anchor) for anchor in trust.people)
    return bodies, people or (bodies and not trust.people and not trust.policy.roles_apart)


def _judge_role(leaf: x509.Certificate, policy: Policy, kind: SignerKind, trust: Trust) -> CertificateFault | None:
    said = qc_types(leaf)
    for mine, other, who in ((SignerKind.BODY, ESIGN, "a person"), (SignerKind.PERSON, ESEAL, "a body")):
        if kind is mine and said & {ESIGN, ESEAL} == {other}:
            return _undecided(
                SubIndication.CHAIN_CONSTRAINTS_FAILURE, f"issued to {who}, under an anchor that is for none such"
            )
    if kind is SignerKind.PERSON and policy.roles_apart and not trust.people:
        return _undecided(SubIndication.CHAIN_CONSTRAINTS_FAILURE, "there is no anchor for persons")
    return None


# --- for what --------------------------------------------------------------------------------------------------------------


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


def _judge_usage(leaf: x509.Certificate, rules: SignerRules) -> CertificateFault | None:
    granted = set(leaf.key_usage_value.native) if leaf.key_usage_value is not None else set()
    if not granted & rules.usages:
        return _undecided(
            SubIndication.CHAIN_CONSTRAINTS_FAILURE, f"key usage is {', '.join(sorted(granted)) or 'none'}"
        )
    if fault := _judge_purposes(leaf, rules):
        return fault
    if leaf.ca:
        return _undecided(SubIndication.CHAIN_CONSTRAINTS_FAILURE, "a certification authority signs no documents")
    if rules.certificate_policies and not policies_of(leaf) & rules.certificate_policies:
        return _undecided(
            SubIndication.CHAIN_CONSTRAINTS_FAILURE, "not issued under a certificate policy that is asked for"
        )
    return None


def _judge_purposes(leaf: x509.Certificate, rules: SignerRules) -> CertificateFault | None:
    """Extended key usage (RFC 5280 section 4.2.1.12): without one, anything the key usage grants."""
    purposes = leaf.extended_key_usage_value
    named = set(purposes.native) if purposes is not None else set()
    if refused := sorted(named & rules.refused_purposes):
        return _undecided(
            SubIndication.CHAIN_CONSTRAINTS_FAILURE,
            f"extended key usage {', '.join(refused)} is not for signing documents",
        )
    if purposes is not None and not named & rules.purposes:
        return _undecided(SubIndication.CHAIN_CONSTRAINTS_FAILURE, "extended key usage is not for signing documents")
    return None


def _judge_strength(leaf: x509.Certificate, rules: AlgorithmRules, moment: datetime) -> CertificateFault | None:
    if refusal := key_refusal(rules, leaf.public_key, moment):
        ended = not key_refusal(rules, leaf.public_key, BEFORE)
        sub = SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE if ended else SubIndication.CRYPTO_CONSTRAINTS_FAILURE
        return _undecided(sub, f"{refusal} is not allowed")
    return None


def _judge_demo(leaf: x509.Certificate, trust: Trust) -> CertificateFault | None:
    if trust.demo or not marked_demo(leaf):
        return None
    return _undecided(SubIndication.CHAIN_CONSTRAINTS_FAILURE, "a demo certificate")


def _undecided(sub_indication: SubIndication, reason: str) -> CertificateFault:
    return CertificateFault(sub_indication=sub_indication, reason=reason)
