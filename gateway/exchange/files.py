"""Bytes on their way between files and streams, in chunks that a 7 MB attachment never outgrows."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import BinaryIO, Final

from gateway.core.limits import CHUNK_BYTES

BATCH_CHUNKS: Final = 16
"""Chunks made per hop into a thread: one hop costs about as much as hashing 200 KB."""


def blob_chunks(file: BinaryIO) -> Iterator[bytes]:
    """The file in chunks of `CHUNK_BYTES`."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


async def as_chunks(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """A blocking iterator of bytes, drawn in a thread, batch by batch."""

    def batch() -> list[bytes]:
        return list(islice(chunks, BATCH_CHUNKS))

    drawn = await asyncio.to_thread(batch)
    while drawn:
        for chunk in drawn:
            yield chunk
        # A batch that is not full was the last: nobody goes for another.
        drawn = await asyncio.to_thread(batch) if len(drawn) == BATCH_CHUNKS else []
