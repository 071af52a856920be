"""What a node holds in memory under load (PSS of its processes), by the size of what it carries; what a recipient costs."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks.cases import EVERYBODY, KIB, Case
from benchmarks.load import Office, Run, drive
from benchmarks.meter import cpu_seconds
from benchmarks.networks import make_network, office_of
from benchmarks.results import LONG, Figure
from gateway.demo.processes import Gateways
from tests.kit.lab.memory import MemoryWatch

LOOK_SECONDS: Final = 0.25
NODE_MB_MAX: Final = 350.0
RECIPIENT_MS_MAX: Final = 0.3
"""CPU of both gateways for each further recipient of the same document."""
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


async def memory_figures(folder: Path, *, seconds: float) -> list[Figure]:
    """The most that a node held, for each size; each on nodes that were started for it, so that none shows another's."""
    network = await asyncio.to_thread(make_network, folder, wards=8)
    found: list[Figure] = []
    for name, (case, in_flight) in WEIGHED.items():
        async with Gateways(network) as gateways, office_of(network) as office:
            await drive(office, case, in_flight=4, seconds=seconds / 4)
            async with _scale(gateways) as scale:
                await drive(office, case, in_flight=in_flight, seconds=seconds)
        found += _node_figures(scale, name)
    return found


async def recipient_figures(folder: Path, *, seconds: float) -> list[Figure]:
    """CPU of both gateways for each recipient more, and how long one document to everybody takes, alone."""
    network = await asyncio.to_thread(make_network, folder, wards=None)
    cost, runs = dict[int, float](), dict[int, Run]()
    async with Gateways(network) as gateways, office_of(network) as office:
        for recipients in (1, EVERYBODY):
            case = Case("file", 150 * KIB, recipients)
            await drive(office, case, in_flight=1, seconds=seconds / 4)
            async with _scale(gateways) as scale:
                cost[recipients], runs[recipients] = await _cost(gateways.pids, office, case, seconds=seconds)
    return [*_recipient_figures(cost, runs), *_node_figures(scale, "everybody")]


def _scale(gateways: Gateways) -> MemoryWatch:
    return MemoryWatch(lambda: gateways.pids, every=LOOK_SECONDS)


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


def _node_figures(scale: MemoryWatch, name: str) -> Iterator[Figure]:
    """The most that each node held while it was looked at."""
    for side, mib in scale.highest.items():
        yield Figure(
            id=f"{LONG}memory.{side}.{name}",
            value=round(mib * KIB * KIB / 1e6, 1),
            unit="MB",
            target=NODE_MB_MAX,
            at_most=True,
        )
