"""Which algorithms a policy allows, and until when (ETSI TS 119 312): an allow-list, so what nobody thought of is refused.

certvalidator's own policy is a deny-list (MD5, SHA-1, RSA under 2048 bits) that lets any elliptic curve pass, and is asked
about certificates only: the signatures of CRLs and OCSP responses are verified by whatever algorithm they name. So
`AllowList` is given to it for certificates, and `Verifier` stands where every signature of evidence is verified. What a
signature itself was made by, of whatever kind it is, `check_use` holds against the same list.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Final

from asn1crypto import algos, keys
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint, AlgorithmUsagePolicy
from pyhanko_certvalidator.sig_validate import (
    DEFAULT_VALIDATION_CONTEXT,
    DefaultSignatureValidator,
    SignatureValidationContext,
)

from gateway.core.validation import SubIndication
from gateway.crypto.duty import undecided
from gateway.crypto.paths.policy import AlgorithmRules, Until

BEFORE: Final = datetime.min.replace(tzinfo=UTC)
"""Before every last day: what is refused even then was never allowed."""
SPOKEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sha256": "SHA-256",
        "sha384": "SHA-384",
        "sha512": "SHA-512",
        "rsassa_pkcs1v15": "RSASSA-PKCS1-v1_5",
        "rsassa_pss": "RSASSA-PSS",
        "ecdsa": "ECDSA",
    }
)
"""How a verdict calls what a policy, and asn1crypto, call so."""
_IN_POLICY: Final = {spoken: name for name, spoken in SPOKEN.items()}
_RSA: Final = frozenset({"rsa", "rsassa_pss"})


def key_refusal(rules: AlgorithmRules, key: keys.PublicKeyInfo, moment: datetime) -> str:
    """Why a key of this kind and size is not allowed at that moment; an empty text: it is."""
    if key.algorithm in _RSA:
        good = any(key.bit_size >= bits and _in_time(until, moment) for bits, until in rules.rsa_bits)
        return "" if good else f"an RSA key of {key.bit_size} bits"
    if key.algorithm == "ec" and key.curve[0] == "named":
        return "" if _allowed(rules.curves, str(key.curve[1]), moment) else f"the curve {key.curve[1]}"
    return f"a key of the kind {key.algorithm}"


def digest_refusal(rules: AlgorithmRules, digest: str, moment: datetime) -> str:
    """Why a digest algorithm (`sha256`) is not allowed at that moment; an empty text: it is."""
    return "" if _allowed(rules.digests, digest, moment) else f"the digest {digest}"


def signature_refusal(
    rules: AlgorithmRules, algorithm: algos.SignedDigestAlgorithm, key: keys.PublicKeyInfo | None, moment: datetime
) -> str:
    """Why a signature by this algorithm and key is not allowed at that moment; an empty text: it is."""
    try:
        mechanism, digest = algorithm.signature_algo, algorithm.hash_algo
    except ValueError:  # EdDSA has no digest of its own, and asn1crypto none for it
        return f"the algorithm {algorithm['algorithm'].native}"
    if not _allowed(rules.mechanisms, mechanism, moment):
        return f"the mechanism {mechanism}"
    return digest_refusal(rules, digest, moment) or ("" if key is None else key_refusal(rules, key, moment))


def check_use(rules: AlgorithmRules, names: Iterable[str], used: datetime) -> None:
    """Check what a signature or timestamp was made by, at the time when it is proven to exist (EN 319 102-1 clause 5.2.8).

    `names`: as a policy has them, or as verdicts tell them. Who can forge by an algorithm dates what he forges as he likes: one
    that has ended counts only where something else proves that it was used before.

    Raises:
        UnmetDuty: one is not on the list (CRYPTO_CONSTRAINTS_FAILURE), or no longer (CRYPTO_CONSTRAINTS_FAILURE_NO_POE).
    """
    every = {**dict(rules.digests), **dict(rules.mechanisms)}
    for name in names:
        listed = _IN_POLICY.get(name, name)
        if listed not in every:
            raise undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, f"{name} is not on the list of the policy")
        until = every[listed]
        if not _in_time(until, used):
            reason = f"{name} counts until {until}, and nothing proves that it was used before"
            raise undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE, reason)


def ends(rules: AlgorithmRules) -> list[datetime]:
    """When something ceases to be allowed."""
    every = (*rules.digests, *rules.mechanisms, *rules.rsa_bits, *rules.curves)
    return [_end(until) for _, until in every if until is not None]


class AllowList(AlgorithmUsagePolicy):
    """The rules as certvalidator asks for them."""

    def __init__(self, rules: AlgorithmRules, moment: datetime) -> None:
        self._rules = rules
        self._moment = moment

    def digest_algorithm_allowed(
        self, algo: algos.DigestAlgorithm, moment: datetime | None
    ) -> AlgorithmUsageConstraint:
        """See `AlgorithmUsagePolicy`."""
        name, at = algo["algorithm"].native, moment or self._moment
        was_good = not digest_refusal(self._rules, name, BEFORE)
        return self._constraint(digest_refusal(self._rules, name, at), was_good=was_good)

    def signature_algorithm_allowed(
        self, algo: algos.SignedDigestAlgorithm, moment: datetime | None, public_key: keys.PublicKeyInfo | None
    ) -> AlgorithmUsageConstraint:
        """See `AlgorithmUsagePolicy`."""
        was_good = not signature_refusal(self._rules, algo, public_key, BEFORE)
        refusal = signature_refusal(self._rules, algo, public_key, moment or self._moment)
        return self._constraint(refusal, was_good=was_good)

    def _constraint(self, refusal: str, *, was_good: bool) -> AlgorithmUsageConstraint:
        """With the day on which it ended, where it was allowed before: then a proof of existence can heal it."""
        ended = self._moment if refusal and was_good else None
        return AlgorithmUsageConstraint(not refusal, not_allowed_after=ended, failure_reason=refusal or None)


class Verifier(DefaultSignatureValidator):
    """Verifies no signature whose algorithm or key is not allowed: certificates', CRLs' and OCSP responses' alike."""

    def __init__(self, rules: AlgorithmRules, moment: datetime) -> None:
        super().__init__()
        self._rules = rules
        self._moment = moment

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        context: SignatureValidationContext = DEFAULT_VALIDATION_CONTEXT,
    ) -> None:
        """See `SignatureValidator`."""
        if refusal := signature_refusal(self._rules, signature_algorithm, public_key_info, self._moment):
            raise InvalidSignature(f"{refusal} is not allowed")
        super().validate_signature(signature, signed_data, public_key_info, signature_algorithm, context)


def _allowed(rules: tuple[tuple[str, Until], ...], name: str, moment: datetime) -> bool:
    return any(name == allowed and _in_time(until, moment) for allowed, until in rules)


def _in_time(until: Until, moment: datetime) -> bool:
    return until is None or moment < _end(until)


def _end(until: date) -> datetime:
    """The end of that day, UTC."""
    return datetime.fromordinal(until.toordinal() + 1).replace(tzinfo=UTC)
