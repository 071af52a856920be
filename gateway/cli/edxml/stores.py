"""Where the attachments of a file go while it is read: into files beside their later place, or hardly anywhere."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from itertools import count
from pathlib import Path
from secrets import token_hex
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Final

from gateway.cli.errors import Failure
from gateway.core.limits import KIB
from gateway.core.magic import MAGIC_BYTES, is_zip
from gateway.core.reasons import of_os
from gateway.safe_xml import Store

_HEAD_BYTES: Final = 4 * MAGIC_BYTES
"""More than anybody looks at of what is no archive."""
_SPOOL_BYTES: Final = 16 * KIB
"""What an archive may have in memory; there can be a thousand in one file."""


class Glance(SpooledTemporaryFile[bytes]):
    """Takes everything and keeps the beginning, by which a file is known; of an archive, which is looked into, all."""

    def __init__(self) -> None:
        super().__init__(max_size=_SPOOL_BYTES)
        self._taken = 0
        self._is_zip = False

    def write(self, data: Any, /) -> int:
        """All of it is taken."""
        piece = memoryview(data)
        if self._taken < _HEAD_BYTES:
            super().write(piece[: _HEAD_BYTES - self._taken])
            self.seek(0)
            self._is_zip = is_zip(self.read(_HEAD_BYTES))
            piece = piece[_HEAD_BYTES - self._taken :]
        if self._is_zip:
            super().write(piece)
        self._taken += len(memoryview(data))
        return len(memoryview(data))


@contextmanager
def glanced() -> Iterator[Store]:
    """For a command that only looks. Archives lie in files without a name, which nobody has to tidy up."""
    with ExitStack() as closing:

        def store(_: int) -> BinaryIO:
            glance: Any = closing.enter_context(Glance())
            opened: BinaryIO = glance
            return opened

        yield store


@contextmanager
def beside(folder: Path) -> Iterator[Store]:
    """For a command that keeps attachments: a hidden folder inside their later one, so that a name is all they need."""
    numbers = count()
    with ExitStack() as closing:
        place = folder / f".gateway-{token_hex(8)}.part"
        closing.callback(shutil.rmtree, place, ignore_errors=True)  # first: who is told to end may be told in between
        try:
            place.mkdir(mode=0o700)
        except OSError as error:  # names the hidden one, of which nobody knows
            raise Failure("cli.file", path=str(folder), reason=of_os(error)) from error
        yield lambda _: closing.enter_context((place / str(next(numbers))).open("w+b"))


class _Nothing(BytesIO):
    """Takes everything and keeps nothing."""

    def write(self, data: Any, /) -> int:
        return len(memoryview(data))


def nowhere(_: int) -> BinaryIO:
    """For a command that does not look at attachments."""
    return _Nothing()
