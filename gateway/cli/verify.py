"""`gateway verify`: what the signatures of files say. Needs no service and no database, only whom to believe.

Verdicts are printed as they come, each file's conclusion first; a report (`--report`) is written when all are there.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.cli.believed import believed
from gateway.cli.errors import Failure, Report, of_failure, of_gateway_error, of_os_error, tell
from gateway.cli.exits import Exit
from gateway.cli.files import require_file
from gateway.cli.orders import Session, VerifyOrder
from gateway.cli.output import Terminal
from gateway.cli.stdin import MARK
from gateway.cli.verify_report import Draw, ReportWriter, check_report, report_seal
from gateway.cli.verify_told import print_file, print_summary
from gateway.core.directory import Snapshot
from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import DIGEST, Digest
from gateway.core.limits import ENVELOPE_BYTES_MAX
from gateway.core.ports import Judge
from gateway.crypto import JudgePool, Trust, load_policy, missing_anchors, with_policy
from gateway.evidence import (
    AnyFileExamination,
    Circumstances,
    DetachedExamination,
    FileExamination,
    FileVerification,
    Result,
    Unreadable,
    Verification,
    record_of,
    unexamined,
    verified,
)
from gateway.exchange import ExchangeRecords
from gateway.observe import SystemClock, text
from gateway.preload import JUDGE_PRELOAD
from gateway.registry import load_snapshot


async def verify(session: Session, order: VerifyOrder, *, draw: Draw | None = None) -> int:
    """Examine files one after the other, `-` being standard input; print a verdict for each, and write a report.

    `draw`: what makes a page or a PDF of the report's text and record.

    Raises:
        Failure: nobody is named whom to believe; a file, the registry's digest or the report's folder is not there.
        GatewayError: trust, policy, registry or the report's key cannot be used.
    """
    for path in (*order.files, *((order.signature,) if order.signature else ())):
        if str(path) != MARK:
            require_file(path)
    if order.signature is not None and len(order.files) > 1:
        raise Failure("cli.signature_alone")
    check_report(order)
    trust, snapshot = _trust(order), _registry(order)
    for one in missing_anchors(trust):
        role = session.terminal.word(f"trust.{one.role}")
        session.terminal.note(session.terminal.text("cli.trust.missing", role=role, digest=one.digest))
    with TemporaryDirectory(prefix="gateway-verify-") as folder:
        files = tuple(_kept(session, Path(folder)) if str(path) == MARK else path for path in order.files)
        async with _judges() as judge, report_seal(order, judge=judge, trust=trust) as seal:
            examination = _examination(order, judge=judge, trust=trust, snapshot=snapshot)
            found = await _examine(session.terminal, replace(order, files=files), examination)
            return await _tell(session.terminal, found, ReportWriter(order=order, draw=draw, seal=seal))


def _examination(order: VerifyOrder, *, judge: Judge, trust: Trust, snapshot: Snapshot | None) -> AnyFileExamination:
    clock, moment = SystemClock(), order.moment
    records = ExchangeRecords(trust=trust, judge_all=True)
    return AnyFileExamination(
        inside=FileExamination(judge=judge, records=records, clock=clock, snapshot=snapshot, moment=moment),
        beside=DetachedExamination(judge=judge, trust=trust, clock=clock, snapshot=snapshot, moment=moment),
    )


def _kept(session: Session, folder: Path) -> Path:
    """Standard input as a file: a judge reads files."""
    path = folder / "stdin"
    path.write_bytes(session.stdin.read(ENVELOPE_BYTES_MAX, option=MARK))
    return path


async def _examine(terminal: Terminal, order: VerifyOrder, examination: AnyFileExamination) -> Verification:
    found: list[FileVerification] = []
    for path in order.files:
        try:
            file = verified(await examination.examine(path, order.signature))
        except (SenderError, SiteError) as error:  # no signature could even be looked at; the other files still can
            file = unexamined(path.name, Unreadable(code=error.code, params=error.params))
            _talk(terminal, of_gateway_error(error))
        except OSError as error:
            failure = of_os_error(error)
            file = unexamined(path.name, Unreadable(code=failure.message_id, params=failure.params))
            _talk(terminal, of_failure(failure))
        found.append(file)
        if not terminal.json:
            print_file(terminal, file)
    circumstances = Circumstances(
        version=metadata.version("edoc-gateway"),
        made_at=SystemClock().now(),
        moment=order.moment,
        registry=order.registry is not None,
    )
    return Verification(circumstances=circumstances, files=tuple(found))


def _talk(terminal: Terminal, failed: Report) -> None:
    """Beside data for programs, what failed is told on stderr, too; to whoever checks, not to a file's sender."""
    if terminal.json:
        tell(replace(failed, todo=text("cli.verify.todo.unread")), terminal)


async def _tell(terminal: Terminal, found: Verification, writer: ReportWriter) -> int:
    """The whole run: a line on all files, the JSON, the report; 0 only when every signature passed."""
    if terminal.json:
        terminal.value(record_of(found))
    else:
        print_summary(terminal, found)
    await writer.write(terminal, found)
    return Exit.OK if found.result is Result.PASSED else Exit.VERIFICATION


@asynccontextmanager
async def _judges() -> AsyncIterator[JudgePool]:
    judge = JudgePool(size=1, preload=JUDGE_PRELOAD)
    await judge.start()
    try:
        yield judge
    finally:
        await judge.close()


def _trust(order: VerifyOrder) -> Trust:
    """Whom to believe, and by which rules: only what was named, never the system's."""
    if order.trust is None:
        raise Failure("cli.no_trust")
    return _by_policy(believed(order.trust, demo=order.demo), order.policy)


def _by_policy(trust: Trust, policy: Path | None) -> Trust:
    """Judge by the rules of a file, or by those that stand in the program."""
    if policy is None:
        return trust
    try:
        return with_policy(trust, load_policy(policy), path=str(policy))
    except SiteError as error:
        raise Failure("cli.policy_unread", path=error.params.get("path"), reason=error.params.get("reason")) from error


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
