"""A process that writes until it is killed: 16 callers; a key goes to stdout only after its unit was acknowledged.

`python -m tests.unit.storage.crash_writer DATABASE BLOBS`
"""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from gateway.core.ids import DocumentKey
from gateway.storage import FileBlobs, SqliteStore, open_blobs
from tests.kit import rows
from tests.kit.blobs import stored
from tests.unit.storage.databases import adding, opened


async def write(store: SqliteStore, blobs: FileBlobs, caller: int) -> None:
    for n in range(1_000_000):
        key = DocumentKey(f"{os.getpid()}-{caller}-{n}")
        blob = await stored(blobs, key.encode())
        document = rows.document(key=key, document_id=key, idempotency_key=key, envelope=blob)
        await store.transact(adding(document))
        os.write(1, f"{key}\n".encode())


async def main() -> None:
    store, blobs = opened(Path(sys.argv[1])), open_blobs(Path(sys.argv[2]))
    await asyncio.gather(*(write(store, blobs, caller) for caller in range(16)))


if __name__ == "__main__":
    # Other processes number their leaves from 1 too; a salt that differs keeps the leaves apart.
    rows._numbers = itertools.count(os.getpid() * 1_000_000_000)
    asyncio.run(main())
