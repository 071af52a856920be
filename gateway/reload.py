"""Reload: registry, trust, certificates, keys and API keys of a running gateway, exchanged on SIGHUP all at once or not at all.

Everything is read and checked first, beside what is in force; then one transaction writes the registry's activation, its leaf
and the API keys; then, without a pause in which anybody could see half of it, the new things take the place of the old. A
bad file changes nothing: it is told in the log, and `/readyz` and `doctor` warn until a reload succeeds.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from aiohttp import web

from gateway.access import declaring
from gateway.config import Config, fixed_changes, load_config
from gateway.core.errors import GatewayError, SiteError
from gateway.core.health import Check, Finding, found
from gateway.core.ids import GatewayId
from gateway.core.ledgers import UnitOfWork
from gateway.core.metrics import RELOADS
from gateway.core.ports import Meter
from gateway.core.reasons import Reason, because, of_os
from gateway.crypto import (
    FileSealer,
    KeyHolderPool,
    KeyRef,
    KeySource,
    LoadedTrust,
    RollingContext,
    SealingKeys,
    Trust,
    needs_secret,
    read_trust,
    remember_list,
    try_key,
)
from gateway.exchange import Desk, Journal, Release, opening
from gateway.http import let_go
from gateway.material import Material, OwnSigners, read_material, trust_sources
from gateway.observe import ServiceManager, in_own_thread, logger, set_log_level
from gateway.peer import PeerTransport
from gateway.registry import LoadedDirectory

RELOAD_SECONDS_MAX: Final = 30.0
"""A reload that has not ended by then hangs on something: /readyz, `doctor` and the log say so."""
_EVIDENCE: Final = frozenset({"registry", "trust", "keys"})
"""Of what can change: what may decide a document that is held."""
_log = logger(__name__)


@dataclass(slots=True)
class HolderSlot:
    """The key-holders in use."""

    pool: KeyHolderPool

    async def close(self) -> None:
        """End them."""
        await self.pool.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchangeable:
    """What of a running gateway can be exchanged."""

    desk: Desk
    directory: LoadedDirectory
    trust: LoadedTrust
    sealer: FileSealer
    holders: HolderSlot
    peers: PeerTransport
    peer_tls: RollingContext
    peer_door: web.AppRunner
    office_tls: RollingContext
    office_door: web.AppRunner


class Reloader:
    """Exchanges what a configuration file says now for what it said before; a probe of how the last attempt went."""

    check: Final = Check.RELOAD

    def __init__(
        self, source: Path, material: Material, *, signers: OwnSigners, parts: Exchangeable, manager: ServiceManager
    ) -> None:
        self._source = source
        self._material = material
        self._signers = signers
        self._parts = parts
        self._manager = manager
        self._wanted = asyncio.Event()
        self._asked = False
        self._refused: GatewayError | None = None
        self._began = 0.0
        self._slow = False

    def request(self) -> None:
        """Ask for a reload. On the loop's thread; what is asked for while one runs is done after it."""
        self._asked = True
        self._wanted.set()

    def renew(self) -> None:
        """There is new revocation evidence: read trust anew, and nothing else."""
        self._wanted.set()

    def material(self) -> Material:
        """What is in force."""
        return self._material

    async def run(self) -> None:
        """Reload whenever it is asked for, until cancelled. A start is a reload, too: it may have brought new evidence."""
        await self._resume()
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            asked, self._asked = self._asked, False
            if not asked:
                await self._renew()
                continue
            self._manager.reloading()
            self._began = self._parts.desk.clock.monotonic()
            late = asyncio.get_running_loop().call_later(RELOAD_SECONDS_MAX, self._tell_slow)
            try:
                await self.reload()
            except GatewayError as error:
                _log.error("reload.refused", code=error.code, why=str(error))
            finally:
                late.cancel()
                self._slow = False
            self._manager.tell("READY=1")

    def _tell_slow(self) -> None:
        """It goes on, for whatever hangs cannot be interrupted; but nobody shall believe that all is done."""
        self._slow = True
        _log.error("reload.slow", seconds=RELOAD_SECONDS_MAX)

    async def reload(self) -> None:
        """Read everything anew and put it in force.

        Raises:
            GatewayError: something is not as it must be; nothing was changed.
        """
        meter: Meter = self._parts.desk.meter
        try:
            new = await self._readable()
            fresh = await self._prepare(new)
        except GatewayError as error:
            meter.add(RELOADS, "refused")
            self._refused = error
            raise
        changed, retired = self._swap(new, fresh)
        meter.add(RELOADS, "done")
        self._refused = None
        if changed & _EVIDENCE or retired is not None:  # a password or PIN may have been mended
            await self._resume()
        if retired is not None:
            await _retire(retired)

    async def _renew(self) -> None:
        """Put the same anchors with what is in the store now in force; what is in force stays when that cannot be read."""
        config, parts = self._material.config, self._parts
        try:
            trust = await in_own_thread(lambda: _trust_of(config, parts.desk.clock.now()), name="renewal")
        except GatewayError as error:
            _log.error("trust.not_renewed", code=error.code, why=str(error))
            return
        self._material = replace(self._material, trust=trust)
        parts.trust.replace(trust)
        parts.sealer.replace(sealing_keys(self._material, parts.holders.pool))
        _log.info("trust.renewed", crls=len(trust.crls), ocsps=len(trust.ocsps))
        await self._resume()

    async def _resume(self) -> None:
        """What was held for want of evidence is tried again with what is in force now; a store that is busy is no refusal."""
        try:
            count = await Release(desk=self._parts.desk).resume()
        except GatewayError as error:
            _log.error("held.not_resumed", code=error.code, why=str(error))
        else:
            if count:
                _log.info("held.resumed", documents=count)

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`."""
        if self._slow:
            seconds = self._parts.desk.clock.monotonic() - self._began
            return (found("probe.reload.slow", seconds=round(seconds)),)
        if (refused := self._refused) is not None:
            if refused.code == "config.restart":  # mending and reloading again would not help
                return (found("probe.reload.restart", code=refused.code, path=refused.params["path"]),)
            return (found("probe.reload.refused", code=refused.code, reason=Reason(refused.code, refused.params)),)
        return (found("probe.reload.good", epoch=self._material.snapshot.epoch),)

    # --- load all ----------------------------------------------------------------------------------------------------

    def _read(self) -> Material:
        config = load_config(self._source)
        if changes := fixed_changes(self._material.config, config):
            raise SiteError("config.restart", path=", ".join(changes))
        material = read_material(config)
        self._signers.check(config, material.entry)
        return material

    async def _readable(self) -> Material:
        """What was read; what a library says of a file is told as one of our refusals, and only here."""
        try:
            return await in_own_thread(self._read, name="reload")
        except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
            raise _unreadable(self._source, error) from error

    async def _prepare(self, new: Material) -> KeyHolderPool | None:
        """All that may fail: fresh key-holders if the keys are others, then the transaction."""
        try:
            fresh = await self._fresh_holders(new)
        except OSError as error:  # no process can be started
            raise _unreadable(self._source, error) from error
        try:
            await self._write(new)
        except BaseException:
            if fresh is not None:
                await fresh.close()
            raise
        return fresh

    # --- then swap ---------------------------------------------------------------------------------------------------

    def _swap(self, new: Material, fresh: KeyHolderPool | None) -> tuple[frozenset[str], KeyHolderPool | None]:
        """What is not what it was, and the key-holders that nobody needs any more."""
        old, parts = self._material, self._parts
        retired, parts.holders.pool = parts.holders.pool, fresh or parts.holders.pool
        parts.directory.replace(new.snapshot)
        parts.trust.replace(new.trust)
        parts.sealer.replace(sealing_keys(new, parts.holders.pool))
        parts.office_tls.replace(new.office)
        parts.peer_tls.replace(new.peer_server)
        parts.peers.use(new.peer_client)
        set_log_level(new.config.log.level)
        self._material = new
        _log.info("reload.done", epoch=new.snapshot.epoch, changed=(changed := _changed(old, new)))
        if old.peer_anchors != new.peer_anchors:
            let_go(parts.peer_door)
        if old.client_anchors != new.client_anchors:
            let_go(parts.office_door)
        return frozenset(changed), None if fresh is None else retired

    async def _write(self, new: Material) -> None:
        desk = self._parts.desk
        await asyncio.to_thread(remember_trust, new, desk.clock.now())
        await desk.store.transact(taking_effect(new, journal=desk.journal, moment=desk.clock.now()))

    async def _fresh_holders(self, new: Material) -> KeyHolderPool | None:
        """Key-holders that know the new keys, each new one tried; None when the keys are the same.

        Where a password or a PIN is needed nobody can tell: it may be another one in the same file, and what was refused
        is remembered by the holders in use.
        """
        changed, sources = _changed_keys(self._material, new), _sources(new)
        if not changed and sources == _sources(self._material) and not any(map(needs_secret, sources.values())):
            return None
        pool = open_holders(new.config, new, meter=self._parts.desk.meter)
        await pool.start()
        try:
            for ref in changed:
                await try_key(pool, ref)
        except BaseException:
            await pool.close()
            raise
        return pool


async def _retire(pool: KeyHolderPool) -> None:
    """End the old key-holders. The reload has taken effect: that they do not end well cannot undo it."""
    try:
        await pool.close()
    except (GatewayError, OSError) as error:
        _log.error("reload.holders_not_ended", why=str(error))


def remember_trust(material: Material, moment: datetime) -> None:
    """Remember durably, before it is in force, which trust list it is: no older one is taken after this.

    Raises:
        SiteError: `trust.number`; `config.invalid`: the memory cannot be written.
    """
    try:
        remember_list(trust_sources(material.config), now=moment)
    except OSError as error:
        raise SiteError("config.invalid", path=str(material.config.trust_memory), reason=of_os(error)) from error


def _trust_of(config: Config, now: datetime) -> Trust:
    return read_trust(trust_sources(config), now=now)


def taking_effect(material: Material, *, journal: Journal, moment: datetime) -> Callable[[UnitOfWork], None]:
    """The unit, at start and at a reload, by which an edition of the registry comes into force and with it who may ask."""
    config, own = material.config, GatewayId(material.config.gateway.id)
    edition = opening(own, config.log_origin, material.snapshot, journal=journal, moment=moment)
    access = declaring(config.access.grants(), own=own, record=journal.record, at=moment)

    def unit(uow: UnitOfWork) -> None:
        edition(uow)
        access(uow)

    return unit


def open_holders(config: Config, material: Material, *, meter: Meter) -> KeyHolderPool:
    """Key-holders for these keys, not started yet."""
    return KeyHolderPool(keys=_sources(material), size=config.workers.holders, own_files=config.demo, meter=meter)


def sealing_keys(material: Material, pool: KeyHolderPool) -> SealingKeys:
    """What the sealer needs of them."""
    return SealingKeys(
        holder=pool,
        seals={organ: ref for organ, (ref, _) in material.seals.items()},
        transports={organ: ref for organ, (ref, _) in material.transports.items()},
        trust=material.trust,
    )


def _refs(material: Material) -> dict[str, KeyRef]:
    return {ref.key_id: ref for ref, _ in (*material.transports.values(), *material.seals.values())}


def _sources(material: Material) -> dict[str, KeySource]:
    return {ref.key_id: source for ref, source in (*material.transports.values(), *material.seals.values())}


def _changed_keys(old: Material, new: Material) -> list[KeyRef]:
    """Those with another certificate, and those that lie elsewhere."""
    before, was, sources = _refs(old), _sources(old), _sources(new)
    return [
        ref for key_id, ref in _refs(new).items() if before.get(key_id) != ref or was.get(key_id) != sources[key_id]
    ]


def _changed(old: Material, new: Material) -> list[str]:
    """Words for the log: what is not what it was."""
    pairs: Iterable[tuple[str, object, object]] = (
        ("registry", old.snapshot.digest, new.snapshot.digest),
        ("trust", old.trust, new.trust),
        ("peer_anchors", old.peer_anchors, new.peer_anchors),
        ("peer_certificate", old.peer_certificate, new.peer_certificate),
        ("office_certificate", old.office_certificate, new.office_certificate),
        ("client_anchors", old.client_anchors, new.client_anchors),
        ("keys", (_refs(old), _sources(old)), (_refs(new), _sources(new))),
        ("access", old.config.access, new.config.access),
        ("log", old.config.log, new.config.log),
    )
    return [name for name, before, after in pairs if before != after]


def _unreadable(source: Path, error: Exception) -> SiteError:
    """What a library says of a file that none of ours has put into words."""
    return SiteError("config.invalid", path=str(source), reason=because("other", detail=type(error).__name__))
