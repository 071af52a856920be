"""A line that was typed wrong: what typer found, in the reader's language.

typer has sentences and no codes; the beginning of a sentence tells which it is, and the parameter it is about what could
have stood there. A sentence that is not known here is told as `cli.usage`, with the sentence as its detail.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from typer import TyperException
from typer.core import TyperArgument, TyperOption

from gateway.cli.errors import Failure
from gateway.core.reasons import because

_FORMS: Final = (
    (re.compile(r"No such command (?P<name>'[^']*'|\"[^\"]*\")"), "cli.usage.command"),
    (re.compile(r"Missing command"), "cli.usage.command_missing"),
    (re.compile(r"No such option: (?P<name>\S+)"), "cli.usage.option"),
    (re.compile(r"Missing (?:argument|option) (?P<name>'[^']*')"), "cli.usage.missing"),
    (re.compile(r"Invalid value for '[^']*': \w+ '(?P<path>.*)' is not readable\.$"), "cli.file"),
    (re.compile(r"Invalid value for (?P<name>'[^']*')"), "cli.usage.value"),
    (re.compile(r"Option (?P<name>'[^']*') requires"), "cli.usage.value_missing"),
    (re.compile(r"Option (?P<name>'[^']*') does not take a value"), "cli.usage.value_unwanted"),
    (re.compile(r"Got unexpected extra argument\(s\) \((?P<name>.*)\)$"), "cli.usage.extra"),
)
_NEAR: Final = re.compile(r"(?:Did you mean |\(Possible options: )(?P<near>.*?)[?)]$")

_LIKENESS: Final = 0.7
"""Of two options, 0 to 1: what is less alike was not meant."""


def of_usage(error: TyperException, everywhere: Iterable[str] = ()) -> Failure:
    """What typer found wrong, as a failure of ours. `everywhere`: options that may stand behind any command."""
    said = " ".join(error.format_message().split())
    for form, message_id in _FORMS:
        if (found := form.match(said)) is not None:
            if message_id == "cli.file":
                return Failure(message_id, path=found["path"], reason=because("eacces"))
            near = _meant(said, found["name"], everywhere) if "name" in found.groupdict() else {}
            return Failure(message_id, **found.groupdict(), **near, **_allowed(getattr(error, "param", None)))
    return Failure("cli.usage", said=said)


def _meant(said: str, name: str, everywhere: Iterable[str]) -> dict[str, str]:
    """What was meant, perhaps: typer knows the options of the command only, those of the program stand beside them."""
    found = _NEAR.search(said)
    near = found["near"].replace("'", "").split(", ") if found else []
    if name.startswith("-"):
        near = get_close_matches(name, dict.fromkeys((*near, *everywhere)), cutoff=_LIKENESS)
    return {"near": ", ".join(near)} if near else {}


def _allowed(parameter: object) -> dict[str, str]:
    """What could have stood there, as far as it can be listed."""
    if not isinstance(parameter, TyperOption | TyperArgument):
        return {}
    if choices := parameter.type_descriptor.choices:
        return {"allowed": ", ".join(str(choice.value) for choice in choices)}
    if parameter.min is not None and parameter.max is not None:
        return {"allowed": f"{parameter.min}…{parameter.max}"}
    return {"allowed": f"{parameter.min}…"} if parameter.min is not None else {}
