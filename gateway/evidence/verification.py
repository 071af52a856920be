"""Verification: what was found of files, in the order in which a lawyer reads it (experience.md 2.4). Plain values, no words.

| section of a report             | here                                                              |
|---------------------------------|-------------------------------------------------------------------|
| 1 conclusion                    | `FileVerification.result`, `.next_step`, `Circumstances`          |
| 2 who signed, in whose name     | `ToldSignature.verdict`, `.organ`, `.speaker`, `.proven_time`     |
| 3 was it changed after signing  | `ToldSignature.integrity`, `details.changes`                      |
| 4 certificates at that time     | `ToldSignature.certificates`                                      |
| 5 timestamps                    | `details.timestamps`                                              |
| 6 the document's way            | nobody was asked for it: no service is needed here                |
| 7 what was not checked          | `limits_of` (`verification_limits`)                               |
| 8 technical appendix            | `details.algorithms`, `.checks`, the certificates' digests        |

What a judge left empty is not known, and is told as not known: nothing is concluded from silence.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.core.ids import Digest, OrganId
from gateway.core.validation import (
    CertificateSeen,
    Indication,
    Outcome,
    PolicyUsed,
    RevocationSeen,
    SignatureDetails,
    SubIndication,
    TimestampKind,
)
from gateway.core.verdict import SignatureVerdict
from gateway.evidence.examination import ExaminedPart, FileReport
from gateway.evidence.speaker import Speaker


class Result(StrEnum):
    """What is concluded of a file; `verification.<value>` of the catalogue says it."""

    FAILED = "failed"
    """Proven: forged, or changed."""
    UNDECIDED = "undecided"
    UNEXAMINED = "unexamined"
    """No signature could even be looked at."""
    UNSIGNED = "unsigned"
    PASSED = "passed"


WORST_FIRST: Final = tuple(Result)


class NextStep(StrEnum):
    """What whoever reads a report does next: the text is `cli.verify.todo.<value>`."""

    PASSED = "passed"
    UNDECIDED = "undecided"
    """Evidence is missing that the reader can add."""
    UNPROVEN = "unproven"
    """A timestamp is missing, which only the sender can add."""
    QUESTION = "question"
    """The signature is not as it may be: the sender has to say why."""
    FAILED = "failed"
    UNSIGNED = "unsigned"
    UNREAD = "unread"
    TOO_LARGE = "too_large"
    """Whoever sends it again sends as much."""
    REPAIRED = "repaired"


class Integrity(StrEnum):
    """Whether what was signed is what is there, and whether something came to it."""

    INTACT = "intact"
    ADDED = "added"
    """The signed bytes are there; what came after them is allowed."""
    FORBIDDEN = "forbidden"
    """The signed bytes are there; something came after them that is not allowed."""
    CHANGED = "changed"
    UNKNOWN = "unknown"


class Place(StrEnum):
    """Where a signature stands."""

    ENVELOPE = "envelope"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """How it was examined: by which program, when, and by whose choice of moment."""

    version: str
    """Of this program."""
    made_at: datetime
    moment: datetime | None
    """The moment of judgement that the reader chose; None: the moment of examination."""
    registry: bool
    """Whether a registry was there to name the bodies behind the certificates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Why a file could not be read: an id of the catalogue and what fills it."""

    code: str
    params: Mapping[str, object]

    @property
    def technical(self) -> str:
        """For engineers: the code and what is known, such as the bound that a judge hit."""
        facts = (f"{name}={value}" for name, value in self.params.items() if value not in ("", None))
        return " · ".join([self.code, *facts])


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateTold:
    """One certificate of a signer's path, seen from the best signature time."""

    seen: CertificateSeen
    in_time: bool
    """Whether that time lies between its notBefore and its notAfter."""
    revocation: RevocationSeen | None
    """None: no evidence of revocation was used for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldSignature:
    """One signature, and what follows from its verdict."""

    number: int
    """In this file, from 1."""
    place: Place
    part: str
    """The name of the file inside an envelope; empty for the file itself."""
    verdict: SignatureVerdict
    organ: OrganId | None
    """The body for which the registry names the signer's certificate."""
    integrity: Integrity
    proven_time: datetime | None
    """The earliest time at which the signature is proven to have been there."""
    certificates: tuple[CertificateTold, ...]
    speaker: Speaker | None = None
    """In whose name an envelope speaks; None: of a file's signature."""

    @property
    def details(self) -> SignatureDetails:
        """What the judge told beside the verdict."""
        return self.verdict.details

    @property
    def timestamps_known(self) -> bool:
        """Whether none means none: a judge that did not come to the duty that looks for them, or failed at it, knows none."""
        looked = any(check.name in STAMPS_CHECKS and check.reached for check in self.details.checks)
        unreadable = self.verdict.sub_indication is SubIndication.FORMAT_FAILURE
        return bool(self.details.timestamps) or (looked and not unreadable)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerification:
    """One file."""

    name: str
    result: Result
    next_step: NextStep
    report: FileReport | None
    """None: it could not be examined, and `trouble` says why."""
    signatures: tuple[ToldSignature, ...] = ()
    policies: tuple[PolicyUsed, ...] = ()
    trouble: Unreadable | None = None

    @property
    def indication(self) -> Indication | None:
        """None: unsigned. What could not be examined, whatever ended it, is neither good nor bad (EN 319 102-1, 5.1.3)."""
        return Indication.INDETERMINATE if self.report is None else indication_of(self.report)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Files that were examined in one run."""

    circumstances: Circumstances
    files: tuple[FileVerification, ...]

    @property
    def result(self) -> Result:
        """The worst of all; nothing was examined: unexamined."""
        found = {file.result for file in self.files} or {Result.UNEXAMINED}
        return next(result for result in WORST_FIRST if result in found)

    @property
    def counts(self) -> Counter[Result]:
        """How many files there are of each result."""
        return Counter(file.result for file in self.files)


_STEPS: Final = MappingProxyType(
    {
        Result.PASSED: NextStep.PASSED,
        Result.UNDECIDED: NextStep.UNDECIDED,
        Result.FAILED: NextStep.FAILED,
        Result.UNSIGNED: NextStep.UNSIGNED,
        Result.UNEXAMINED: NextStep.UNREAD,
    }
)
_RESULTS: Final = MappingProxyType(
    {
        Indication.TOTAL_PASSED: Result.PASSED,
        Indication.INDETERMINATE: Result.UNDECIDED,
        Indication.TOTAL_FAILED: Result.FAILED,
        None: Result.UNSIGNED,
    }
)
_EVIDENCE_LACKS: Final = frozenset(
    {
        SubIndication.TRY_LATER,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
        None,
    }
)
_BYTES_DIFFER: Final = frozenset({SubIndication.HASH_FAILURE})
BYTES_CHECKS: Final = frozenset(
    {"pades.integrity", "cades.message_digest", "cades.signature", "xades.digests", "xades.value"}
)
"""The duties by which our verifiers compare the signed bytes (PAdES, CAdES, XAdES), by their names."""
STAMPS_CHECKS: Final = frozenset({"pades.timestamps", "cades.timestamps", "xades.timestamps"})
"""The duties by which they look for timestamps."""
_REVISION: Final = "revision"
"""What a judge says of a signature that does not cover its file to the end."""
_PROVE_SIGNATURE: Final = frozenset({TimestampKind.SIGNATURE, TimestampKind.DOCUMENT})
"""A content timestamp proves that the content was there, not that anybody had signed it (EN 319 122-1 clause 5.2.8)."""


def indication_of(report: FileReport) -> Indication | None:
    """The verdict that is shown: an envelope that nobody signed is unsigned, however good the files in it are."""
    if report.kind == "edxml" and report.envelope is None and report.indication is Indication.TOTAL_PASSED:
        return None
    return report.indication


def verified(report: FileReport) -> FileVerification:
    """What an examination's report says to whoever reads it."""
    signatures = tuple(_signatures(report))
    result, step = _RESULTS[indication_of(report)], None
    if result is Result.UNDECIDED and report.repaired:
        step = NextStep.REPAIRED
    elif result is Result.UNDECIDED and not signatures:
        result = Result.UNEXAMINED
    elif result is Result.UNDECIDED:
        step = _undecided(signatures)
    trouble = report.trouble
    return FileVerification(
        name=report.name,
        result=result,
        next_step=step or _STEPS[result],
        report=report,
        signatures=signatures,
        policies=tuple(dict.fromkeys(one.details.policy for one in signatures if one.details.policy is not None)),
        trouble=Unreadable(code=trouble.code, params=trouble.params) if trouble else None,
    )


def _undecided(signatures: tuple[ToldSignature, ...]) -> NextStep:
    """What helps against the first thing that nobody can say."""
    lacks = [one.verdict.sub_indication for one in signatures if one.verdict.indication is Indication.INDETERMINATE]
    if not lacks:  # every signature passed, and does not cover everything
        return NextStep.QUESTION
    if lacks[0] in _EVIDENCE_LACKS:
        return NextStep.UNDECIDED
    return NextStep.UNPROVEN if "NO_POE" in str(lacks[0]) else NextStep.QUESTION


def unexamined(name: str, trouble: Unreadable) -> FileVerification:
    """A file of which no signature could even be looked at."""
    step = NextStep.TOO_LARGE if trouble.code == "size.limit" else NextStep.UNREAD
    return FileVerification(name=name, result=Result.UNEXAMINED, next_step=step, report=None, trouble=trouble)


def _signatures(report: FileReport) -> list[ToldSignature]:
    found = [(Place.ENVELOPE, "", report.envelope)] if report.envelope else []
    for part in report.parts:
        found += [(Place.FILE, named_apart(report, part), verdict) for verdict in part.verdict.signatures]
    bodies = dict(report.signers)
    return [
        ToldSignature(
            number=number,
            place=place,
            part=part_name,
            verdict=verdict,
            organ=_organ(verdict.certificate, bodies),
            integrity=_integrity_in(report, place, verdict),
            proven_time=_proven_time(verdict.details),
            certificates=_certificates(verdict.details, report.judged_at),
            speaker=report.speaker if place is Place.ENVELOPE else None,
        )
        for number, (place, part_name, verdict) in enumerate(found, 1)
    ]


def notable_speaker(file: FileVerification) -> Speaker | None:
    """What belongs to the conclusion of a file: that it speaks in another's name, or that nobody can say whether it does."""
    found = (one.speaker for one in file.signatures if one.speaker is not None)
    return next((one for one in found if one.notable), None)


def named_apart(report: FileReport, part: ExaminedPart) -> str:
    """A part's name where it is not that of the file itself: an attachment of an envelope, a signature beside the file."""
    return part.name if report.kind == "edxml" or part.name != report.name else ""


def _organ(certificate: Digest | None, bodies: Mapping[Digest, OrganId]) -> OrganId | None:
    return bodies.get(certificate) if certificate else None


def _integrity_in(report: FileReport, place: Place, verdict: SignatureVerdict) -> Integrity:
    """A header may be as it was signed and the files that it names others: then what was signed is not what is there."""
    if place is Place.ENVELOPE and report.trouble is not None:
        return Integrity.CHANGED if report.indication is Indication.TOTAL_FAILED else Integrity.UNKNOWN
    return integrity_of(verdict)


def integrity_of(verdict: SignatureVerdict) -> Integrity:
    """Whether the signed bytes are there, and what came to them; unknown unless somebody compared them."""
    if verdict.sub_indication in _BYTES_DIFFER:
        return Integrity.CHANGED
    if verdict.indication is not Indication.TOTAL_PASSED and not _compared(verdict.details):
        return Integrity.UNKNOWN
    changes = verdict.details.changes
    if not changes and verdict.covers == _REVISION:  # something came after it, and the judge does not tell what
        return Integrity.ADDED if verdict.indication is Indication.TOTAL_PASSED else Integrity.UNKNOWN
    if any(not change.allowed for change in changes):
        return Integrity.FORBIDDEN
    return Integrity.ADDED if changes else Integrity.INTACT


def _compared(details: SignatureDetails) -> bool:
    """Whether the duties that compare the signed bytes were gone through, and met."""
    outcomes = {check.outcome for check in details.checks if check.name in BYTES_CHECKS}
    return outcomes == {Outcome.MET}


def _proven_time(details: SignatureDetails) -> datetime | None:
    times = (
        stamp.time
        for stamp in details.timestamps
        if stamp.kind in _PROVE_SIGNATURE and stamp.indication is Indication.TOTAL_PASSED
    )
    return min((time for time in times if time is not None), default=None)


def _certificates(details: SignatureDetails, judged_at: datetime) -> tuple[CertificateTold, ...]:
    moment = details.best_time or judged_at
    evidence = {one.certificate: one for one in details.revocation}
    return tuple(
        CertificateTold(
            seen=seen,
            in_time=seen.not_before <= moment <= seen.not_after,
            revocation=evidence.get(seen.digest),
        )
        for seen in details.chain
    )
