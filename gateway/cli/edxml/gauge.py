"""How far a large file is: a bar on a terminal, a line in a pipe, nothing for what is over at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from gateway.cli.output import Terminal
from gateway.core.limits import MIB
from gateway.core.plain_text import shown

LARGE_BYTES: Final = 32 * MIB
"""Less than this takes a moment."""


@contextmanager
def gauged(terminal: Terminal, message_id: str, *, name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Call what this yields with the bytes that are done; `total` None: nobody knows how many there will be."""
    if terminal.quiet or (total is not None and total < LARGE_BYTES):
        yield lambda _: None
        return
    words = terminal.text(message_id, name=name)
    if not terminal.talk.is_terminal:
        if total is not None:
            terminal.note(f"{words} {terminal.text('cli.verify.size', size=terminal.number(total), count=total)}")
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=terminal.talk, transient=True) as progress:
        task = progress.add_task(shown(words), total=total)
        yield lambda count: progress.advance(task, count)
