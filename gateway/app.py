"""The composition root (docs/adr/0006): names concrete classes. It opens in order, runs, drains, and closes in reverse.

    configuration ─> material (registry, trust, keys) ─> store, log ─> workers, desk ─> engine ─> doors ─> admin

Whoever wants to know what stands behind a port reads this file. Everything opened is entered into one exit stack, so
whatever fails on the way closes what was already open. What SIGHUP exchanges is in `gateway.reload`.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from gateway.api import PrometheusMeter, Readiness
from gateway.audit import CheckpointPublisher, SignerProbe
from gateway.config import Config, load_config
from gateway.core.errors import SiteError
from gateway.core.ids import GatewayId
from gateway.core.limits import DESCRIPTORS_MIN
from gateway.core.ports import Store, Transport
from gateway.core.work import ORDER_ROAD, SCANNER_ROAD, TIMESTAMP_ROAD, WorkKind
from gateway.delivery import Wakeups, WorkEngine, backoff, timestamp_backoff
from gateway.doors import Doors, PeerDesks, open_doors
from gateway.exchange import (
    Desk,
    DocumentSteps,
    Events,
    GapNotices,
    LocalTransport,
    MeasuredTransport,
    NonDeliveryNotices,
    OrderRelease,
    Reception,
    Rescanning,
    Resending,
    ResyncAnswers,
    Resynchronising,
    Roads,
    SkippedNumbers,
    Stamping,
    TransferDelivery,
)
from gateway.material import Material, OwnSigners, open_signers, read_material
from gateway.observe import (
    ClockWatch,
    ServiceManager,
    SystemClock,
    bound_heap,
    configure_logging,
    in_background,
    logger,
    provide_descriptors,
)
from gateway.peer import PeerTransport
from gateway.reload import Exchangeable, Reloader
from gateway.rooms import Rooms, ending, open_fetcher, open_log, open_rooms, open_service_store
from gateway.storage import DiskWatch
from gateway.watch import Watched, counting, open_admin, record_step

DRAIN_SECONDS: Final = 30.0
"""From SIGTERM to the end at most: work and requests in flight, the last checkpoint, the worker processes, the store."""
WORK_SECONDS: Final = 14.0
CHECKPOINT_SECONDS: Final = 3.0
GARBAGE_OBJECTS: Final = 20_000
"""New objects before the collector looks at them. A document to 336 bodies makes as many; Python's 700 took 7 % of its time."""

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
    try:
        await _serve(config, path)
    finally:  # also when the disk failed while it opened, or drained
        await ending(config.gateway.state).instead()


async def _serve(config: Config, path: Path) -> None:
    configure_logging(stream=sys.stderr, level=config.log.level.upper())
    provide_descriptors(DESCRIPTORS_MIN)
    bound_heap()
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
        gc.enable()
        _log.info("gateway.ready", gateway=config.gateway.id, office_api=gateway.office_api, peer=gateway.peer)
        manager.tell("READY=1")
        gateway.broken.add_done_callback(lambda _: stopping.set())
        await stopping.wait()
        await ending(config.gateway.state).instead()
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
        store = await open_service_store(config, meter, stack)
        publisher = await open_log(config, signers, store, stack, broken=broken)
        rooms = await open_rooms(material, store, meter, stack)
        desk = rooms.desk
        roads = Roads(store=store, clock=desk.clock, backoff=partial(backoff, entropy=desk.entropy))
        reception = Reception(desk=desk, checkpoints=publisher, receipt_signer=signers.receipts, roads=roads)
        peers = _peer_transport(material, desk, stack)
        ways = _Ways(local=LocalTransport(reception=reception), peers=peers, roads=roads)
        engine = _engine(desk, signers, ways, rooms.disk, origin=config.log_origin)
        events = Events(desk=desk)
        heads = (publisher.notify, events.notify)
        store.set_listener(Wakeups(loop=asyncio.get_running_loop(), work_added=engine.wake, head_moved=heads))
        # What opening wrote was committed before anybody listened.
        publisher.notify(await store.read(lambda uow: uow.log.head()))
        in_background(stack, engine.run, broken)
        stack.push_async_callback(engine.stop, patience=WORK_SECONDS)
        peer_desks = PeerDesks(reception=reception, resync=ResyncAnswers(desk=desk, signer=signers.receipts))
        doors = await open_doors(material, rooms, peer_desks, events, stack)
        reloader = Reloader(
            source, material, signers=signers, parts=_exchangeable(rooms, peers, doors), manager=manager
        )
        fetcher = open_fetcher(config, rooms, reloader, stack, broken=broken)
        clock = ClockWatch(clock=desk.clock, on_step=record_step(desk))
        rounds = (rooms.disk.run, rooms.steps.run, rooms.keeper.run, rooms.uploads.run)
        for run in (*rounds, clock.run, reloader.run, manager.keep_alive):
            in_background(stack, run, broken)
        watched = Watched(
            desk=desk,
            trust=rooms.trust,
            fetching=fetcher.probe(),
            disk=rooms.disk,
            clock=clock,
            signing=SignerProbe(store=store, publisher=publisher, clock=desk.clock),
            reloader=reloader,
            readiness=readiness,
        )
        processes = {"judge": lambda: rooms.judge.pids, "key_holder": lambda: rooms.holders.pool.pids}
        await open_admin(config, watched, meter, (doors.readings, fetcher.readings, counting(processes)), stack=stack)
        try:
            yield Running(office_api=doors.office_port, peer=doors.peer_port, reloader=reloader, broken=broken)
        finally:
            readiness.draining = True
            await _drain(doors, engine, publisher, store)


def _peer_transport(material: Material, desk: Desk, stack: AsyncExitStack) -> PeerTransport:
    context = material.peer_client
    peers = PeerTransport(directory=desk.directory, ssl_context=context, own=desk.own, entropy=desk.entropy)
    stack.push_async_callback(peers.close)
    return peers


async def _drain(doors: Doors, engine: WorkEngine, publisher: CheckpointPublisher, store: Store) -> None:
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


# --- what is plugged into what ---------------------------------------------------------------------------------------


def _transports(desk: Desk, local: Transport, peers: Transport) -> Callable[[GatewayId], Transport]:
    here = MeasuredTransport(local, road="local", meter=desk.meter)
    there = MeasuredTransport(peers, road="peer", meter=desk.meter)
    return lambda destination: here if destination == desk.own else there


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ways:
    """Out of this gateway: to bodies of its own, and to others."""

    local: LocalTransport
    peers: PeerTransport
    roads: Roads


def _engine(desk: Desk, signers: OwnSigners, ways: _Ways, disk: DiskWatch, *, origin: str) -> WorkEngine:
    receipts, transports = signers.receipts, _transports(desk, ways.local, ways.peers)
    transfers = TransferDelivery(desk=desk, transports=transports, roads=ways.roads)
    notices = GapNotices(desk=desk, signer=receipts, transports=transports, roads=ways.roads)
    skipped = SkippedNumbers(desk=desk, signer=receipts, transports=transports, roads=ways.roads)
    resync = Resynchronising(desk=desk, origin=origin, signer=receipts, ask=ways.peers.ask, roads=ways.roads)
    return WorkEngine(
        store=desk.store,
        clock=desk.clock,
        entropy=desk.entropy,
        handlers={
            WorkKind.DOCUMENT: DocumentSteps(desk=desk),
            WorkKind.TRANSFER: transfers,
            WorkKind.ORDER: OrderRelease(desk=desk),
            WorkKind.GAPS: notices,
            WorkKind.NON_DELIVERY: NonDeliveryNotices(desk=desk, signer=receipts),
            WorkKind.SKIPPED: skipped,
            WorkKind.RESYNC: resync,
            WorkKind.RESEND: Resending(desk=desk, transports=transports, roads=ways.roads),
            WorkKind.SCAN: Rescanning(desk=desk, backoff=ways.roads.backoff),
            WorkKind.TIMESTAMP: Stamping(desk=desk, backoff=partial(timestamp_backoff, entropy=desk.entropy)),
        },
        destinations=lambda: (*desk.directory.current().gateways, TIMESTAMP_ROAD, SCANNER_ROAD, ORDER_ROAD),
        resting=lambda: disk.read_only,
    )


def _exchangeable(rooms: Rooms, peers: PeerTransport, doors: Doors) -> Exchangeable:
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
