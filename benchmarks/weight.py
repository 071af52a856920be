"""What a node holds in memory under load (PSS of its processes), by the size of what it carries; what a recipient costs."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from benchmarks.cases import EVERYBODY, KIB, Case
from benchmarks.load import Office, Run, drive
from benchmarks.meter import cpu_seconds, shared_bytes
from benchmarks.networks import make_network, office_of
from benchmarks.results import LONG, Figure
from gateway.demo.processes import Gateways

LOOK_SECONDS: Final = 0.25
NODE_MB_MAX: Final = 350.0
RECIPIENT_MS_MAX: Final = 0.3
EVERYBODY_SECONDS_MAX: Final = 3.0
LARGE: Final = 6_900 * KIB
"""Nearly the largest file that a document may have."""
WEIGHED: Final = {
    "3k": (Case("file", 3 * KIB, 1), 24),
    "150k": (Case("pdf", 150 * KIB, 1), 24),
    "7m": (Case("file", LARGE, 1), 8),
    "7m_pdf": (Case("pdf", LARGE, 1), 8),
}
"""What is carried, and how many at once."""


class Scale:
    """The most that each node held while it was looked at."""

    def __init__(self) -> None:
        self.most: dict[str, int] = {}

    @asynccontextmanager
    async def weighing(self, pids: Mapping[str, int]) -> AsyncIterator[None]:
        """Look at the nodes until the block ends."""
        task = asyncio.create_task(self._look(pids))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _look(self, pids: Mapping[str, int]) -> None:
        while True:
            for side, pid in pids.items():
                held = await asyncio.to_thread(shared_bytes, pid)
                self.most[side] = max(self.most.get(side, 0), held)
            await asyncio.sleep(LOOK_SECONDS)


async def memory_figures(folder: Path, *, seconds: float) -> list[Figure]:
    """The most that a node held, for each size; each on nodes that were started for it, so that none shows another's."""
    network = await asyncio.to_thread(make_network, folder, wards=8)
    found: list[Figure] = []
    for name, (case, in_flight) in WEIGHED.items():
        scale = Scale()
        async with Gateways(network) as gateways, office_of(network) as office:
            await drive(office, case, in_flight=4, seconds=seconds / 4)
            async with scale.weighing(gateways.pids):
                await drive(office, case, in_flight=in_flight, seconds=seconds)
        for side, held in scale.most.items():
            value = round(held / 1e6, 1)
            found.append(
                Figure(id=f"{LONG}memory.{side}.{name}", value=value, unit="MB", target=NODE_MB_MAX, at_most=True)
            )
    return found


async def recipient_figures(folder: Path, *, seconds: float) -> list[Figure]:
    """CPU of both gateways for each recipient more, and how long one document to everybody takes, alone."""
    network = await asyncio.to_thread(make_network, folder, wards=None)
    scale, cost, runs = Scale(), dict[int, float](), dict[int, Run]()
    async with Gateways(network) as gateways, office_of(network) as office:
        for recipients in (1, EVERYBODY):
            case = Case("file", 150 * KIB, recipients)
            await drive(office, case, in_flight=1, seconds=seconds / 4)
            async with scale.weighing(gateways.pids) if recipients > 1 else _nothing():
                cost[recipients], runs[recipients] = await _cost(gateways.pids, office, case, seconds=seconds)
    return [*_recipient_figures(cost, runs), *_node_figures(scale)]


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


async def _cost(pids: Mapping[str, int], office: Office, case: Case, *, seconds: float) -> tuple[float, Run]:
    """CPU seconds of one document in both gateways, one at a time."""
    before = sum(cpu_seconds(pid).total() for pid in pids.values())
    run = await drive(office, case, in_flight=1, seconds=seconds)
    used = sum(cpu_seconds(pid).total() for pid in pids.values()) - before
    return used / len(run.taken), run


def _recipient_figures(cost: Mapping[int, float], runs: Mapping[int, Run]) -> Iterator[Figure]:
    each = (cost[EVERYBODY] - cost[1]) / (EVERYBODY - 1) * 1e3
    yield Figure(
        id=f"{LONG}recipient.cpu", value=round(each, 3), unit="ms/recipient", target=RECIPIENT_MS_MAX, at_most=True
    )
    taken = runs[EVERYBODY].taken
    yield Figure(
        id=f"{LONG}everybody.longest",
        value=round(max(taken), 2),
        unit="s",
        target=EVERYBODY_SECONDS_MAX,
        at_most=True,
    )
    yield Figure(id=f"{LONG}everybody.documents", value=len(taken), unit="documents")


def _node_figures(scale: Scale) -> Iterator[Figure]:
    for side, held in scale.most.items():
        yield Figure(
            id=f"{LONG}memory.{side}.everybody",
            value=round(held / 1e6, 1),
            unit="MB",
            target=NODE_MB_MAX,
            at_most=True,
        )
