"""The limits of a verification (experience.md 2.4, section 7): what was not checked, said aloud rather than left out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from gateway.core.validation import Indication, Outcome, RevocationStatus
from gateway.evidence.examination import FileReport
from gateway.evidence.speaker import SENDER_CHECK, Standing
from gateway.evidence.verification import STAMPS_CHECKS, Circumstances, FileVerification, Integrity, ToldSignature

_ALWAYS: Final = ("content", "offline", "clock")
"""What no run of this program checks: what the text says and who may sign it; the network; whether the clock was right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One thing that was not checked; its text is `verification.limit.<code>`."""

    code: str
    signatures: tuple[int, ...] = ()
    """Numbers of the signatures that it is about; none: the whole file."""
    names: tuple[str, ...] = ()
    """Checks that were not made, or files that bear no signature."""


def limits_of(file: FileVerification, circumstances: Circumstances) -> tuple[Limit, ...]:
    """Everything that was not checked of a file, what holds for this file first."""
    return (
        *(_of_report(file.report) if file.report else ()),
        *_of_signatures(file.signatures),
        *_of_circumstances(circumstances),
    )


def _of_report(report: FileReport) -> Iterator[Limit]:
    if report.trouble is not None:
        yield Limit(code="files")
    if report.repaired:
        yield Limit(code="repaired")
    elif report.trouble is None and not report.bound:
        yield Limit(code="unbound")
    if report.kind == "edxml":
        unsigned = tuple(part.name for part in report.parts if part.verdict.indication is None)
        if unsigned:
            yield Limit(code="unsigned", names=unsigned)
    unread = tuple(
        part.name for part in report.parts if part.verdict.indication is not None and not part.verdict.signatures
    )
    if unread:
        yield Limit(code="unread", names=unread)


def _of_signatures(signatures: tuple[ToldSignature, ...]) -> Iterator[Limit]:
    for code, lacks in _LACKS:
        numbers = tuple(one.number for one in signatures if lacks(one))
        if numbers:
            yield Limit(code=code, signatures=numbers)
    for one in signatures:
        unmade = (check.name for check in one.details.checks if check.outcome is Outcome.NOT_MADE)
        names = tuple(name for name in unmade if not _told_otherwise(name, one))
        if names:
            yield Limit(code="checks", signatures=(one.number,), names=names)


def _told_otherwise(name: str, one: ToldSignature) -> bool:
    """A sender that could not be compared is a limit of its own; that there was no timestamp to look at is none."""
    return (name == SENDER_CHECK and _sender_unknown(one)) or (name in STAMPS_CHECKS and one.timestamps_known)


def _of_circumstances(circumstances: Circumstances) -> Iterator[Limit]:
    if circumstances.moment is not None:
        yield Limit(code="moment")
    if not circumstances.registry:
        yield Limit(code="registry")
    for code in _ALWAYS:
        yield Limit(code=code)


def _unproven(one: ToldSignature) -> bool:
    return one.proven_time is None


def _changed_unknown(one: ToldSignature) -> bool:
    return one.integrity is Integrity.UNKNOWN


def _without_identity(one: ToldSignature) -> bool:
    return one.details.identity is None


def _without_chain(one: ToldSignature) -> bool:
    return not one.certificates


def _without_revocation(one: ToldSignature) -> bool:
    """The anchor is believed by being an anchor: nobody revokes it."""
    return any(
        not told.seen.anchor and (told.revocation is None or told.revocation.status is RevocationStatus.UNKNOWN)
        for told in one.certificates
    )


def _sender_unknown(one: ToldSignature) -> bool:
    return one.speaker is not None and one.speaker.standing in {Standing.NO_CODE, Standing.UNREAD}


def _other_name(one: ToldSignature) -> bool:
    """Of the same body; another body's signature is told as what it is."""
    return one.speaker is not None and one.speaker.standing is not Standing.OTHER and one.speaker.other_name


def _without_policy(one: ToldSignature) -> bool:
    return one.details.policy is None


def _without_checks(one: ToldSignature) -> bool:
    return not one.details.checks


def _bad_timestamp(one: ToldSignature) -> bool:
    return any(stamp.indication is not Indication.TOTAL_PASSED for stamp in one.details.timestamps)


_LACKS: Final[tuple[tuple[str, Callable[[ToldSignature], bool]], ...]] = (
    ("time", _unproven),
    ("timestamps", _bad_timestamp),
    ("changes", _changed_unknown),
    ("identity", _without_identity),
    ("sender", _sender_unknown),
    ("sender_name", _other_name),
    ("chain", _without_chain),
    ("revocation", _without_revocation),
    ("policy", _without_policy),
    ("duties", _without_checks),
)
"""What can be missing of a signature, in the order of the report's sections."""
