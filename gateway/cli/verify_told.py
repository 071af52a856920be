"""A verification on a terminal: one sentence first, then who, was it changed, by which certificates, when, and what next."""

from types import MappingProxyType
from typing import Final

from gateway.cli.edxml.told import line_of, worst_first
from gateway.cli.errors import details
from gateway.cli.output import Terminal
from gateway.core.clock import evidence_time
from gateway.core.findings import Finding, Severity
from gateway.core.validation import SignerIdentity, SubIndication
from gateway.evidence import (
    LOOKS,
    SIGNATURE_SUFFIX,
    ExaminedPart,
    FileReport,
    FileVerification,
    Place,
    ToldSignature,
    Tone,
    Unreadable,
    Verification,
    named_apart,
    next_step,
    notable_speaker,
    path_of,
    sentence,
    speaker_said,
    summary,
    trouble_said,
    unread_said,
)

_STYLES: Final = MappingProxyType(
    {Tone.GOOD: "bold green", Tone.DOUBT: "bold yellow", Tone.BAD: "bold red", Tone.PLAIN: "bold"}
)


def print_file(terminal: Terminal, file: FileVerification) -> None:
    """In the order of experience.md 2.4: conclusion, who signed, the file itself, what to do next."""
    _print_sentence(terminal, file)
    if speaker := notable_speaker(file):
        terminal.print(f"  ! {terminal.choose(speaker_said(speaker))}", style=_STYLES[Tone.DOUBT])
    if file.trouble is not None:
        _print_trouble(terminal, file, file.trouble)
    if file.report is not None:
        _print_signatures(terminal, file, file.report)
        _print_findings(terminal, file.report.findings)
        _print_identity(terminal, file.report)
    terminal.print("  " + terminal.choose(next_step(file)))


def print_summary(terminal: Terminal, found: Verification) -> None:
    """Behind several files: how many are of which kind."""
    if len(found.files) > 1:
        mark, tone = LOOKS[found.result]
        terminal.print(f"{mark} {terminal.choose(summary(found))}", style=_STYLES[tone])


def _print_sentence(terminal: Terminal, file: FileVerification) -> None:
    mark, tone = LOOKS[file.result]
    terminal.print(f"{mark} {terminal.choose(sentence(file.result, file.name))}", style=_STYLES[tone])


def _print_trouble(terminal: Terminal, file: FileVerification, trouble: Unreadable) -> None:
    """Why it cannot be read."""
    reason = terminal.choose(trouble_said(file))
    terminal.print("  " + terminal.text("cli.verify.why", reason=reason))
    _print_technical(terminal, details(trouble.code, trouble.params))


def _print_identity(terminal: Terminal, report: FileReport) -> None:
    """Which file it was, and when it was looked at."""
    size = terminal.text("cli.verify.size", size=terminal.number(report.size), count=report.size)
    terminal.print(f"  SHA-256 {report.digest} · {size} · {evidence_time(report.examined_at)}")
    if report.judged_at != report.examined_at:
        terminal.print("  " + terminal.text("cli.verify.moment", time=evidence_time(report.judged_at)))


def _print_signatures(terminal: Terminal, file: FileVerification, report: FileReport) -> None:
    """Who signed the envelope and each file in it, and what was not looked at."""
    signatures = list(file.signatures)
    if report.repaired:
        terminal.print("  " + terminal.text("cli.verify.repaired"))
    elif report.kind == "edxml":
        _print_envelope(terminal, signatures, report)
    for part in report.parts:
        head = named_apart(report, part)
        for _ in part.verdict.signatures:
            _print_signature(terminal, head, signatures.pop(0))
        if not part.verdict.signatures:
            _print_unsigned(terminal, head, part, report.kind)
    if report.trouble is not None:
        terminal.print("  " + terminal.text("cli.verify.files_unexamined"))


def _print_envelope(terminal: Terminal, signatures: list[ToldSignature], report: FileReport) -> None:
    """The signature of the envelope, or of what is left of it, taken off the list."""
    head = terminal.text("cli.verify.header" if report.trouble else "cli.verify.envelope")
    if signatures and signatures[0].place is Place.ENVELOPE:
        _print_signature(terminal, head, signatures.pop(0))
    elif report.trouble is None:
        terminal.print(f"  {head}: {terminal.word('indication.none')}")
    if not report.bound and report.trouble is None:
        terminal.print("  " + terminal.text("cli.verify.unbound"))


def _print_findings(terminal: Terminal, findings: tuple[Finding, ...]) -> None:
    """What was noticed of an envelope, the worst first; notes, of which old files are full, on demand."""
    for one in worst_first(findings):
        if one.severity is not Severity.NOTE or terminal.verbose:
            terminal.print(f"  {line_of(terminal, one)}")


def _print_unsigned(terminal: Terminal, head: str, part: ExaminedPart, kind: str) -> None:
    """A file of which no signature can be shown: it bears none, cannot be read, or was not looked at."""
    verdict = part.verdict
    prefix = f"  {head}: " if head else "  "
    if verdict.indication is None:
        if head:
            terminal.print(prefix + terminal.word("indication.none"))
    elif verdict.sub_indication is None:
        terminal.print(prefix + terminal.text("cli.verify.not_examined"))
    else:
        terminal.print(prefix + terminal.choose(unread_said(part, kind)))
        _print_technical(terminal, verdict.reason)


def _print_signature(terminal: Terminal, head: str, one: ToldSignature) -> None:
    prefix, verdict = f"  {head}: " if head else "  ", one.verdict
    signer = verdict.signer or terminal.text("param.unknown")
    if one.organ is not None:
        signer += f" ({one.organ})"
    line = f"{prefix}{terminal.word(f'indication.{verdict.indication}')}. "
    terminal.print(line + terminal.text("cli.verify.signer", signer=signer))
    if one.speaker is not None and not one.speaker.notable:
        terminal.print("    " + terminal.choose(speaker_said(one.speaker)))
    if one.details.identity is not None:
        _print_capacity(terminal, one.details.identity)
    if verdict.claimed_time is not None:
        claimed = evidence_time(verdict.claimed_time)
        terminal.print("    " + terminal.text("cli.verify.claimed", time=claimed))
    if verdict.sub_indication is not None:
        reason = terminal.word(f"sub_indication.{verdict.sub_indication}")
        terminal.print("    " + terminal.text("cli.verify.because", reason=reason, code=verdict.sub_indication))
        _print_technical(terminal, verdict.reason)
        if verdict.sub_indication is SubIndication.HASH_FAILURE and one.part.endswith(SIGNATURE_SUFFIX):
            terminal.print("    " + terminal.text("cli.verify.other_file"))
    said = terminal.text(f"verification.integrity.{one.integrity}")
    terminal.print("    " + terminal.text("cli.verify.changed", said=said))
    _print_path(terminal, one)
    _print_timestamps(terminal, one)


def _print_capacity(terminal: Terminal, identity: SignerIdentity) -> None:
    """As whom, and for which body, by the certificate."""
    kind = terminal.word(f"verification.kind_of_signer.{identity.kind}")
    organization = ", ".join(filter(None, (identity.title, identity.organization)))
    line = terminal.text("cli.verify.capacity", kind=kind, organization=organization, code=identity.organ_id)
    terminal.print("    " + line)


def _print_path(terminal: Terminal, one: ToldSignature) -> None:
    if one.certificates:
        # not through a text of the catalogue, which cuts what is long: the anchor stands at the end
        terminal.print(f"    {terminal.text('cli.verify.chain')} {path_of(one, terminal.language)}")
    else:
        terminal.print("    " + terminal.text("cli.verify.chain_unknown"))


def _print_timestamps(terminal: Terminal, one: ToldSignature) -> None:
    for stamp in one.details.timestamps:
        said = terminal.word(f"verification.timestamp.{stamp.indication}")
        time = evidence_time(stamp.time) if stamp.time else terminal.text("param.unknown")
        line = terminal.text("cli.verify.stamped", time=time, authority=stamp.authority, said=said)
        terminal.print("    " + line)
    if not one.details.timestamps:
        terminal.print(
            f"    {terminal.text('cli.verify.unstamped' if one.timestamps_known else 'cli.verify.stamps_unknown')}"
        )


def _print_technical(terminal: Terminal, reason: str) -> None:
    """The judge's own words, English and for engineers: on demand."""
    if terminal.verbose and reason:
        terminal.print("    " + terminal.text("cli.verify.technical", reason=reason))
