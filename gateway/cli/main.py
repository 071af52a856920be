"""One run of the program: choose the language, parse, call, and turn whatever comes back into an exit code."""

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Final

from rich.console import Console
from typer import Abort, TyperException

from gateway.cli.completion import complete
from gateway.cli.errors import (
    AtHand,
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
from gateway.cli.exits import Exit
from gateway.cli.grammar import Line, build, hoist, takes_value, translate
from gateway.cli.grammar.pages import GroupPage
from gateway.cli.output import Terminal, choose_language
from gateway.cli.shells import VARIABLE
from gateway.cli.usage import of_usage
from gateway.core.errors import GatewayError

_NO_LOG: Final = logging.NullHandler()
"""Where no log is configured (`serve` does), Python would print warnings raw between our sentences, which say the same."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; its exit code."""
    if arguments is None:
        _insist_on_utf8()
        arguments = sys.argv[1:]
        _open_closed_streams()
    _speak_utf8()
    if instruction := os.environ.get(VARIABLE):
        return complete(_terminal(Line((), ())), instruction)
    tree = build()
    line = hoist(tree, arguments)
    terminal = _terminal(line)
    try:
        code = _ending(tree, line, terminal)
        sys.stdout.flush()
    except (KeyboardInterrupt, asyncio.CancelledError, Abort):
        code = Exit.INTERRUPTED
    except (BrokenPipeError, SystemExit):  # the latter is what rich and typer make of the former
        code = _nowhere_to_print(Exit.READER_GONE)
    except OSError:
        code = _nowhere_to_print(Exit.PERMISSION)
    return code


def _ending(tree: GroupPage, line: Line, terminal: Terminal) -> int:
    """How the command ended: its own code, or that of what went wrong, which is told."""
    try:
        code = _run(tree, line, terminal)
        sys.stdout.flush()
    except (Abort, BrokenPipeError):
        raise
    except TyperException as error:
        return _told(of_failure(of_usage(error, takes_value(tree))), terminal)
    except Exception as error:  # noqa: BLE001 - named border: the program's own edge; a bug becomes an id and a file
        return _told(_report(error, terminal), terminal)
    return code


def _told(report: Report, terminal: Terminal) -> int:
    """Told to people always, and on stdout to the program that asked for JSON: it waits for one value."""
    code = tell(report, terminal)  # first: what went wrong may be that nothing can be written to stdout
    if terminal.json:
        terminal.value({"error": report_json(report)})
    return code


def _report(error: Exception, terminal: Terminal) -> Report:
    if isinstance(error, GatewayError):
        return of_gateway_error(error)
    if isinstance(error, AtHand):
        return of_gateway_error(error.error, at_hand=True)
    if isinstance(error, Refusal):
        return of_refusal(error, terminal)
    return of_failure(_failure(error))


def _failure(error: Exception) -> Failure:
    if isinstance(error, Failure):
        return error
    if isinstance(error, OSError):
        return of_os_error(error)
    return of_bug(error)


def _run(tree: GroupPage, line: Line, terminal: Terminal) -> int:
    logging.getLogger().addHandler(_NO_LOG)
    translate(tree, terminal)
    result = tree.main(line.whole, prog_name="gateway", standalone_mode=False, obj=terminal)
    return result if isinstance(result, int) else Exit.OK


def _terminal(line: Line) -> Terminal:
    """Read before typer does: its errors, too, are told in somebody's language. A wrong value is typer's to refuse."""
    plain = True if line.has("--no-color") else None
    talk = _console(stderr=True, no_color=plain)
    return Terminal(
        language=choose_language(line.value("--lang"), os.environ),
        json=line.has("--json"),
        out=_console(stderr=False, no_color=plain),
        talk=talk,
        quiet=line.has("-q", "--quiet"),
        verbose=line.has("-v", "--verbose"),
        may_ask=not line.has("--no-input") and sys.stdin.isatty() and talk.is_terminal,
    )


def _console(*, stderr: bool, no_color: bool | None) -> Console:
    """Colours and tables are for whoever looks, whatever FORCE_COLOR says in a build: a pipe gets tabs."""
    looks = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, force_terminal=looks, no_color=no_color, highlight=False, markup=False, emoji=False)


def _insist_on_utf8() -> None:
    """Start again in Python's UTF-8 mode where the locale names another encoding: lines name files in Vietnamese."""
    if sys.getfilesystemencoding().lower() != "utf-8":
        os.execve(sys.executable, sys.orig_argv, {**os.environ, "PYTHONUTF8": "1"})  # noqa: S606 - this very program


def _open_closed_streams() -> None:
    """`gateway version >&-`: a stream that the shell closed leads nowhere, and to no file or socket that is opened later."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for as long as we run


def _speak_utf8() -> None:
    """UTF-8 whatever the locale says; a file name that is no text is shown escaped rather than not at all."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")


def _nowhere_to_print(code: Exit) -> int:
    """`gateway inbox | head`: the reader has enough; or the disk behind stdout is full, which was told.

    Nothing more is written, not even by Python at exit.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    return code
