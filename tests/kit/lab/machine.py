"""F-26: a state machine of Hypothesis over whole gateways on real databases, with faults as its rules.

The gateways are those of the seeded worlds (`tests/kit/seeded`), but each has its rows in SQLite on a file or in PostgreSQL,
and no seed has drawn the story before it begins: Hypothesis chooses each next step, a letter, a fault, a while. At any
moment `gateway doctor`'s invariants must hold of both databases; at the end everything is mended, comes to rest, and the
worlds' own judges (I1 to I10) look at all that is left. `python -m tests.kit.lab.machine --store postgres --sequences 50`
prints one line of JSON; status 1 when something does not hold.
"""

import argparse
import asyncio
import contextlib
import io
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, ClassVar, TypeVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    get_state_machine_test,
    initialize,
    invariant,
    precondition,
    rule,
)

from gateway.core.health import Health
from gateway.core.ids import GatewayId
from gateway.evidence import InvariantsProbe
from gateway.exchange import check_receipt
from gateway.observe import configure_logging
from tests.kit.lab.places import Places, open_places
from tests.kit.seeded.gateway import owned_task
from tests.kit.seeded.invariants import problems
from tests.kit.seeded.materials import Materials, keyed, make_materials, wards
from tests.kit.seeded.mutants import MUTANTS
from tests.kit.seeded.offices import Letter, Office
from tests.kit.seeded.outcome import Trace
from tests.kit.seeded.plan import AWFUL, BAD, FAIR, NAMES, Fault, Plan, What
from tests.kit.seeded.world import World, memory_folder
from tests.kit.simloop import SimLoop

T = TypeVar("T")

STEPS = 14
GATEWAYS = NAMES[:2]
gateways = st.sampled_from(GATEWAYS)
seconds = st.sampled_from([1.0, 60.0, 900.0])
TROUBLES = (
    (What.FULL, 0.3),
    (What.FULL, 1.0),
    (What.STEP, -3600.0),
    (What.STEP, 200.0),
    (What.STEP, 3600.0),
    (What.BROKEN, 0.0),
    (What.LOCK, 0.0),
    (What.CLOSE, 0.0),
    (What.ROLL, 0.0),
)


@dataclass(frozen=True)
class Drawn:
    """What Hypothesis chooses of a letter."""

    name: GatewayId
    sender: int
    others: tuple[int, ...]
    lines: int
    again: float | None
    contradicts: bool

    def letter(self, number: int) -> Letter:
        sender = keyed(self.name)[self.sender]
        known = [code for one in GATEWAYS for code in (*keyed(one)[1:], wards(one)[0])]
        recipients = tuple(known[other] for other in self.others if known[other] != sender)
        return Letter(
            number=number,
            gateway=self.name,
            sender=sender,
            recipients=recipients or (wards(self.name)[1],),
            files=((f"{number}.txt", "text/plain", f"Kinh gui, so {number}\n".encode() * self.lines),),
            again=self.again,
            contradicts=self.contradicts,
        )


letters = st.builds(
    Drawn,
    name=gateways,
    sender=st.integers(0, 1),
    others=st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True).map(tuple),
    lines=st.integers(1, 9),
    again=st.sampled_from([None, None, 0.0, 600.0]),
    contradicts=st.booleans(),
)


class Machine(RuleBasedStateMachine):
    """Two gateways, their offices, and what goes wrong."""

    materials: ClassVar[Materials]
    places: ClassVar[Places]
    counts: ClassVar[Counter[str]] = Counter()

    @initialize(chance=st.integers(0, 2**16))
    def begin(self, chance: int) -> None:
        self.counts["sequences"] += 1
        self.folder = Path(tempfile.mkdtemp(prefix="machine-", dir=memory_folder()))
        self.runner = asyncio.Runner(loop_factory=SimLoop)
        self.runner.get_loop().set_task_factory(owned_task)
        self.numbers, self.good = 0, True
        self.readers: dict[GatewayId, asyncio.Task[int]] = {}
        self.faults: list[asyncio.Task[None]] = []
        self.random = Random(chance)
        self.now(self._begin(Plan(seed=chance, gateways=GATEWAYS, words=6)))

    async def _begin(self, plan: Plan) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        self.world = World(
            plan=plan,
            materials=self.materials,
            folder=self.folder,
            loop=loop,
            random=self.random,
            trace=Trace(loop),
            edition=self.materials.first_edition(len(GATEWAYS)),
            places={name: self.places.new(self.folder, name) for name in GATEWAYS},
        )
        for gateway in self.world.gateways.values():
            gateway.start()
        await asyncio.sleep(1)

    def now(self, coro: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coro)

    # --- what offices do ---------------------------------------------------------------------------------------------

    @rule(letter=letters)
    def hand_in(self, letter: Drawn) -> None:
        """A letter to bodies on both sides; its office insists until it is answered, whatever happens meanwhile."""
        self.counts["letters"] += 1
        self.numbers += 1
        self.now(self._in_background(self.world.offices[letter.name].send(letter.letter(self.numbers))))

    @rule(letter=letters, where=gateways, points=st.integers(0, 24), away=seconds)
    def hand_in_and_power_goes(self, letter: Drawn, where: GatewayId, points: int, away: float) -> None:
        self.power_goes(name=where, points=points, away=away)
        self.hand_in(letter=letter)

    @precondition(lambda self: self.numbers)
    @rule(name=gateways)
    def look_into_the_inbox(self, name: GatewayId) -> None:
        """... and say something about what is there."""
        if name not in self.readers or self.readers[name].done():
            self.now(self._read(name, self.world.offices[name]))

    async def _read(self, name: GatewayId, office: Office) -> None:
        self.readers[name] = asyncio.get_running_loop().create_task(self.world.read(office, self.random))

    async def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        self.world.begin(work)
        await asyncio.sleep(0)

    # --- what goes wrong ---------------------------------------------------------------------------------------------

    @rule(name=gateways, points=st.integers(0, 12), away=seconds)
    def power_goes(self, name: GatewayId, points: int, away: float) -> None:
        self._trouble(What.CUT, name, amount=points, lasts=away)

    @rule(name=gateways, both=st.booleans(), away=seconds)
    def road_is_gone(self, name: GatewayId, both: bool, away: float) -> None:
        self._trouble(What.PART, name, amount=1 + both, lasts=away)

    @rule(name=gateways, trouble=st.sampled_from(TROUBLES), lasts=seconds)
    def something_else_goes_wrong(self, name: GatewayId, trouble: tuple[What, float], lasts: float) -> None:
        what, amount = trouble
        self._trouble(what, name, amount=amount, lasts=lasts)

    @rule(weather=st.sampled_from([FAIR, BAD, BAD, AWFUL]))
    def weather_changes(self, weather: Any) -> None:
        one, other = GATEWAYS
        self.world.network.weather.update({(one, other): weather, (other, one): weather})

    def _trouble(self, what: What, name: GatewayId, *, amount: float = 0.0, lasts: float = 0.0) -> None:
        self.counts[what.value] += 1
        other = next(one for one in GATEWAYS if one != name)
        fault = Fault(at=0.0, what=what, gateway=name, other=other, amount=amount, seconds=lasts)

        async def begin() -> None:
            self.faults.append(asyncio.get_running_loop().create_task(self.world.happen(fault)))
            await asyncio.sleep(0)

        self.now(begin())

    @rule(seconds=st.sampled_from([0.005, 0.05, 1.0, 1.0, 30.0, 3600.0, 40_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.now(asyncio.sleep(seconds))

    # --- what must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def doctor_finds_nothing(self) -> None:
        """Whatever was cut, and wherever: what is committed holds together."""
        for name in GATEWAYS if self.numbers else ():
            self.counts["examinations"] += 1
            findings = self.now(self._examined(name))
            wrong = [f"{name} {finding.code} {dict(finding.params)}" for finding in findings]
            self._judge(wrong + self.world.found)

    async def _examined(self, name: GatewayId) -> list[Any]:
        gateway = self.world.gateways[name]
        assert gateway.process
        probe = InvariantsProbe(
            store=gateway.disk.store,
            blobs=gateway.process.blobs,
            snapshot=self.world.edition,
            check_receipt=check_receipt,
            walk=self.folder / f"{name}-walk",
            clock=gateway.clock,
            pause=0.0,
        )
        return [finding for finding in await probe.look() if finding.health is not Health.OK]

    def _judge(self, wrong: list[str]) -> None:
        if wrong:
            self.good = False
            raise AssertionError("\n".join(wrong))

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            if self.good:
                self._judge(list(problems(self.now(self._end()))))
                self.counts["documents"] += len(self.world.ledger.acked)
        finally:
            self.now(self.world.end())
            for gateway in self.world.gateways.values():
                gateway.disk.wipe()
            self.runner.close()
            shutil.rmtree(self.folder)

    async def _end(self) -> Any:
        """Every fault ends, the rest is mended, and all that was begun comes to an end."""
        world = self.world
        await asyncio.gather(*self.faults)
        world.closing = True
        await world.mend()
        await asyncio.gather(*world.tasks, *self.readers.values())
        await world.rest()
        await world.sweep()
        return await world.outcome()


def run(*, store: str, sequences: int, number: int, mutant: str = "") -> dict[str, Any]:
    """So many sequences; what was seen, and the story of the first one that failed."""
    chosen = settings(
        max_examples=sequences,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    Machine.counts = Counter()
    failure = ""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="machine-", dir=memory_folder()))
        Machine.materials = make_materials(Path(folder), gateways=len(GATEWAYS))
        Machine.places = stack.enter_context(open_places(store))
        if mutant:
            stack.enter_context(MUTANTS[mutant]())
        test: Callable[[], None] = seed(number)(get_state_machine_test(Machine, settings=chosen))
        try:
            test()
        except Exception as error:  # whatever broke a sequence is what was looked for
            failure = "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
    return {"counts": dict(Machine.counts), "failure": failure}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kit.lab.machine", description=__doc__.partition("\n")[0])
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--sequences", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutant", choices=sorted(MUTANTS), default="")
    asked = parser.parse_args()
    configure_logging(stream=io.StringIO(), level="CRITICAL")
    said = run(store=asked.store, sequences=asked.sequences, number=asked.seed, mutant=asked.mutant)
    sys.stdout.write(json.dumps(said, ensure_ascii=False) + "\n")
    return int(bool(said["failure"]))


if __name__ == "__main__":
    sys.exit(main())
