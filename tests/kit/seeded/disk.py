"""What survives a power cut, and the points at which the power may go.

A process reaches its disk only through `Power`: before a write it may be cut (nothing was written), in the middle of a
transaction (it is undone), and right after (it is durable, and nobody was told). A process that was cut writes nothing
any more, whatever its `finally` clauses try.
"""

import asyncio
import errno
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

from sqlalchemy import delete, inspect

from gateway.audit import SignerMemory, sequence
from gateway.core.directory import Snapshot
from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import Digest, GatewayId
from gateway.core.ledgers import UnitOfWork
from gateway.core.model import BlobRef
from gateway.core.ports import Clock, CommitListener
from gateway.storage import MemoryStore, open_memory
from gateway.storage.lease import Claim, Claims, Lease
from gateway.storage.tables import metadata
from tests.kit.seeded.real_store import RealStore, UndoneError
from tests.kit.seeded.watch import Watch, WorldStore

T = TypeVar("T")

WRITE_SECONDS = (0.0005, 0.004)
"""How long a write takes: enough for others to come between."""


@dataclass
class Disk:
    """Durable things of one gateway."""

    own: GatewayId
    folder: Path
    """Where blobs and the signer's memory are files for those who must open them."""
    edition: Snapshot
    """The registry file."""
    generation: int = 0
    """Which generation of keys is configured."""
    full: float = 0.0
    """Chance that a write is refused: a disk that is nearly full takes a small file and refuses a large one."""
    store: WorldStore = field(init=False)
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    written: dict[Digest, float] = field(default_factory=dict)
    """When each blob was written last, by the machine's clock."""

    place: Path | str | None = None
    """Where its database is: a file, or the URL of one on a server; None: in memory."""

    def __post_init__(self) -> None:
        self.folder.mkdir()
        if self.place is not None:
            self.store = RealStore(self.place)
        else:
            self.store = _FREE.pop() if _FREE else open_memory(sequencer=sequence)

    @property
    def memory(self) -> Path:
        """The signer's memory."""
        return self.folder / "memory"

    def reopened(self) -> WorldStore:
        """The same database, opened by another process: whatever the store object remembered is gone."""
        if isinstance(self.store, RealStore):
            self.store = self.store.again()
            return self.store
        self.store = MemoryStore(connection=self.store._connection, sequencer=sequence)
        return self.store

    def wipe(self) -> None:
        """The world is over: the database is emptied for the next one, which need not compile its statements again."""
        store = self.reopened()
        if isinstance(store, RealStore):
            store.end()
            return
        with store._connection.begin():
            for table in reversed(metadata.sorted_tables):
                store._connection.execute(delete(table))
            if inspect(store._connection).has_table("sqlite_sequence"):
                store._connection.exec_driver_sql("DELETE FROM sqlite_sequence")
        _FREE.append(store)


_FREE: list[MemoryStore] = []


class PowerCutError(UndoneError):
    """Inside a transaction: it is undone. Never leaves `Power`."""


class Power:
    """The power of one process: counts the points where it may go, and cuts it at the planned one."""

    def __init__(self, *, random: Random, cut: Callable[[], None], disk: Disk) -> None:
        self._random = random
        self._cut = cut
        self._disk = disk
        self.dead = False
        self.points = 0
        self.cut_at: int | None = None
        """The point at which this process is cut."""
        self.units_left: int | None = None
        """After so many units it is cut."""

    def check(self) -> None:
        """What is dead does nothing."""
        if self.dead:
            raise asyncio.CancelledError

    def goes(self) -> bool:
        """Whether the power goes at this point; the caller then stops at once."""
        self.points += 1
        if self.cut_at is None or self.points <= self.cut_at:
            return False
        self.cut_at = None
        self._cut()
        return True

    def point(self) -> None:
        self.check()
        if self.goes():
            raise asyncio.CancelledError

    def unit_done(self) -> None:
        """A unit is durable: the point after it."""
        if self.units_left is not None:
            self.units_left -= 1
            if self.units_left <= 0:
                self.cut_at, self.units_left = self.points, None
        self.point()

    async def write(self) -> None:
        """The time a write takes, and the point before it."""
        await self.wait()
        self.point()
        self.room()

    async def wait(self) -> None:
        """The time a write takes."""
        self.check()
        await asyncio.sleep(self._random.uniform(*WRITE_SECONDS))
        self.check()

    def room(self) -> None:
        """Whether the disk takes a write."""
        if self._disk.full and self._random.random() < self._disk.full:
            raise SiteError("store.full")


_CHORES = ("WorkEngine._claim", "WorkEngine._renew_leases")
_BESIDE = ("CheckpointPublisher._advance",)
"""Units that are no step of a walk, but must stand a cut as well."""


class PoweredStore:
    """The port `Store` of one process."""

    def __init__(self, *, store: WorldStore, power: Power, watch: Watch) -> None:
        self._store = store
        self._power = power
        self._watch = watch

    def set_listener(self, listener: CommitListener) -> None:
        self._store.set_listener(listener)

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        """A cut is aimed at units of a document's walk: claims and heartbeats are as many, and cut nothing short."""
        await self._power.wait()
        self._power.room()
        name = getattr(work, "__qualname__", "")
        step = not name.startswith(_CHORES)

        def unit(uow: UnitOfWork) -> T:
            value = work(self._watch.watched(uow))
            if step and self._power.goes():
                raise PowerCutError
            return value

        try:
            value = await self._store.transact(unit)
        except PowerCutError:
            raise asyncio.CancelledError from None
        self._watch.committed(self._store, value)
        self._power.check()
        if step:
            (self._power.point if name.startswith(_BESIDE) else self._power.unit_done)()
        return value

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        self._power.check()
        await asyncio.sleep(0)
        self._power.check()
        return await self._store.read(work)

    def check_room(self) -> None:
        self._power.check()
        self._store.check_room()

    async def close(self) -> None:
        self._power.check()


class PoweredBlobs:
    """The port `Blobs` of one process, over the bytes that its disk keeps."""

    def __init__(self, *, disk: Disk, power: Power, clock: Clock) -> None:
        self._disk = disk
        self._power = power
        self._clock = clock
        self.claims = Claims()

    def lease(self) -> Lease:
        return Lease(self, self.claims)

    async def write(self, chunks: AsyncIterator[bytes], *, limit: int, claim: Claim) -> BlobRef:
        data = bytearray()
        async for chunk in chunks:
            data += chunk
            if len(data) > limit:
                raise SenderError("size.limit", limit=limit, what="data")
        return await self.write_bytes(bytes(data), claim=claim)

    async def write_bytes(self, data: bytes, *, claim: Claim) -> BlobRef:
        await self._power.write()
        ref = BlobRef(digest=Digest(hashlib.sha256(data).hexdigest()), size=len(data))
        claim(ref.digest)
        self._disk.blobs[ref.digest] = data
        self._disk.written[ref.digest] = self._clock.now().timestamp()
        path = self.path(ref)
        if not path.exists():
            path.write_bytes(data)
        self._power.point()
        return ref

    async def adopt(self, path: Path, ref: BlobRef, *, claim: Claim) -> None:
        assert await self.write_bytes(path.read_bytes(), claim=claim) == ref

    def path(self, ref: BlobRef) -> Path:
        return self._disk.folder / ref.digest

    def old(self, before: float) -> Iterator[list[Digest]]:
        self._power.check()
        yield sorted(digest for digest, at in self._disk.written.items() if at < before)

    def unlink(self, digest: Digest) -> int:
        self._power.check()
        (self._disk.folder / digest).unlink(missing_ok=True)
        self._disk.written.pop(digest, None)
        return len(self._disk.blobs.pop(digest, b""))

    async def read(self, ref: BlobRef) -> bytes:
        self._power.check()
        await asyncio.sleep(0)
        data = self._disk.blobs.get(ref.digest, b"")
        if len(data) != ref.size or hashlib.sha256(data).hexdigest() != ref.digest:
            raise SiteError("blob.damaged", digest=ref.digest)
        return data


class PoweredMemory:
    """The signer's own memory, a real file; the power may go before and after it is written."""

    def __init__(self, *, disk: Disk, power: Power) -> None:
        self._memory = SignerMemory(path=disk.memory)
        self._power = power

    async def recall(self) -> str | None:
        self._power.check()
        return await self._memory.recall()

    async def remember(self, note: str) -> None:
        try:
            await self._power.write()
        except SiteError as error:
            raise OSError(errno.ENOSPC, "no space left") from error
        await self._memory.remember(note)
        self._power.point()
