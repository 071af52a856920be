"""Files that only their owner may read: keys, and the passwords and PINs that open them.

1. It is a regular file: a pipe or a device would keep whoever reads it waiting, or never end.
2. Its mode is 0400 or 0600, asked of the very file that is read.
3. It is small.
4. A secret is one line of text; the end of the line does not belong to it.

What was read never goes into an error, a log or a `repr`.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Final

from gateway.core import limits
from gateway.core.reasons import Reason, because, of_os

KEY_FILE_BYTES_MAX: Final = 64 * limits.KIB
"""A PKCS#12 file with a chain of ten certificates has 20 KB."""
_SHARED: Final = 0o177
_ENDS: Final = (b"\r\n", b"\n")
_CONTROL: Final = frozenset(map(chr, (*range(0x20), 0x7F)))


class UnusableError(Exception):
    """A file is not as it must be. `reason` is a text of the catalogue, and holds nothing out of the file."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


def name_of(path: Path) -> str:
    """The path as an error names it: one that is no UTF-8 has to cross from a child all the same."""
    return os.fsencode(path).decode(errors="replace")


def check_mode(path: Path) -> None:
    """Insist that a key file is its owner's alone.

    Raises:
        PermissionError: its mode is neither 0400 nor 0600; other `OSError`: it is not there, or no regular file.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.ENXIO, "not a regular file")
    if stat.S_IMODE(mode) & _SHARED:
        raise PermissionError(errno.EPERM, "the file's mode must be 0400 or 0600")


def read_guarded(path: Path, *, bytes_max: int = KEY_FILE_BYTES_MAX) -> bytes:
    """The file, after duties 1 to 3.

    Raises:
        UnusableError: why not.
    """
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            data = _contents(opened, bytes_max + 1)
        finally:
            os.close(opened)
    except OSError as error:
        raise UnusableError(of_os(error)) from error
    if len(data) > bytes_max:
        raise UnusableError(because("large", limit=bytes_max))
    return data


def _contents(opened: int, bytes_max: int) -> bytes:
    status = os.fstat(opened)
    if not stat.S_ISREG(status.st_mode):
        raise UnusableError(because("enxio"))
    if stat.S_IMODE(status.st_mode) & _SHARED:
        raise UnusableError(because("mode"))
    return os.read(opened, bytes_max)


def read_secret(path: Path) -> str:
    """The one line of a password's or PIN's file, after all duties.

    Raises:
        UnusableError: why not, naming the file.
    """
    try:
        return _one_line(read_guarded(path, bytes_max=limits.SECRET_BYTES_MAX))
    except UnusableError as error:
        raise UnusableError(because("secret_file", path=name_of(path), reason=error.reason)) from error


def _one_line(data: bytes) -> str:
    end = next((end for end in _ENDS if data.endswith(end)), b"")
    try:
        text = data.removesuffix(end).decode()
    except UnicodeDecodeError:
        raise UnusableError(because("not_text")) from None  # its text quotes what it could not read
    if not text:
        raise UnusableError(because("secret_empty"))
    if not _CONTROL.isdisjoint(text):
        raise UnusableError(because("secret_lines"))
    return text
