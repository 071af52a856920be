"""The rooms of a running gateway: store, log, worker processes and desk, opened once and used by everybody.

A part of the composition root (docs/adr/0006): it names concrete classes. Everything opened is entered into the caller's exit
stack, in the order in which it has to be closed.
"""

import asyncio
import os
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from threading import Lock, Timer
from typing import Final

from gateway.audit import CheckpointPublisher, SignerMemory, log_in_force, sequence
from gateway.config import Config, ScannerSection, TimestampsSection
from gateway.core.ids import GatewayId
from gateway.core.ports import Meter, Scanner, Store
from gateway.crypto import (
    EvidenceFetcher,
    EvidenceStore,
    FileSealer,
    JudgePool,
    LoadedTrust,
    SealingKeys,
    SealOrder,
    TimestampClient,
)
from gateway.delivery import StepsWatch
from gateway.exchange import Desk, Journal, Lateness
from gateway.malware import Clamd, parse_place
from gateway.material import Material, OwnSigners, fetch_plan
from gateway.observe import UNMEASURED, SystemClock, in_background, logger
from gateway.preload import JUDGE_PRELOAD
from gateway.registry import LoadedDirectory
from gateway.reload import HolderSlot, Reloader, open_holders, remember_trust, sealing_keys, taking_effect
from gateway.storage import (
    BlobKeeper,
    DiskWatch,
    FileUploads,
    ServiceStore,
    StoreIntake,
    exit_of_failure,
    open_blobs,
    open_store,
    open_uploads,
)
from gateway.watch import disk_watch

LAST_WORDS_SECONDS: Final = 0.5
"""So long a process whose disk fails goes on, to tell whoever waits to come back (503): nothing is stored any more."""

_log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What is opened once and used by everybody."""

    desk: Desk
    directory: LoadedDirectory
    trust: LoadedTrust
    sealer: FileSealer
    holders: HolderSlot
    judge: JudgePool
    disk: DiskWatch
    intake: StoreIntake
    steps: StepsWatch
    keeper: BlobKeeper
    uploads: FileUploads


async def open_service_store(config: Config, meter: Meter, stack: AsyncExitStack) -> ServiceStore:
    """The database, in the folder of the gateway's state or where the configuration says."""
    config.gateway.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = config.database_place()
    store = await asyncio.to_thread(
        open_store, place, sequencer=sequence, on_fatal=ending(config.gateway.state), relaxed=config.demo, meter=meter
    )
    stack.push_async_callback(store.close)
    return store


class Ending:
    """What ends the process: a disk that failed an fsync cannot be trusted by going on, the start recovers (reliability B2.5).

    Without ceremony, for an orderly end would write; but whoever waits for an answer hears that he should come back. One for
    all that stands on that disk: what several of them meet is one failure.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._begun = Lock()

    def __call__(self, error: BaseException) -> None:
        """Begin; from any thread."""
        if not self._begun.acquire(blocking=False):
            return
        code = exit_of_failure(error, self._state / "disk-failure", SystemClock().now())
        _log.critical("store.fatal", error=str(error), exit=code)
        last = Timer(LAST_WORDS_SECONDS, os._exit, (code,))
        last.daemon = True
        last.start()

    async def instead(self) -> None:
        """Does not return once it has begun: whoever ends in order would write, and with an exit code of his own."""
        if self._begun.locked():
            await asyncio.Event().wait()


@lru_cache(1)
def ending(state: Path) -> Ending:
    """A process has one gateway."""
    return Ending(state)


async def open_log(
    config: Config, signers: OwnSigners, store: Store, stack: AsyncExitStack, *, broken: asyncio.Future[None]
) -> CheckpointPublisher:
    """The signer compares the log with what it remembers before a leaf is added to it (audit.md A2.10)."""
    log = await store.read(lambda uow: log_in_force(uow, config.log_origin))
    publisher = CheckpointPublisher(
        store=store,
        signer=signers.log,
        origin=log.origin,
        memory=SignerMemory(path=log.memory(config.signer_memory)),
        clock=SystemClock(),
        kept=log.kept,
        on_fatal=ending(config.gateway.state),
    )
    in_background(stack, publisher.run, broken)
    if signed := await store.read(lambda uow: uow.log.head().size):
        await publisher.covering(signed)
    return publisher


@dataclass(frozen=True, slots=True, kw_only=True)
class StampingParts:
    """How seals are stamped: by whom while a document waits, by whom afterwards, and how far."""

    now: TimestampClient | None = None
    later: TimestampClient | None = None
    order: SealOrder


def open_stamping(
    section: TimestampsSection, *, judge: JudgePool, trust: LoadedTrust, meter: Meter, stack: AsyncExitStack
) -> StampingParts:
    """Nothing where no authority is configured: seals are then B-B and owe nothing."""
    if not section.urls:
        return StampingParts(order=SealOrder())
    quick, patient = (
        TimestampClient(
            urls=section.urls,
            seconds=seconds,
            judge=judge,
            trust=trust,
            clock=SystemClock(),
            entropy=secrets.token_bytes,
            meter=meter,
            hurried=hurried,
        )
        for seconds, hurried in ((section.seconds, True), (section.later_seconds, False))
    )
    for client in (quick, patient):
        stack.push_async_callback(client.close)
    order = SealOrder(level=section.level, insist=section.when_unavailable == "wait")
    return StampingParts(now=quick, later=patient, order=order)


def _sealer(keys: SealingKeys, judge: JudgePool, stamping: StampingParts) -> FileSealer:
    return FileSealer(
        judge=judge,
        holder=keys.holder,
        seals=keys.seals,
        transports=keys.transports,
        trust=keys.trust,
        clock=SystemClock(),
        authority=stamping.now,
        later=stamping.later,
        order=stamping.order,
    )


def open_scanner(section: ScannerSection, meter: Meter = UNMEASURED) -> Scanner | None:
    """Nothing is connected before a file is there; None where no scanner is configured."""
    if not section.url:
        return None
    place, clock = parse_place(section.url), SystemClock()
    return Clamd(place, seconds=section.seconds, bytes_max=section.bytes_max, clock=clock, meter=meter)


async def open_rooms(material: Material, store: ServiceStore, meter: Meter, stack: AsyncExitStack) -> Rooms:
    """What every conductor works with; the registry edition is in force and the API keys are as declared afterwards."""
    config, clock, entropy = material.config, SystemClock(), secrets.token_bytes
    own, journal = GatewayId(config.gateway.id), Journal(entropy=secrets.token_bytes)
    await asyncio.to_thread(remember_trust, material, clock.now())
    await store.transact(taking_effect(material, journal=journal, moment=clock.now()))
    blobs, disk = open_blobs(config.blobs, on_fatal=ending(config.gateway.state)), disk_watch(config)
    await disk.measure()
    judge = JudgePool(size=config.workers.judges, preload=JUDGE_PRELOAD, readable=(config.blobs,), meter=meter)
    await judge.start()
    stack.push_async_callback(judge.close)
    holders = HolderSlot(open_holders(config, material, meter=meter))
    await holders.pool.start()
    stack.push_async_callback(holders.close)
    directory, trust = LoadedDirectory(material.snapshot), LoadedTrust(material.trust)
    stamping = open_stamping(config.timestamps, judge=judge, trust=trust, meter=meter, stack=stack)
    sealer = _sealer(sealing_keys(material, holders.pool), judge, stamping)
    desk = Desk(
        own=own,
        store=store,
        blobs=blobs,
        clock=clock,
        lateness=Lateness(clock),
        directory=directory,
        judge=judge,
        sealer=sealer,
        trust=trust,
        journal=journal,
        entropy=entropy,
        scanner=open_scanner(config.scanner, meter),
        meter=meter,
        deadline=timedelta(days=config.delivery.deadline_days),
        sizes=config.limits.sizes(),
    )
    steps = StepsWatch(store=store, clock=clock)
    return Rooms(
        desk=desk,
        directory=directory,
        trust=trust,
        sealer=sealer,
        holders=holders,
        judge=judge,
        disk=disk,
        intake=StoreIntake(store, disk, steps),
        steps=steps,
        keeper=BlobKeeper(blobs, store=store, clock=clock, meter=meter),
        uploads=await asyncio.to_thread(open_uploads, config.blobs, clock=clock, on_fatal=ending(config.gateway.state)),
    )


def open_fetcher(
    config: Config, rooms: Rooms, reloader: Reloader, stack: AsyncExitStack, *, broken: asyncio.Future[None]
) -> EvidenceFetcher:
    """Fetches revocation evidence in the background; what is new is put in force as a reload puts it."""
    desk = rooms.desk
    fetcher = EvidenceFetcher(
        store=EvidenceStore(config.revocation_store),
        plan=lambda: fetch_plan(reloader.material().config),
        trust=rooms.trust.current,
        judge=rooms.judge.on_behalf("revocation"),
        clock=desk.clock,
        on_new=reloader.renew,
        meter=desk.meter,
    )
    in_background(stack, fetcher.run, broken)
    return fetcher
