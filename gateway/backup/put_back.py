"""Putting a backup back: into an empty state folder, with the gateway stopped, the database last.

So a power failure in the middle leaves a folder without a database, and whoever restores again is told that the folder is not
empty. The log is reopened before anybody sees the database: what is lost may be known to others, so it never goes on as if
nothing had been.
"""

import asyncio
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.backup.check import CheckedBackup, check_backup
from gateway.backup.files import copy_blob, copy_durably, empty_folder, sync_tree
from gateway.backup.manifest import BLOBS, DATABASE, Manifest
from gateway.backup.reopen import reopen_file
from gateway.backup.take import Show, named_blobs
from gateway.config import Config
from gateway.core.errors import SiteError
from gateway.core.ports import Clock
from gateway.core.resync import Reopening
from gateway.storage import hold_database, hold_server, load_server, open_reader, refuse_full_server

_NEW: Final = ".restored.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put back."""

    checked: CheckedBackup
    reopening: Reopening | None
    """None: nothing can have been lost since the backup."""
    peers: int
    """That will be asked."""


async def restore_backup(folder: Path, config: Config, *, clock: Clock, on_step: Show = lambda _: None) -> Restored:
    """Put a backup of this gateway into its state folder (and its server), once all of it was checked.

    Raises:
        SiteError: `restore.not_empty`, `restore.clock`, `backup.manifest`, `backup.unsound`, `store.locked`.
        OSError: the disk refused.
    """
    place, state = config.database_place(), config.gateway.state
    await asyncio.to_thread(empty_folder, state, "restore.not_empty")
    if not isinstance(place, Path):
        await asyncio.to_thread(refuse_full_server, place)
    checked = await check_backup(folder, config, on_step=on_step)
    if not checked.sound:
        first = checked.problems[0]
        raise SiteError("backup.unsound", count=len(checked.problems), what=first.what, why=first.why)
    with _held(place):
        on_step("restore")
        new = state / _NEW
        await asyncio.to_thread(copy_durably, folder / DATABASE, new)
        try:
            reopened = await reopen_file(new, config, clock=clock)
        except BaseException:
            new.unlink()  # so that the folder is empty again
            raise
        await _blobs(folder, config.blobs, checked.manifest)
        await asyncio.to_thread(sync_tree, state)
        if isinstance(place, Path):
            await asyncio.to_thread(new.replace, place)
        else:
            await asyncio.to_thread(load_server, new, place, relaxed=config.demo)
            await asyncio.to_thread(new.unlink)
        await asyncio.to_thread(sync_tree, state)
    return Restored(checked=checked, reopening=reopened, peers=len(checked.peers) if reopened else 0)


def _held(place: Path | str) -> AbstractContextManager[None]:
    return hold_database(place) if isinstance(place, Path) else hold_server(place)


async def _blobs(folder: Path, target: Path, manifest: Manifest) -> None:
    """All of them; what was there when it was checked may be unreadable now."""
    await asyncio.to_thread(target.mkdir, mode=0o700)
    store, copied = await asyncio.to_thread(open_reader, folder / DATABASE), 0
    try:
        async for digest in named_blobs(store):
            copied += await asyncio.to_thread(copy_blob, folder / BLOBS, target, digest) is not None
    finally:
        await store.close()
    if lost := manifest.blobs - copied:
        raise SiteError("backup.unsound", count=lost, what=BLOBS, why="changed while it was put back")
