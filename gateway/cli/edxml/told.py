"""What was noticed of a file, in words: where, what, and what to do; for programs in both languages."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

from gateway.cli.output import Terminal
from gateway.edxml import Finding, Severity
from gateway.observe import explain, text

Json = dict[str, Any]
_LOOKS: Final = MappingProxyType(
    {
        Severity.ERROR: ("✘", "bold red"),
        Severity.REPAIRED: ("!", "bold yellow"),
        Severity.NOTE: ("·", ""),
    }
)
"""Mark and colour, the worst first."""
_TODO: Final = MappingProxyType(
    {Severity.REPAIRED: "cli.edxml.todo.repaired", Severity.NOTE: "cli.edxml.todo.note"},
)
"""What people are told once of all of them. Each error has its own: what bears a mark of secrecy is not to be sent again."""


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, then repairs, then notes; among themselves as they were met."""
    order = list(_LOOKS)
    return sorted(findings, key=lambda one: order.index(one.severity))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether the file does not hold together."""
    return any(one.severity is Severity.ERROR for one in findings)


def print_findings(terminal: Terminal, findings: Iterable[Finding]) -> None:
    """Data: a line for each, and what to do: behind the errors of one kind, and once behind the repairs and the notes."""
    for severity, line in _lines(terminal, findings):
        terminal.print(f"  {line}", style=_LOOKS[severity][1])


def note_findings(terminal: Terminal, findings: Iterable[Finding]) -> None:
    """The same as talk. What is more than a note is told even to those who want to hear nothing."""
    for severity, line in _lines(terminal, findings):
        if severity is not Severity.NOTE or not terminal.quiet:
            terminal.note(line)


def _lines(terminal: Terminal, findings: Iterable[Finding]) -> Iterator[tuple[Severity, str]]:
    for severity, group in groupby(worst_first(findings), key=lambda one: one.severity):
        todo = _TODO.get(severity)
        for code, same in groupby(group, key=lambda one: one.code):
            for one in same:
                place = f"{one.path}: " if one.path else ""
                words = terminal.choose(text(f"edxml.finding.{code}", one.params))
                yield severity, f"{_LOOKS[severity][0]} {place}{words} [{code}]"
            if todo is None:
                yield severity, f"  {terminal.text('cli.line.todo')} {terminal.text(f'edxml.finding.{code}.todo')}"
        if todo is not None:
            yield severity, f"  {terminal.text('cli.line.todo')} {terminal.text(todo)}"


def finding_json(one: Finding) -> Json:
    """One finding for programs."""
    said = explain(f"edxml.finding.{one.code}", one.params)
    return {
        "code": one.code,
        "severity": one.severity.value,
        "path": one.path,
        "message_vi": said.what_vi,
        "message_en": said.what_en,
        "todo_vi": said.todo_vi,
        "todo_en": said.todo_en,
    }
