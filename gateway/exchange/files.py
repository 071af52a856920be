"""Bytes on their way between files and streams, in chunks that no attachment outgrows."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from gateway.core.errors import SiteError
from gateway.core.limits import CHUNK_BYTES
from gateway.core.model import Attachment, BlobRef
from gateway.core.ports import BlobLease
from gateway.core.sizes import Sizes
from gateway.core.verdict import JudgedFile
from gateway.exchange.kept import caps_for, payload_pieces

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


async def keep_file(file: JudgedFile, envelope: Path, lease: BlobLease, *, sizes: Sizes) -> BlobRef:
    """A file of a judged envelope as a blob of its own: what the judge answered with, or its text decoded once more.

    Raises:
        SiteError: `blob.damaged`: the envelope on the disk no longer holds what was judged.
    """
    if file.data is not None:
        ref = await lease.put_bytes(file.data)
    else:
        pieces = payload_pieces(envelope, file.place, caps=caps_for(sizes))
        ref = await lease.put(as_chunks(pieces), limit=sizes.file_bytes)
    if (ref.digest, ref.size) != (file.digest, file.size):
        raise SiteError("blob.damaged", digest=file.digest)
    return ref


async def keep_files(
    files: Sequence[JudgedFile], envelope: Path, lease: BlobLease, *, sizes: Sizes
) -> tuple[Attachment, ...]:
    """All files of a judged envelope, each as `keep_file`."""
    return tuple(
        [
            Attachment(
                position=file.position,
                name=file.name,
                content_type=file.content_type,
                blob=await keep_file(file, envelope, lease, sizes=sizes),
            )
            for file in files
        ]
    )
