"""pyHanko's own judges on the shared files: the second opinion, and each place where it is known to be wrong."""

import asyncio
import datetime as dt
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import crl, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from gateway.core.validation import Indication
from gateway.crypto import Trust, judge_pdf
from tests.unit.crypto.test_own_pki import EXPECTED, PASSED, VECTOR_MOMENT

USAGE = KeyUsageConstraints(key_usage={"non_repudiation"})
TODAY_ONLY = {"revoked-later-signed-2025-03-LT", "revoked-later-signed-2025-03-LTA", "expired-signed-2021-LTA"}
"""Good then, as their timestamps prove: pyHanko's validator of today does not look back."""


def context(trust: Trust, moment: dt.datetime) -> ValidationContext:
    return ValidationContext(
        trust_roots=[x509.Certificate.load(der) for der in trust.anchors],
        other_certs=[x509.Certificate.load(der) for der in trust.intermediates],
        crls=[crl.CertificateList.load(der) for der in trust.crls],
        moment=moment,
        allow_fetching=False,
        revocation_mode="require",
    )


def theirs(signature: Any, trust: Trust) -> Any:
    checked = async_validate_pdf_signature(
        signature,
        context(trust, VECTOR_MOMENT),
        ts_validation_context=context(trust, VECTOR_MOMENT),
        key_usage_settings=USAGE,
    )
    return asyncio.run(checked)


@pytest.mark.parametrize("name", [name for name in EXPECTED if name != "certs-dos"])
def test_pyhanko_finds_the_same_bytes_signed_and_trusts_no_more_than_we_do(
    name: str, own_pki: Path, own_trust: Trust
) -> None:
    data = (own_pki / f"{name}.pdf").read_bytes()
    ours = judge_pdf(data, trust=own_trust, moment=VECTOR_MOMENT).signatures
    embedded = [one for one in PdfFileReader(BytesIO(data)).embedded_signatures if one.sig_object_type == "/Sig"]
    assert len(ours) == len(embedded)
    for mine, signature in zip(ours, embedded, strict=True):
        other = theirs(signature, own_trust)
        assert other.intact
        if other.bottom_line:
            assert mine.indication is PASSED
        elif name not in TODAY_ONLY:
            assert mine.indication is not PASSED
        if mine.details.timestamps and other.timestamp_validity is not None:
            assert other.timestamp_validity.timestamp in {one.time for one in mine.details.timestamps}


def test_the_file_that_pyhanko_s_ades_engine_passes_wrongly_is_refused(own_pki: Path, own_trust: Trust) -> None:
    """signing.md 1.2 A."""
    verdict = judge_pdf((own_pki / "expired-T.pdf").read_bytes(), trust=own_trust, moment=VECTOR_MOMENT)
    assert verdict.indication is Indication.INDETERMINATE
    (stamp,) = verdict.signatures[0].details.timestamps
    assert stamp.indication is PASSED
