"""Putting a backup back: into an empty state folder, with the gateway stopped, the database last.

So a power failure in the middle leaves a folder without a database: `serve` refuses to begin a new log there, for the signer
remembers one, and whoever restores again is told that the folder is not empty.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from gateway.backup.check import CheckedBackup, check_backup
from gateway.backup.files import copy_blob, copy_durably, empty_folder, sync_tree
from gateway.backup.manifest import BLOBS, DATABASE, MEMORY
from gateway.backup.take import named_blobs
from gateway.config import Config
from gateway.core.errors import SiteError
from gateway.storage import hold_database, open_reader

Show = Callable[[str], None]


async def restore_backup(folder: Path, config: Config, *, on_step: Show = lambda _: None) -> CheckedBackup:
    """Put a backup of this gateway into its state folder, once all of it was checked.

    Raises:
        SiteError: `config.server`, `restore.not_empty`, `backup.manifest`, `backup.unsound`, `store.locked`.
        OSError: the disk refused.
    """
    place = config.database_place()
    if not isinstance(place, Path):
        raise SiteError("config.server")
    if config.signer_memory.exists():  # wherever it stands: what it remembers is not thrown away here
        raise SiteError("restore.not_empty", path=str(config.signer_memory))
    await asyncio.to_thread(empty_folder, place.parent, "restore.not_empty")
    checked = await check_backup(folder, config, on_step=on_step)
    if not checked.sound:
        first = checked.problems[0]
        raise SiteError("backup.unsound", count=len(checked.problems), what=first.what, why=first.why)
    with hold_database(place):
        on_step("restore")
        await _blobs(folder, config.blobs)
        if (folder / MEMORY).exists():
            await asyncio.to_thread(copy_durably, folder / MEMORY, config.signer_memory)
        await asyncio.to_thread(sync_tree, place.parent)
        new = place.with_name(f".{place.name}.new")
        await asyncio.to_thread(copy_durably, folder / DATABASE, new)
        await asyncio.to_thread(new.replace, place)
        await asyncio.to_thread(sync_tree, place.parent)
    return checked


async def _blobs(folder: Path, target: Path) -> None:
    await asyncio.to_thread(target.mkdir, mode=0o700)
    store = await asyncio.to_thread(open_reader, folder / DATABASE)
    try:
        async for digest in named_blobs(store):
            await asyncio.to_thread(copy_blob, folder / BLOBS, target, digest)
    finally:
        await store.close()
