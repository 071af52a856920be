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
from gateway.crypto.pades import judge_pdf, media_type
from gateway.crypto.seal import PreparedSeal, prepare_seal
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
    "PreparedSeal",
    "Trust",
    "certificate_digest",
    "is_demo",
    "judge_certificate",
    "judge_pdf",
    "load_trust",
    "media_type",
    "organization_identifier",
    "prepare_seal",
    "read_certificates",
    "refuse_demo",
    "spki_digest",
    "subject_public_key",
]
