"""`gateway edxml validate`: a file against the regulation and a schema. 1 where they find something, 0 where not."""

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from gateway.cli.edxml.look import look
from gateway.cli.edxml.source import called
from gateway.cli.edxml.stores import glanced
from gateway.cli.edxml.told import finding_json, print_findings
from gateway.cli.exits import Exit
from gateway.cli.orders import Session
from gateway.cli.output import Terminal
from gateway.edxml import Finding, Flavour, SchemaFault, Severity, schema_faults

_WORDS: Final = MappingProxyType(
    {
        (Flavour.STRICT, True): "cli.edxml.valid",
        (Flavour.STRICT, False): "cli.edxml.invalid",
        (Flavour.LAX, True): "cli.edxml.readable",
        (Flavour.LAX, False): "cli.edxml.unreadable_lax",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the regulation and a schema say of a file."""

    path: Path
    flavour: Flavour
    findings: tuple[Finding, ...]
    faults: tuple[SchemaFault, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing counts against it.

        `strict` is for files that are ours to make: every finding counts. `lax` is for those of others, of which there is one
        way to read them all the same: notes are told, and do not count.
        """
        counted = (one for one in self.findings if self.flavour is Flavour.STRICT or one.severity is not Severity.NOTE)
        return not self.faults and not any(counted)


def validate(session: Session, path: Path, *, flavour: str) -> int:
    """Show what the regulation and the schema say against a file.

    Raises:
        Failure: it is not there or cannot be read.
        SenderError: `envelope.malformed`, `size.limit`.
    """
    with glanced() as store:
        skeleton, reading = look(session, path, store=store)
    chosen = Flavour(flavour)
    faults = schema_faults(skeleton.root, chosen)
    verdict = Verdict(path=path, flavour=chosen, findings=reading.findings, faults=faults)
    if session.terminal.json:
        session.terminal.value(_verdict_json(verdict))
    else:
        _print(session.terminal, verdict)
    return Exit.OK if verdict.valid else Exit.PROBLEM


def _print(terminal: Terminal, verdict: Verdict) -> None:
    words, style = _WORDS[verdict.flavour, verdict.valid], "bold green" if verdict.valid else "bold red"
    terminal.print(f"{called(terminal, verdict.path)}: {terminal.text(words)}", style=style)
    print_findings(terminal, verdict.findings)
    for fault in verdict.faults:
        terminal.print("  ✘ " + terminal.text("cli.edxml.schema_fault", line=fault.line or None, detail=fault.text))
    if verdict.faults:
        terminal.print(f"    {terminal.text('cli.line.todo')} {terminal.text('cli.edxml.todo.schema')}")


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "file": str(verdict.path),
        "schema": verdict.flavour.value,
        "valid": verdict.valid,
        "findings": [finding_json(one) for one in verdict.findings],
        "schema_faults": [{"line": fault.line, "text": fault.text} for fault in verdict.faults],
    }
