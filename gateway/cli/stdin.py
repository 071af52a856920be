"""Standard input, which `-` on the command line names: read once, bounded, and never waited for where nobody may be asked."""

import sys

from gateway.cli.errors import Failure
from gateway.cli.output import Terminal

MARK = "-"


class StandardInput:
    """What stands behind `-`."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._reader = ""

    def read(self, limit: int, *, option: str) -> bytes:
        """Everything there is, for that option or argument; nobody can read it twice.

        Raises:
            Failure: another option has read it; a person would have to type it and may not be asked; too much.
        """
        if self._reader:
            raise Failure("cli.stdin_twice", option=option, other=self._reader)
        self._reader = option
        if sys.stdin.isatty() and not self._terminal.may_ask:
            raise Failure("cli.no_input", option=option)
        data = sys.stdin.buffer.read(limit + 1)
        if len(data) > limit:
            raise Failure("cli.file", path=MARK, reason=f"more than {limit} bytes")
        return data

    def ask(self, message_id: str, *, option: str) -> str:
        """One line that a person types in answer to a question on stderr.

        Raises:
            Failure: nobody may be asked: the option says it instead.
        """
        if self._reader or not self._terminal.may_ask:
            raise Failure("cli.unasked", option=option)
        self._terminal.question(message_id)
        return sys.stdin.readline().strip()
