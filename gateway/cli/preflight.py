"""`gateway config check`: what `gateway.preflight` found, for people and for programs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from gateway.cli.errors import Report, details, of_gateway_error, report_json
from gateway.cli.exits import Exit
from gateway.cli.output import Terminal
from gateway.config import ConfigProblem
from gateway.observe import text
from gateway.preflight import Inspection, findings_of

Json = dict[str, Any]

_KINDS: Final = {
    "missing": "cli.config.missing",
    "extra_forbidden": "cli.config.extra_forbidden",
}
"""Mistakes that have sentences of their own; the others have a word for the reason."""


def check(terminal: Terminal, path: Path) -> int:
    """Print what was looked at and what is wrong; 8 when anything is."""
    findings = list(findings_of(path))
    sound = all(one.error is None for one in findings)
    if terminal.json:
        terminal.value({"file": str(path), "sound": sound, "checks": [_finding_json(one) for one in findings]})
    else:
        for one in findings:
            _print_finding(terminal, one)
    terminal.say("cli.config.sound" if sound else "cli.config.unsound")
    return Exit.OK if sound else Exit.CONFIGURATION


def _report(one: Inspection) -> Report | None:
    if one.error is None:
        return None
    if one.problem is None:
        return of_gateway_error(one.error)
    return _of_problem(one.problem, Path(one.what))


def _of_problem(problem: ConfigProblem, path: Path) -> Report:
    params = {"key": problem.path, "path": path, "reason": problem.reason}
    return Report(
        code="config.invalid",
        what=text(_KINDS.get(problem.kind, "cli.config.value"), params),
        why=details("config.invalid", {"key": problem.path, "reason": problem.reason}),
        todo=text("cli.config.todo", {"path": path}),
        exit=Exit.CONFIGURATION,
    )


def _print_finding(terminal: Terminal, one: Inspection) -> None:
    head, report = ": ".join(filter(None, (one.name, one.what))), _report(one)
    if report is None:
        terminal.print(f"✔ {head}", style="green")
        return
    terminal.print(f"✘ {head}", style="bold red")
    lines: Iterable[tuple[str, str]] = (
        ("", terminal.choose(report.what)),
        (terminal.text("cli.line.why") + " ", report.why),
        (terminal.text("cli.line.todo") + " ", terminal.choose(report.todo)),
    )
    for lead, line in lines:
        terminal.print(f"  {lead}{line}")


def _finding_json(one: Inspection) -> Json:
    report = _report(one)
    problem = None if report is None else report_json(report)
    return {"key": one.name, "what": one.what, "good": one.error is None, "problem": problem}
