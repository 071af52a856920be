"""Checking a backup: everything in it is what its signed manifest says, and a gateway could go on from it. Changes nothing."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.audit import AuditError, VerifierKey, verify_checkpoint, verify_log
from gateway.backup.manifest import BLOBS, DATABASE, MEMORY, Manifest, digest_of, read_manifest
from gateway.backup.take import Show, named_blobs
from gateway.config import Config
from gateway.core.errors import GatewayError
from gateway.core.ids import Digest, GatewayId
from gateway.core.ports import Store
from gateway.evidence import Problem
from gateway.registry import load_snapshot_of
from gateway.storage import open_reader


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBackup:
    """A backup with everything that was found."""

    manifest: Manifest
    problems: tuple[Problem, ...]
    peers: tuple[GatewayId, ...] = ()
    """The other gateways of the registry."""

    @property
    def sound(self) -> bool:
        """Whether everything is as it must be."""
        return not self.problems


async def check_backup(folder: Path, config: Config, *, on_step: Show = lambda _: None) -> CheckedBackup:
    """Check all of it by the log keys that the registry has for this gateway.

    Raises:
        SiteError: `backup.manifest`: it has none of this gateway; registry not as it must be.
    """
    snapshot = load_snapshot_of(config.gateway.id, config.registry.file, expected=Digest(config.registry.sha256))
    listed = snapshot.gateways[GatewayId(config.gateway.id)].log_keys
    keys = [VerifierKey.parse(one) for one in listed]
    manifest = await asyncio.to_thread(read_manifest, folder, keys)
    on_step("database")
    problems = list(await asyncio.to_thread(lambda: tuple(_own_files(folder, manifest))))
    if not problems:
        try:
            store = await asyncio.to_thread(open_reader, folder / DATABASE)
        except GatewayError as error:
            problems.append(Problem(what=DATABASE, why=str(error)))
        else:
            try:
                problems += await _log(store, folder, manifest, listed)
                on_step("blobs")
                problems += await _blobs(store, folder / BLOBS, manifest)
            finally:
                await store.close()
    peers = tuple(sorted(peer for peer in snapshot.gateways if peer != config.gateway.id))
    return CheckedBackup(manifest=manifest, problems=tuple(problems), peers=peers)


def _own_files(folder: Path, manifest: Manifest) -> Iterator[Problem]:
    if digest_of(folder / DATABASE) != (manifest.database_bytes, manifest.database_sha256):
        yield Problem(what=DATABASE, why="is not the one that the manifest names")
    if digest_of(folder / MEMORY)[1] != manifest.memory_sha256:
        yield Problem(what=MEMORY, why="is not the one that the manifest names")


async def _log(store: Store, folder: Path, manifest: Manifest, listed: tuple[str, ...]) -> list[Problem]:
    """The whole log, and that it has grown out of what the signer will remember."""
    keys = [VerifierKey.parse(one) for one in listed]
    try:
        path = folder / MEMORY
        known = [verify_checkpoint(await asyncio.to_thread(path.read_text), listed)] if path.exists() else []
    except (AuditError, ValueError) as error:
        return [Problem(what=MEMORY, why=str(error))]
    report = await store.read(lambda uow: verify_log(uow.log, keys, known=known))
    found = [Problem(what="audit log", why=fault.reason) for fault in report.faults]
    if (report.leaves, report.root.hex()) != (manifest.log_size, manifest.log_root):
        found.append(Problem(what="audit log", why="is not the one that the manifest names"))
    return found


async def _blobs(store: Store, folder: Path, manifest: Manifest) -> list[Problem]:
    """Every file that the database names. Those that were missing already are no fault of the backup."""
    found: list[Problem] = []
    count, size, absent = 0, 0, 0
    async for digest in named_blobs(store):
        path = folder / digest[:2] / digest
        if not path.exists():
            absent += 1
            continue
        try:
            length, hashed = await asyncio.to_thread(digest_of, path)
        except OSError as error:
            found.append(Problem(what=f"file {digest}", why=str(error)))
            continue
        count, size = count + 1, size + length
        if hashed != digest:
            found.append(Problem(what=f"file {digest}", why="is not what its name says"))
    if (count, size, absent) != (manifest.blobs, manifest.blob_bytes, manifest.blobs_missing):
        why = f"{count} files of {size} bytes, {absent} absent; the manifest names"
        said = f"{manifest.blobs} of {manifest.blob_bytes}, {manifest.blobs_missing} absent"
        found.append(Problem(what=BLOBS, why=f"{why} {said}"))
    return found
