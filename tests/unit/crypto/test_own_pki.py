"""Every PDF of the shared own-pki vectors: its verdict by EXPECT.md, its level, its time; a file in no table is a failure."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.validation import ChangeKind, Indication, Level, SubIndication
from gateway.core.verdict import FileVerdict
from gateway.crypto import JudgePool, Trust, judge_pdf

VECTOR_MOMENT = dt.datetime(2026, 11, 21, 20, tzinfo=dt.UTC)
"""After their timestamps, and while their revocation lists run."""
PASSED, UNDECIDED = Indication.TOTAL_PASSED, Indication.INDETERMINATE

EXPECTED = {
    "person-B": [PASSED],
    "ecperson-B": [PASSED],
    "hsm-cli": [PASSED],
    "hsm-lib-ec": [PASSED],
    "hsm-lib-rsa": [PASSED],
    "person-T": [PASSED],
    "person-LT": [PASSED],
    "person-LTA": [PASSED],
    "two-newfields-approval": [PASSED, PASSED],
    "two-prefields-approval-LTA": [PASSED, PASSED],
    "two-prefields-certify": [PASSED, PASSED],
    "person-organ-B": [SubIndication.SIG_CONSTRAINTS_FAILURE, PASSED],
    "person-organ-T": [SubIndication.SIG_CONSTRAINTS_FAILURE, PASSED],
    "person-organ-LT": [SubIndication.SIG_CONSTRAINTS_FAILURE, PASSED],
    "person-organ-LTA": [SubIndication.SIG_CONSTRAINTS_FAILURE, PASSED],
    "revoked-B": [SubIndication.REVOKED_NO_POE],
    "revoked-T": [SubIndication.REVOKED_NO_POE],
    "expired-B": [SubIndication.OUT_OF_BOUNDS_NO_POE],
    "expired-T": [SubIndication.OUT_OF_BOUNDS_NO_POE],
    "expired-T-oldrevinfo-dts": [SubIndication.OUT_OF_BOUNDS_NO_POE],
    "expired-signed-2021-LT": [SubIndication.OUT_OF_BOUNDS_NO_POE],
    "nonsig-B": [SubIndication.CHAIN_CONSTRAINTS_FAILURE],
    "nonsig-T": [SubIndication.CHAIN_CONSTRAINTS_FAILURE],
    "badeku-B": [SubIndication.CHAIN_CONSTRAINTS_FAILURE],
    "badeku-T": [SubIndication.CHAIN_CONSTRAINTS_FAILURE],
    "weak1024-B": [SubIndication.CRYPTO_CONSTRAINTS_FAILURE],
    "certs-dos": [SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE],
    "expired-signed-2021-LTA": [PASSED],
    "revoked-later-signed-2025-03-LTA": [PASSED],
    # Not in EXPECT.md. Clause 5.5.4, step 4 a: the certificate was revoked three months after the best signature time, so it
    # was good when it signed. That takes the timestamp alone: our own list, which is of today, says since when it is revoked.
    "revoked-later-signed-2025-03-LT": [PASSED],
}
LEVELS = {
    "person-B": [Level.B_B],
    "person-T": [Level.B_T],
    "person-LT": [Level.B_LT],
    "person-LTA": [Level.B_LTA],
    "two-prefields-approval-LTA": [Level.B_LTA, Level.B_LTA],
    "expired-signed-2021-LT": [Level.B_LT],
    "expired-T-oldrevinfo-dts": [Level.B_T],
}
BEST = {
    "expired-signed-2021-LTA": dt.datetime(2021, 6, 1, tzinfo=dt.UTC),
    "revoked-later-signed-2025-03-LT": dt.datetime(2025, 3, 1, tzinfo=dt.UTC),
    "person-B": VECTOR_MOMENT,
}


def judge(folder: Path, name: str, trust: Trust) -> FileVerdict:
    return judge_pdf((folder / f"{name}.pdf").read_bytes(), trust=trust, moment=VECTOR_MOMENT)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_shared_files_get_their_verdicts(name: str, own_pki: Path, own_trust: Trust) -> None:
    verdict = judge(own_pki, name, own_trust)
    assert [signature.sub_indication or signature.indication for signature in verdict.signatures] == EXPECTED[name]


def test_every_shared_file_is_in_the_table(own_pki: Path) -> None:
    assert {path.stem for path in own_pki.glob("*.pdf")} == {*EXPECTED, "plain"}


@pytest.mark.parametrize("name", LEVELS)
def test_the_shared_files_have_the_level_of_what_they_carry(name: str, own_pki: Path, own_trust: Trust) -> None:
    verdict = judge(own_pki, name, own_trust)
    assert [signature.details.level for signature in verdict.signatures] == LEVELS[name]


@pytest.mark.parametrize("name", BEST)
def test_the_shared_files_say_when_they_existed(name: str, own_pki: Path, own_trust: Trust) -> None:
    (signature,) = judge(own_pki, name, own_trust).signatures
    assert signature.details.best_time == BEST[name]


def test_a_certified_file_with_a_new_field_blames_only_the_revision_that_added_it(
    own_pki: Path, own_trust: Trust
) -> None:
    """DocMDP P=2 lets fields be filled in, and no new one be made: the person's certification, not the organ's seal."""
    verdict = judge(own_pki, "person-organ-LTA", own_trust)
    person, organ = verdict.signatures
    assert [(change.kind, change.allowed) for change in person.details.changes] == [
        (ChangeKind.TIMESTAMP, True),
        (ChangeKind.EVIDENCE, True),
        (ChangeKind.SIGNATURE, False),
        (ChangeKind.TIMESTAMP, True),
        (ChangeKind.EVIDENCE, True),
    ]
    assert all(change.allowed for change in organ.details.changes)
    assert person.details.identity is not None
    assert person.details.identity.name == "Nguyen Van A"
    assert person.details.level is Level.B_LTA


BRING_THEIR_OWN = (
    *("person-LT", "person-LTA"),
    *("two-newfields-approval", "two-prefields-approval-LTA", "two-prefields-certify"),
)
"""What was archived years ago brings evidence of then; of its authority of timestamps now, nobody but we knows."""


@pytest.mark.parametrize("name", EXPECTED)
def test_evidence_of_our_own_is_not_needed_where_the_file_brings_it(name: str, own_pki: Path, own_trust: Trust) -> None:
    verdict = judge(own_pki, name, replace(own_trust, crls=()))
    assert (verdict.indication is PASSED) is (name in BRING_THEIR_OWN), verdict.reason
    if name == "person-T":
        assert verdict.sub_indication is SubIndication.TRY_LATER


def test_an_unsigned_file_has_no_indication(own_pki: Path, own_trust: Trust) -> None:
    verdict = judge(own_pki, "plain", own_trust)
    assert (verdict.media_type, verdict.indication, verdict.signatures) == ("application/pdf", None, ())


async def test_the_file_that_burns_cpu_is_refused_at_once_in_a_judge(own_pki: Path, own_trust: Trust) -> None:
    pool = JudgePool(size=1, preload=("gateway.crypto.pades.verify",))
    await pool.start()
    data = (own_pki / "certs-dos.pdf").read_bytes()
    verdict = await pool.run(judge_pdf, data, trust=own_trust, moment=VECTOR_MOMENT)
    await pool.close()
    assert (verdict.indication, verdict.reason) == (UNDECIDED, "too many embedded certificates")  # none was looked at
