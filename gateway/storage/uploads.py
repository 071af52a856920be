"""Uploads as files: two names each in a folder beside the blobs, the bytes and a note that says how far they count.

The note is written after an fsync of the bytes and replaced as a whole, so what it says is true after any end of this
process: bytes behind its offset are cut off before the next piece is written. A digest is taken over the whole file when the
last byte has come; only then can it be taken as a blob, by a second name for the same bytes.

They belong to this one process (the store's lock sees to it that there is no other); a node that does not have an upload says
that it stands at nothing, and the owner begins anew.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final, TypeVar

from gateway.core import large_limits, limits
from gateway.core.errors import Conflict, GatewayError, NotFound, SenderError, SiteError
from gateway.core.ids import Digest
from gateway.core.model import BlobRef
from gateway.core.ports import BlobLease, Clock, Upload, UploadId
from gateway.observe import logger
from gateway.storage.disk_errors import DiskErrors
from gateway.storage.entrance import OnFatal
from gateway.storage.folders import make_private_folder, sync_folder
from gateway.storage.piece import Piece

FOLDER: Final = "uploads"
_HOP_BYTES: Final = 256 * limits.KIB
_WORTHLESS: Final = frozenset({"request.digest", "transfer.digest"})
"""Bytes that were changed on their way."""

T = TypeVar("T")
_log = logger(__name__)
DiskBytes = Callable[[Path], int]
"""How large the disk of a folder is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    """What the note of an upload says."""

    owner: str
    name: str
    digest: Digest
    size: int
    mark: str
    offset: int
    sound: bool
    """The digest was found right."""
    spent: bool
    """A row names the blob: only this note is left."""
    changed_at: str

    @property
    def upload(self) -> Upload:
        return Upload(whole=BlobRef(digest=self.digest, size=self.size), offset=self.offset)


class FileUploads:
    """Implements `gateway.core.ports.Uploads` in a folder of its own."""

    def __init__(
        self, folder: Path, /, *, clock: Clock, size_of_disk: DiskBytes, on_fatal: OnFatal | None = None
    ) -> None:
        """`on_fatal`: see `DiskErrors`."""
        self._folder = folder
        self._clock = clock
        self._size_of_disk = size_of_disk
        self._disk = DiskErrors(on_fatal)
        self._notes: dict[UploadId, _Note] = {}
        self._busy: dict[UploadId, asyncio.Event] = {}

    def load(self) -> None:
        """Read the notes; what has none, or an unreadable one, is nothing. In a thread, before anything else is asked."""
        make_private_folder(self._folder)
        found: dict[UploadId, _Note] = {}
        for path in self._folder.iterdir():
            if path.suffix != ".json":
                continue
            try:
                note = _Note(**json.loads(path.read_text(encoding="utf-8")))
                upload = UploadId(owner=note.owner, name=note.name)
                datetime.fromisoformat(note.changed_at)
                whole = note.spent or self._path(upload, ".part").stat().st_size >= note.offset
                if whole and path == self._path(upload, ".json"):
                    found[upload] = note
            except (OSError, ValueError, TypeError):
                continue
        self._notes = dict(sorted(found.items(), key=lambda one: datetime.fromisoformat(one[1].changed_at)))
        known = {self._path(upload, kind) for upload in self._notes for kind in (".json", ".part")}
        for path in self._folder.iterdir():
            if path not in known:
                path.unlink()

    async def run(self) -> None:
        """Forget what has lain too long, every hour, until cancelled."""
        while True:
            try:
                await self.tidy()
            except SiteError as error:  # read-only, perhaps: what is left is tidied later, or by the next start
                _log.warning("upload.untidy", reason=error.code)
            await self._clock.sleep(large_limits.UPLOAD_TIDY_SECONDS)

    async def tidy(self) -> None:
        """Forget what has lain too long."""
        before = self._clock.now() - timedelta(seconds=large_limits.UPLOAD_IDLE_SECONDS_MAX)
        for upload, note in tuple(self._notes.items()):
            if datetime.fromisoformat(note.changed_at) < before and upload not in self._busy:
                _log.info("upload.forgotten", bytes=note.offset)
                await self.drop(upload)

    # --- the port ----------------------------------------------------------------------------------------------------

    async def begin(self, upload: UploadId, whole: BlobRef, *, mark: str = "") -> Upload:
        """See `Uploads.begin`."""
        await self.tidy()
        async with self._alone(upload):
            known = self._notes.get(upload)
            if known is not None:
                if (known.digest, known.size, known.mark) != (whole.digest, whole.size, mark):
                    raise Conflict("upload.conflict")
                return known.upload
            self._check_room(upload.owner, whole.size, await asyncio.to_thread(self._room))
            note = _Note(
                owner=upload.owner,
                name=upload.name,
                digest=whole.digest,
                size=whole.size,
                mark=mark,
                offset=0,
                sound=False,
                spent=False,
                changed_at=self._clock.now().isoformat(),
            )
            self._notes[upload] = note  # its room is taken while it is written
            try:
                await _surely(asyncio.to_thread(self._create, upload, note))
            except BaseException:
                del self._notes[upload]
                raise
        return note.upload

    async def find(self, upload: UploadId) -> Upload | None:
        """See `Uploads.find`."""
        note = self._notes.get(upload)
        return note.upload if note else None

    async def append(self, upload: UploadId, offset: int, chunks: AsyncIterator[bytes]) -> Upload:
        """See `Uploads.append`."""
        async with self._alone(upload):
            note = self._need(upload)
            if offset != note.offset or note.spent:
                raise Conflict("upload.offset", offset=note.offset)
            piece = Piece(self._path(upload, ".part"), offset, note.size, self._disk)
            try:
                await self._pour(upload, piece, chunks)
            except GatewayError as error:
                if error.code in _WORTHLESS:
                    await self._note(upload, offset)
                raise
            finally:
                await _surely(asyncio.to_thread(piece.close))
            note = self._need(upload)
            if note.offset == note.size and not note.sound:
                await self._settle(upload)
        return self._need(upload).upload

    async def take(self, upload: UploadId, lease: BlobLease) -> BlobRef:
        """See `Uploads.take`."""
        async with self._alone(upload):
            note = self._need(upload)
            if note.offset != note.size:
                raise Conflict("upload.incomplete", offset=note.offset, size=note.size)
            if note.spent:
                return note.upload.whole
            if not note.sound:
                await self._settle(upload)
            await lease.adopt(self._path(upload, ".part"), note.upload.whole)
        return note.upload.whole

    async def spend(self, upload: UploadId) -> None:
        """See `Uploads.spend`."""
        async with self._alone(upload):
            note = self._notes.pop(upload, None)  # the last of them is the youngest
            if note is None:
                return
            self._notes[upload] = spent = replace(note, spent=True, changed_at=self._clock.now().isoformat())
            await _surely(asyncio.to_thread(self._spend, upload, spent))
        own = [one for one, note in self._notes.items() if note.spent and one.owner == upload.owner]
        for one in own[: -large_limits.UPLOADS_SPENT_MAX]:
            await self.drop(one)

    async def drop(self, upload: UploadId) -> None:
        """See `Uploads.drop`."""
        if upload in self._notes and upload not in self._busy:
            del self._notes[upload]
            await asyncio.to_thread(self._remove, upload)

    # --- in between --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _alone(self, upload: UploadId) -> AsyncIterator[None]:
        """One at a time: whoever comes back at once after a cut waits until what came by then is noted."""
        try:
            async with asyncio.timeout(large_limits.UPLOAD_BUSY_SECONDS):
                while (ended := self._busy.get(upload)) is not None:
                    await ended.wait()
        except TimeoutError as error:
            raise Conflict("upload.busy") from error
        ended = self._busy[upload] = asyncio.Event()
        try:
            yield
        finally:
            del self._busy[upload]
            ended.set()

    def _need(self, upload: UploadId) -> _Note:
        note = self._notes.get(upload)
        if note is None:
            raise NotFound("not_found")
        return note

    def _check_room(self, owner: str, size: int, disk: int) -> None:
        """By what was announced: who announces more than comes takes room from nobody but himself and for some time."""
        all_of_them = [note for note in self._notes.values() if not note.spent]
        own = [note.size for note in all_of_them if note.owner == owner]
        room = disk * large_limits.UPLOADS_DISK_PERCENT_MAX // 100
        full = (
            len(all_of_them) >= large_limits.UPLOADS_MAX
            or len(own) >= large_limits.UPLOADS_PER_OWNER_MAX
            or sum(note.size for note in all_of_them) + size > room
            or (own and sum(own) + size > room // 2)
        )
        if full:
            raise SiteError("upload.limit")

    async def _pour(self, upload: UploadId, piece: Piece, chunks: AsyncIterator[bytes]) -> None:
        """Write what comes; however it ends, what is on the disk by then is noted."""
        held = bytearray()
        try:
            async for chunk in chunks:
                held += chunk
                if len(held) >= _HOP_BYTES:
                    # Whoever is cancelled here has it written, and not once more below.
                    full, held = bytes(held), bytearray()
                    await _surely(asyncio.to_thread(piece.write, full))
                if piece.unflushed >= large_limits.UPLOAD_FLUSH_BYTES:
                    await self._note(upload, await _surely(asyncio.to_thread(piece.flush)))
        finally:
            await _surely(self._end(upload, piece, bytes(held)))

    async def _end(self, upload: UploadId, piece: Piece, last: bytes) -> None:
        await self._note(upload, await asyncio.to_thread(piece.end, last))

    async def _settle(self, upload: UploadId) -> None:
        """All of it is here: is it what was announced?"""
        note = self._need(upload)
        try:
            digest = await asyncio.to_thread(_digest_of, self._path(upload, ".part"))
        except OSError as error:  # of reading: the fault of one file, as of a blob that has rotted; it is sent again
            await self._note(upload, 0)
            raise SiteError("store.damaged", reason=os.strerror(error.errno or 0)) from error
        if digest != note.digest:
            await self._note(upload, 0)
            raise SenderError("upload.digest")
        await self._note(upload, note.offset, sound=True)

    async def _note(self, upload: UploadId, offset: int, *, sound: bool = False) -> None:
        note = replace(self._need(upload), offset=offset, sound=sound, changed_at=self._clock.now().isoformat())
        await _surely(self._keep(upload, note))

    async def _keep(self, upload: UploadId, note: _Note) -> None:
        await asyncio.to_thread(self._write_note, upload, note)
        self._notes[upload] = note

    # --- in a thread -------------------------------------------------------------------------------------------------

    def _room(self) -> int:
        with self._disk.touched():
            return self._size_of_disk(self._folder)

    def _path(self, upload: UploadId, suffix: str) -> Path:
        """No owner's or peer's text is part of a name."""
        return self._folder / (sha256(f"{upload.owner}\n{upload.name}".encode()).hexdigest() + suffix)

    def _create(self, upload: UploadId, note: _Note) -> None:
        with self._disk.touched():
            os.close(os.open(self._path(upload, ".part"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
            self._write_note(upload, note)

    def _write_note(self, upload: UploadId, note: _Note) -> None:
        path = self._path(upload, ".json")
        draft = path.with_suffix(".draft")
        with self._disk.touched():
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps(asdict(note)).encode())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            sync_folder(self._folder)

    def _spend(self, upload: UploadId, note: _Note) -> None:
        self._write_note(upload, note)
        with self._disk.touched():
            self._path(upload, ".part").unlink(missing_ok=True)

    def _remove(self, upload: UploadId) -> None:
        with self._disk.touched():
            for suffix in (".json", ".part"):  # bytes without a note are nothing
                self._path(upload, suffix).unlink(missing_ok=True)


def open_uploads(
    blobs: Path, *, clock: Clock, disk: DiskBytes | None = None, on_fatal: OnFatal | None = None
) -> FileUploads:
    """The uploads of the one process that writes into this folder of blobs. `on_fatal`: as of `open_blobs`."""
    uploads = FileUploads(blobs / FOLDER, clock=clock, size_of_disk=disk or disk_bytes, on_fatal=on_fatal)
    with DiskErrors(None).touched():
        uploads.load()
    return uploads


def disk_bytes(folder: Path) -> int:
    """How large the disk of a folder is."""
    found = os.statvfs(folder)
    return found.f_blocks * found.f_frsize


async def _surely(work: Awaitable[T]) -> T:
    """To its end, also when the caller is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # whoever asked is gone
        raise


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
