"""A process whose disk stops taking bytes (RLIMIT_FSIZE: a real EFBIG from the kernel) in the middle of a commit.

Prints one JSON line of what it saw, then leaves without ceremony, as a gateway does.
`python -m tests.unit.storage.failing_disk DATABASE`
"""

import asyncio
import json
import os
import resource
import sys
from pathlib import Path

from gateway.audit import sequence
from gateway.core.errors import SiteError
from gateway.storage import SqliteStore, open_sqlite
from tests.kit import rows
from tests.unit.storage.databases import adding


async def code_of(store: SqliteStore, *, read: bool = False) -> str:
    try:
        document = rows.document(metadata=rows.metadata(content="x" * 500_000))
        await (store.read(lambda _uow: None) if read else store.transact(adding(document)))
    except SiteError as error:
        return error.code
    return "accepted"


async def main() -> None:
    path = Path(sys.argv[1])
    died: list[BaseException] = []
    store = open_sqlite(path, sequencer=sequence, on_fatal=died.append, migrate=True)
    acknowledged = [await store.transact(adding(rows.document())) for _ in range(20)]
    log = path.with_name(f"{path.name}-wal").stat().st_size
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log + 100_000, unlimited[1]))
    during = await asyncio.gather(code_of(store), code_of(store))
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    after = [await code_of(store), await code_of(store, read=True)]
    await store.close()
    seen = {"acknowledged": acknowledged, "during": during, "after": after, "died": [repr(error) for error in died]}
    os.write(1, json.dumps(seen).encode())
    os._exit(3)


if __name__ == "__main__":
    asyncio.run(main())
