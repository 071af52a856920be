"""`gateway edxml validate`: a file against the regulation and a schema. 1 where they find something, 0 where not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.cli.edxml.look import look
from gateway.cli.edxml.stores import glanced
from gateway.cli.edxml.told import finding_json, print_findings
from gateway.cli.errors import Exit
from gateway.cli.orders import Session
from gateway.cli.output import Terminal
from gateway.edxml import Finding, Flavour, SchemaFault, Severity, schema_faults


def validate(session: Session, path: Path, *, flavour: str) -> int:
    """Show what the regulation and the schema say against a file.

    `strict` is for files that are ours to make: every finding counts. `lax` is for those of others, of which there is one way to
    read them all the same: notes are shown, and do not count.

    Raises:
        Failure: it is not there or cannot be read.
        SenderError: `envelope.malformed`, `size.limit`.
    """
    terminal = session.terminal
    with glanced() as store:
        skeleton, reading = look(session, path, store=store)
    faults = schema_faults(skeleton.root, Flavour(flavour))
    counted = [one for one in reading.findings if flavour == Flavour.STRICT or one.severity is not Severity.NOTE]
    valid = not faults and not counted
    if terminal.json:
        terminal.value(_report_json(path, flavour, valid=valid, findings=reading.findings, faults=faults))
    else:
        _print(terminal, path, flavour, valid=valid, findings=reading.findings, faults=faults)
    return Exit.OK if valid else Exit.PROBLEM


def _print(
    terminal: Terminal,
    path: Path,
    flavour: str,
    *,
    valid: bool,
    findings: Sequence[Finding],
    faults: Sequence[SchemaFault],
) -> None:
    verdict = "cli.edxml.valid" if valid else "cli.edxml.invalid"
    style = "bold green" if valid else "bold red"
    terminal.print(f"{path.name}: {terminal.text(verdict, schema=flavour)}", style=style)
    print_findings(terminal, findings)
    for fault in faults:
        terminal.print("  ✘ " + terminal.text("cli.edxml.schema_fault", line=fault.line, detail=fault.text))
    if faults:
        terminal.print(f"    {terminal.text('cli.line.todo')} {terminal.text('cli.edxml.todo.schema')}")


def _report_json(
    path: Path, flavour: str, *, valid: bool, findings: Sequence[Finding], faults: Sequence[SchemaFault]
) -> dict[str, Any]:
    return {
        "file": str(path),
        "schema": flavour,
        "valid": valid,
        "findings": [finding_json(one) for one in findings],
        "schema_faults": [{"line": fault.line, "text": fault.text} for fault in faults],
    }
