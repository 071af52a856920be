"""The signer's own memory: the last checkpoint it signed, in a file of its own, outside the database.

The file is the signed note itself. That keeps three doors open: a crash between signing and publishing loses nothing,
for the note is there to be published; an officer reads it with `cat` and checks it with openssl; and a signer whose
disk died is brought back by putting the newest checkpoint that anybody holds (every peer's receipt has one) in its place.
"""

import asyncio
import os
from pathlib import Path
from typing import Protocol

from gateway.audit.checkpoint import Checkpoint, parse_checkpoint
from gateway.audit.errors import NoteError
from gateway.core.errors import SiteError
from gateway.core.limits import NOTE_BYTES_MAX


class CheckpointMemory(Protocol):
    """Where a signer remembers its last checkpoint."""

    async def recall(self) -> str | None:
        """The last note that was remembered, or None when there never was one.

        Raises:
            SiteError: `audit.inconsistent` when it cannot be told: who does not know what it signed must not sign.
        """
        ...

    async def remember(self, note: str) -> None:
        """Keep the note; MUST NOT return before it is durable, and MUST keep the older one whole until then.

        Raises:
            SiteError: `audit.inconsistent` when it is of another log, smaller, or of the same size with another root.
            OSError: the disk refused; the older note is still there, and the same call may be made again.
        """
        ...


class SignerMemory:
    """`CheckpointMemory` in one file: temporary file, fsync, rename, fsync of the folder."""

    def __init__(self, *, path: Path) -> None:
        self._path = path

    async def recall(self) -> str | None:
        """The last note that was remembered."""
        return await asyncio.to_thread(self._read)

    async def remember(self, note: str) -> None:
        """Keep the note durably."""
        await asyncio.to_thread(self._write, note)

    def _read(self) -> str | None:
        try:
            with self._path.open("rb") as file:
                data = file.read(NOTE_BYTES_MAX + 1)
            if len(data) > NOTE_BYTES_MAX:
                raise NoteError("a memory larger than any note")
            note = data.decode()
            _checkpoint(note)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:  # UnicodeDecodeError and NoteError are ValueErrors
            raise SiteError("audit.inconsistent", reason=f"the signer's memory cannot be read: {error}") from error
        return note

    def _write(self, note: str) -> None:
        kept = self._read()
        if kept is not None:
            _refuse_going_back(_checkpoint(kept), _checkpoint(note))
        temporary = self._path.with_name(f".{self._path.name}.new")
        # Not readable by others: sizes and times of the log are not everybody's business before they are published.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(note.encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _checkpoint(note: str) -> Checkpoint:
    """What the note says; whether it is signed, the signer that recalls it checks with its key."""
    text, _, _ = note.rpartition("\n\n")
    return parse_checkpoint(text + "\n")


def _refuse_going_back(kept: Checkpoint, new: Checkpoint) -> None:
    if new.origin != kept.origin:
        raise SiteError("audit.inconsistent", reason="the memory is another log's", size=kept.size)
    if new.size < kept.size:
        raise SiteError("audit.inconsistent", reason="a checkpoint smaller than the last one", size=kept.size)
    if new.size == kept.size and new.root != kept.root:
        raise SiteError("audit.inconsistent", reason="another root for a size that was signed", size=kept.size)
