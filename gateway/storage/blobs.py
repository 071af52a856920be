"""Payloads as files, named by their SHA-256: written, fsynced, then named, then the folder fsynced; never changed.

A draft in `drafts/` has no digest for a name and so is nothing: a crash leaves at most drafts, and opening the store
removes them. Content that is there already is written and renamed all the same: that costs one write, and whoever puts a
blob knows that *these* bytes are on disk, also when the twin's folder was not synced yet or its file had rotted.

They are put through a lease, and removed when it ends and no row names them (`lease`, `keeper`). What the disk says while one
is made durable: `disk_errors`.
"""

import asyncio
import hashlib
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from threading import Lock
from typing import Final

from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import DIGEST, Digest
from gateway.core.limits import KIB
from gateway.core.model import BlobRef
from gateway.storage.disk_errors import DiskErrors
from gateway.storage.entrance import OnFatal
from gateway.storage.folders import make_private_folder, sync_folder
from gateway.storage.lease import Claim, Claims, Lease

DRAFTS: Final = "drafts"
HOP_BYTES: Final = 256 * KIB
"""Bytes collected before they are handed to a thread: a hop costs as much as hashing a tenth of that."""
SHELF_CHARS: Final = 2
_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
_DRAFT_NUMBERS: Final[Iterator[int]] = itertools.count(1)
BATCH: Final = 500
"""Blobs looked at together: one statement's worth."""


class FileBlobs:
    """Implements `gateway.core.ports.Blobs` in a folder. Made by `open_blobs`, or directly by those who only read."""

    def __init__(self, folder: Path, /, *, on_fatal: OnFatal | None = None) -> None:
        """`on_fatal`: told, from a thread, that the disk fails; the process must end (`Entrance`)."""
        self._folder = folder
        self._disk = DiskErrors(on_fatal)
        self._durable: set[Path] = set()
        self.claims: Final = Claims()

    def lease(self) -> Lease:
        """See `Blobs.lease`."""
        return Lease(self, self.claims)

    async def write(self, chunks: AsyncIterator[bytes], *, limit: int, claim: Claim) -> BlobRef:
        """Store a stream of at most `limit` bytes; hashing and writing happen in threads."""
        draft, kept = _Draft(self._folder / DRAFTS, self._disk), None
        try:
            held, size = bytearray(), 0
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise SenderError("size.limit", limit=limit, what="data")
                held += chunk
                if len(held) >= HOP_BYTES:
                    await asyncio.to_thread(draft.write, bytes(held))
                    held.clear()
            kept = await asyncio.to_thread(self._keep, draft, bytes(held), claim)
        finally:
            if kept is None:
                # Not awaited: a cancelled caller may not wait, and the draft's own lock keeps this behind a running write.
                asyncio.get_running_loop().run_in_executor(None, draft.discard)
        return kept

    async def write_bytes(self, data: bytes, *, claim: Claim) -> BlobRef:
        """Store bytes that are in memory."""
        return await asyncio.to_thread(self._write_bytes, data, claim)

    async def adopt(self, path: Path, ref: BlobRef, *, claim: Claim) -> None:
        """A second name for a file that is durable already; it has its old one, too, until whoever made it removes that."""
        await asyncio.to_thread(self._adopt, path, ref, claim)

    def path(self, ref: BlobRef) -> Path:
        """Where the blob lies."""
        assert DIGEST.fullmatch(ref.digest), "a digest that is none"
        return self._folder / ref.digest[:2] / ref.digest

    async def read(self, ref: BlobRef) -> bytes:
        """The whole blob, its digest checked."""
        return await asyncio.to_thread(self._read, ref)

    # --- in a thread -------------------------------------------------------------------------------------------------

    def old(self, before: float) -> Iterator[list[Digest]]:
        """Blobs written before that time (seconds of the epoch), some at a time, shelf by shelf."""
        for shelf in self._shelves():
            found = _old(shelf, before)
            for start in range(0, len(found), BATCH):
                yield found[start : start + BATCH]

    def unlink(self, digest: Digest) -> int:
        """Remove a blob; how many bytes it had. Not synced: one that a power failure brings back is removed again."""
        path = self._folder / digest[:2] / digest
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        return size

    def _shelves(self) -> list[Path]:
        return sorted(shelf for shelf in self._folder.iterdir() if len(shelf.name) == SHELF_CHARS)

    def _write_bytes(self, data: bytes, claim: Claim) -> BlobRef:
        draft = _Draft(self._folder / DRAFTS, self._disk)
        try:
            return self._keep(draft, data, claim)
        finally:
            draft.discard()

    def _keep(self, draft: "_Draft", last: bytes, claim: Claim) -> BlobRef:
        """Finish the draft under its name, once it is claimed."""
        draft.write(last)
        ref = draft.ref()
        claim(ref.digest)
        target = self.path(ref)
        with self._disk.touched():
            self._make_shelf(target)
            draft.keep(target)
            sync_folder(target.parent)
        return ref

    def _adopt(self, path: Path, ref: BlobRef, claim: Claim) -> None:
        claim(ref.digest)
        target = self.path(ref)
        spare = self._folder / DRAFTS / _draft_name()
        with self._disk.touched():
            self._make_shelf(target)
            os.utime(path)  # a sweep looks at old files only
            os.link(path, spare)
            spare.replace(target)
            spare.unlink(missing_ok=True)  # two names of one file are left as they are (rename(2))
            sync_folder(target.parent)

    def _make_shelf(self, target: Path) -> None:
        if target.parent not in self._durable:
            make_private_folder(target.parent)
            self._durable.add(target.parent)

    def _read(self, ref: BlobRef) -> bytes:
        try:
            with self.path(ref).open("rb") as file:
                # One byte more than it should have: enough to see that it has more, and memory stays bounded.
                data = file.read(ref.size + 1)
        except OSError as error:
            raise SiteError("blob.damaged", digest=ref.digest) from error
        if len(data) != ref.size or hashlib.sha256(data).hexdigest() != ref.digest:
            raise SiteError("blob.damaged", digest=ref.digest)
        return data


def open_blobs(folder: Path, *, on_fatal: OnFatal | None = None) -> FileBlobs:
    """The blobs of the one process that writes them: makes the folder and removes what a crash left unfinished.

    `on_fatal` is told, from a thread, that a blob could not be made durable; without it only the caller hears of that.
    """
    with DiskErrors(None).touched():
        make_private_folder(folder)
        make_private_folder(folder / DRAFTS)
        for leftover in (folder / DRAFTS).iterdir():
            leftover.unlink()
    return FileBlobs(folder, on_fatal=on_fatal)


def _draft_name() -> str:
    """No other process writes here."""
    return f"{os.getpid()}-{next(_DRAFT_NUMBERS)}"


class _Draft:
    """A file on its way to a name. One lock for all its methods: a cancelled caller discards while a thread writes."""

    def __init__(self, folder: Path, disk: DiskErrors, /) -> None:
        self._folder = folder
        self._disk = disk
        self._hash = hashlib.sha256()
        self._size = 0
        self._lock = Lock()
        self._file: tuple[int, str] | None = None
        self._discarded = False

    def write(self, data: bytes) -> None:
        """Append bytes; the first ones make the file."""
        with self._lock, self._disk.touched():
            assert not self._discarded, "a draft that was discarded"
            if self._file is None:
                name = f"{self._folder}/{_draft_name()}"
                self._file = os.open(name, _NEW, 0o600), name
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file[0], rest) :]
            self._hash.update(data)
            self._size += len(data)

    def ref(self) -> BlobRef:
        """What was written so far."""
        return BlobRef(digest=Digest(self._hash.hexdigest()), size=self._size)

    def keep(self, target: Path) -> None:
        """Make the bytes durable, then give them their name."""
        with self._lock:
            assert self._file is not None, "a draft without a file"
            descriptor, name = self._file
            os.fsync(descriptor)
            os.replace(name, target)  # noqa: PTH105 - a Path of each draft would cost a third of all that is Python here
            os.close(descriptor)
            self._file = None

    def discard(self) -> None:
        """Remove what has no name; nothing to do for a draft that was kept."""
        with self._lock:
            self._discarded = True
            if self._file is not None:
                descriptor, name = self._file
                self._file = None
                os.close(descriptor)
                Path(name).unlink(missing_ok=True)


def _old(shelf: Path, before: float) -> list[Digest]:
    with os.scandir(shelf) as entries:
        return sorted(
            Digest(entry.name) for entry in entries if DIGEST.fullmatch(entry.name) and _is_old(entry, before)
        )


def _is_old(entry: "os.DirEntry[str]", before: float) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_mtime < before
    except FileNotFoundError:  # a lease's end was quicker
        return False
