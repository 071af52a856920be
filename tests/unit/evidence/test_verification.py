"""What follows from verdicts: results, integrity, proven times, and above all what is not known."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import gateway
from gateway.core.errors import SenderError
from gateway.core.validation import (
    Change,
    ChangeKind,
    Check,
    Indication,
    Outcome,
    RevocationStatus,
    SubIndication,
    TimestampKind,
)
from gateway.core.verdict import SignatureVerdict
from gateway.evidence import (
    FileReport,
    Integrity,
    NextStep,
    Result,
    Unreadable,
    limits_of,
    next_step,
    unexamined,
    verified,
)
from gateway.evidence.verification import BYTES_CHECKS, STAMPS_CHECKS
from tests.kit.verifications import (
    BARE,
    CHECKS,
    EMPTY,
    FAILED,
    FULL,
    ISSUER,
    LEAF,
    NOW,
    PASSED,
    PERSON_THEN_SEAL,
    SIGNED,
    STAMPED,
    UNDECIDED,
    report,
    revocation,
    signature,
    timestamp,
    verification,
)


def codes(found: FileReport, *, chosen: bool = False, registry: bool = True) -> list[str]:
    whole = verification(found, moment=NOW if chosen else None)
    circumstances = replace(whole.circumstances, registry=registry)
    return [limit.code for limit in limits_of(whole.files[0], circumstances)]


@pytest.mark.parametrize(
    ("signatures", "result", "step"),
    [
        ((PASSED,), Result.PASSED, NextStep.PASSED),
        ((PASSED, UNDECIDED), Result.UNDECIDED, NextStep.UNDECIDED),
        ((PASSED, UNDECIDED, FAILED), Result.FAILED, NextStep.FAILED),
        ((), Result.UNSIGNED, NextStep.UNSIGNED),
    ],
)
def test_the_worst_signature_decides(signatures: tuple[SignatureVerdict, ...], result: Result, step: NextStep) -> None:
    found = verified(report(*signatures))
    assert (found.result, found.next_step) == (result, step)
    assert [one.number for one in found.signatures] == list(range(1, len(signatures) + 1))


def test_the_worst_file_decides_and_nothing_examined_is_nothing_proven() -> None:
    good, bad = report(PASSED), report(FAILED)
    assert verification(good, EMPTY).result is Result.UNEXAMINED
    assert verification(good, bad, EMPTY).result is Result.FAILED
    assert verification().result is Result.UNEXAMINED
    assert dict(verification(good, good, EMPTY).counts) == {Result.PASSED: 2, Result.UNEXAMINED: 1}


def test_a_file_that_nobody_could_read_is_not_called_undecided() -> None:
    unread = replace(report(), indication=Indication.INDETERMINATE)
    assert verified(unread).result is Result.UNEXAMINED
    repaired = replace(unread, kind="edxml", repaired=True)
    assert (verified(repaired).result, verified(repaired).next_step) == (Result.UNDECIDED, NextStep.REPAIRED)


# --- was it changed


ALLOWED = Change(kind=ChangeKind.EVIDENCE, allowed=True, revision=2)
FORBIDDEN = Change(kind=ChangeKind.OTHER, allowed=False, revision=3)


@pytest.mark.parametrize(
    ("verdict", "integrity"),
    [
        (PASSED, Integrity.INTACT),
        (signature(details=BARE), Integrity.INTACT),
        (signature(details=BARE, covers="revision"), Integrity.ADDED),
        (signature(details=replace(FULL, changes=(ALLOWED,))), Integrity.ADDED),
        (signature(Indication.INDETERMINATE, None, replace(FULL, changes=(ALLOWED, FORBIDDEN))), Integrity.FORBIDDEN),
        (FAILED, Integrity.CHANGED),
        (signature(Indication.TOTAL_FAILED, SubIndication.HASH_FAILURE, FULL), Integrity.CHANGED),
        (UNDECIDED, Integrity.UNKNOWN),
        (signature(Indication.INDETERMINATE, SubIndication.TRY_LATER, FULL), Integrity.INTACT),
        (signature(Indication.INDETERMINATE, SubIndication.TRY_LATER, FULL, covers="revision"), Integrity.UNKNOWN),
        (signature(Indication.TOTAL_FAILED, SubIndication.FORMAT_FAILURE, BARE), Integrity.UNKNOWN),
    ],
)
def test_nobody_is_told_that_nothing_changed_unless_somebody_compared(
    verdict: SignatureVerdict, integrity: Integrity
) -> None:
    (one,) = verified(report(verdict)).signatures
    assert one.integrity is integrity


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNDECIDED, Outcome.NOT_MADE])
def test_a_comparison_that_was_not_met_compares_nothing(outcome: Outcome) -> None:
    checks = (CHECKS[0], CHECKS[1], replace(CHECKS[2], name="xades.value", outcome=outcome), CHECKS[3])
    verdict = signature(Indication.INDETERMINATE, SubIndication.FORMAT_FAILURE, replace(FULL, checks=checks))
    assert verified(report(verdict)).signatures[0].integrity is Integrity.UNKNOWN


@pytest.mark.parametrize(
    ("indication", "integrity"),
    [(Indication.TOTAL_FAILED, Integrity.CHANGED), (Indication.INDETERMINATE, Integrity.UNKNOWN)],
)
def test_a_signed_header_does_not_make_other_files_intact(indication: Indication, integrity: Integrity) -> None:
    """The header is as it was signed; the files are not those that it names."""
    trouble = SenderError("envelope.attachments", reason="digest")
    found = replace(report(), kind="edxml", envelope=PASSED, parts=(), trouble=trouble, indication=indication)
    (one,) = verified(found).signatures
    assert one.integrity is integrity
    assert "files" in codes(found)


def test_the_duties_that_compare_are_duties_of_our_verifiers() -> None:
    """A duty that is renamed would make every integrity unknown."""
    crypto = Path(gateway.__file__).parent / "crypto"
    program = "".join(path.read_text("utf-8") for path in crypto.rglob("*.py"))
    assert [name for name in BYTES_CHECKS | STAMPS_CHECKS if f'"{name}"' not in program] == []


# --- when


def test_only_an_accepted_timestamp_upon_the_signature_proves_its_time() -> None:
    def proven(*stamps: object) -> object:
        return verified(report(signature(details=replace(FULL, timestamps=stamps)))).signatures[0].proven_time

    good = timestamp()
    assert proven(good) == STAMPED
    assert proven(replace(good, kind=TimestampKind.DOCUMENT)) == STAMPED
    assert proven(replace(good, kind=TimestampKind.CONTENT)) is None, "the content was there; was it signed?"
    assert proven(replace(good, indication=Indication.INDETERMINATE)) is None
    assert proven(replace(good, time=None)) is None
    assert proven(good, replace(good, time=SIGNED)) == SIGNED, "the earliest"


def test_certificates_are_seen_from_the_best_signature_time() -> None:
    short = replace(LEAF, not_after=STAMPED + timedelta(hours=1))
    details = replace(FULL, chain=(short, ISSUER))
    then, later = (
        verified(report(signature(details=replace(details, best_time=moment)))).signatures[0].certificates[0]
        for moment in (STAMPED, None)
    )
    assert (then.in_time, later.in_time) == (True, False), "without one, from the moment of judgement"
    assert then.revocation == revocation("a")
    assert (
        verified(report(signature(details=replace(details, revocation=())))).signatures[0].certificates[0].revocation
        is None
    )


# --- what was not checked


def test_a_full_verdict_leaves_what_no_program_checks() -> None:
    assert codes(report(PASSED)) == ["content", "offline", "clock"]
    assert codes(report(PASSED), chosen=True, registry=False) == ["moment", "registry", "content", "offline", "clock"]


def test_an_empty_verdict_is_told_as_not_known_point_by_point() -> None:
    found = codes(report(UNDECIDED))
    assert found[:6] == ["time", "changes", "identity", "chain", "policy", "duties"]


def test_each_limit_names_the_signatures_it_is_about() -> None:
    whole = verification(report(*PERSON_THEN_SEAL, UNDECIDED))
    limits = {limit.code: limit for limit in limits_of(whole.files[0], whole.circumstances)}
    assert limits["time"].signatures == (1, 3)
    assert limits["chain"].signatures == (3,)


def test_missing_evidence_of_revocation_is_a_limit_but_not_for_an_anchor() -> None:
    unknown = replace(revocation("b"), status=RevocationStatus.UNKNOWN)
    assert "revocation" not in codes(report(PASSED))
    assert "revocation" in codes(report(signature(details=replace(FULL, revocation=(revocation("a"),)))))
    assert "revocation" in codes(report(signature(details=replace(FULL, revocation=(revocation("a"), unknown)))))


def test_checks_that_were_not_made_are_named() -> None:
    whole = verification(report(FAILED))
    limits = {limit.code: limit for limit in limits_of(whole.files[0], whole.circumstances)}
    assert limits["checks"].names == ("cades.signature", "cades.timestamps")


def test_what_an_envelope_does_not_cover() -> None:
    inside = replace(report(PASSED), kind="edxml", envelope=PASSED)
    bare = replace(
        inside.parts[0], name="phu-luc.docx", verdict=replace(inside.parts[0].verdict, indication=None, signatures=())
    )
    found = replace(inside, bound=False, parts=(*inside.parts, bare))
    assert codes(found)[:2] == ["unbound", "unsigned"]
    assert codes(replace(found, repaired=True))[0] == "repaired"
    unread = replace(bare, verdict=replace(bare.verdict, indication=Indication.INDETERMINATE))
    assert "unread" in codes(replace(found, parts=(unread,)))


@pytest.mark.parametrize(
    ("verdict", "known"),
    [
        (PASSED, True),
        (signature(details=replace(FULL, timestamps=())), True),
        (signature(details=BARE), False),
        (FAILED, False),
        (UNDECIDED, False),
    ],
)
def test_no_timestamps_told_is_not_always_no_timestamps(verdict: SignatureVerdict, known: bool) -> None:
    """A trial: of a PDF with three timestamps, whose judge did not tell of them, it was said that there are none."""
    assert verified(report(verdict)).signatures[0].timestamps_known is known


def test_a_file_that_is_too_large_is_not_asked_for_again() -> None:
    trouble = Unreadable(code="size.limit", params={"what": "a.pdf", "limit": 1})
    assert unexamined("a.pdf", trouble).next_step is NextStep.TOO_LARGE
    assert EMPTY.next_step is NextStep.UNREAD
    assert "quá lớn" in next_step(unexamined("a.pdf", trouble)).vi


def of_envelope(*checks: Check, sub: SubIndication | None = None) -> SignatureVerdict:
    details = replace(FULL, timestamps=(), checks=checks)
    return signature(Indication.INDETERMINATE if sub else Indication.TOTAL_PASSED, sub, details)


LOOKED = Check(duty=10, name="xades.timestamps", clause="", outcome=Outcome.NOT_MADE, detail="there is none")
SENDER = Check(
    duty=13, name="envelope.sender", clause="", outcome=Outcome.NOT_MADE, detail="the certificate names no code"
)


@pytest.mark.parametrize(
    ("checks", "sub", "known"),
    [
        ((LOOKED,), None, True),
        ((LOOKED, SENDER), None, True),
        ((LOOKED, replace(SENDER, detail="")), SubIndication.TRY_LATER, True),
        ((SENDER,), None, False),
        ((replace(LOOKED, detail=""), SENDER), SubIndication.FORMAT_FAILURE, False),
        ((replace(LOOKED, outcome=Outcome.UNDECIDED, detail="too many"),), SubIndication.FORMAT_FAILURE, False),
    ],
)
def test_whoever_looked_and_found_no_timestamp_says_that_there_is_none(
    checks: tuple[Check, ...], sub: SubIndication | None, known: bool
) -> None:
    """A trial: of an envelope without one it was said that this is not known, for another duty had nothing to do."""
    whole = verified(report(of_envelope(*checks, sub=sub)))
    assert whole.signatures[0].timestamps_known is known
    unmade = [name for limit in limits_of(whole, verification().circumstances) for name in limit.names]
    assert ("xades.timestamps" in unmade) is (LOOKED.name in {one.name for one in checks if not one.detail})


@pytest.mark.parametrize(
    ("lack", "step"),
    [
        (SubIndication.TRY_LATER, NextStep.UNDECIDED),
        (SubIndication.NO_CERTIFICATE_CHAIN_FOUND, NextStep.UNDECIDED),
        (SubIndication.OUT_OF_BOUNDS_NO_POE, NextStep.UNPROVEN),
        (SubIndication.REVOKED_NO_POE, NextStep.UNPROVEN),
        (SubIndication.SIG_CONSTRAINTS_FAILURE, NextStep.QUESTION),
        (SubIndication.CHAIN_CONSTRAINTS_FAILURE, NextStep.QUESTION),
    ],
)
def test_what_to_do_is_what_helps(lack: SubIndication, step: NextStep) -> None:
    """A trial: who held a file with something added after signing was told to put CRLs into his folder."""
    assert verified(report(PASSED, signature(Indication.INDETERMINATE, lack))).next_step is step


def test_files_that_no_signature_covers_are_a_question() -> None:
    found = replace(report(PASSED), kind="edxml", envelope=PASSED, bound=False, indication=Indication.INDETERMINATE)
    assert verified(found).next_step is NextStep.QUESTION
