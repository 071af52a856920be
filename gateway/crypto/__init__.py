"""Crypto (essay follows)."""

from gateway.crypto.certificates import (
    DEMO_POLICY_OID,
    SEAL_USAGES,
    CertificateVerdict,
    Trust,
    certificate_digest,
    is_demo,
    judge_certificate,
    organization_identifier,
    refuse_demo,
    spki_digest,
    subject_public_key,
)
from gateway.crypto.holders import InlineHolder, KeyHolder, KeyHolderPool
from gateway.crypto.judge import InlineJudge, JudgePool
from gateway.crypto.trust import load_trust, read_certificates

__all__ = [
    "DEMO_POLICY_OID",
    "SEAL_USAGES",
    "CertificateVerdict",
    "InlineHolder",
    "InlineJudge",
    "JudgePool",
    "KeyHolder",
    "KeyHolderPool",
    "Trust",
    "certificate_digest",
    "is_demo",
    "judge_certificate",
    "load_trust",
    "organization_identifier",
    "read_certificates",
    "refuse_demo",
    "spki_digest",
    "subject_public_key",
]
