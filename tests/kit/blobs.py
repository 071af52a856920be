"""The port `Blobs` in memory, for seeded worlds: no thread, no fsync; a file appears only when its path is asked for."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import Digest
from gateway.core.model import BlobRef


class MemoryBlobs:
    """Blobs by digest. `spill` is the folder into which `path` writes what somebody wants to open as a file."""

    def __init__(self, *, spill: Path) -> None:
        self._spill = spill
        self.kept: dict[Digest, bytes] = {}

    async def put(self, chunks: AsyncIterator[bytes], *, limit: int) -> BlobRef:
        data = bytearray()
        async for chunk in chunks:
            data += chunk
            if len(data) > limit:
                raise SenderError("size.limit", limit=limit, what="data")
        return await self.put_bytes(bytes(data))

    async def put_bytes(self, data: bytes) -> BlobRef:
        ref = BlobRef(digest=Digest(hashlib.sha256(data).hexdigest()), size=len(data))
        self.kept[ref.digest] = data
        return ref

    def path(self, ref: BlobRef) -> Path:
        path = self._spill / ref.digest
        if not path.exists() and ref.digest in self.kept:
            path.write_bytes(self.kept[ref.digest])
        return path

    async def read(self, ref: BlobRef) -> bytes:
        data = self.kept.get(ref.digest, b"")
        if len(data) != ref.size or hashlib.sha256(data).hexdigest() != ref.digest:
            raise SiteError("blob.damaged", digest=ref.digest)
        return data
