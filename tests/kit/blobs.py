"""The port `Blobs` in memory, for seeded worlds: no thread, no fsync; a file appears only when its path is asked for."""

import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import Digest
from gateway.core.model import BlobRef
from gateway.core.ports import Blobs
from gateway.storage.lease import Claim, Claims, Lease


class MemoryBlobs:
    """Blobs by digest. `spill` is the folder into which `path` writes what somebody wants to open as a file."""

    def __init__(self, *, spill: Path, now: Callable[[], float] = time.time) -> None:
        self._spill = spill
        self._now = now
        self.claims = Claims()
        self.kept: dict[Digest, bytes] = {}
        self.written: dict[Digest, float] = {}

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
        ref = BlobRef(digest=Digest(hashlib.sha256(data).hexdigest()), size=len(data))
        claim(ref.digest)
        self.written[ref.digest] = self._now()
        self.kept[ref.digest] = data
        return ref

    async def adopt(self, path: Path, ref: BlobRef, *, claim: Claim) -> None:
        assert await self.write_bytes(path.read_bytes(), claim=claim) == ref

    def path(self, ref: BlobRef) -> Path:
        path = self._spill / ref.digest
        if not path.exists() and ref.digest in self.kept:
            path.write_bytes(self.kept[ref.digest])
        return path

    def old(self, before: float) -> Iterator[list[Digest]]:
        yield [digest for digest, at in self.written.items() if at < before]

    def unlink(self, digest: Digest) -> int:
        self.path(BlobRef(digest=digest, size=0)).unlink(missing_ok=True)
        self.written.pop(digest, None)
        return len(self.kept.pop(digest, b""))

    async def read(self, ref: BlobRef) -> bytes:
        data = self.kept.get(ref.digest, b"")
        if len(data) != ref.size or hashlib.sha256(data).hexdigest() != ref.digest:
            raise SiteError("blob.damaged", digest=ref.digest)
        return data


async def stored(blobs: Blobs, data: bytes) -> BlobRef:
    """Bytes that lie there although nothing names them yet; they stay, unless a keeper is at work."""
    with blobs.lease() as lease:
        return await lease.put_bytes(data)


async def streamed(blobs: Blobs, chunks: AsyncIterator[bytes], *, limit: int) -> BlobRef:
    """The same from a stream."""
    with blobs.lease() as lease:
        return await lease.put(chunks, limit=limit)
