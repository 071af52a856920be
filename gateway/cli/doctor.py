"""`gateway doctor`: what was looked at, how it stands, and what to do about it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.api import readiness_json
from gateway.cli.exits import Exit
from gateway.cli.output import Terminal
from gateway.core.health import Finding, Health, worst
from gateway.core.ids import GatewayId
from gateway.doctor import examine
from gateway.observe import text

_SIGNS: Final = {Health.OK: "✔", Health.WARN: "!", Health.FAIL: "✘"}
_STYLES: Final = {Health.OK: "green", Health.WARN: "yellow", Health.FAIL: "bold red"}


async def doctor(terminal: Terminal, config: Path, *, peers: bool) -> int:
    """Examine an installation and print the findings; 1 when something has to be mended."""
    findings = await examine(config, peers=peers)
    if terminal.json:
        terminal.value(findings_json(findings))
    else:
        print_findings(terminal, findings)
    return Exit.PROBLEM if worst(findings) is Health.FAIL else Exit.OK


def findings_json(findings: Sequence[Finding]) -> dict[str, object]:
    """The findings for programs: those of `/readyz`, under `checks`."""
    members = readiness_json(GatewayId(""), findings)
    return {"sound": members["ready"], "state": members["state"], "checks": members["probes"]}


def print_findings(terminal: Terminal, findings: Sequence[Finding]) -> None:
    """One line for each finding, its remedy below it; the count last."""
    for finding in findings:
        name = terminal.word(f"check.{finding.check}")
        what = terminal.choose(text(finding.code, finding.params))
        terminal.print(f"{_SIGNS[finding.health]} {name}: {what}", style=_STYLES[finding.health])
        if finding.health is not Health.OK:
            terminal.print(f"    → {terminal.choose(text(f'{finding.code}.todo', finding.params))}")
    state = worst(tuple(findings))
    count = sum(finding.health is state for finding in findings)
    terminal.say(_SUMMARIES[state], count=count)


_SUMMARIES: Final = {
    Health.OK: "cli.doctor.ok",
    Health.WARN: "cli.doctor.warn",
    Health.FAIL: "cli.doctor.fail",
}
