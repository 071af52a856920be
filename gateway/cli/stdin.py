"""Standard input, which `-` on the command line names: read once, bounded, and never waited for where nobody may be asked."""

import sys
from collections.abc import Callable, Iterator

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
        self._claim(option)
        data = sys.stdin.buffer.read(limit + 1)
        if len(data) > limit:
            raise Failure("cli.file", path=MARK, reason=f"more than {limit} bytes")
        return data

    def pieces(self, size: int, step: Callable[[int], None], *, option: str) -> Iterator[bytes]:
        """The same, but as it comes, so many bytes at a time; `step` is told how many. Whoever takes them bounds them.

        Raises:
            Failure: as `read`, at once.
        """
        self._claim(option)
        return self._pieces(size, step)

    def _pieces(self, size: int, step: Callable[[int], None]) -> Iterator[bytes]:
        while piece := sys.stdin.buffer.read(size):
            yield piece
            step(len(piece))

    def _claim(self, option: str) -> None:
        if self._reader:
            raise Failure("cli.stdin_twice", option=option, other=self._reader)
        self._reader = option
        if sys.stdin.isatty() and not self._terminal.may_ask:
            raise Failure("cli.no_input", option=option)

    def ask(self, message_id: str, *, option: str) -> str:
        """One line that a person types in answer to a question on stderr.

        Raises:
            Failure: nobody may be asked: the option says it instead.
        """
        if self._reader or not self._terminal.may_ask:
            raise Failure("cli.unasked", option=option)
        self._terminal.question(message_id)
        return sys.stdin.readline().strip()
