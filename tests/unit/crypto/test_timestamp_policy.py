"""Tokens by algorithms whose time has ended: whoever can forge by one writes any time he likes."""

import datetime as dt
import hashlib
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.core.validation import Indication, SubIndication, TimestampKind
from gateway.crypto import Policy, Trust, judge_timestamp
from gateway.crypto.paths.policy import AlgorithmRules
from tests.kit.pki import DAY, MOMENT, Pki, der, rsa_key
from tests.kit.timestamp_authority import Authority

PKI = Pki()
KEY, ROOT_KEY = rsa_key(f"{PKI.name} Strong TSA"), rsa_key(f"{PKI.name} root")
ENDED = (MOMENT - 10 * DAY).date()


class Strong(Authority):
    """Its own certificate is signed over SHA-512; the token's digests are SHA-256."""

    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Strong TSA")]))
        .issuer_name(PKI.root.subject)
        .public_key(KEY.public_key())
        .serial_number(4711)
        .not_valid_before(MOMENT - 365 * DAY)
        .not_valid_after(MOMENT + 365 * DAY)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(ROOT_KEY, SHA512())
    )


def believing(until: dt.date | None) -> Trust:
    listed = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(PKI.root.subject)
        .last_update(MOMENT - DAY)
        .next_update(MOMENT + DAY)
        .sign(ROOT_KEY, SHA512())
    )
    rules = AlgorithmRules(digests=(("sha256", until), ("sha512", None)))
    return replace(PKI.trust, authorities=(der(PKI.root),), crls=(der(listed),), policy=Policy(algorithms=rules))


@pytest.mark.parametrize(
    ("until", "expected"), [(None, None), (ENDED, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE)]
)
def test_a_token_by_an_algorithm_that_has_ended_proves_nothing(
    until: dt.date | None, expected: SubIndication | None
) -> None:
    token = Strong(PKI, name="Strong TSA").at(MOMENT - 30 * DAY)(b"a signature")
    seen = judge_timestamp(
        token,
        kind=TimestampKind.SIGNATURE,
        digest=lambda name: hashlib.new(name, b"a signature").digest(),
        trust=believing(until),
        moment=MOMENT,
    )
    assert seen.sub_indication is expected
    assert seen.indication is (Indication.INDETERMINATE if expected else Indication.TOTAL_PASSED)
