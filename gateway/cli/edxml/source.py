"""A file that a command reads in pieces: one that the line names, or standard input."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from gateway.cli.edxml.gauge import gauged
from gateway.cli.errors import Failure
from gateway.cli.files import require_file
from gateway.cli.orders import Session
from gateway.cli.output import Terminal
from gateway.cli.stdin import MARK
from gateway.core.limits import KIB
from gateway.core.reasons import of_os

PIECE_BYTES: Final = 768 * KIB
"""Of a multiple of three, base64 of each piece is whole; larger ones are no faster."""


def called(terminal: Terminal, path: Path) -> str:
    """What people call a file of the line; `-` is no name."""
    return terminal.text("cli.edxml.stdin") if str(path) == MARK else path.name


@contextmanager
def pieces_of(session: Session, path: Path) -> Iterator[Iterator[bytes]]:
    """The pieces of a file (`-`: of standard input), and on stderr how far it is.

    Raises:
        Failure: it is not there, is a folder, or cannot be read; standard input was read already.
    """
    if str(path) == MARK:
        with gauged(session.terminal, "cli.edxml.reading", name=MARK, total=None) as step:
            yield session.stdin.pieces(PIECE_BYTES, step, option=MARK)
        return
    require_file(path)
    size = path.stat().st_size
    with path.open("rb") as file, gauged(session.terminal, "cli.edxml.reading", name=path.name, total=size) as step:
        yield pieces(file, path, step)


def pieces(file: BinaryIO, path: Path, step: Callable[[int], None]) -> Iterator[bytes]:
    """The rest of an open file; `step` is told the size of each piece.

    Raises:
        Failure: it cannot be read, of which the system does not name the file.
    """
    while True:
        try:
            piece = file.read(PIECE_BYTES)
        except OSError as error:
            raise Failure("cli.file", path=str(path), reason=of_os(error)) from error
        if not piece:
            return
        yield piece
        step(len(piece))
