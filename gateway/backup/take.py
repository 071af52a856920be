"""Taking a backup beside the running service: the database first, what it names afterwards, the manifest last."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from gateway.audit import VerifierKey
from gateway.backup.files import copy_blob, empty_folder, sync_tree, write_durably
from gateway.backup.manifest import BLOBS, DATABASE, MANIFEST, MEMORY, Manifest, digest_of, signed
from gateway.config import Config
from gateway.core.clock import rfc3339
from gateway.core.events import TreeHead
from gateway.core.ids import Digest
from gateway.core.ports import Clock, Store
from gateway.crypto import FileSigner
from gateway.storage import copy_database, copy_server, open_reader, schema_version

PAGE: Final = 500
Show = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A backup that was made."""

    folder: Path
    manifest: Manifest
    missing: tuple[Digest, ...]
    """Files that rows name and that the gateway itself has not."""


async def take_backup(config: Config, folder: Path, *, clock: Clock, on_step: Show = lambda _: None) -> Taken:
    """Copy what cannot be made again into a folder that is empty or not there. Changes nothing at the gateway.

    Raises:
        SiteError: `backup.not_empty`, `key.missing`, `store.damaged`, `store.version`; `config.invalid` for a server that
            cannot be reached.
        OSError: the disk of the backup refused; what was written until then is no backup, for it has no manifest.
    """
    place = config.database_place()
    signer = FileSigner(config.audit.key, key_id="audit")
    key = VerifierKey.of(config.log_origin, signer.public_key)
    await asyncio.to_thread(empty_folder, folder, "backup.not_empty")
    made_at = rfc3339(clock.now())
    on_step("database")
    copy = partial(copy_database, place) if isinstance(place, Path) else partial(copy_server, place)
    await asyncio.to_thread(copy, folder / DATABASE)
    store = await asyncio.to_thread(open_reader, folder / DATABASE)
    try:
        head = await _remember(store, folder)
        on_step("blobs")
        count, size, missing = await _copy_blobs(store, config.blobs, folder / BLOBS)
    finally:
        await store.close()
    on_step("manifest")
    database_bytes, database_sha256 = await asyncio.to_thread(digest_of, folder / DATABASE)
    manifest = Manifest(
        gateway=config.gateway.id,
        made_at=made_at,
        schema=schema_version(),
        database_bytes=database_bytes,
        database_sha256=database_sha256,
        memory_sha256=digest_of(folder / MEMORY)[1],
        log_size=head.size,
        log_root=head.root.hex(),
        blobs=count,
        blob_bytes=size,
        blobs_missing=len(missing),
    )
    note = await signed(manifest, key=key, signer=signer)
    await asyncio.to_thread(sync_tree, folder)
    await asyncio.to_thread(write_durably, folder / MANIFEST, note.encode())
    await asyncio.to_thread(sync_tree, folder)
    return Taken(folder=folder, manifest=manifest, missing=missing)


async def _remember(store: Store, folder: Path) -> TreeHead:
    """The signer's memory that belongs to the copied log, and that log's head."""
    head, checkpoint = await store.read(lambda uow: (uow.log.head(), uow.log.checkpoint()))
    if checkpoint is not None:
        await asyncio.to_thread(write_durably, folder / MEMORY, checkpoint[1].encode())
    return head


async def _copy_blobs(store: Store, source: Path, target: Path) -> tuple[int, int, tuple[Digest, ...]]:
    """How many files, how many bytes, and which are not to be had."""
    await asyncio.to_thread(target.mkdir, mode=0o700)
    count, size, missing = 0, 0, list[Digest]()
    async for digest in named_blobs(store):
        copied = await asyncio.to_thread(copy_blob, source, target, digest)
        if copied is None:
            missing.append(digest)
        else:
            count, size = count + 1, size + copied
    return count, size, tuple(missing)


async def named_blobs(store: Store) -> AsyncIterator[Digest]:
    """Every file that a row of the database names or ever named."""
    after = Digest("")
    while page := await store.read(lambda uow, after=after: uow.inspection.blobs_after(after, PAGE)):  # type: ignore[misc]  # mypy does not infer the default
        for digest in page:
            yield digest
        after = page[-1]
