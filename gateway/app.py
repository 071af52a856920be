"""The composition root: the one file that names concrete classes. It opens in order, runs, and closes in reverse.

    configuration ─> registry, trust ─> store, blobs ─> workers ─> signers ─> conductors ─> engine ─> doors

Whoever wants to know what stands behind a port reads this file. Everything opened is entered into one exit stack, so
whatever fails on the way closes what was already open.
"""

import asyncio
import os
import secrets
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from gateway.access import StoredAuthenticator
from gateway.api import ApiParts, OfficeRunner, build_app
from gateway.audit import CheckpointPublisher, SignerMemory, VerifierKey, sequence
from gateway.config import Config, PeerSection, load_config
from gateway.core.directory import GatewayEntry, Snapshot
from gateway.core.errors import SiteError
from gateway.core.ids import Digest, GatewayId, OrganId
from gateway.core.ports import Store, Transport
from gateway.core.work import WorkKind
from gateway.crypto import (
    FileSealer,
    FileSigner,
    JudgePool,
    KeyFiles,
    KeyHolderPool,
    Trust,
    client_context,
    load_trust,
    office_context,
    read_certificates,
    read_folder,
    read_key_files,
    refuse_demo,
    server_context,
    spki_digest,
)
from gateway.delivery import Wakeups, WorkEngine, backoff
from gateway.evidence import InstallationCheck
from gateway.exchange import (
    BusinessStatuses,
    Desk,
    DocumentSteps,
    ExchangeRecords,
    Journal,
    LocalTransport,
    Queries,
    Reception,
    Release,
    Submission,
    TransferDelivery,
    opening,
)
from gateway.observe import SystemClock, configure_logging, in_background, logger
from gateway.peer import PeerTransport, build_peer_app
from gateway.peer import listen as listen_peer
from gateway.registry import LoadedDirectory, load_snapshot, refuse_demo_codes
from gateway.storage import FileBlobs, SqliteStore, open_blobs, open_reader, open_sqlite

DRAIN_SECONDS: Final = 30.0
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
    broken: asyncio.Future[None]
    """Ends, with the reason, when a task ends without which the gateway is no good any more."""


async def serve(path: Path) -> None:
    """Run one gateway until SIGTERM or SIGINT, then drain.

    Raises:
        GatewayError: the configuration, the registry, a key or the database is not as it must be.
    """
    config = load_config(path)
    configure_logging(stream=sys.stderr, level=config.log.level.upper())
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    async with running(config) as gateway:
        _log.info("gateway.ready", gateway=config.gateway.id, office_api=gateway.office_api, peer=gateway.peer)
        gateway.broken.add_done_callback(lambda _: stopping.set())
        await stopping.wait()
        _log.info("gateway.draining", seconds=DRAIN_SECONDS)
    _log.info("gateway.stopped")
    if gateway.broken.done():
        gateway.broken.result()


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[Running]:
    """One gateway, open for as long as the context lasts."""
    snapshot = load_snapshot(config.registry.file, expected=Digest(config.registry.sha256))
    own = GatewayId(config.gateway.id)
    if own not in snapshot.gateways:
        raise SiteError("registry.invalid", path="gateways", problem=f"{own} is not in it")
    _refuse_demo_keys(config, snapshot)
    log_signer, receipt_signer = _own_signers(config, snapshot.gateways[own])
    async with AsyncExitStack() as stack:
        store = await _open_store(config, stack)
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        publisher = CheckpointPublisher(
            store=store,
            signer=log_signer,
            origin=config.log_origin,
            memory=SignerMemory(path=config.signer_memory),
            clock=SystemClock(),
        )
        in_background(stack, publisher.run, broken)
        # The signer compares the log with what it remembers before a leaf is added to it (audit.md A2.10).
        signed = await store.read(lambda uow: uow.log.head().size)
        if signed:
            await publisher.covering(signed)
        desk = await _open_desk(config, snapshot, store, stack)
        reception = Reception(desk=desk, checkpoints=publisher, receipt_signer=receipt_signer)
        peers = PeerTransport(
            directory=desk.directory, ssl_context=_peer_client(config.peer), own=own, entropy=desk.entropy
        )
        stack.push_async_callback(peers.close)
        engine = _engine(desk, _transports(own, LocalTransport(reception=reception), peers))
        store.set_listener(
            Wakeups(loop=asyncio.get_running_loop(), work_added=engine.wake, head_moved=publisher.notify)
        )
        # What opening wrote was committed before anybody listened.
        publisher.notify(await store.read(lambda uow: uow.log.head()))
        in_background(stack, engine.run, broken)
        stack.push_async_callback(engine.stop, patience=DRAIN_SECONDS)
        office_port, peer_port = await _open_doors(config, desk, reception, stack)
        yield Running(office_api=office_port, peer=peer_port, broken=broken)


async def _open_desk(config: Config, snapshot: Snapshot, store: SqliteStore, stack: AsyncExitStack) -> Desk:
    """What every conductor works with; the registry edition is in force and the API keys are as declared afterwards."""
    own, clock, entropy = GatewayId(config.gateway.id), SystemClock(), secrets.token_bytes
    trust = load_trust(config.trust.folder, config.demo)
    journal = Journal(entropy=entropy)
    now = clock.now()
    await store.transact(opening(own, config.log_origin, snapshot, journal=journal, moment=now))
    await store.transact(lambda uow: uow.access.declare(config.access.api_keys(), now))
    blobs = open_blobs(config.blobs)
    judge = JudgePool(size=config.workers.judges, preload=JUDGE_PRELOAD, readable=(config.blobs,))
    sealer = await _open_sealer(config, snapshot, trust, judge=judge, stack=stack)
    return Desk(
        own=own,
        store=store,
        blobs=blobs,
        clock=clock,
        directory=LoadedDirectory(snapshot),
        judge=judge,
        sealer=sealer,
        trust=trust,
        journal=journal,
        entropy=entropy,
    )


async def _open_store(config: Config, stack: AsyncExitStack) -> SqliteStore:
    config.gateway.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_sqlite(config.database, sequencer=sequence, on_fatal=_die, migrate=True)
    stack.push_async_callback(store.close)
    return store


def _die(error: BaseException) -> None:
    """A database that failed an fsync cannot be trusted by going on: leave at once, restart recovers (reliability B2.5)."""
    _log.critical("store.fatal", error=str(error))
    os._exit(EXIT_FATAL)


def _refuse_demo_keys(config: Config, snapshot: Snapshot) -> None:
    """A demo certificate in a real installation is refused at start, before anything listens (house.md)."""
    if config.demo:
        return
    shown = [
        *((str(path), read_certificates(path)[0]) for path in (config.office_api.certificate, config.peer.certificate)),
        *(("peer anchor", anchor) for anchor in read_folder(config.peer.anchors)),
        *((body.organ_id, der) for body in snapshot.bodies.values() for der in body.transport_certificates),
    ]
    for what, certificate in shown:
        refuse_demo(certificate, what=what)
    refuse_demo_codes(snapshot)


def _own_signers(config: Config, entry: GatewayEntry) -> tuple[FileSigner, FileSigner]:
    """The log's and the receipts' keys, which must be those that the registry tells everybody to expect.

    Raises:
        SiteError: `key.missing`, before anything is signed that no peer would believe.
    """
    log, receipts = FileSigner(config.audit.key, key_id="audit"), FileSigner(config.receipts.key, key_id="receipts")
    tls = spki_digest(read_certificates(config.peer.certificate)[0])
    for key_id, known in (
        ("audit", VerifierKey.of(config.log_origin, log.public_key).format() in entry.log_keys),
        ("receipts", receipts.public_key in entry.receipt_keys),
        ("peer", tls in entry.tls_keys),
    ):
        if not known:
            raise SiteError("key.missing", key=key_id, reason="another key than the registry names for this gateway")
    return log, receipts


async def _open_sealer(
    config: Config, snapshot: Snapshot, trust: Trust, *, judge: JudgePool, stack: AsyncExitStack
) -> FileSealer:
    own = [body for body in snapshot.bodies.values() if body.gateway == config.gateway.id]
    transports = read_key_files(config.keys.transport, (body.organ_id for body in own), purpose="transport")
    for body in own:
        ref, _ = transports[body.organ_id]
        if ref.chain[0] not in body.transport_certificates:
            raise SiteError("key.missing", key=ref.key_id, reason="another certificate than the registry names")
    seals: KeyFiles = {}
    if config.keys.entrusted:
        if config.keys.seals is None:
            raise SiteError("config.invalid", path="keys.seals", reason="bodies are entrusted, but there is no folder")
        seals = read_key_files(config.keys.seals, map(OrganId, config.keys.entrusted), purpose="seal")
    if not config.demo:
        for ref, path in (*transports.values(), *seals.values()):
            refuse_demo(ref.chain[0], what=str(path))
    files = {ref.key_id: path for ref, path in (*transports.values(), *seals.values())}
    holders = KeyHolderPool(keys=files, size=config.workers.holders, own_files=config.demo)
    await judge.start()
    stack.push_async_callback(judge.close)
    await holders.start()
    stack.push_async_callback(holders.close)
    return FileSealer(
        judge=judge,
        holder=holders,
        seals={organ: ref for organ, (ref, _) in seals.items()},
        transports={organ: ref for organ, (ref, _) in transports.items()},
        trust=trust,
        clock=SystemClock(),
    )


# --- conductors and doors ------------------------------------------------------------------------------------------------


def _transports(own: GatewayId, local: Transport, peers: Transport) -> Callable[[GatewayId], Transport]:
    return lambda destination: local if destination == own else peers


def _engine(desk: Desk, transports: Callable[[GatewayId], Transport]) -> WorkEngine:
    transfers = TransferDelivery(
        desk=desk, transports=transports, backoff=lambda failures: backoff(failures, desk.entropy)
    )
    return WorkEngine(
        store=desk.store,
        clock=desk.clock,
        entropy=desk.entropy,
        handlers={WorkKind.DOCUMENT: DocumentSteps(desk=desk), WorkKind.TRANSFER: transfers},
        destinations=lambda: desk.directory.current().gateways,
    )


async def _open_doors(config: Config, desk: Desk, reception: Reception, stack: AsyncExitStack) -> tuple[int, int]:
    peer_app = build_peer_app(
        reception=reception, directory=desk.directory, blobs=desk.blobs, own=desk.own, entropy=desk.entropy
    )
    section = config.peer
    context = server_context(
        certificate=section.certificate, key=section.key, client_anchors=read_folder(section.anchors)
    )
    peer = await listen_peer(peer_app, host=section.host, port=section.port, ssl_context=context)
    stack.push_async_callback(peer.cleanup)
    office_app = build_app(
        ApiParts(
            submission=Submission(desk=desk),
            queries=Queries(desk=desk),
            statuses=BusinessStatuses(desk=desk),
            releases=Release(desk=desk),
            authenticator=StoredAuthenticator(store=desk.store, clock=desk.clock),
            blobs=desk.blobs,
            entropy=desk.entropy,
        )
    )
    api = config.office_api
    office = OfficeRunner(office_app)
    await office.setup()
    stack.push_async_callback(office.cleanup)
    office_tls = office_context(certificate=api.certificate, key=api.key)
    await web.TCPSite(office, api.host, api.port, ssl_context=office_tls).start()
    return office.addresses[0][1], peer.addresses[0][1]


def _peer_client(section: PeerSection) -> ssl.SSLContext:
    return client_context(certificate=section.certificate, key=section.key, anchors=read_folder(section.anchors))


# --- reading from outside ---


@asynccontextmanager
async def open_for_reading(path: Path) -> AsyncIterator[InstallationCheck]:
    """A gateway's database and blobs, read-only, beside the running service; no key is touched.

    Raises:
        GatewayError: configuration, registry or trust is not as it must be; `store.damaged` for the database.
    """
    config = load_config(path)
    snapshot = load_snapshot(config.registry.file, expected=Digest(config.registry.sha256))
    trust = load_trust(config.trust.folder, config.demo)
    # Looked at before the database: what was signed by then must be in it.
    remembered = await SignerMemory(path=config.signer_memory).recall()
    async with AsyncExitStack() as stack:
        store: Store = open_reader(config.database)
        stack.push_async_callback(store.close)
        judge = JudgePool(size=1, preload=JUDGE_PRELOAD, readable=(config.blobs,))
        await judge.start()
        stack.push_async_callback(judge.close)
        yield InstallationCheck(
            own=GatewayId(config.gateway.id),
            store=store,
            blobs=FileBlobs(config.blobs),
            snapshot=snapshot,
            records=ExchangeRecords(trust=trust),
            judge=judge,
            clock=SystemClock(),
            remembered=[remembered] if remembered else [],
        )
