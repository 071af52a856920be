"""Long work: a bar on a terminal, plain lines in a pipe, nothing when nobody wants to hear of it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gateway.api import OfficeClient
from gateway.cli.output import Terminal
from gateway.core.errors import RoadError
from gateway.core.states import DeliveryState, DocumentState, is_final

Json = dict[str, Any]
Show = Callable[[int, int], None]

POLL_FIRST_SECONDS: Final = 0.3
POLL_MOST_SECONDS: Final = 3.0
SILENCES_MAX: Final = 10
"""Polls without an answer in a row before waiting is given up: the document is safe, only the news is not."""

_STOPPED: Final = frozenset({DocumentState.REFUSED.value, DocumentState.HELD.value})
_ENDED: Final = frozenset(state.value for state in DeliveryState if is_final(state)) | {DeliveryState.HELD.value}


async def watch(client: OfficeClient, key: str, terminal: Terminal) -> Json:
    """The document, once nothing more will happen to it by itself.

    Raises:
        RoadError: the gateway has been silent for too long.
    """
    pause, silences = POLL_FIRST_SECONDS, 0
    with _shown(terminal) as show:
        while True:
            try:
                document = await client.document(key)
                silences = 0
                done, total = ended(document)
                show(done, total)
                if document["state"] in _STOPPED or (total and done == total):
                    return document
            except RoadError:
                silences += 1
                if silences == SILENCES_MAX:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, POLL_MOST_SECONDS)


def ended(document: Json) -> tuple[int, int]:
    """How many recipients have an outcome, and how many there are."""
    deliveries = document["deliveries"]
    return sum(count for state, count in deliveries["counts"].items() if state in _ENDED), deliveries["total"]


@contextmanager
def counted(terminal: Terminal, message_id: str, total: int) -> Iterator[Callable[[str], None]]:
    """So many things, one after the other: call what this yields with the name of each that is done."""
    done = 0

    def line(name: str) -> None:
        nonlocal done
        done += 1
        terminal.say("cli.progress.line", what=terminal.text(message_id), done=done, total=total, name=name)

    if terminal.quiet or not terminal.talk.is_terminal:
        yield line
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal.talk) as progress:
        task = progress.add_task(terminal.text(message_id), total=total)
        yield lambda _: progress.advance(task)


@contextmanager
def stepped(terminal: Terminal) -> Iterator[Callable[[str], None]]:
    """Steps of unknown length: call what this yields with the words for each that begins."""
    if terminal.quiet or not terminal.talk.is_terminal:
        yield lambda words: None if terminal.quiet else terminal.note(words)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=terminal.talk, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda words: progress.update(task, description=words)


@contextmanager
def _shown(terminal: Terminal) -> Iterator[Show]:
    if terminal.quiet or not terminal.talk.is_terminal:
        yield _lines(terminal)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal.talk) as progress:
        task = progress.add_task(terminal.text("cli.send.progress"), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)


def _lines(terminal: Terminal) -> Show:
    last = (0, 0)

    def show(done: int, total: int) -> None:
        nonlocal last
        if (done, total) != last:
            last = (done, total)
            terminal.say("cli.progress.count", what=terminal.text("cli.send.progress"), done=done, total=total)

    return show
