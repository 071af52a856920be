"""`gateway verify`: what the signatures of a file say. Needs no service and no database, only whom to believe."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, Final

from gateway.app import JUDGE_PRELOAD
from gateway.cli.errors import Exit, Failure, of_failure, of_gateway_error, of_os_error, tell
from gateway.cli.errors import report_json as error_json
from gateway.cli.files import require_file
from gateway.cli.orders import Session, VerifyOrder
from gateway.cli.output import Terminal, evidence_time
from gateway.cli.stdin import MARK
from gateway.core.clock import rfc3339
from gateway.core.directory import Snapshot
from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import DIGEST, Digest, OrganId
from gateway.core.limits import ENVELOPE_BYTES_MAX
from gateway.core.verdict import Indication, SignatureVerdict
from gateway.crypto import JudgePool, Trust, load_trust
from gateway.evidence import FileExamination, FileReport
from gateway.exchange import ExchangeRecords
from gateway.observe import SystemClock
from gateway.registry import load_snapshot

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
                failed = of_failure(of_os_error(error)) if isinstance(error, OSError) else of_gateway_error(error)
                found.append({"name": path.name, "error": error_json(failed)})
                tell(failed, terminal)
                continue
            found.append(report_json(report))
            codes.append(exit_of(report))
            if not terminal.json:
                print_report(terminal, report)
    if terminal.json:
        terminal.value({"files": found})
    return max(codes, default=Exit.OK)  # 4 beats 1 beats 0


@asynccontextmanager
async def _examination(order: VerifyOrder) -> AsyncIterator[FileExamination]:
    trust, snapshot = _trust(order), _registry(order)
    judge = JudgePool(size=1, preload=JUDGE_PRELOAD)
    await judge.start()
    try:
        yield FileExamination(judge=judge, records=ExchangeRecords(trust=trust), clock=SystemClock(), snapshot=snapshot)
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
    verdict = terminal.word(f"indication.{indication or 'none'}")
    terminal.print(f"{mark} {verdict}: {report.name}", style=style)
    bodies = dict(report.signers)
    if report.kind == "edxml":
        _print_signature(terminal, terminal.text("cli.verify.envelope"), report.envelope, bodies)
    for part in report.parts:
        head = part.name if report.kind == "edxml" else ""
        for signature in part.verdict.signatures or (None,) * bool(head):
            _print_signature(terminal, head, signature, bodies)
    size = terminal.text("cli.verify.size", size=terminal.number(report.size))
    terminal.print(f"  SHA-256 {report.digest} · {size} · {evidence_time(report.examined_at)}")
    terminal.print("  " + terminal.text(todo))


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
    if signature.indication is not Indication.TOTAL_PASSED:
        technical = " ".join(filter(None, (signature.sub_indication, signature.reason)))
        terminal.print("    " + terminal.text("cli.verify.technical", reason=technical))


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
        "parts": [
            {
                "name": part.name,
                "media_type": part.verdict.media_type,
                "indication": part.verdict.indication.value if part.verdict.indication else None,
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
