"""The validation policy as data: what is asked of signers, algorithms and evidence (EN 319 102-1 clause 5.1.4).

A policy is a value without behaviour: who judges reads it. Its digest stands in every verdict, so a report says by which rules
it was made, and two verdicts can be told apart by them.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from gateway.core import limits
from gateway.core.ids import Digest
from gateway.core.validation import PolicyUsed

SIGNING_PURPOSES: Final = frozenset(
    {
        "any_extended_key_usage",
        "email_protection",
        "client_auth",
        "1.3.6.1.5.5.7.3.36",  # id-kp-documentSigning, RFC 9336
        "microsoft_document_signing",
        "adobe_authentic_documents_trust",
    }
)
"""Vietnamese authorities issue signing certificates with emailProtection and clientAuth."""

REFUSED_PURPOSES: Final = frozenset({"server_auth"})
"""A TLS certificate of a server bears clientAuth, too, and its key lies where connections end: it signs no documents."""

SHIPPED_DIGEST: Final = Digest("e45aa0c421e41a51fe74c2317d73f21f8ac0068a33757f251d3d70d87a07e4d6")
"""SHA-256 of config/policy/edoc-gateway-2.toml, whose rules are the defaults below (a test compares all of them)."""

Until = date | None
"""The last day on which something may have been used; None: there is no last day yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerRules:
    """What the certificate of a signer must say."""

    usages: frozenset[str] = frozenset({"non_repudiation", "digital_signature"})
    """Key usages (RFC 5280 section 4.2.1.3), one of which it must grant."""
    purposes: frozenset[str] = SIGNING_PURPOSES
    """Extended key usages, one of which it must grant when it names any."""
    refused_purposes: frozenset[str] = REFUSED_PURPOSES
    """... and none of which it may grant, whatever else it names."""
    certificate_policies: frozenset[str] = frozenset()
    """OIDs, one of which it must bear; none: any will do."""
    anchors: frozenset[Digest] = frozenset()
    """SHA-256 of certificates: of the trusted anchors of this role only these are used; none: all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgorithmRules:
    """An allow-list: what is not named is refused (ETSI TS 119 312)."""

    digests: tuple[tuple[str, Until], ...] = (("sha256", None), ("sha384", None), ("sha512", None))
    mechanisms: tuple[tuple[str, Until], ...] = (("rsassa_pkcs1v15", None), ("rsassa_pss", None), ("ecdsa", None))
    rsa_bits: tuple[tuple[int, Until], ...] = ((limits.RSA_BITS_MIN, None),)
    """From how many bits on, until when."""
    curves: tuple[tuple[str, Until], ...] = (("secp256r1", None), ("secp384r1", None), ("secp521r1", None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old evidence of revocation may be."""

    crl_seconds_max: int | None = None
    """Since thisUpdate; None: until its own nextUpdate."""
    ocsp_seconds_max: int | None = None
    stale_passes: bool = False
    """Whether evidence that is too old still counts, told as such; without it a verdict is INDETERMINATE/TRY_LATER."""
    grace_seconds: int = 0
    """How long after a proven time evidence must have been issued to be final (clause 5.2.5.4); 0: not asked. Asked only where
    a time is proven: whatever is here of a signature that is proven only to exist now was issued before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One version of the rules."""

    name: str = "edoc-gateway"
    version: int = 2
    digest: Digest = SHIPPED_DIGEST
    """SHA-256 of the text it was read from."""
    roles_apart: bool = False
    """Whether the anchors of bodies are no good for persons even where persons have none of their own."""
    body: SignerRules = field(default_factory=SignerRules)
    person: SignerRules = field(default_factory=SignerRules)
    authority_anchors: frozenset[Digest] = frozenset()
    """Of the trusted anchors of timestamp authorities only these are used; none: all of them."""
    algorithms: AlgorithmRules = field(default_factory=AlgorithmRules)
    freshness: Freshness = field(default_factory=Freshness)

    @property
    def used(self) -> PolicyUsed:
        """How a verdict names it."""
        return PolicyUsed(name=self.name, version=self.version, digest=self.digest)
