"""Two whole gateways in one process: real conductors, store, signatures and receipts; only the road between is a fake.

The materials (keys, certificates, registry) are the demo's own, made once per session for a small world. The clock is
manual: `World.settle` runs what is due on both sides and lets time jump to what is due next, so an hour of back-off costs
nothing. The road can be down, lose answers, or change bytes (`exchange_road.Road`).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from gateway.audit import CheckpointPublisher, SignerMemory, sequence
from gateway.core.directory import Body, Snapshot
from gateway.core.events import TreeHead
from gateway.core.ids import Digest, GatewayId, OrganId
from gateway.core.message import Code
from gateway.core.model import BlobRef, Document, Metadata
from gateway.core.ports import Transport
from gateway.core.principal import Principal, Scope
from gateway.core.work import WorkKind
from gateway.crypto import (
    FileSealer,
    FileSigner,
    InlineHolder,
    InlineJudge,
    KeyRef,
    LoadedTrust,
    load_trust,
    read_certificates,
)
from gateway.delivery import Handler, backoff, timestamp_backoff
from gateway.demo.pki import DemoPki, make_pki
from gateway.demo.plan import read_plan
from gateway.demo.registry_seed import log_origin, seed_registry
from gateway.demo.world import DemoWorld, demo_world
from gateway.exchange import (
    BusinessStatuses,
    Desk,
    DocumentSteps,
    Events,
    ExchangeRecords,
    GapNotices,
    Journal,
    Lateness,
    LocalTransport,
    NonDeliveryNotices,
    OrderRelease,
    Queries,
    Reception,
    Release,
    Rescanning,
    Resending,
    ResyncAnswers,
    Resynchronising,
    Roads,
    SkippedNumbers,
    Stamping,
    Submission,
    SubmissionOrder,
    TransferDelivery,
    UploadedFile,
)
from gateway.registry import LoadedDirectory, load_snapshot
from gateway.storage import FileBlobs, MemoryStore, PostgresStore, open_blobs, open_memory
from tests.kit.blobs import stored
from tests.kit.clock import ManualClock
from tests.kit.exchange_road import Road

MOMENT = datetime.fromisoformat("2026-11-21T02:00:00+00:00")
ALL = frozenset(Scope)
DEADLINE = timedelta(days=5)
"""Shorter than the default: worlds settle in a week."""


@dataclass(frozen=True)
class Materials:
    """Keys, certificates and registry of a small demo world, made once."""

    folder: Path
    world: DemoWorld
    pki: DemoPki
    snapshot: Snapshot


def make_materials(folder: Path, wards: int = 3) -> Materials:
    world = demo_world(wards=wards)
    pki = make_pki(folder / "pki", world, plan=read_plan(), moment=MOMENT - timedelta(hours=1))
    urls = {world.party: "https://127.0.0.1:1", world.government: "https://127.0.0.1:2"}
    data, digest = seed_registry(world, pki, urls=urls, issued_at=MOMENT)
    (folder / "registry.json").write_bytes(data)
    snapshot = load_snapshot(folder / "registry.json", expected=digest)
    return Materials(folder=folder, world=world, pki=pki, snapshot=snapshot)


@dataclass
class Node:
    """One gateway of the world."""

    own: GatewayId
    desk: Desk
    store: MemoryStore | PostgresStore
    blobs: FileBlobs
    directory: LoadedDirectory
    publisher: CheckpointPublisher
    reception: Reception
    resync: ResyncAnswers
    submission: Submission
    queries: Queries
    statuses: BusinessStatuses
    releases: Release
    events: Events
    road: Road
    handlers: dict[WorkKind, Handler]
    records: ExchangeRecords

    def principal(self, *organs: str, scopes: frozenset[Scope] = ALL) -> Principal:
        return Principal(key_id="key", name="Phần mềm", organs=frozenset(map(OrganId, organs)), scopes=scopes)

    async def submit(self, order: SubmissionOrder, *, scopes: frozenset[Scope] = ALL) -> Document:
        principal = self.principal(order.metadata.sender, scopes=scopes)
        return (await self.submission.submit(principal, order, trace_id="0" * 32))[0]

    async def submit_to_gone(self, order: SubmissionOrder, *gone: OrganId) -> Document:
        """Handed in while the registry still had those bodies; it has them no more when the document is routed."""
        now, sender = self.directory.current(), order.metadata.sender
        bodies = {**now.bodies, **{name: replace(now.bodies[sender], organ_id=name) for name in gone}}
        desk = replace(self.desk, directory=LoadedDirectory(replace(now, bodies=bodies)))
        return (await Submission(desk=desk).submit(self.principal(sender), order, trace_id="0" * 32))[0]

    async def file(self, name: str, data: bytes, content_type: str = "application/pdf") -> UploadedFile:
        blob = await stored(self.blobs, data) if data else BlobRef(digest=Digest(hashlib.sha256().hexdigest()), size=0)
        return UploadedFile(name=name, content_type=content_type, blob=blob)

    async def due(self) -> datetime | None:
        return await self.store.read(lambda uow: uow.work.next_due())

    async def run_due(self, now: datetime) -> int:
        windows = {"": 100, **{str(gateway): 100 for gateway in self.directory.current().gateways}}
        claims = await self.store.transact(lambda uow: uow.work.claim(now, lease=60, windows=windows, limit=100))
        for claim in claims:
            await self.handlers[claim.item.kind].handle(claim)
        return len(claims)


@dataclass
class World:
    """Both gateways and the clock they share."""

    clock: ManualClock
    nodes: dict[GatewayId, Node] = field(default_factory=dict)
    materials: Materials | None = None

    @property
    def party(self) -> Node:
        return next(iter(self.nodes.values()))

    @property
    def government(self) -> Node:
        return list(self.nodes.values())[1]

    @property
    def sender(self) -> OrganId:
        assert self.materials
        return self.materials.world.sender.organ_id

    @property
    def wards(self) -> tuple[OrganId, ...]:
        """Party committee and People's Committee of each unit, in turn."""
        assert self.materials
        return tuple(body.organ_id for body in self.materials.world.recipients)

    async def settle(self, *, limit: timedelta = timedelta(days=7), rounds: int = 3000) -> None:
        """Run everything that is or becomes due within `limit`, on both sides."""
        end = self.clock.now() + limit
        for _ in range(rounds):
            if sum([await node.run_due(self.clock.now()) for node in self.nodes.values()]):
                continue
            dues = [due for node in self.nodes.values() if (due := await node.due()) is not None]
            if not dues or min(dues) > end:
                return
            self.clock.moment = max(self.clock.now(), min(dues))
        raise AssertionError("the world does not come to rest")

    def replace_body(self, organ_id: OrganId, **changes: object) -> None:
        """A new edition of the registry on both sides, with one body changed."""
        for node in self.nodes.values():
            old = node.directory.current()
            bodies: dict[OrganId, Body] = dict(old.bodies)
            bodies[organ_id] = replace(bodies[organ_id], **changes)  # type: ignore[arg-type]  # any field, by name
            edition = replace(old, epoch=old.epoch + 1, digest=Digest(f"{old.epoch + 1:064x}"), bodies=bodies)
            node.directory.replace(edition)


Opener = Callable[[], MemoryStore | PostgresStore]


def in_memory() -> MemoryStore:
    return open_memory(sequencer=sequence)


@asynccontextmanager
async def exchange_world(materials: Materials, folder: Path, *, open_store: Opener = in_memory) -> AsyncIterator[World]:
    world = World(clock=ManualClock(MOMENT), materials=materials)
    tasks = []
    for gateway in (materials.world.party, materials.world.government):
        node = _node(world, gateway, materials, folder / gateway, store=open_store())
        world.nodes[gateway] = node
        tasks.append(asyncio.create_task(node.publisher.run()))
    try:
        yield world
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for node in world.nodes.values():
            await node.store.close()


class _Listener:
    def __init__(self, *moved: Callable[[TreeHead], None]) -> None:
        self._moved = moved

    def committed(self, *, work_added: bool, head: TreeHead | None) -> None:
        if head is not None:
            for moved in self._moved:
                moved(head)


def _node(
    world: World, own: GatewayId, materials: Materials, folder: Path, *, store: MemoryStore | PostgresStore
) -> Node:
    folder.mkdir(parents=True, exist_ok=True)  # a second world may go on from the first one's files
    files = materials.pki.gateways[own].files
    trust = load_trust(files.anchors.parent, True)
    blobs = open_blobs(folder / "blobs")
    directory = LoadedDirectory(materials.snapshot)
    sealer = _sealer(world, own, materials)
    desk = Desk(
        own=own,
        store=store,
        blobs=blobs,
        clock=world.clock,
        lateness=Lateness(world.clock),
        directory=directory,
        judge=InlineJudge(),
        sealer=sealer,
        trust=LoadedTrust(trust),
        journal=Journal(entropy=_entropy),
        entropy=_entropy,
        deadline=DEADLINE,
    )
    publisher = CheckpointPublisher(
        store=store,
        signer=FileSigner(files.log_key, key_id="log"),
        origin=log_origin(own),
        memory=SignerMemory(path=folder / "memory"),
        clock=_RealClock(world.clock),
    )
    events = Events(desk=desk)
    store.set_listener(_Listener(publisher.notify, events.notify))
    receipts = FileSigner(files.receipt_key, key_id="receipt")
    roads = Roads(store=store, clock=world.clock, backoff=partial(backoff, entropy=_entropy))
    reception = Reception(desk=desk, checkpoints=publisher, receipt_signer=receipts, roads=roads)
    road = Road(origin=own, reach=lambda name: world.nodes[name])
    local = LocalTransport(reception=reception)

    def ways(destination: GatewayId) -> Transport:
        return local if destination == own else road

    patience = partial(backoff, entropy=_entropy)
    return Node(
        own=own,
        desk=desk,
        store=store,
        blobs=blobs,
        directory=directory,
        publisher=publisher,
        reception=reception,
        resync=ResyncAnswers(desk=desk, signer=receipts),
        submission=Submission(desk=desk),
        queries=Queries(desk=desk),
        statuses=BusinessStatuses(desk=desk),
        releases=Release(desk=desk),
        events=events,
        road=road,
        handlers={
            WorkKind.DOCUMENT: DocumentSteps(desk=desk),
            WorkKind.TRANSFER: TransferDelivery(desk=desk, transports=ways, roads=roads),
            WorkKind.SCAN: Rescanning(desk=desk, backoff=patience),
            WorkKind.ORDER: OrderRelease(desk=desk),
            WorkKind.GAPS: GapNotices(desk=desk, signer=receipts, transports=ways, roads=roads),
            WorkKind.NON_DELIVERY: NonDeliveryNotices(desk=desk, signer=receipts),
            WorkKind.SKIPPED: SkippedNumbers(desk=desk, signer=receipts, transports=ways, roads=roads),
            WorkKind.RESYNC: Resynchronising(
                desk=desk, origin=log_origin(own), signer=receipts, ask=road.ask, roads=roads
            ),
            WorkKind.RESEND: Resending(desk=desk, transports=ways, roads=roads),
            WorkKind.TIMESTAMP: Stamping(desk=desk, backoff=partial(timestamp_backoff, entropy=_entropy)),
        },
        records=ExchangeRecords(trust=trust),
    )


class _RealClock:
    """The shared clock, but sleeping on it takes real (short) time: the publisher's timers must not move the world."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


def _sealer(world: World, own: GatewayId, materials: Materials) -> FileSealer:
    files = materials.pki.gateways[own].files
    seals: dict[OrganId, KeyRef] = {}
    transports: dict[OrganId, KeyRef] = {}
    keys: dict[str, Path] = {}
    for body in materials.world.hosted(own):
        for folder, refs in ((files.transport_keys, transports), (files.seal_keys, seals)):
            key = folder / f"{body.organ_id}.pem"
            if key.is_file():
                ref = KeyRef(key_id=str(key), chain=read_certificates(folder / f"{body.organ_id}.crt"))
                refs[body.organ_id] = ref
                keys[ref.key_id] = key
    holder = InlineHolder(keys=keys, own_files=True)
    trust = load_trust(files.anchors.parent, True)
    return FileSealer(
        judge=InlineJudge(), holder=holder, seals=seals, transports=transports, trust=trust, clock=world.clock
    )


_counter = 0


def _entropy(count: int) -> bytes:
    """Different every time, the same in every run."""
    global _counter  # noqa: PLW0603 - a counter is the point
    _counter += 1
    return hashlib.shake_256(_counter.to_bytes(8)).digest(count)


def letter(
    sender: OrganId, recipients: tuple[OrganId, ...], *files: UploadedFile, number: str = "12", **fields: object
) -> SubmissionOrder:
    """An order with plausible metadata; `fields` replace some of it."""
    metadata = Metadata(
        sender=sender,
        recipients=recipients,
        code=Code(number=number, notation="CV/VPTU"),
        promulgation_place="Thành phố Hồ Chí Minh",
        promulgation_date=date(2026, 11, 20),
        subject="Về việc gửi, nhận văn bản điện tử",
    )
    key = str(fields.pop("idempotency_key", f"order-{number}"))
    metadata = replace(metadata, **fields)  # type: ignore[arg-type]  # any field, by name
    return SubmissionOrder(metadata=metadata, files=files, idempotency_key=key)
