"""What a database says that went back to an earlier state, before anybody serves it: `gateway.exchange.reopening`, offline."""

import asyncio
import secrets
from pathlib import Path

from gateway.audit import AuditError, Checkpoint, LogInForce, SignerMemory, log_in_force, sequence, verify_checkpoint
from gateway.backup.files import LOCK
from gateway.config import Config
from gateway.core.directory import Snapshot
from gateway.core.errors import SiteError
from gateway.core.ids import Digest, GatewayId
from gateway.core.ports import Clock, Store
from gateway.core.resync import Reopening
from gateway.exchange import Journal, RestoredLog, reopening
from gateway.registry import load_snapshot_of
from gateway.storage import open_sqlite, open_store, settle_database


async def reopen_file(path: Path, config: Config, *, clock: Clock) -> Reopening | None:
    """Reopen the log of an SQLite file that nobody else has open; None when the signer's memory says that nothing is lost.

    Raises:
        SiteError: `restore.clock`, `store.version`, `store.damaged`, `audit.inconsistent`.
    """
    try:
        store = await asyncio.to_thread(open_sqlite, path, sequencer=sequence, on_fatal=_heard)
        try:
            done = await _reopen(store, config, clock)
        finally:
            await store.close()
        await asyncio.to_thread(settle_database, path)
    finally:
        path.with_name(f"{path.name}{LOCK}").unlink(missing_ok=True)
    return done


async def reopen_in_place(config: Config, *, clock: Clock) -> Reopening | None:
    """The same for the database that is configured, when something else put an earlier state of it back.

    Raises:
        SiteError: as above, `store.locked`.
    """
    place = config.database_place()
    if isinstance(place, Path) and not place.exists():
        raise SiteError("store.version", found="none", expected="")
    store = await asyncio.to_thread(open_store, place, sequencer=sequence, on_fatal=_heard, relaxed=config.demo)
    try:
        return await _reopen(store, config, clock)
    finally:
        await store.close()


async def _reopen(store: Store, config: Config, clock: Clock) -> Reopening | None:
    own, origin = GatewayId(config.gateway.id), config.log_origin
    snapshot = load_snapshot_of(own, config.registry.file, expected=Digest(config.registry.sha256))
    log, head = await store.read(lambda uow: (log_in_force(uow, origin), uow.log.head()))
    remembered = await _remembered(config, log, snapshot)
    if remembered is not None and (remembered.origin, remembered.size, remembered.root) == (
        log.origin,
        head.size,
        head.root,
    ):
        return None
    restored = RestoredLog(own=own, origin=origin, snapshot=snapshot, moment=clock.now(), remembered=remembered)
    return await store.transact(reopening(restored, journal=Journal(entropy=secrets.token_bytes)))


async def _remembered(config: Config, log: LogInForce, snapshot: Snapshot) -> Checkpoint | None:
    """What the signer signed last, where its memory outlived the database. It is kept: the new log has one of its own."""
    note = await SignerMemory(path=log.memory(config.signer_memory)).recall()
    try:
        return verify_checkpoint(note, snapshot.gateways[GatewayId(config.gateway.id)].log_keys) if note else None
    except AuditError as error:
        raise SiteError("audit.inconsistent", reason=f"the signer's memory: {error}") from error


def _heard(_error: BaseException) -> None:
    """Whoever waits for the one unit hears it, and ends."""
