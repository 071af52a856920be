"""One gateway: what lasts (disk, clock), and the process that runs on it until its power is cut.

A process is opened as `gateway.app` opens one, in the same order; every task that it starts, and every task that those
start, is its own (a context variable says so) and ends with it.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any, ParamSpec, TypeVar, cast

from gateway.audit import CheckpointPublisher
from gateway.core.errors import SiteError
from gateway.core.ids import GatewayId, OrganId
from gateway.core.ports import Transport
from gateway.core.principal import Principal, Scope
from gateway.core.work import ORDER_ROAD, SCANNER_ROAD, TIMESTAMP_ROAD, WorkKind
from gateway.crypto import FileSealer, InlineJudge, KeyRef, LoadedTrust
from gateway.crypto.paths.certificates import judge_certificate
from gateway.delivery import Wakeups, WorkEngine, backoff, timestamp_backoff
from gateway.exchange import (
    AmendmentAnswers,
    BusinessStatuses,
    Desk,
    DocumentSteps,
    GapNotices,
    Journal,
    Lateness,
    LocalTransport,
    NonDeliveryNotices,
    OrderRelease,
    Queries,
    Recalls,
    Reception,
    Release,
    Rescanning,
    Roads,
    Stamping,
    Submission,
    TransferDelivery,
    opening,
)
from gateway.registry import LoadedDirectory
from gateway.storage import BlobKeeper
from tests.kit.seeded.clock import WorldClock
from tests.kit.seeded.disk import Disk, Power, PoweredBlobs, PoweredMemory, PoweredStore
from tests.kit.seeded.materials import DEADLINE, Materials, keyed, log_origin, newborn, wards
from tests.kit.seeded.watch import Trace, Watch

T = TypeVar("T")

IDLE_SECONDS = 1800.0
"""The engine's longest nap: nobody puts work into the database behind its back."""
MANAGER_SECONDS = 5.0
RUNNING: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("running", default=None)


P = ParamSpec("P")


class MoodyJudge(InlineJudge):
    """The inline judge of a machine whose judges may be out of order.

    The path of an own certificate is judged once a day: no certificate of these worlds runs out, and it takes 3 ms.
    """

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway

    async def run(self, task: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._gateway.broken:
            raise SiteError("internal", reason="the judges are out of order")
        if task is not judge_certificate:
            return await super().run(task, *args, **kwargs)
        name = (args[0], self._gateway.clock.now().date())
        if name not in _JUDGED:
            _JUDGED[name] = await super().run(cast("Callable[P, T]", task), *args, **kwargs)
        return cast("T", _JUDGED[name])


_JUDGED: dict[tuple[Any, date], Any] = {}


class DownError(Exception):
    """The gateway is not there, or it went away before it answered."""


def owned_task(loop: asyncio.AbstractEventLoop, coro: Any, **kwargs: Any) -> "asyncio.Task[Any]":
    """Task factory: a task belongs to the process in whose context it is made."""
    context = kwargs.get("context") or contextvars.copy_context()
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **kwargs)
    process = context.get(RUNNING)
    if process is not None:
        process.adopt(task)
    return task


class Process:
    """One life of a gateway."""

    def __init__(self, gateway: "Gateway", transport: Callable[["Process"], Transport]) -> None:
        self.gateway = gateway
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self.ready = False
        disk = gateway.disk
        self.power = Power(random=Random(gateway.random.getrandbits(64)), cut=self.cut, disk=disk)
        self.store = PoweredStore(store=disk.reopened(), power=self.power, watch=gateway.watch)
        self.blobs = PoweredBlobs(disk=disk, power=self.power, clock=gateway.clock)
        self.keeper = BlobKeeper(self.blobs, store=self.store, clock=gateway.clock)
        self.directory = LoadedDirectory(disk.edition)
        entropy = gateway.random.randbytes
        self.desk = Desk(
            own=gateway.own,
            store=self.store,
            blobs=self.blobs,
            clock=gateway.clock,
            lateness=Lateness(gateway.clock),
            directory=self.directory,
            judge=MoodyJudge(gateway),
            sealer=_sealer(gateway),
            trust=LoadedTrust(gateway.materials.trust),
            journal=Journal(entropy=entropy),
            entropy=entropy,
            deadline=DEADLINE,
        )
        keys = gateway.materials.keys[gateway.own]
        self.publisher = CheckpointPublisher(
            store=self.store,
            signer=keys.log,
            origin=log_origin(gateway.own),
            memory=PoweredMemory(disk=disk, power=self.power),
            clock=gateway.clock,
        )
        self.roads = Roads(store=self.store, clock=gateway.clock, backoff=partial(backoff, entropy=entropy))
        receipts = keys.receipts[disk.generation]
        self.reception = Reception(
            desk=self.desk, checkpoints=self.publisher, receipt_signer=receipts, roads=self.roads
        )
        self.submission = Submission(desk=self.desk)
        self.queries = Queries(desk=self.desk)
        self.statuses = BusinessStatuses(desk=self.desk)
        self.recalls = Recalls(desk=self.desk)
        self.answers = AmendmentAnswers(desk=self.desk)
        self.releases = Release(desk=self.desk)
        self.tls = keys.tls[disk.generation]
        self.receipts = keys.receipts[disk.generation]
        self.engine = self._engine(LocalTransport(reception=self.reception), transport(self))

    def _engine(self, local: Transport, road: Transport) -> WorkEngine:
        desk = self.desk

        def transports(destination: GatewayId) -> Transport:
            return local if destination == desk.own else road

        transfers = TransferDelivery(desk=desk, transports=transports, roads=self.roads)
        notices = GapNotices(desk=desk, signer=self.receipts, transports=transports, roads=self.roads)
        return WorkEngine(
            store=desk.store,
            clock=desk.clock,
            entropy=desk.entropy,
            handlers={
                WorkKind.DOCUMENT: DocumentSteps(desk=desk),
                WorkKind.TRANSFER: transfers,
                WorkKind.ORDER: OrderRelease(desk=desk),
                WorkKind.GAPS: notices,
                WorkKind.NON_DELIVERY: NonDeliveryNotices(desk=desk, signer=self.receipts),
                WorkKind.SCAN: Rescanning(desk=desk, backoff=lambda failures: backoff(failures, desk.entropy)),
                WorkKind.TIMESTAMP: Stamping(desk=desk, backoff=partial(timestamp_backoff, entropy=desk.entropy)),
            },
            destinations=lambda: (*desk.directory.current().gateways, TIMESTAMP_ROAD, SCANNER_ROAD, ORDER_ROAD),
            idle=IDLE_SECONDS,
        )

    # --- its life ----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open, in the order of `gateway.app`; what cannot be opened yet is started again by the service manager."""
        self.spawn(self._begin())

    async def _begin(self) -> None:
        try:
            await self._open()
        except SiteError as error:
            self.gateway.trace("not opened", self.gateway.own, error.code)
            self.cut()
            if (
                not error.facts.retryable
            ):  # nor ever: this world is wrong, and is not asked for days whether it is right again
                self.gateway.watch.violation(f"cannot be opened: {error}")
                return
            asyncio.get_running_loop().call_later(MANAGER_SECONDS, self.gateway.start_again, self)

    async def _open(self) -> None:
        self.spawn(self._for_life("publisher", self.publisher.run()))
        signed = await self.store.read(lambda uow: uow.log.head().size)
        if signed:
            await self.publisher.covering(signed)
        await self.activate()
        self.store.set_listener(
            Wakeups(loop=asyncio.get_running_loop(), work_added=self.engine.wake, head_moved=[self.publisher.notify])
        )
        self.publisher.notify(await self.store.read(lambda uow: uow.log.head()))
        self.spawn(self._for_life("engine", self.engine.run()))
        self.spawn(self._for_life("keeper", self.keeper.run()))
        self.ready = True
        self.gateway.trace("ready", self.gateway.own)

    async def activate(self) -> None:
        """Put the edition on the disk into force: its row and its leaf, then its use."""
        edition, now = self.gateway.disk.edition, self.gateway.clock.now()
        journal = self.desk.journal
        unit = opening(self.gateway.own, log_origin(self.gateway.own), edition, journal=journal, moment=now)
        await self.store.transact(unit)
        self.directory.replace(edition)

    async def _for_life(self, name: str, run: Coroutine[Any, Any, None]) -> None:
        """What may not end while the process lives."""
        try:
            await run
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.gateway.watch.violation(f"the {name} ended: {type(error).__name__}: {error}")

    def adopt(self, task: "asyncio.Task[Any]") -> None:
        self._tasks[task] = None
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.pop(task, None)
        if not task.cancelled():
            task.exception()  # whoever awaits it hears it; nobody else needs to be told by the loop

    def spawn(self, coro: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run something as a part of this process."""
        context = contextvars.copy_context()
        context.run(RUNNING.set, self)
        return asyncio.get_running_loop().create_task(coro, context=context)

    async def asked(self, coro: Coroutine[Any, Any, T]) -> T:
        """What an outsider asks this process to do: if the process goes away, there is no answer.

        Raises:
            DownError: no answer.
        """
        if self.power.dead or not self.ready:
            coro.close()
            raise DownError
        task = self.spawn(coro)
        await asyncio.wait([task])
        if task.cancelled():
            raise DownError
        return task.result()

    def cut(self) -> None:
        """The power goes, now."""
        if not self.power.dead:
            self.power.dead = True
            self.ready = False
            self.gateway.trace("cut", self.gateway.own, self.power.points)
            for task in list(self._tasks):
                task.cancel()

    @property
    def idle(self) -> bool:
        """Whether nothing runs but what always runs."""
        return self.ready and not self.engine.busy


@dataclass
class Gateway:
    """One machine of the world."""

    own: GatewayId
    materials: Materials
    disk: Disk
    clock: WorldClock
    random: Random
    watch: Watch
    trace: Trace
    transport: Callable[[Process], Transport]
    process: Process | None = None
    restarts: int = 0
    broken: int = 0
    """While it is not 0, every task of a judge fails."""

    def start(self) -> Process:
        assert self.process is None or self.process.power.dead, "it runs already"
        self.process = Process(self, self.transport)
        self.restarts += 1
        self.process.begin()
        return self.process

    def start_again(self, process: Process) -> None:
        """What the service manager does with a process that has ended by itself."""
        if self.process is process:
            self.start()

    def cut(self) -> None:
        if self.process is not None:
            self.process.cut()

    @property
    def up(self) -> bool:
        return self.process is not None and self.process.ready

    async def ask(self, question: Callable[[Process], Coroutine[Any, Any, T]]) -> T:
        """Raises: DownError."""
        if self.process is None or not self.up:
            raise DownError
        return await self.process.asked(question(self.process))

    async def adopt(self, edition: Any) -> None:
        """A new registry file is laid on the disk, and the process, if there is one, told to read it."""
        if edition.epoch <= self.disk.edition.epoch:
            return
        self.disk.edition = edition
        self.trace("edition", self.own, edition.epoch)
        while self.disk.edition is edition:
            try:
                await self.ask(Process.activate)
                break
            except DownError:
                break  # whoever starts it reads the newest file
            except SiteError as error:
                if not error.facts.retryable:
                    raise
            await asyncio.sleep(MANAGER_SECONDS)

    def step(self, by: timedelta) -> None:
        """Somebody sets the machine's wall clock."""
        self.clock.offset += by
        self.trace("clock", self.own, str(self.clock.offset))

    def principal(self) -> Principal:
        """The one office system of this gateway; it may do everything for all bodies there."""
        organs = frozenset((*keyed(self.own), *wards(self.own), newborn(self.own)))
        return Principal(key_id="office", name="Phần mềm", organs=organs, scopes=frozenset(Scope))


def _sealer(gateway: Gateway) -> FileSealer:
    materials, generation = gateway.materials, gateway.disk.generation
    transports: dict[OrganId, KeyRef] = {}
    for organ_id in keyed(gateway.own):
        refs = materials.transports[organ_id]
        transports[organ_id] = refs[min(generation, len(refs) - 1)]
    seals = {organ_id: ref for organ_id, ref in materials.seals.items() if organ_id in transports}
    return FileSealer(
        judge=InlineJudge(),
        holder=materials.holder,
        seals=seals,
        transports=transports,
        trust=materials.trust,
        clock=gateway.clock,
    )
