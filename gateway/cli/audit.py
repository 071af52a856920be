"""`gateway audit verify`: everything one gateway keeps, checked from outside beside the running service."""

from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from gateway.cli.exits import Exit
from gateway.cli.output import Column, Terminal
from gateway.cli.progress import stepped
from gateway.core.states import DeliveryState
from gateway.evidence import InstallationReport
from gateway.outside import open_for_reading


async def verify(terminal: Terminal, config: Path) -> int:
    """Check log, receipts, envelopes and seals of an installation, read-only; print what was found.

    Raises:
        GatewayError: the installation cannot be opened for reading.
    """
    async with open_for_reading(config) as check:
        with stepped(terminal) as show:
            report = await check.run(on_step=lambda step: show(terminal.text(_STEPS[step])))
    if terminal.json:
        terminal.value(report_json(report))
    else:
        print_report(terminal, report)
    return Exit.OK if report.sound else Exit.VERIFICATION


_STEPS = {
    "audit": "cli.audit.step.audit",
    "receipts": "cli.audit.step.receipts",
    "documents": "cli.audit.step.documents",
    "incoming": "cli.audit.step.incoming",
    "inbox": "cli.audit.step.inbox",
    "counts": "cli.audit.step.counts",
}

NOT_PROVEN: Final = ("complete", "clock", "same_log")
"""What no look at one installation shows: `cli.audit.limits` says it in words."""


def print_report(terminal: Terminal, report: InstallationReport) -> None:
    """The verdict first, then the counts, then every problem."""
    if report.sound:
        terminal.print(terminal.text("cli.audit.sound", gateway=report.gateway), style="bold green")
    else:
        terminal.print(terminal.text("cli.audit.unsound", gateway=report.gateway), style="bold red")
    recipients = sum(len(receipt.lines) for receipt in report.receipts)
    terminal.table(
        (Column(heading="cli.column.checked"), Column(heading="cli.column.count")),
        [
            (terminal.text("cli.audit.row.leaves"), report.log.leaves),
            (terminal.text("cli.audit.row.receipts"), len(report.receipts)),
            (terminal.text("cli.audit.row.recipients"), recipients),
            (terminal.text("cli.audit.row.documents"), report.documents),
            *_deliveries(terminal, report),
            (terminal.text("cli.audit.row.inbox"), sum(report.inbox.values())),
            (terminal.text("cli.audit.row.envelopes"), len(report.envelopes)),
            (terminal.text("cli.audit.row.seals"), len(report.seals)),
            (terminal.text("cli.audit.row.problems"), len(_problems(report))),
        ],
    )
    for what, why in _problems(report):
        thing = thing_said(terminal, what)
        terminal.print(f"✘ {thing}: {terminal.text('cli.audit.fault')}{why}", style="red")
    for origin, kept in report.log.closed.items():
        terminal.print(f"! {terminal.text('cli.audit.closed', origin=origin, kept=kept)}", style="yellow")
    for lost in report.log.lost:
        kept = report.log.closed.get(lost.origin, 0)
        said = terminal.text("cli.audit.lost", origin=lost.origin, size=lost.size, kept=kept)
        terminal.print(f"! {said}", style="yellow")
    if report.sound:
        terminal.print(terminal.text("cli.audit.limits"))
    else:
        terminal.note(terminal.text("cli.audit.todo"))


def report_json(report: InstallationReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "gateway": report.gateway,
        "sound": report.sound,
        "not_proven": list(NOT_PROVEN),
        "log": {
            "sound": report.log.sound,
            "leaves": report.log.leaves,
            "root": report.log.root.hex(),
            "pending": report.log.pending,
            "closed": [{"origin": origin, "kept": kept} for origin, kept in report.log.closed.items()],
            "lost": [{"origin": one.origin, "size": one.size, "root": one.root.hex()} for one in report.log.lost],
        },
        "documents": report.documents,
        "deliveries": {state.value: count for state, count in sorted(report.deliveries.items())},
        "receipts": len(report.receipts),
        "receipt_recipients": sum(len(receipt.lines) for receipt in report.receipts),
        "inbox": dict(sorted(report.inbox.items())),
        "envelopes": len(report.envelopes),
        "seals": len(report.seals),
        "business_statuses": dict(sorted(report.business_statuses.items())),
        "problems": [{"what": what, "why": why} for what, why in _problems(report)],
    }


def _deliveries(terminal: Terminal, report: InstallationReport) -> list[tuple[str, int]]:
    by_state = [(state, report.deliveries[state]) for state in DeliveryState if report.deliveries.get(state)]
    total = sum(count for _, count in by_state)
    return [
        (terminal.text("cli.audit.row.deliveries"), total),
        *((f"  {terminal.word(f'delivery.{state}')}", count) for state, count in by_state),
    ]


_THINGS: Final = MappingProxyType(
    {
        "audit log": "cli.audit.what.log",
        "incoming transfer": "cli.audit.what.incoming",
        "inbox entry": "cli.audit.what.entry",
        "receipt given for": "cli.audit.what.receipt_given",
        "leaf": "cli.audit.what.leaf",
        "document": "cli.audit.what.document",
        "delivery": "cli.audit.what.delivery",
        "transfer": "cli.audit.what.transfer",
        "receipt": "cli.audit.what.receipt",
        "envelope": "cli.audit.what.envelope",
        "file": "cli.audit.what.file",
        "blob": "cli.audit.what.blob",
        "timestamp": "cli.audit.what.timestamp",
        "event": "cli.audit.what.event",
        "events": "cli.audit.what.events",
        "registry": "cli.audit.what.registry",
        "receipts": "cli.audit.what.receipts",
        "documents": "cli.audit.what.documents",
        "incoming": "cli.audit.what.transfers",
        "inbox": "cli.audit.what.inbox",
        "counts": "cli.audit.what.counts",
    }
)
"""How `Problem.what` begins, longer ones first where one begins like another."""


def thing_said(terminal: Terminal, what: str) -> str:
    """What a problem is about, in the reader's words; the key or digest behind it as it is."""
    for beginning, message_id in _THINGS.items():
        if what == beginning or what.startswith(f"{beginning} "):
            return terminal.text(message_id) + what.removeprefix(beginning)
    return what


def _problems(report: InstallationReport) -> list[tuple[str, str]]:
    return [
        *(("audit log" if fault.index is None else f"leaf {fault.index}", fault.reason) for fault in report.log.faults),
        *((problem.what, problem.why) for problem in report.problems),
    ]
