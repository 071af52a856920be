"""The world of one plan: everything is started, goes wrong, is mended, and comes to rest; then it is read out.

`run_world(plan, materials)` is the whole story; it returns what is to be judged (`Outcome`). Whoever wants to lay a hand
on a running world (stories) makes a `World` and calls its parts.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from gateway.core.directory import BodyStatus, Snapshot
from gateway.core.errors import SenderError
from gateway.core.ids import DocumentKey, GatewayId
from gateway.core.model import InboxEntry
from gateway.core.states import BusinessStatus, DeliveryState, DocumentState
from gateway.crypto import InlineJudge
from gateway.evidence import InstallationCheck
from gateway.exchange import ExchangeRecords
from tests.kit.seeded.clock import WorldClock
from tests.kit.seeded.disk import Disk
from tests.kit.seeded.gateway import Gateway, owned_task
from tests.kit.seeded.kept import read_out
from tests.kit.seeded.materials import Materials, keyed, newborn, next_edition, wards
from tests.kit.seeded.network import Network, Road
from tests.kit.seeded.offices import Ledger, Office, reply_to
from tests.kit.seeded.outcome import Outcome, Trace
from tests.kit.seeded.plan import Fault, Plan, What
from tests.kit.seeded.watch import Answers, Watch, number, sizes
from tests.kit.simloop import SimLoop

REST_SECONDS = 8 * 24 * 3600.0
"""Mended, everything must be settled after this: the deadline of a delivery (5 days) and something for good measure."""
ROUNDS_MAX = 60


@dataclass
class World:
    """A running world."""

    plan: Plan
    materials: Materials
    folder: Path
    loop: SimLoop
    random: Random
    trace: Trace
    edition: Snapshot
    found: list[str] = field(default_factory=list)
    gateways: dict[GatewayId, Gateway] = field(default_factory=dict)
    offices: dict[GatewayId, Office] = field(default_factory=dict)
    tasks: list["asyncio.Task[Any]"] = field(default_factory=list)
    words: int = 0
    numbers: int = 1000
    closing: bool = False
    places: Mapping[GatewayId, Path | str] = field(default_factory=dict)
    """Databases of gateways that keep theirs on a disk or a server."""

    def __post_init__(self) -> None:
        self.ledger = Ledger(found=self.found)
        self.answers = Answers(found=self.found)
        self.network = Network(
            random=self.chance(),
            trace=self.trace,
            answers=self.answers,
            found=self.found,
            gateways=self.gateways,
            weather=self.plan.weather,
        )
        for name in self.plan.gateways:
            self.gateways[name] = self._gateway(name)
            office = Office(self.gateways[name], ledger=self.ledger, random=self.chance(), trace=self.trace)
            office.deaf = self.plan.deaf
            self.offices[name] = office

    def chance(self) -> Random:
        """A source of chance of its own, so that one part's draws do not move another's."""
        return Random(self.random.getrandbits(64))

    def _gateway(self, name: GatewayId) -> Gateway:
        return Gateway(
            own=name,
            materials=self.materials,
            disk=Disk(own=name, folder=self.folder / name, edition=self.edition, place=self.places.get(name)),
            clock=WorldClock(self.loop),
            random=self.chance(),
            watch=Watch(own=name, trace=self.trace, found=self.found),
            trace=self.trace,
            transport=lambda process: Road(network=self.network, process=process),
        )

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Something of the world's own, that is waited for before it rests."""
        self.tasks.append(self.loop.create_task(work))

    # --- the story ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Start, suffer, mend, rest."""
        for gateway in self.gateways.values():
            gateway.start()
        for letter in self.plan.letters:
            self.begin(self.offices[letter.gateway].send(letter))
        for fault in self.plan.faults:
            self.begin(self._fault(fault))
        readers = [self.loop.create_task(self._reader(office)) for office in self.offices.values()]
        await asyncio.sleep(self.plan.until)
        self.closing = True
        await self.mend()
        await asyncio.gather(*self.tasks, *readers)
        await self.rest()
        await self.sweep()

    async def _reader(self, office: Office) -> None:
        """Looks into the inboxes now and then, and says something about what is there."""
        random = self.chance()
        while not self.closing:
            await asyncio.sleep(random.uniform(1, self.plan.hurry))
            await self.read(office, random)

    async def read(self, office: Office, random: Random) -> int:
        """One look; how many entries were new."""
        entries = await office.read()
        for entry in entries:
            if self.words < self.plan.words and entry.recipient in keyed(office.gateway.own):
                await self._answer(office, entry, random)
        if not any(letter.recalled is not None for letter in self.plan.letters):
            return len(entries)
        wanted = await office.wanted_back()
        for entry in wanted:
            await office.answer(entry)
        return len(entries) + len(wanted)

    async def _answer(self, office: Office, entry: InboxEntry, random: Random) -> None:
        if random.random() >= self.plan.gossip:
            return
        self.words += 1
        what = random.choice((BusinessStatus.ACCEPTED, BusinessStatus.REFUSED, None))
        if what is not None:
            with suppress(SenderError):  # `entry.recalled`: it was given back by then
                await office.say(entry, what)
            return
        self.numbers += 1
        self.begin(office.send(reply_to(entry, number=self.numbers, gateway=office.gateway.own)))

    async def _fault(self, fault: Fault) -> None:
        await asyncio.sleep(fault.at)
        await self.happen(fault)

    async def happen(self, fault: Fault) -> None:
        """A fault, now, until it is over."""
        self.trace("fault", fault.what.value, fault.gateway, f"{fault.amount:.1f} {fault.seconds:.1f}")
        await self._faults()[fault.what](fault)

    def _faults(self) -> dict[What, Callable[[Fault], Awaitable[None]]]:
        return {
            What.CUT: self._cut,
            What.STEPS: self._cut,
            What.PART: self._part,
            What.STEP: self._step,
            What.BROKEN: self._broken,
            What.FULL: self._full,
            What.LOCK: self._edition,
            What.CLOSE: self._edition,
            What.BORN: self._edition,
            What.ROLL: self._roll,
        }

    async def _cut(self, fault: Fault) -> None:
        gateway = self.gateways[fault.gateway]
        process = gateway.process
        if process is None or process.power.dead:
            return
        if fault.what is What.STEPS:
            process.power.units_left = int(fault.amount)
        else:
            process.power.cut_at = process.power.points + int(fault.amount)
        await asyncio.sleep(fault.seconds)
        if not process.power.dead:
            process.cut()  # nothing was written for so long that the point was not reached
        await asyncio.sleep(fault.seconds)
        if gateway.process is process:
            gateway.start()

    async def _part(self, fault: Fault) -> None:
        links = [(fault.gateway, fault.other), (fault.other, fault.gateway)][: int(fault.amount)]
        for link in links:
            self.network.part(*link, 1)
        await asyncio.sleep(fault.seconds)
        for link in links:
            self.network.part(*link, -1)

    async def _step(self, fault: Fault) -> None:
        self.gateways[fault.gateway].step(timedelta(seconds=fault.amount))
        await asyncio.sleep(fault.seconds)
        self.gateways[fault.gateway].step(timedelta(seconds=-fault.amount))

    async def _broken(self, fault: Fault) -> None:
        gateway = self.gateways[fault.gateway]
        gateway.broken += 1
        await asyncio.sleep(fault.seconds)
        gateway.broken = max(0, gateway.broken - 1)  # it may have been mended meanwhile

    async def _full(self, fault: Fault) -> None:
        disk = self.gateways[fault.gateway].disk
        disk.full = fault.amount
        await asyncio.sleep(fault.seconds)
        disk.full = 0.0

    async def _edition(self, fault: Fault) -> None:
        """A new edition of the registry, that reaches every gateway at a time of its own."""
        ward, heir = wards(fault.gateway)[:2]
        body = self.edition.bodies[ward]
        if fault.what is What.BORN:
            body = replace(body, organ_id=newborn(fault.gateway), name="Cơ quan mới")
        elif fault.what is What.LOCK:
            body = replace(body, status=BodyStatus.LOCKED)
        else:
            body = replace(body, status=BodyStatus.CLOSED, successor=heir)
        self.edition = next_edition(self.edition, bodies={body.organ_id: body})
        await self._published(fault)

    async def _roll(self, fault: Fault) -> None:
        gateway = self.gateways[fault.gateway]
        if gateway.disk.generation or len(self.edition.gateways[fault.gateway].tls_keys) > 1:
            return
        self.edition = self.materials.rolled_over(self.edition, fault.gateway)
        edition = self.edition
        self.begin(self._published(fault))
        # the others have the edition sooner or later than these keys are in use
        await asyncio.sleep(self.network.random.uniform(0, fault.seconds))
        await gateway.adopt(edition)
        gateway.disk.generation = 1
        gateway.cut()
        await asyncio.sleep(2)
        if gateway.process is not None and gateway.process.power.dead:
            gateway.start()

    async def _published(self, fault: Fault) -> None:
        random, edition = self.chance(), self.edition
        lags = {name: random.uniform(0, fault.seconds) for name in self.gateways}

        async def adopt(name: GatewayId) -> None:
            await asyncio.sleep(lags[name])
            await self.gateways[name].adopt(edition)

        await asyncio.gather(*[adopt(name) for name in self.gateways])

    # --- mending and resting -----------------------------------------------------------------------------------------

    async def mend(self) -> None:
        """Good weather, true clocks, one edition, every gateway running."""
        self.trace("mended")
        self.network.mend()
        for office in self.offices.values():
            office.deaf = 0.0
        for gateway in self.gateways.values():
            gateway.broken, gateway.disk.full = 0, 0.0
            await self._wake(gateway)
        await asyncio.sleep(60)
        for gateway in self.gateways.values():
            await gateway.adopt(self.edition)

    async def _wake(self, gateway: Gateway) -> None:
        if gateway.process is not None:
            gateway.process.power.cut_at = gateway.process.power.units_left = None
        if gateway.process is None or gateway.process.power.dead:
            gateway.start()

    async def rest(self) -> None:
        """Until nothing is due, nobody has read something new, and what was held was let go on once."""
        random, end = self.chance(), self.loop.time() + REST_SECONDS
        released: dict[DocumentKey, int] = {}
        for _ in range(ROUNDS_MAX):
            if not await self._quiet(end):
                return
            news = [await self.read(office, random) for office in self.offices.values()]
            waiting = [task for task in self.tasks if not task.done()]
            await asyncio.gather(*waiting)
            let_go = [await self._release(name, released) for name in self.gateways]
            if not any((*news, *let_go, *waiting)) and self._still():
                self.trace("rest")
                return
        self.found.append("I2 the world does not come to rest")

    async def _quiet(self, end: float) -> bool:
        wait = 5.0
        while not self._still():
            if self.loop.time() > end:
                self.found.append(f"I2 not settled in {REST_SECONDS / 86400:.0f} days: {self._unsettled()}")
                return False
            await asyncio.sleep(wait)
            wait = min(wait * 2, 3600.0)
        return True

    def _still(self) -> bool:
        return not self.network.echoes and not self._unsettled()

    def _unsettled(self) -> list[str]:
        busy = []
        for name, gateway in self.gateways.items():
            head, checkpoint = sizes(gateway.disk.store)
            left = work_left(gateway)
            if left or head != checkpoint or gateway.process is None or not gateway.process.idle:
                busy.append(f"{name}: {left} items, {head - checkpoint} leaves without checkpoint")
        return busy

    async def _release(self, name: GatewayId, released: dict[DocumentKey, int]) -> int:
        """Let go on what is held, each document twice at most; how many."""
        count = 0
        for key in await self.gateways[name].ask(lambda process: process.store.read(_held)):
            released[key] = released.get(key, 0) + 1
            if released[key] <= 2:
                count += await self.offices[name].release(key)
        return count

    async def sweep(self) -> None:
        """Days go by for what lies on the disks, and the keepers sweep: as often as a doubt outlives sweeps, and once more."""
        for gateway in self.gateways.values():
            gateway.disk.written = dict.fromkeys(gateway.disk.written, 0.0)
            for _ in range(3):
                await gateway.ask(lambda process: process.keeper.sweep())

    async def end(self) -> None:
        """The power goes everywhere; nothing is left running."""
        for gateway in self.gateways.values():
            gateway.cut()
        await asyncio.sleep(1)

    async def check_installations(self) -> None:
        """What an officer would do: everything again from outside, envelopes and seals included (slow)."""
        for gateway in self.gateways.values():
            assert gateway.process is not None
            check = InstallationCheck(
                own=gateway.own,
                store=gateway.disk.store,
                blobs=gateway.process.blobs,
                snapshot=self.edition,
                records=ExchangeRecords(trust=self.materials.trust),
                judge=InlineJudge(),
                clock=gateway.clock,
                remembered=[gateway.disk.memory.read_text()],
            )
            report = await check.run()
            problems = [f"{problem.what}: {problem.why}" for problem in report.problems]
            self.found += [f"{gateway.own}: evidence: {text}" for text in (*problems, *map(str, report.log.faults))]

    async def outcome(self) -> Outcome:
        kept = tuple([await read_out(gateway, self.edition) for gateway in self.gateways.values()])
        for each in kept:
            self.trace("kept", each.own, each.story)
        return Outcome(
            plan=self.plan,
            kept=kept,
            ledger=self.ledger,
            answers=dict(self.answers.seen),
            refusals=dict(self.answers.refusals),
            found=tuple(self.found),
            trace=tuple(self.trace.lines),
            digest=self.trace.digest,
            counts={
                **self.network.counts,
                "restart": sum(one.restarts for one in self.gateways.values()) - len(self.gateways),
            },
            days=self.loop.time() / 86400,
        )


def work_left(gateway: Gateway) -> int:
    """Items of work, leased or not."""
    return number(gateway.disk.store, "SELECT count(*) FROM work")


def _held(uow: Any) -> list[DocumentKey]:
    documents = uow.documents.page(None, 1000)
    return [
        document.key
        for document in documents
        if document.state is DocumentState.HELD
        or any(delivery.state is DeliveryState.HELD for delivery in uow.documents.deliveries(document.key))
    ]


Story = Callable[[World], Awaitable[None]]


def run_world(plan: Plan, materials: Materials, story: Story = World.run, *, deep: bool = False) -> Outcome:
    """Run a world to its end, in a loop of its own, and read it out; `deep`: with the check of every installation.

    Raises:
        StuckError: nothing would ever happen again, or everything without end.
    """
    folder = Path(tempfile.mkdtemp(prefix="world-", dir=materials.worlds or memory_folder()))

    async def whole() -> Outcome:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        loop.set_task_factory(owned_task)
        world = World(
            plan=plan,
            materials=materials,
            folder=folder,
            loop=loop,
            random=Random(f"world {plan.seed}"),
            trace=Trace(loop),
            edition=materials.first_edition(len(plan.gateways)),
        )
        try:
            await story(world)
            if deep:
                await world.check_installations()
            outcome = await world.outcome()
        except Exception as error:
            for found in world.found:
                error.add_note(found)  # what was found before the world broke usually says why
            raise
        finally:
            await world.end()
            for gateway in world.gateways.values():
                gateway.disk.wipe()
        return outcome

    try:
        with asyncio.Runner(loop_factory=SimLoop) as runner:
            return runner.run(whole())
    finally:
        shutil.rmtree(folder)


WORLDS = "GATEWAY_WORLDS"
"""In the environment: where worlds are put, by whoever removes them if we are killed."""


def memory_folder() -> str | None:
    """A folder in memory where there is one: worlds sync many small files."""
    shared = Path(os.environ.get(WORLDS, "/dev/shm"))
    return str(shared) if shared.is_dir() else None
