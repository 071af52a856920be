"""Every PDF of the shared own-pki vectors against its EXPECT.md; two tables, and a file in neither is a failure.

The page's verdicts are those of a correct validator at 2026-11-21T12:00Z with its two CRLs. What it expects of timestamps and
embedded evidence waits in `LATER` until they are looked at; until then those files are undecided, which is honest.
"""

import datetime as dt
from pathlib import Path

import pytest

from gateway.core.validation import Indication, SubIndication
from gateway.core.verdict import FileVerdict
from gateway.crypto import Trust, judge_pdf

MOMENT = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
PASSED = Indication.TOTAL_PASSED
REVOKED = frozenset({SubIndication.REVOKED_NO_POE, SubIndication.REVOKED})
OUT_OF_BOUNDS = frozenset({SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.OUT_OF_BOUNDS_NOT_REVOKED})
USAGE = frozenset({SubIndication.CHAIN_CONSTRAINTS_FAILURE})
CHANGED = frozenset({SubIndication.SIG_CONSTRAINTS_FAILURE})

Expected = Indication | frozenset[SubIndication]
"""TOTAL-PASSED, or undecided with one of these reasons."""

TABLE: tuple[tuple[list[Expected], tuple[str, ...]], ...] = (
    ([REVOKED], ("revoked-B", "revoked-T")),
    ([OUT_OF_BOUNDS], ("expired-B", "expired-T", "expired-T-oldrevinfo-dts", "expired-signed-2021-LT")),
    ([USAGE], ("nonsig-B", "nonsig-T", "badeku-B", "badeku-T")),
    ([frozenset({SubIndication.CRYPTO_CONSTRAINTS_FAILURE})], ("weak1024-B",)),
    ([frozenset({SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE})], ("certs-dos",)),
    ([CHANGED, PASSED], ("person-organ-B", "person-organ-T", "person-organ-LT", "person-organ-LTA")),
    ([PASSED], ("person-B", "person-T", "person-LT", "person-LTA", "ecperson-B")),
    ([PASSED], ("hsm-cli", "hsm-lib-ec", "hsm-lib-rsa")),
    ([PASSED, PASSED], ("two-newfields-approval", "two-prefields-approval-LTA", "two-prefields-certify")),
    ([], ("plain",)),
)
EXPECTED = {name: verdicts for verdicts, names in TABLE for name in names}
LATER: dict[str, list[Expected]] = {
    "expired-signed-2021-LTA": [PASSED],
    "revoked-later-signed-2025-03-LTA": [PASSED],
    # Not in EXPECT.md. A timestamp of March 2025 proves that it was signed before June 2025, when it was revoked; what is
    # known of the revocation today says so. EN 319 102-1 clause 5.5.4, step 4 a): no archive timestamp is needed for that.
    "revoked-later-signed-2025-03-LT": [PASSED],
}


def judged(folder: Path, name: str, trust: Trust) -> FileVerdict:
    return judge_pdf((folder / f"{name}.pdf").read_bytes(), trust=trust, moment=MOMENT)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_file_gets_the_verdict_of_its_page(name: str, own_pki: Path, own_trust: Trust) -> None:
    verdict = judged(own_pki, name, own_trust)
    assert len(verdict.signatures) == len(EXPECTED[name])
    for found, expected in zip(verdict.signatures, EXPECTED[name], strict=True):
        if isinstance(expected, Indication):
            assert found.indication is expected, found.reason
        else:
            assert found.indication is Indication.INDETERMINATE
            assert found.sub_indication in expected, found.reason
    if not verdict.signatures:
        assert verdict.indication is None


@pytest.mark.parametrize("name", [name for name in EXPECTED if name != "plain"])
def test_without_revocation_evidence_none_passes(name: str, own_pki: Path, own_trust: Trust) -> None:
    """Unless it brought its own, which is looked at with the timestamps."""
    bare = Trust(anchors=own_trust.anchors, intermediates=own_trust.intermediates)
    if "LT" not in name:
        assert judged(own_pki, name, bare).indication is not PASSED


@pytest.mark.parametrize("name", LATER)
def test_what_waits_is_undecided_and_sound(name: str, own_pki: Path, own_trust: Trust) -> None:
    (signature,) = judged(own_pki, name, own_trust).signatures
    assert signature.indication is not Indication.TOTAL_FAILED


def test_every_file_is_in_a_table(own_pki: Path) -> None:
    assert {path.stem for path in own_pki.glob("*.pdf")} == EXPECTED.keys() | LATER.keys()
