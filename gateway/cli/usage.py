"""A line that was typed wrong: what typer found, in the reader's language.

typer has sentences and no codes; the beginning of a sentence tells which it is, and the parameter it is about what could
have stood there. A sentence that is not known here is told as `cli.usage`, with the sentence as its detail.
"""

import re
from typing import Final

from typer import TyperException
from typer.core import TyperArgument, TyperOption

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
_NEAR: Final = re.compile(r"(?:Did you mean |\(Possible options: )(?P<near>.*?)[?)]$")


def of_usage(error: TyperException) -> Failure:
    """What typer found wrong, as a failure of ours."""
    said = " ".join(error.format_message().split())
    for form, message_id in _FORMS:
        if (found := form.match(said)) is not None:
            return Failure(message_id, **found.groupdict(), **_near(said), **_allowed(getattr(error, "param", None)))
    return Failure("cli.usage", said=said)


def _near(said: str) -> dict[str, str]:
    """What was meant, perhaps."""
    found = _NEAR.search(said)
    return {"near": found["near"].replace("'", "")} if found else {}


def _allowed(parameter: object) -> dict[str, str]:
    """What could have stood there, as far as it can be listed."""
    if not isinstance(parameter, TyperOption | TyperArgument):
        return {}
    if choices := parameter.type_descriptor.choices:
        return {"allowed": ", ".join(str(choice.value) for choice in choices)}
    if parameter.min is not None and parameter.max is not None:
        return {"allowed": f"{parameter.min}…{parameter.max}"}
    return {"allowed": f"{parameter.min}…"} if parameter.min is not None else {}
