"""Section 8 of a report: what an expert wants to see of each signature. Algorithms, digests, every duty and how it ended."""

from collections.abc import Iterator

from gateway.core.validation import CertificateSeen, Check, TimestampSeen
from gateway.evidence.papers.paper import Block, Facts, Heading, Paragraph, Table, cut
from gateway.evidence.papers.sayings import check_name
from gateway.evidence.papers.signers import heading
from gateway.evidence.papers.speech import Speech
from gateway.evidence.verification import FileVerification, ToldSignature


def appendix(speech: Speech, file: FileVerification) -> Iterator[Block]:
    """One block per signature, and one per timestamp of its."""
    if not file.signatures:
        yield Paragraph(speech.say("no_signature"))
    if file.report is None and file.indication is not None:
        reason = cut(file.trouble.technical) if file.trouble else speech.word("unknown")
        yield Facts(
            ((speech.word("fact.indication"), file.indication.value), (speech.word("fact.reason"), reason)),
        )
    for one in file.signatures:
        yield Heading(heading(speech, one))
        yield Facts(tuple(_facts(speech, one)))
        certificates = [told.seen for told in one.certificates]
        certificates += [seen for stamp in one.details.timestamps for seen in stamp.chain]
        if certificates:
            yield _certificates(speech, tuple(dict.fromkeys(certificates)))
        if one.details.checks:
            yield _checks(speech, one.details.checks)
        for number, stamp in enumerate(one.details.timestamps, 1):
            if stamp.checks:
                authority, time = speech.text(stamp.authority), speech.time(stamp.time)
                yield Heading(speech.say("timestamp_checks", number=number, authority=authority, time=time))
                yield _checks(speech, stamp.checks)


def _facts(speech: Speech, one: ToldSignature) -> Iterator[tuple[str, str]]:
    details, verdict = one.details, one.verdict
    code = f"{verdict.indication.value}{f' / {verdict.sub_indication.value}' if verdict.sub_indication else ''}"
    yield speech.word("fact.indication"), code
    if verdict.reason:
        yield speech.word("fact.reason"), cut(verdict.reason)
    yield speech.word("fact.level"), details.level.value if details.level else speech.word("unknown")
    yield speech.word("fact.algorithms"), ", ".join(map(cut, details.algorithms)) or speech.word("unknown")
    yield speech.word("fact.fingerprint"), verdict.certificate or speech.word("unknown")
    yield speech.word("fact.policy"), speech.policy(details.policy)
    if details.policy is not None:
        yield speech.word("fact.policy_digest"), details.policy.digest
    used = [*details.revocation, *(seen for stamp in details.timestamps for seen in stamp.revocation)]
    evidence = dict.fromkeys(f"{seen.kind.upper()} {seen.digest}" for seen in used if seen.digest)
    if evidence:
        yield speech.word("fact.evidence"), "\n".join(evidence)
    policies = [_stamp(stamp) for stamp in details.timestamps if stamp.policy]
    if policies:
        yield speech.word("fact.timestamp_policy"), ", ".join(policies)


def _stamp(stamp: TimestampSeen) -> str:
    return cut(stamp.policy)


def _certificates(speech: Speech, certificates: tuple[CertificateSeen, ...]) -> Table:
    names = ("subject", "serial_and_key", "fingerprint")
    rows = [
        (speech.subject(seen.subject), f"{cut(seen.serial)} · {cut(seen.key)}", seen.digest) for seen in certificates
    ]
    return Table(tuple(speech.word(f"column.{name}") for name in names), tuple(rows), (8, 6, 8))


def _checks(speech: Speech, checks: tuple[Check, ...]) -> Table:
    names = ("number", "check", "clause", "outcome")
    return Table(
        tuple(speech.word(f"column.{name}") for name in names),
        tuple(_check(speech, check) for check in checks),
        (2, 17, 11, 15),
    )


def _check(speech: Speech, check: Check) -> tuple[str, ...]:
    outcome = speech.word(f"outcome.{check.outcome}")
    said = f"{outcome}: {check.detail}" if check.detail else outcome
    return str(check.duty), cut(speech.choose(check_name(check.name))), cut(check.clause), cut(said)
