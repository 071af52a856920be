"""A file on its way to a client: what has come stays when the line is cut, the next answer brings the rest (RFC 9110, 14).

Also when the client itself is killed: what had come lies beside the file, hidden, under a name that says of which it is
(`.gateway-….part`), and whoever asks for the file again goes on there.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Final

import aiohttp
from aiohttp import hdrs

from gateway.core import limits
from gateway.core.content_digest import parse_content_digest

_EXTENT: Final = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15})")
_PIECE_BYTES: Final = 4 * limits.CHUNK_BYTES
LEFT_BYTES_MIN: Final = limits.MIB
"""Less than that is fetched again sooner than it is worth a file in somebody's folder."""
_PART: Final = ".gateway-{}.part"
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS})
"""Of a second name where file systems (FAT, some network shares) know none."""
_OPENINGS_MAX: Final = 5
"""Of a part that others finish and begin anew between our opening it and having its lock."""


class DamagedError(aiohttp.ClientPayloadError):
    """What came is not what was announced: no second answer mends that."""


class Download:
    """One file, in as many answers as it takes. It has its name only when length and digest were right."""

    def __init__(self, target: Path, *, new: bool = False) -> None:
        """`new`: whoever has got that name meanwhile keeps it."""
        self._target = target
        self._new = new
        self._file: BinaryIO | None = None
        self._part = target
        self._can_be_found = False
        self._digest = hashlib.sha256()
        self._wanted: bytes | None = None
        self._tag = ""
        self.size = 0
        """Bytes that are here."""
        self.is_whole = False
        """Whether nothing is missing, and what is here is what was announced."""

    @property
    def is_begun(self) -> bool:
        """Whether something of it is here to which the rest can be asked for."""
        return bool(self.size and self._tag)

    def has_leftovers(self) -> bool:
        """Whether an earlier client may have left something of it."""
        return any(self._target.parent.glob(_PART.format("*")))

    def asking(self) -> dict[str, str]:
        """Headers that ask for what is missing; of the same file only, else for all of it (`If-Range`)."""
        return {hdrs.RANGE: f"bytes={self.size}-", hdrs.IF_RANGE: self._tag} if self.is_begun else {}

    async def resume(self, announced: Mapping[str, str]) -> None:
        """Take up what an earlier client left of the file with these headers (HEAD)."""
        self._announce(announced)
        await asyncio.to_thread(self._open_again)
        self._compare()
        length = announced.get(hdrs.CONTENT_LENGTH, "")
        if not self.is_whole and self.size >= int(length or 0):  # the power failed: it is as long, and was not written
            await self.drop()

    def check(self, response: aiohttp.ClientResponse) -> None:
        """Look whether it can go on.

        Raises:
            DamagedError: the file is no longer than what is here (416), which is not all of it: it is of another one.
        """
        if self.is_begun and response.status == 416:
            raise DamagedError("the file is shorter than what is here of it")

    async def take(self, response: aiohttp.ClientResponse) -> None:
        """Read a good answer to its end; nothing is missing then.

        Raises:
            aiohttp.ClientError, TimeoutError: the line was cut; what came before that is kept.
            DamagedError: it is too large, no part of the same file, or not what was announced.
        """
        if response.status == 206:
            self._check_rest(response)
        else:
            await self.drop()
            self._announce(response.headers)
            await asyncio.to_thread(self._open_empty)
        assert self._file is not None
        async for piece in response.content.iter_chunked(_PIECE_BYTES):
            if self.size + len(piece) > limits.HAND_ENVELOPE_BYTES_MAX:
                raise DamagedError("the file is too large")
            await asyncio.to_thread(self._file.write, piece)
            self._digest.update(piece)
            self.size += len(piece)
        if not self._compare():
            raise DamagedError("the file's digest is not the one that was announced")

    def was_cut_at_its_end(self) -> bool:
        """Whether all of the file is here, though the line was cut before the answer had ended."""
        return self._compare()

    async def finish(self) -> int:
        """See that it is on the disk, and give it its name; how many bytes it has.

        Raises:
            FileExistsError: it was to be a new file, and there is one of that name.
        """
        try:
            await asyncio.to_thread(self._name)
        except FileExistsError:
            # Whole, and not kept: the same call again is refused before it looks for a part, one for another folder does not
            # look here. What a cut line leaves is kept (`leave`), because the same call again goes on with it.
            await self.drop()
            raise
        return self.size

    async def leave(self) -> None:
        """Keep what came for whoever asks again, if it is worth it."""
        if self.size < LEFT_BYTES_MIN or not self._can_be_found:
            await self.drop()
        await asyncio.to_thread(self._close)

    async def drop(self) -> None:
        """Leave nothing behind of what did not come to its end."""
        if self._file is not None:
            await asyncio.to_thread(self._part.unlink, missing_ok=True)
            await asyncio.to_thread(self._close)
        self._digest, self.size, self.is_whole = hashlib.sha256(), 0, False

    def _compare(self) -> bool:
        self.is_whole = self._wanted is not None and self._digest.digest() == self._wanted
        return self.is_whole

    def _announce(self, headers: Mapping[str, str]) -> None:
        self._wanted = parse_content_digest(headers.get("Content-Digest", ""))
        self._tag = headers.get(hdrs.ETAG, "")

    def _check_rest(self, response: aiohttp.ClientResponse) -> None:
        extent = _EXTENT.fullmatch(response.headers.get(hdrs.CONTENT_RANGE, ""))
        digest = parse_content_digest(response.headers.get("Repr-Digest", ""))
        if not self.is_begun or extent is None or int(extent[1]) != self.size or digest != self._wanted:
            raise DamagedError("it is no part of the file that was begun")

    def _open(self) -> None:
        """The file for what comes: under the name that is found again, if nobody else is just now writing that one."""
        # Now: once the file is replaced, nobody could tell whose second names they were.
        _forget_second_names(self._target)
        if self._tag:
            self._part = _part_of(self._target, self._tag)
            self._file = _opened_alone(self._part)
        self._can_be_found = self._file is not None
        if self._file is None:
            self._part = self._target.with_name(_PART.format(token_hex(16)))
            self._file = self._part.open("x+b")

    def _open_empty(self) -> None:
        self._open()
        assert self._file is not None
        self._file.truncate(0)

    def _open_again(self) -> None:
        self._open()
        assert self._file is not None
        while piece := self._file.read(_PIECE_BYTES):
            self._digest.update(piece)
            self.size += len(piece)

    def _name(self) -> None:
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        if self._new:
            _take_free_name(self._part, self._target)
        else:
            self._part.replace(self._target)
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def digest_of(path: Path) -> bytes | None:
    """SHA-256 of a plain file; None when there is something else, a link to one among it."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def forget_part(path: Path, tag: str) -> None:
    """Take away what clients left of a file that is saved by now: the rest of it will not be asked for.

    Ours only, and not while a client is at it. Should another name in that folder wait for the same bytes, they come anew.
    """
    _forget_second_names(path)
    _forget(_part_of(path, tag), _is_ours)


def _forget_second_names(path: Path) -> None:
    """Take the hidden second name from a saved file, whose client was killed between giving it its name and that."""
    with suppress(OSError):
        saved = path.lstat()
        for part in path.parent.glob(_PART.format("*")) if saved.st_nlink > 1 else ():
            if os.path.samestat(part.lstat(), saved):
                _forget(part, partial(os.path.samestat, saved))


def _forget(part: Path, is_meant: Callable[[os.stat_result], bool]) -> None:
    with suppress(OSError), _locked(part) as file:
        if is_meant(os.fstat(file.fileno())):
            part.unlink()


def _part_of(target: Path, tag: str) -> Path:
    return target.with_name(_PART.format(hashlib.sha256(tag.encode()).hexdigest()[:32]))


def _take_free_name(part: Path, target: Path) -> None:
    try:
        os.link(part, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        target.open("xb").close()  # the only moment in which a kill leaves an empty file under the name
        part.replace(target)
    else:
        part.unlink(missing_ok=True)  # without locks, whoever found the file saved may have been quicker


def _opened_alone(part: Path) -> BinaryIO | None:
    """Open a file whose name others can guess: ours, a plain one with no other name, and nobody else's at the moment."""
    try:
        file = _locked(part, os.O_CREAT)
    except OSError:  # another client is at it; and who may write nothing here hears it of the other name
        return None
    if _is_ours(os.fstat(file.fileno())):
        return file
    file.close()
    return None


def _locked(part: Path, flags: int = 0) -> BinaryIO:
    """Open what has that name, and lock it: as long as it is locked, no client takes the name away but its own.

    Raises:
        BlockingIOError: another client is at it.
        OSError: it is no file, not for us, or there are no locks.
    """
    for _ in range(_OPENINGS_MAX):
        file = os.fdopen(os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o666), "r+b")
        try:
            if _is_locked_under(part, file):
                return file
        except OSError:
            file.close()
            raise
        file.close()
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(part))


def _is_locked_under(part: Path, file: BinaryIO) -> bool:
    """Lock it; whether it still has that name, which who had the lock could take from it, or give to another, until then."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # the file system knows no locks: nobody would ever take up what was just made
        found = os.fstat(file.fileno())
        if _is_ours(found) and found.st_size == 0:
            part.unlink(missing_ok=True)
        raise
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), part.lstat())
    return False


def _is_ours(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1
