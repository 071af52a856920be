"""What a verdict on a signature rests on, as plain values: who, by which certificates, revocation evidence and timestamps.

The words are those of ETSI EN 319 102-1 and TS 119 102-2. A judge fills these in, a report tells them; nobody decides by them:
what was decided stands in `verdict`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.core.ids import Digest


class Indication(StrEnum):
    """EN 319 102-1 table 5: the main indication."""

    TOTAL_PASSED = "TOTAL-PASSED"
    INDETERMINATE = "INDETERMINATE"
    TOTAL_FAILED = "TOTAL-FAILED"


class SubIndication(StrEnum):
    """EN 319 102-1 table 6."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    POLICY_PROCESSING_ERROR = "POLICY_PROCESSING_ERROR"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    NO_POE = "NO_POE"
    TRY_LATER = "TRY_LATER"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"


class Level(StrEnum):
    """The baseline level of a signature by what it carries (EN 319 142-1 clause 6, 319 132-1, 319 122-1)."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"


class SignerKind(StrEnum):
    """As whom somebody signed, by the certificate and the anchor it leads to."""

    BODY = "body"
    """A seal: the signature of a body (EN 319 412-3)."""
    PERSON = "person"
    """EN 319 412-2."""
    AUTHORITY = "authority"
    """A timestamp authority."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerIdentity:
    """What the signer's certificate says of its subject; each text may be empty."""

    kind: SignerKind
    name: str
    organization: str
    organ_id: str
    """organizationIdentifier (2.5.4.97): a body's electronic identification code where it stands."""
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSeen:
    """One certificate of a path, leaf first."""

    digest: Digest
    subject: str
    issuer: str
    serial: str
    """Hex, lower case."""
    not_before: datetime
    not_after: datetime
    key: str
    """`RSA-2048`, `secp256r1`."""
    anchor: bool


class RevocationStatus(StrEnum):
    """What evidence says of one certificate at the moment that it was asked about."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    """None was there, or none that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationSeen:
    """The evidence that was used for one certificate; what is not known is None or empty."""

    certificate: Digest
    status: RevocationStatus
    kind: str
    """`crl`, `ocsp` or empty."""
    source: str
    """`embedded` (it came with the signature), `store` (ours) or empty."""
    issued_at: datetime | None = None
    """thisUpdate."""
    next_update: datetime | None = None
    age_seconds: int | None = None
    """Between `issued_at` and the moment of judgement."""
    revoked_at: datetime | None = None
    digest: Digest | None = None
    """SHA-256 of the CRL or of the OCSP response."""


class Outcome(StrEnum):
    """How one check ended."""

    MET = "met"
    FAILED = "failed"
    UNDECIDED = "undecided"
    NOT_MADE = "not_made"
    """Not come to; or, with a detail that says so, come to and found to have nothing to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One numbered duty of a verifier, and how it ended."""

    duty: int
    name: str
    """Its text is `check.<name>` of the catalogue."""
    clause: str
    """Document and clause, such as `EN 319 102-1 5.2.7`."""
    outcome: Outcome
    detail: str = ""
    """English, for engineers."""

    @property
    def reached(self) -> bool:
        """Whether the verifier came to it."""
        return self.outcome is not Outcome.NOT_MADE or bool(self.detail)


class TimestampKind(StrEnum):
    """What a timestamp was put upon."""

    CONTENT = "content"
    SIGNATURE = "signature"
    DOCUMENT = "document"
    """DocTimeStamp of a PDF: an archive timestamp over everything before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampSeen:
    """One timestamp (RFC 3161) and what it is worth."""

    kind: TimestampKind
    indication: Indication
    sub_indication: SubIndication | None
    reason: str
    time: datetime | None
    """genTime; believed only with TOTAL-PASSED."""
    authority: str
    """Common name of the authority's certificate."""
    certificate: Digest | None = None
    policy: str = ""
    """OID of the policy it was issued under."""
    chain: tuple[CertificateSeen, ...] = ()
    revocation: tuple[RevocationSeen, ...] = ()
    checks: tuple[Check, ...] = ()


class ChangeKind(StrEnum):
    """What was added to a file after a signature."""

    SIGNATURE = "signature"
    TIMESTAMP = "timestamp"
    EVIDENCE = "evidence"
    """Validation data (a document security store)."""
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One revision after the one that was signed."""

    kind: ChangeKind
    allowed: bool
    revision: int
    """Counted from 1; the signed one is smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUsed:
    """Which validation policy a verdict was made by."""

    name: str
    version: int
    digest: Digest
    """SHA-256 of the policy's text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureDetails:
    """Everything about one signature that a report tells beside the verdict."""

    identity: SignerIdentity | None = None
    level: Level | None = None
    chain: tuple[CertificateSeen, ...] = ()
    revocation: tuple[RevocationSeen, ...] = ()
    timestamps: tuple[TimestampSeen, ...] = ()
    best_time: datetime | None = None
    """Best signature time (EN 319 102-1 clause 5.5): the earliest time proven by a timestamp, else the moment of judgement."""
    changes: tuple[Change, ...] = ()
    algorithms: tuple[str, ...] = ()
    """Such as `SHA-256`, `RSASSA-PKCS1-v1_5`."""
    checks: tuple[Check, ...] = ()
    policy: PolicyUsed | None = None
