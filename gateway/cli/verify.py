"""`gateway verify`: what the signatures of a file say. Needs no service and no database, only whom to believe."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, Final

from gateway.cli.edxml.told import finding_words, line_of, worst_first
from gateway.cli.errors import Exit, Failure, Report, details, of_failure, of_gateway_error, of_os_error, tell
from gateway.cli.errors import report_json as error_json
from gateway.cli.files import require_file
from gateway.cli.orders import Session, VerifyOrder
from gateway.cli.output import Terminal
from gateway.cli.stdin import MARK
from gateway.core.clock import evidence_time, rfc3339
from gateway.core.directory import Snapshot
from gateway.core.errors import SenderError, SiteError
from gateway.core.findings import Finding, Severity
from gateway.core.ids import DIGEST, Digest, OrganId
from gateway.core.limits import ENVELOPE_BYTES_MAX
from gateway.core.validation import Indication
from gateway.core.verdict import FileVerdict, SignatureVerdict
from gateway.crypto import JudgePool, Trust, load_trust
from gateway.evidence import FileExamination, FileReport
from gateway.exchange import ExchangeRecords
from gateway.observe import SystemClock, text
from gateway.registry import load_snapshot
from gateway.rooms import JUDGE_PRELOAD

_UNREAD_STYLE: Final = "bold yellow"
_LOOKS: Final = MappingProxyType(
    {
        Indication.TOTAL_PASSED: ("✔", "bold green", "cli.verify.todo.passed"),
        Indication.INDETERMINATE: ("!", "bold yellow", "cli.verify.todo.undecided"),
        Indication.TOTAL_FAILED: ("✘", "bold red", "cli.verify.todo.failed"),
        None: ("?", "bold", "cli.verify.todo.unsigned"),
    }
)
"""Mark, colour and next step: red only for a proven failure (experience.md 2.4)."""


async def verify(session: Session, order: VerifyOrder) -> int:
    """Examine files one after the other, `-` being standard input; print a verdict for each.

    Raises:
        Failure: a file or the registry's digest is not there.
        GatewayError: trust or registry cannot be used.
    """
    for path in order.files:
        if str(path) != MARK:
            require_file(path)
    with TemporaryDirectory(prefix="gateway-verify-") as folder:
        files = [_kept(session, Path(folder)) if str(path) == MARK else path for path in order.files]
        return await _verify(session.terminal, replace(order, files=tuple(files)))


def _kept(session: Session, folder: Path) -> Path:
    """Standard input as a file: a judge reads files."""
    path = folder / "stdin"
    path.write_bytes(session.stdin.read(ENVELOPE_BYTES_MAX, option=MARK))
    return path


async def _verify(terminal: Terminal, order: VerifyOrder) -> int:
    found: list[dict[str, Any]] = []
    codes: list[int] = []
    async with _examination(order) as examination:
        for path in order.files:
            try:
                report = await examination.examine(path)
            except (SenderError, OSError) as error:  # no signature could even be looked at; the other files still can
                codes.append(Exit.VERIFICATION)
                found.append(_unexamined(terminal, path.name, error))
                continue
            found.append(report_json(report))
            codes.append(exit_of(report))
            if not terminal.json:
                print_report(terminal, report)
    if terminal.json:
        terminal.value({"files": found})
    return max(codes, default=Exit.OK)  # 4 beats 1 beats 0


def _unexamined(terminal: Terminal, name: str, error: SenderError | OSError) -> dict[str, Any]:
    """The block of a file that could not be looked at: verdict, why, what to do next; and the same for programs."""
    failed = _for_reader(of_failure(of_os_error(error)) if isinstance(error, OSError) else of_gateway_error(error))
    if terminal.json:
        tell(failed, terminal)
    else:
        terminal.print(terminal.text("cli.verify.unexamined", name=name), style=_UNREAD_STYLE)
        _print_why(terminal, failed)
    return {"name": name, "error": error_json(failed)}


def _for_reader(failed: Report) -> Report:
    """What to do next for whoever checks a file: the catalogue speaks to its sender."""
    return replace(failed, todo=text("cli.verify.todo.unread"))


def _print_why(terminal: Terminal, failed: Report) -> None:
    terminal.print("  " + terminal.text("cli.verify.why", reason=terminal.choose(failed.what)))
    terminal.print("  " + terminal.choose(failed.todo))


@asynccontextmanager
async def _examination(order: VerifyOrder) -> AsyncIterator[FileExamination]:
    trust, snapshot = _trust(order), _registry(order)
    judge = JudgePool(size=1, preload=JUDGE_PRELOAD)
    await judge.start()
    try:
        records = ExchangeRecords(trust=trust, judge_all=True)
        yield FileExamination(judge=judge, records=records, clock=SystemClock(), snapshot=snapshot)
    finally:
        await judge.close()


def _trust(order: VerifyOrder) -> Trust:
    try:
        return load_trust(order.trust, order.demo)
    except SiteError as error:  # told as what it is here: not a gateway's configuration, but what was typed
        if error.code == "key.demo":
            raise Failure("cli.trust_demo", path=str(order.trust)) from error
        params = error.params
        raise Failure("cli.trust", path=params.get("path"), reason=params.get("reason")) from error


def _registry(order: VerifyOrder) -> Snapshot | None:
    """The registry names the body behind a certificate. Without its digest it could be anybody's, so both or none."""
    if order.registry is None and order.registry_digest is None:
        return None
    if order.registry is None or order.registry_digest is None:
        raise Failure("cli.registry_digest")
    digest = order.registry_digest.strip().lower()
    if not DIGEST.fullmatch(digest):
        raise Failure("cli.digest", value=order.registry_digest)
    try:
        return load_snapshot(order.registry, expected=Digest(digest))
    except SiteError as error:
        if error.code == "registry.digest":
            raise Failure("cli.registry_other", path=str(order.registry)) from error
        raise Failure("cli.registry", path=error.params.get("path"), problem=error.params.get("problem")) from error


def indication_of(report: FileReport) -> Indication | None:
    """The verdict that is shown: an envelope that nobody signed is unsigned, however good the files in it are."""
    if report.kind == "edxml" and report.envelope is None and report.indication is Indication.TOTAL_PASSED:
        return None
    return report.indication


def _signatures(report: FileReport) -> tuple[SignatureVerdict, ...]:
    """Every signature that was looked at."""
    inside = (signature for part in report.parts for signature in part.verdict.signatures)
    return (*([report.envelope] if report.envelope else []), *inside)


def exit_of(report: FileReport) -> int:
    """0 valid, 1 unsigned, 4 anything else."""
    indication = indication_of(report)
    if indication is None:
        return Exit.PROBLEM
    return Exit.OK if indication is Indication.TOTAL_PASSED else Exit.VERIFICATION


def print_report(terminal: Terminal, report: FileReport) -> None:
    """In the order of experience.md 2.4: conclusion, who signed, the file itself, what to do next."""
    indication = indication_of(report)
    mark, style, todo = _LOOKS[indication]
    if report.repaired and indication is Indication.INDETERMINATE:
        todo = "cli.verify.todo.repaired"
    if indication is Indication.INDETERMINATE and not _signatures(report) and not report.repaired:
        todo = "cli.verify.todo.unread"
        terminal.print(terminal.text("cli.verify.unexamined", name=report.name), style=style)
    else:
        verdict = terminal.word(f"indication.{indication or 'none'}")
        terminal.print(f"{mark} {verdict}: {report.name}", style=style)
    _print_signatures(terminal, report)
    _print_findings(terminal, report.findings)
    size = terminal.text("cli.verify.size", size=terminal.number(report.size), count=report.size)
    terminal.print(f"  SHA-256 {report.digest} · {size} · {evidence_time(report.examined_at)}")
    terminal.print("  " + terminal.text(todo))


def _print_signatures(terminal: Terminal, report: FileReport) -> None:
    """Who signed the envelope and each file in it, and what was not looked at."""
    bodies = dict(report.signers)
    if report.trouble is not None:
        _print_trouble(terminal, report, report.trouble)
        return
    if report.repaired:
        terminal.print("  " + terminal.text("cli.verify.repaired"))
    elif report.kind == "edxml":
        _print_signature(terminal, terminal.text("cli.verify.envelope"), report.envelope, bodies)
        if not report.bound:
            terminal.print("  " + terminal.text("cli.verify.unbound"))
    for part in report.parts:
        head = part.name if report.kind == "edxml" else ""
        for signature in part.verdict.signatures:
            _print_signature(terminal, head, signature, bodies)
        if not part.verdict.signatures:
            _print_unsigned(terminal, head, part.verdict)


def _print_trouble(terminal: Terminal, report: FileReport, trouble: SenderError) -> None:
    """An envelope whose files cannot be read: why, who signed its header, and what was not looked at."""
    reason = terminal.choose(text(trouble.code))
    terminal.print("  " + terminal.text("cli.verify.why", reason=reason))
    _print_technical(terminal, details(trouble.code, trouble.params))
    if report.envelope is not None:
        _print_signature(terminal, terminal.text("cli.verify.header"), report.envelope, dict(report.signers))
    terminal.print("  " + terminal.text("cli.verify.files_unexamined"))


def _print_findings(terminal: Terminal, findings: tuple[Finding, ...]) -> None:
    """What was noticed of an envelope, the worst first; notes, of which old files are full, on demand."""
    for one in worst_first(findings):
        if one.severity is not Severity.NOTE or terminal.verbose:
            terminal.print(f"  {line_of(terminal, one)}")


def _print_unsigned(terminal: Terminal, head: str, verdict: FileVerdict) -> None:
    """A file of which no signature can be shown: it bears none, cannot be read, or was not looked at."""
    prefix = f"  {head}: " if head else "  "
    if verdict.indication is None:
        if head:
            terminal.print(prefix + terminal.word("indication.none"))
    elif verdict.sub_indication is None:
        terminal.print(prefix + terminal.text("cli.verify.not_examined"))
    else:
        terminal.print(prefix + terminal.text("cli.verify.unreadable"))
        _print_technical(terminal, verdict.reason)


def _print_signature(
    terminal: Terminal, head: str, signature: SignatureVerdict | None, bodies: dict[Digest, OrganId]
) -> None:
    prefix = f"  {head}: " if head else "  "
    if signature is None:
        terminal.print(prefix + terminal.word("indication.none"))
        return
    signer = signature.signer or terminal.text("param.unknown")
    if signature.certificate in bodies:
        signer += f" ({bodies[signature.certificate]})"
    line = f"{prefix}{terminal.word(f'indication.{signature.indication}')}. "
    terminal.print(line + terminal.text("cli.verify.signer", signer=signer))
    if signature.claimed_time is not None:
        claimed = evidence_time(signature.claimed_time)
        terminal.print("    " + terminal.text("cli.verify.claimed", time=claimed))
    if signature.sub_indication is not None:
        reason = terminal.word(f"sub_indication.{signature.sub_indication}")
        terminal.print("    " + terminal.text("cli.verify.because", reason=reason, code=signature.sub_indication))
        _print_technical(terminal, signature.reason)


def _print_technical(terminal: Terminal, reason: str) -> None:
    """The judge's own words, English and for engineers: on demand."""
    if terminal.verbose and reason:
        terminal.print("    " + terminal.text("cli.verify.technical", reason=reason))


def report_json(report: FileReport) -> dict[str, Any]:
    """The report for programs."""
    indication = indication_of(report)
    bodies = dict(report.signers)
    return {
        "name": report.name,
        "size": report.size,
        "sha256": report.digest,
        "examined_at": rfc3339(report.examined_at),
        "kind": report.kind,
        "indication": indication.value if indication else None,
        "envelope": _signature_json(report.envelope, bodies) if report.envelope else None,
        "bound": report.bound,
        "repaired": report.repaired,
        "findings": [finding_words(one) for one in report.findings],
        "error": error_json(_for_reader(of_gateway_error(report.trouble))) if report.trouble else None,
        "parts": [
            {
                "name": part.name,
                "media_type": part.verdict.media_type,
                "indication": part.verdict.indication.value if part.verdict.indication else None,
                "sub_indication": part.verdict.sub_indication.value if part.verdict.sub_indication else None,
                "signatures": [_signature_json(signature, bodies) for signature in part.verdict.signatures],
            }
            for part in report.parts
        ],
    }


def _signature_json(signature: SignatureVerdict, bodies: dict[Digest, OrganId]) -> dict[str, Any]:
    return {
        "indication": signature.indication.value,
        "sub_indication": signature.sub_indication.value if signature.sub_indication else None,
        "reason": signature.reason,
        "signer": signature.signer,
        "organ": bodies.get(signature.certificate) if signature.certificate else None,
        "certificate_sha256": signature.certificate,
        "claimed_time": rfc3339(signature.claimed_time) if signature.claimed_time else None,
        "covers": signature.covers,
    }
