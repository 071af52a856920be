"""The port `Blobs` in a plain folder: the same refusals, no fsync."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from gateway.core.errors import SenderError, SiteError
from gateway.core.ids import DIGEST, Digest
from gateway.core.model import BlobRef
from gateway.storage.lease import Claim, Claims, Lease


class FolderBlobs:
    """Blobs as files named by their digest; what is being written is named `.partial`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._parts = 0
        self.claims = Claims()

    def lease(self) -> Lease:
        return Lease(self, self.claims)

    async def write(self, chunks: AsyncIterator[bytes], *, limit: int, claim: Claim) -> BlobRef:
        self._parts += 1
        partial = self.folder / f"{self._parts}.partial"
        digest, size = hashlib.sha256(), 0
        try:
            with partial.open("wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise SenderError("size.limit", limit=limit, what="data")
                    digest.update(chunk)
                    file.write(chunk)
        except BaseException:
            partial.unlink()
            raise
        ref = BlobRef(digest=Digest(digest.hexdigest()), size=size)
        claim(ref.digest)
        partial.replace(self.path(ref))
        return ref

    async def write_bytes(self, data: bytes, *, claim: Claim) -> BlobRef:
        ref = BlobRef(digest=Digest(hashlib.sha256(data).hexdigest()), size=len(data))
        claim(ref.digest)
        self.path(ref).write_bytes(data)
        return ref

    async def adopt(self, path: Path, ref: BlobRef, *, claim: Claim) -> None:
        assert await self.write_bytes(path.read_bytes(), claim=claim) == ref

    def path(self, ref: BlobRef) -> Path:
        return self.folder / ref.digest

    def old(self, before: float) -> Iterator[list[Digest]]:
        yield [
            Digest(path.name)
            for path in self.folder.iterdir()
            if DIGEST.fullmatch(path.name) and path.stat().st_mtime < before
        ]

    def unlink(self, digest: Digest) -> int:
        path = self.folder / digest
        size = path.stat().st_size if path.exists() else 0
        path.unlink(missing_ok=True)
        return size

    async def read(self, ref: BlobRef) -> bytes:
        path = self.path(ref)
        data = path.read_bytes() if path.exists() else b""
        if len(data) != ref.size or hashlib.sha256(data).hexdigest() != ref.digest:
            raise SiteError("blob.damaged", digest=ref.digest)
        return data

    def names(self) -> list[str]:
        """Everything that lies in the folder."""
        return sorted(path.name for path in self.folder.iterdir())
