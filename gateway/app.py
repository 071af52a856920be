"""The composition root (docs/adr/0006): names concrete classes. It opens in order, runs, drains, and closes in reverse.

    configuration ─> material (registry, trust, keys) ─> store, log ─> workers, desk ─> engine ─> doors ─> admin

Whoever wants to know what stands behind a port reads this file. Everything opened is entered into one exit stack, so
whatever fails on the way closes what was already open. What SIGHUP exchanges is in `gateway.reload`.
"""

import asyncio
import gc
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import web

from gateway.access import StoredAuthenticator, TokenBucketLimiter, open_listener
from gateway.api import ApiParts, PrometheusMeter, Readiness, build_app
from gateway.api import listen as listen_office
from gateway.audit import CheckpointPublisher, SignerMemory, SignerProbe, sequence
from gateway.config import Config, load_config
from gateway.core.errors import SiteError
from gateway.core.ids import GatewayId
from gateway.core.limits import DESCRIPTORS_MIN
from gateway.core.metrics import CONNECTIONS, CONNECTIONS_CLOSED, Reading
from gateway.core.ports import Meter, Store, Transport
from gateway.core.work import WorkKind
from gateway.crypto import (
    FileSealer,
    JudgePool,
    LoadedTrust,
    RollingContext,
    client_certificate,
)
from gateway.delivery import Wakeups, WorkEngine, backoff
from gateway.exchange import (
    BusinessStatuses,
    Desk,
    DocumentSteps,
    Events,
    Journal,
    LocalTransport,
    MeasuredTransport,
    Queries,
    Reception,
    Release,
    Submission,
    TransferDelivery,
)
from gateway.material import Material, OwnSigners, open_signers, read_material
from gateway.observe import (
    ClockWatch,
    ServiceManager,
    SystemClock,
    configure_logging,
    in_background,
    logger,
    provide_descriptors,
)
from gateway.peer import PeerTransport, build_peer_app
from gateway.peer import listen as listen_peer
from gateway.registry import LoadedDirectory
from gateway.reload import Exchangeable, HolderSlot, Reloader, open_holders, sealing_keys, taking_effect
from gateway.storage import BlobKeeper, DiskWatch, ServiceStore, StoreIntake, open_blobs, open_store
from gateway.watch import Watched, counting, disk_watch, open_admin, record_step

DRAIN_SECONDS: Final = 30.0
"""From SIGTERM to the end at most: work and requests in flight, the last checkpoint, the worker processes, the store."""
WORK_SECONDS: Final = 14.0
REQUEST_SECONDS: Final = 7.0
"""aiohttp waits this long for requests in flight, cancels them, and waits as long again."""
CHECKPOINT_SECONDS: Final = 3.0
GARBAGE_OBJECTS: Final = 20_000
"""New objects before the collector looks at them. A document to 336 bodies makes as many; Python's 700 took 7 % of its time."""
EXIT_FATAL: Final = 70
"""The exit status for a fault of our own (experience.md 2.6); the service manager restarts us."""
JUDGE_PRELOAD: Final = ("gateway.exchange.judging", "gateway.exchange.records", "gateway.edxml", "gateway.crypto")

_log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A gateway that is open."""

    office_api: int
    """Port of the office API."""
    peer: int
    """Port of the peer listener."""
    reloader: Reloader
    broken: asyncio.Future[None]
    """Ends, with the reason, when a task ends without which the gateway is no good any more."""


async def serve(path: Path) -> None:
    """Run one gateway until SIGTERM or SIGINT, then drain; SIGHUP reloads.

    Raises:
        GatewayError: the configuration, the registry, a key or the database is not as it must be.
    """
    config = load_config(path)
    configure_logging(stream=sys.stderr, level=config.log.level.upper())
    provide_descriptors(DESCRIPTORS_MIN)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    early: list[int] = []
    loop.add_signal_handler(signal.SIGHUP, early.append, signal.SIGHUP)  # else it would end a gateway that is starting
    manager = ServiceManager(os.environ, clock=SystemClock())
    async with running(config, source=path, manager=manager) as gateway:
        loop.add_signal_handler(signal.SIGHUP, gateway.reloader.request)
        if early:
            gateway.reloader.request()
        gc.freeze()  # the registry, and all the code: they live as long as we, and nothing in them is garbage
        gc.set_threshold(GARBAGE_OBJECTS)
        _log.info("gateway.ready", gateway=config.gateway.id, office_api=gateway.office_api, peer=gateway.peer)
        manager.tell("READY=1")
        gateway.broken.add_done_callback(lambda _: stopping.set())
        await stopping.wait()
        manager.tell("STOPPING=1")
        _log.info("gateway.draining", seconds=DRAIN_SECONDS)
    for name in (signal.SIGTERM, signal.SIGINT):  # nothing is left to stop: a second one must not spoil the exit status
        loop.remove_signal_handler(name)
        signal.signal(name, signal.SIG_IGN)
    _log.info("gateway.stopped")
    if gateway.broken.done():
        gateway.broken.result()


@asynccontextmanager
async def running(config: Config, *, source: Path, manager: ServiceManager) -> AsyncIterator[Running]:
    """One gateway, open for as long as the context lasts, then drained. `source`: what a reload reads again."""
    material, signers = read_material(config), open_signers(config)
    signers.check(config, material.entry)
    meter, readiness = PrometheusMeter(), Readiness()
    async with AsyncExitStack() as stack:
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        store = await _open_store(config, meter, stack)
        publisher = await _open_log(config, signers, store, stack, broken=broken)
        rooms = await _open_rooms(material, store, meter, stack)
        desk = rooms.desk
        reception = Reception(desk=desk, checkpoints=publisher, receipt_signer=signers.receipts)
        peers = PeerTransport(
            directory=desk.directory, ssl_context=material.peer_client, own=desk.own, entropy=desk.entropy
        )
        stack.push_async_callback(peers.close)
        engine = _engine(desk, _transports(desk, LocalTransport(reception=reception), peers), rooms.disk)
        events = Events(desk=desk)
        heads = (publisher.notify, events.notify)
        store.set_listener(Wakeups(loop=asyncio.get_running_loop(), work_added=engine.wake, head_moved=heads))
        # What opening wrote was committed before anybody listened.
        publisher.notify(await store.read(lambda uow: uow.log.head()))
        in_background(stack, engine.run, broken)
        stack.push_async_callback(engine.stop, patience=WORK_SECONDS)
        doors = await _open_doors(material, rooms, reception, events, stack)
        reloader = Reloader(
            source, material, signers=signers, parts=_exchangeable(rooms, peers, doors), manager=manager
        )
        clock = ClockWatch(clock=desk.clock, on_step=record_step(desk))
        for run in (rooms.disk.run, rooms.keeper.run, clock.run, reloader.run, manager.keep_alive):
            in_background(stack, run, broken)
        watched = Watched(
            desk=desk,
            trust=rooms.trust,
            disk=rooms.disk,
            clock=clock,
            signing=SignerProbe(store=store, publisher=publisher, clock=desk.clock),
            reloader=reloader,
            readiness=readiness,
        )
        processes = {"judge": lambda: rooms.judge.pids, "key_holder": lambda: rooms.holders.pool.pids}
        await open_admin(config, watched, meter, (doors.readings, counting(processes)), stack=stack)
        try:
            yield Running(office_api=doors.office_port, peer=doors.peer_port, reloader=reloader, broken=broken)
        finally:
            readiness.draining = True
            await _drain(doors, engine, publisher, store)


async def _drain(doors: "_Doors", engine: WorkEngine, publisher: CheckpointPublisher, store: Store) -> None:
    """No connections, no claims; what is in flight ends, or is cut and taken up again later; then the last checkpoint."""
    ends = await asyncio.gather(
        doors.office.cleanup(), doors.peer.cleanup(), engine.stop(patience=WORK_SECONDS), return_exceptions=True
    )
    for error in (end for end in ends if isinstance(end, BaseException)):
        _log.error("gateway.drain_failed", exc_info=error)
    try:
        async with asyncio.timeout(CHECKPOINT_SECONDS):
            await publisher.covering(await store.read(lambda uow: uow.log.head().size))
    except (SiteError, TimeoutError) as error:
        _log.warning("gateway.last_checkpoint", why=str(error) or type(error).__name__)


# --- store, log, workers, desk -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rooms:
    """What is opened once and used by everybody."""

    desk: Desk
    directory: LoadedDirectory
    trust: LoadedTrust
    sealer: FileSealer
    holders: HolderSlot
    judge: JudgePool
    disk: DiskWatch
    intake: StoreIntake
    keeper: BlobKeeper


async def _open_store(config: Config, meter: Meter, stack: AsyncExitStack) -> ServiceStore:
    config.gateway.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = config.database_place()
    store = await asyncio.to_thread(
        open_store, place, sequencer=sequence, on_fatal=_die, relaxed=config.demo, meter=meter
    )
    stack.push_async_callback(store.close)
    return store


def _die(error: BaseException) -> None:
    """A database that failed an fsync cannot be trusted by going on: leave at once, restart recovers (reliability B2.5)."""
    _log.critical("store.fatal", error=str(error))
    os._exit(EXIT_FATAL)


async def _open_log(
    config: Config, signers: OwnSigners, store: Store, stack: AsyncExitStack, *, broken: asyncio.Future[None]
) -> CheckpointPublisher:
    """The signer compares the log with what it remembers before a leaf is added to it (audit.md A2.10)."""
    publisher = CheckpointPublisher(
        store=store,
        signer=signers.log,
        origin=config.log_origin,
        memory=SignerMemory(path=config.signer_memory),
        clock=SystemClock(),
    )
    in_background(stack, publisher.run, broken)
    if signed := await store.read(lambda uow: uow.log.head().size):
        await publisher.covering(signed)
    return publisher


async def _open_rooms(material: Material, store: ServiceStore, meter: Meter, stack: AsyncExitStack) -> _Rooms:
    """What every conductor works with; the registry edition is in force and the API keys are as declared afterwards."""
    config, clock, entropy = material.config, SystemClock(), secrets.token_bytes
    own, journal = GatewayId(config.gateway.id), Journal(entropy=secrets.token_bytes)
    await store.transact(taking_effect(material, journal=journal, moment=clock.now()))
    blobs, disk = open_blobs(config.blobs), disk_watch(config)
    await disk.measure()
    judge = JudgePool(size=config.workers.judges, preload=JUDGE_PRELOAD, readable=(config.blobs,), meter=meter)
    await judge.start()
    stack.push_async_callback(judge.close)
    holders = HolderSlot(open_holders(config, material, meter=meter))
    await holders.pool.start()
    stack.push_async_callback(holders.close)
    keys = sealing_keys(material, holders.pool)
    sealer = FileSealer(
        judge=judge, holder=keys.holder, seals=keys.seals, transports=keys.transports, trust=keys.trust, clock=clock
    )
    directory, trust = LoadedDirectory(material.snapshot), LoadedTrust(material.trust)
    desk = Desk(
        own=own,
        store=store,
        blobs=blobs,
        clock=clock,
        directory=directory,
        judge=judge,
        sealer=sealer,
        trust=trust,
        journal=journal,
        entropy=entropy,
        meter=meter,
    )
    return _Rooms(
        desk=desk,
        directory=directory,
        trust=trust,
        sealer=sealer,
        holders=holders,
        judge=judge,
        disk=disk,
        intake=StoreIntake(disk, store),
        keeper=BlobKeeper(blobs, store=store, clock=clock, meter=meter),
    )


# --- conductors and doors ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doors:
    """The two listeners for others, and the TLS contexts they shake hands with."""

    office: web.AppRunner
    peer: web.AppRunner
    office_tls: RollingContext
    peer_tls: RollingContext

    @property
    def office_port(self) -> int:
        """The office API's."""
        return int(self.office.addresses[0][1])

    @property
    def peer_port(self) -> int:
        """The peer listener's."""
        return int(self.peer.addresses[0][1])

    async def readings(self) -> list[Reading]:
        """Open connections."""
        doors = (("office", self.office), ("peer", self.peer))
        return [Reading(CONNECTIONS, len(door.server.connections), (name,)) for name, door in doors if door.server]


def _transports(desk: Desk, local: Transport, peers: Transport) -> Callable[[GatewayId], Transport]:
    here = MeasuredTransport(local, road="local", meter=desk.meter)
    there = MeasuredTransport(peers, road="peer", meter=desk.meter)
    return lambda destination: here if destination == desk.own else there


def _engine(desk: Desk, transports: Callable[[GatewayId], Transport], disk: DiskWatch) -> WorkEngine:
    transfers = TransferDelivery(
        desk=desk, transports=transports, backoff=lambda failures: backoff(failures, desk.entropy)
    )
    return WorkEngine(
        store=desk.store,
        clock=desk.clock,
        entropy=desk.entropy,
        handlers={WorkKind.DOCUMENT: DocumentSteps(desk=desk), WorkKind.TRANSFER: transfers},
        destinations=lambda: desk.directory.current().gateways,
        resting=lambda: disk.read_only,
    )


async def _open_doors(
    material: Material, rooms: _Rooms, reception: Reception, events: Events, stack: AsyncExitStack
) -> _Doors:
    config, desk = material.config, rooms.desk
    peer_app = build_peer_app(
        reception=reception,
        directory=desk.directory,
        blobs=desk.blobs,
        own=desk.own,
        entropy=desk.entropy,
        intake=rooms.intake,
        meter=desk.meter,
    )
    office_tls, peer_tls = RollingContext(material.office), RollingContext(material.peer_server)
    section, api = config.peer, config.office_api
    closed = partial(partial, desk.meter.add, CONNECTIONS_CLOSED)
    bound = open_listener(section.host, section.port, share=section.share(), clock=desk.clock, count=closed("peer"))
    peer = await listen_peer(peer_app, sock=bound, ssl_context=peer_tls.front, shutdown_seconds=REQUEST_SECONDS)
    stack.push_async_callback(peer.cleanup)
    office_app = build_app(
        ApiParts(
            submission=Submission(desk=desk),
            queries=Queries(desk=desk),
            statuses=BusinessStatuses(desk=desk),
            releases=Release(desk=desk),
            events=events,
            authenticator=StoredAuthenticator(
                store=desk.store, clock=desk.clock, read_certificate=partial(client_certificate, demo=config.demo)
            ),
            rate_limiter=TokenBucketLimiter(config.limits.rates(), clock=desk.clock),
            blobs=desk.blobs,
            entropy=desk.entropy,
            intake=rooms.intake,
            meter=desk.meter,
        )
    )
    bound = open_listener(api.host, api.port, share=api.share(), clock=desk.clock, count=closed("office"))
    office = await listen_office(office_app, sock=bound, ssl_context=office_tls.front, shutdown_seconds=REQUEST_SECONDS)
    stack.push_async_callback(office.cleanup)
    return _Doors(office=office, peer=peer, office_tls=office_tls, peer_tls=peer_tls)


def _exchangeable(rooms: _Rooms, peers: PeerTransport, doors: _Doors) -> Exchangeable:
    return Exchangeable(
        desk=rooms.desk,
        directory=rooms.directory,
        trust=rooms.trust,
        sealer=rooms.sealer,
        holders=rooms.holders,
        peers=peers,
        peer_tls=doors.peer_tls,
        peer_door=doors.peer,
        office_tls=doors.office_tls,
        office_door=doors.office,
    )
