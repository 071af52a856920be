"""Payloads: content-addressed bytes, and the leases through which they are put."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Protocol

from gateway.core.model import BlobRef

NO_UNIT: Final = "no unit of work was handed in"
"""Noted (PEP 678) on an error, or its cause, that ends a lease before a unit could name what was put: no doubt remains."""


class BlobLease(Protocol):
    """What one request or one step puts, until it ends."""

    async def put(self, chunks: AsyncIterator[bytes], *, limit: int) -> BlobRef:
        """Store a stream. When it returns, file and folder are fsynced; equal content is stored once.

        Raises:
            SenderError: `size.limit` when more than `limit` bytes come; nothing stays behind.
        """
        ...

    async def put_bytes(self, data: bytes) -> BlobRef:
        """Store bytes that are already in memory, with the same promise."""
        ...

    async def adopt(self, path: Path, ref: BlobRef) -> None:
        """Give a durable file on the same disk, whose digest was checked, its name; with the same promise."""
        ...


class Blobs(Protocol):
    """Content-addressed bytes. Blobs never change; what is named by a row is there."""

    def lease(self) -> AbstractContextManager[BlobLease]:
        """Around everything that puts, up to the unit of work that names what was put (a lease inside another is fine).

        While it lasts nothing that was put through it is removed. When it ends, what no row names MUST be removed soon;
        but what is put, named or leased by somebody else meanwhile MUST stay. When it ends in an error after which a unit
        may still come to pass (a cancelled caller, a busy store), nothing MUST be removed but by a sweep, much later.
        """
        ...

    def path(self, ref: BlobRef) -> Path:
        """Where the blob lies, for a judge or a file answer. MUST NOT be given to a user."""
        ...

    async def read(self, ref: BlobRef) -> bytes:
        """The whole blob, its digest checked.

        Raises:
            SiteError: `blob.damaged` when it is missing or its digest is another.
        """
        ...
