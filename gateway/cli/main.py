"""One run of the program: choose the language, parse, call, and turn whatever comes back into an exit code."""

import asyncio
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from rich.console import Console
from typer import Abort, TyperException

from gateway.cli.errors import (
    Exit,
    Failure,
    Refusal,
    Report,
    of_bug,
    of_failure,
    of_gateway_error,
    of_os_error,
    of_refusal,
    report_json,
    tell,
)
from gateway.cli.grammar import command, hoist
from gateway.cli.output import Terminal, choose_language
from gateway.cli.usage import of_usage
from gateway.core.errors import GatewayError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; its exit code."""
    _speak_utf8()
    line = hoist(sys.argv[1:] if arguments is None else arguments)
    terminal = _terminal(line)
    try:
        code = _run(line, terminal)
        sys.stdout.flush()
    except (KeyboardInterrupt, asyncio.CancelledError, Abort):
        code = Exit.INTERRUPTED
    except BrokenPipeError:
        code = _reader_gone()
    except Exception as error:  # noqa: BLE001 - named border: the program's own edge; a bug becomes an id and a file
        code = _told(_report(error, terminal), terminal)
    return code


def _told(report: Report, terminal: Terminal) -> int:
    """Told to people always, and on stdout to the program that asked for JSON: it waits for one value."""
    if terminal.json:
        terminal.value({"error": report_json(report)})
    return tell(report, terminal)


def _report(error: Exception, terminal: Terminal) -> Report:
    if isinstance(error, GatewayError):
        return of_gateway_error(error)
    if isinstance(error, Refusal):
        return of_refusal(error, terminal)
    return of_failure(_failure(error))


def _failure(error: Exception) -> Failure:
    if isinstance(error, Failure):
        return error
    if isinstance(error, TyperException):
        return of_usage(error.format_message())
    if isinstance(error, OSError):
        return of_os_error(error)
    return of_bug(error)


def _run(line: Sequence[str], terminal: Terminal) -> int:
    result = command(terminal).main(list(line), prog_name="gateway", standalone_mode=False, obj=terminal)
    return result if isinstance(result, int) else Exit.OK


def _terminal(line: Sequence[str]) -> Terminal:
    """Read before typer does: its errors, too, are told in somebody's language. A wrong value is typer's to refuse."""
    asked = None
    for index, word in enumerate(line):
        name, _, value = word.partition("=")
        if name == "--lang":
            asked = value or next(iter(line[index + 1 : index + 2]), None)
    plain = True if "--no-color" in line else None
    return Terminal(
        language=choose_language(asked, os.environ),
        json="--json" in line,
        out=_console(stderr=False, no_color=plain),
        talk=_console(stderr=True, no_color=plain),
    )


def _console(*, stderr: bool, no_color: bool | None) -> Console:
    return Console(stderr=stderr, no_color=no_color, highlight=False, markup=False, emoji=False)


def _speak_utf8() -> None:
    """UTF-8 whatever the locale says; a file name that is no text is shown escaped rather than not at all."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _reader_gone() -> int:
    """`gateway inbox | head`: the reader has enough. Nothing more is written, not even by Python at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.PROBLEM
