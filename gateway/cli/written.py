"""What a command writes: where it goes, and that it appears under its name whole, or not at all.

Also when it is killed or the power fails: it is written beside its name, is on the disk before it gets it, and gets it in one
step. What such an end leaves behind is hidden (`.gateway-….part`) and in nobody's way. Of several files each is whole.
"""

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from types import FrameType
from typing import BinaryIO, Final, Never

from gateway.cli.errors import Failure
from gateway.cli.output import Terminal
from gateway.cli.stdin import MARK

_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS})
"""Of a second name where file systems (FAT, some network shares) know none."""
_NO_FOLDER_SYNC: Final = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the file goes."""

    path: Path
    """`-` is standard output."""
    force: bool


def require_one_use_of_stdout(terminal: Terminal, target: Target) -> None:
    """Standard output can be the file, or what is said of it.

    Raises:
        Failure: it should be both.
    """
    if terminal.json and str(target.path) == MARK:
        raise Failure("cli.edxml.json_output")


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
    with tidied(), names_given([path], force=force) as give:
        try:
            with _told_of(path):
                file = part.open("xb")
            with file:
                yield file
                settle(file)
            give(part, path)
        finally:
            part.unlink(missing_ok=True)


def settle(file: BinaryIO) -> None:
    """See that what was written is on the disk."""
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def names_given(targets: Sequence[Path], *, force: bool) -> Iterator[Callable[[Path, Path], None]]:
    """Look whether nobody has these names (`force`: or a file has) and yield what gives one of them to a file beside it.

    A block that ends badly takes back the names that it gave; what it has replaced (`force`) it cannot bring back.

    Raises:
        FileExistsError: one of them is taken, now or when it is to be given.
        IsADirectoryError: by a folder.
    """
    for target in targets:
        if force and target.is_dir() and not target.is_symlink():  # found half way, it would leave half of the files
            raise _named(errno.EISDIR, target)
        if not force and os.path.lexists(target):
            raise _named(errno.EEXIST, target)
    with ExitStack() as undo:

        def give(part: Path, target: Path) -> None:
            with _told_of(target):
                if force:
                    part.replace(target)
                    return
                undo.callback(_take_back, target, part.stat())  # first: who is told to end may be told in between
                _link(part, target)

        yield give
        for folder in {target.parent for target in targets}:
            with _told_of(folder):
                settle_names(folder)
        undo.pop_all()


def _link(part: Path, target: Path) -> None:
    """A second name for a file, if nobody has it."""
    try:
        os.link(part, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    else:
        return
    target.open("xb").close()  # the only moment in which a kill leaves an empty file under the name
    try:
        part.replace(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _take_back(target: Path, given: os.stat_result) -> None:
    """Take a name from the file that it was given to, not from one that somebody else put there."""
    with suppress(FileNotFoundError):
        if os.path.samestat(target.lstat(), given):
            target.unlink()


def settle_names(folder: Path) -> None:
    """See that the names in a folder are on the disk, where that can be asked for."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:  # a folder into which one may write, and not look
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """An error is told of the name that was asked for: of the hidden one nobody knows."""
    try:
        yield
    except OSError as error:
        raise _named(error.errno, path) from error


def _named(number: int | None, path: Path) -> OSError:
    number = number or errno.EIO
    return OSError(number, os.strerror(number), str(path))


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
