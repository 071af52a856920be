"""What was noticed of a file, in words: where, what, and what to do about that; for programs in both languages."""

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


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, then repairs, then notes; among themselves those of one code together, in the order in which they were met."""
    found = list(findings)
    order, met = list(_LOOKS), {code: place for place, code in enumerate(dict.fromkeys(one.code for one in found))}
    return sorted(found, key=lambda one: (order.index(one.severity), met[one.code]))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether the file does not hold together."""
    return any(one.severity is Severity.ERROR for one in findings)


def print_findings(terminal: Terminal, findings: Iterable[Finding]) -> None:
    """Data: a line for each, and behind those of one code what to do."""
    for severity, line in _lines(terminal, findings):
        terminal.print(f"  {line}", style=_LOOKS[severity][1])


def note_findings(terminal: Terminal, findings: Iterable[Finding]) -> None:
    """The same as talk. What is more than a note is told even to those who want to hear nothing."""
    for severity, line in _lines(terminal, findings):
        if severity is not Severity.NOTE or not terminal.quiet:
            terminal.note(line)


def line_of(terminal: Terminal, one: Finding) -> str:
    """One finding: how grave, where, what."""
    place = f"{one.path}: " if one.path else ""
    words = terminal.choose(text(f"edxml.finding.{one.code}", one.params))
    return f"{_LOOKS[one.severity][0]} {place}{words} [{one.code}]"


def _lines(terminal: Terminal, findings: Iterable[Finding]) -> Iterator[tuple[Severity, str]]:
    for (severity, code), group in groupby(worst_first(findings), key=lambda one: (one.severity, one.code)):
        for one in group:
            yield severity, line_of(terminal, one)
        yield severity, f"  {terminal.text('cli.line.todo')} {terminal.text(f'edxml.finding.{code}.todo')}"


def finding_json(one: Finding) -> Json:
    """One finding for programs, and what to do."""
    said = explain(f"edxml.finding.{one.code}", one.params)
    return {**finding_words(one), "todo_vi": said.todo_vi, "todo_en": said.todo_en}


def finding_words(one: Finding) -> Json:
    """One finding for programs."""
    words = text(f"edxml.finding.{one.code}", one.params)
    return {
        "code": one.code,
        "severity": one.severity.value,
        "path": one.path,
        "message_vi": words.vi,
        "message_en": words.en,
    }
