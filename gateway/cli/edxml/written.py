"""What a command writes appears under its name whole, or not at all."""

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from types import FrameType
from typing import BinaryIO, Never

from gateway.cli.errors import Failure
from gateway.cli.stdin import MARK


@contextmanager
def tidied() -> Iterator[None]:
    """Who is told to end (Ctrl-C, a service manager, a terminal that goes away) ends the block and leaves nothing behind.

    Elsewhere Ctrl-C ends the program at once (`__main__`). Who is told not to listen (`nohup`) does not.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> Never:
        signal.signal(number, signal.SIG_IGN)  # a second one would end the tidying
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """Open a file to be written that was not there, or (`force`) that takes another one's place; `-` is standard output.

    It gets its name when the block ends well. A pipe or a device is written as it is: it has nothing to take the place of.

    Raises:
        Failure: there is no folder to hold it.
        OSError: FileExistsError among them.
    """
    if str(path) == MARK:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    if not path.parent.exists():
        raise Failure("cli.no_folder", path=str(path.parent))
    part = path.with_name(f".gateway-{token_hex(8)}.part")
    with tidied(), reserved([path], force=force) as give:
        try:
            with part.open("xb") as file:
                yield file
            give(part, path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def reserved(targets: Sequence[Path], *, force: bool) -> Iterator[Callable[[Path, Path], None]]:
    """Hold names that nobody has (`force`: or that somebody has) until files are given them by what this yields.

    A block that ends badly leaves none of the names that it took; what stood there before (`force`) it leaves alone.

    Raises:
        FileExistsError: one of them is taken.
        IsADirectoryError: by a folder.
    """
    for target in targets:
        if force and target.is_dir() and not target.is_symlink():  # found half way, it would leave half of the files
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    with ExitStack() as undo:
        for target in () if force else targets:
            target.open("xb").close()
            undo.callback(target.unlink, missing_ok=True)
        yield os.replace
        undo.pop_all()


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make a folder that is not there, and the folders above it; a block that ends badly leaves none of them."""
    missing = [step for step in (folder, *folder.parents) if not step.exists()]
    try:
        with tidied():
            folder.mkdir(parents=True, exist_ok=True)
            yield
    except BaseException:
        for step in missing:
            with suppress(OSError):
                step.rmdir()
        raise
