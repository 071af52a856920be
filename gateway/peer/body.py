"""The body of a transfer as it comes in: first the slip's line, then the envelope, hashed on the way, never whole in memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Protocol

from gateway.core import limits
from gateway.core.errors import PeerError
from gateway.core.model import BlobRef


class ChunkSource(Protocol):
    """Where the bytes come from: aiohttp's `StreamReader`."""

    async def readany(self) -> bytes:
        """Some bytes as soon as there are any; empty at the end."""
        ...


class TransferBody:
    """Reads one body, once: `slip_line`, then `envelope`."""

    def __init__(self, source: ChunkSource, *, digest: bytes) -> None:
        """`digest`: the SHA-256 that `Content-Digest` announced for the whole body."""
        self._source = source
        self._announced = digest
        self._whole = hashlib.sha256()
        self._rest = b""

    async def slip_line(self) -> bytes:
        """The first line, its LF included.

        Raises:
            PeerError: `size.limit` when no LF comes within `SLIP_BYTES_MAX`, `transfer.malformed` when none comes at all.
            TimeoutError: nothing came for `BODY_IDLE_SECONDS_MAX`.
        """
        seen = bytearray()
        while (end := seen.find(b"\n", 0, limits.SLIP_BYTES_MAX)) < 0:
            if len(seen) >= limits.SLIP_BYTES_MAX:
                raise PeerError("size.limit", what="slip", limit=limits.SLIP_BYTES_MAX)
            chunk = await self._next()
            if not chunk:
                raise PeerError("transfer.malformed", reason="slip")
            seen += chunk
        self._rest = bytes(seen[end + 1 :])
        return bytes(seen[: end + 1])

    async def end(self) -> None:
        """Nothing follows the slip.

        Raises:
            PeerError: `transfer.malformed`, `transfer.digest`.
        """
        if self._rest or await self._next():
            raise PeerError("transfer.malformed", reason="envelope")
        if self._whole.digest() != self._announced:
            raise PeerError("transfer.digest")

    async def envelope(self, expected: BlobRef) -> AsyncIterator[bytes]:
        """The bytes after the slip. The last step checks both digests, so a store that takes the stream stores nothing bad.

        Raises:
            PeerError: `transfer.digest` when the bytes are not those that were announced, `transfer.malformed` when they
                are more or fewer.
            TimeoutError: as above.
        """
        envelope, size = hashlib.sha256(), 0
        chunk = self._rest or await self._next()
        while chunk:
            size += len(chunk)
            if size > expected.size:
                raise PeerError("transfer.malformed", reason="envelope")
            envelope.update(chunk)
            yield chunk
            chunk = await self._next()
        if size != expected.size:
            raise PeerError("transfer.malformed", reason="envelope")
        if self._whole.digest() != self._announced or envelope.hexdigest() != expected.digest:
            raise PeerError("transfer.digest")

    async def _next(self) -> bytes:
        async with asyncio.timeout(limits.BODY_IDLE_SECONDS_MAX):
            chunk = await self._source.readany()
        self._whole.update(chunk)
        return chunk


async def piece_of(source: ChunkSource, size: int, digest: bytes | None) -> AsyncIterator[bytes]:
    """One piece of an envelope. `digest`: SHA-256 that was announced for it, if any was.

    Raises:
        PeerError: `transfer.digest`, in the last step; `transfer.malformed`: it is shorter than was said.
        TimeoutError: nothing came for `BODY_IDLE_SECONDS_MAX`.
    """
    found, left = hashlib.sha256(), size
    while left:
        async with asyncio.timeout(limits.BODY_IDLE_SECONDS_MAX):
            chunk = await source.readany()
        if not chunk:
            raise PeerError("transfer.malformed", reason="piece")
        left -= len(chunk)
        if digest is not None:
            found.update(chunk)
        yield chunk
    if digest is not None and found.digest() != digest:
        raise PeerError("transfer.digest")
