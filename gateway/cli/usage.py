"""A line that was typed wrong: typer's English sentence in the reader's language, the sentence itself as the detail."""

import re
from typing import Final

from gateway.cli.errors import Failure

_FORMS: Final = (
    (re.compile(r"No such command (?P<name>'[^']*'|\"[^\"]*\")"), "cli.usage.command"),
    (re.compile(r"Missing command"), "cli.usage.command_missing"),
    (re.compile(r"No such option: (?P<name>\S+)"), "cli.usage.option"),
    (re.compile(r"Missing (?:argument|option) (?P<name>'[^']*')"), "cli.usage.missing"),
    (re.compile(r"Invalid value for (?P<name>'[^']*')"), "cli.usage.value"),
    (re.compile(r"Option (?P<name>'[^']*') requires"), "cli.usage.value_missing"),
    (re.compile(r"Option (?P<name>'[^']*') does not take a value"), "cli.usage.value_unwanted"),
    (re.compile(r"Got unexpected extra argument\(s\) \((?P<name>.*)\)$"), "cli.usage.extra"),
)
"""Beginnings of what typer says. A sentence that is not among them is told as `cli.usage`."""


def of_usage(sentence: str) -> Failure:
    """What typer found wrong, as a failure of ours."""
    said = " ".join(sentence.split())
    for form, message_id in _FORMS:
        if (found := form.match(said)) is not None:
            return Failure(message_id, why=said, **found.groupdict())
    return Failure("cli.usage", why=said)
