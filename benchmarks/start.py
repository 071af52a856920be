"""How long a gateway that was killed takes from its start to its first answer, alone on the machine, with work left over."""

import asyncio
import statistics
import time
from pathlib import Path
from typing import Final

from benchmarks.cases import KIB, Case
from benchmarks.load import drive
from benchmarks.meter import cpu_seconds
from benchmarks.networks import make_network, office_of
from benchmarks.results import LONG, Figure
from gateway.demo.processes import Gateways

CASE: Final = Case("file", 3 * KIB, 1)
SIDE: Final = "party"
ROUNDS: Final = 9
READY_SECONDS_MAX: Final = 2.0


async def start_figures(folder: Path, *, seconds: float) -> list[Figure]:
    """Seconds until the office API answers (it is asked ten times a second), and the CPU until then, also of what it starts."""
    network = await asyncio.to_thread(make_network, folder, wards=8)
    waited, used = list[float](), list[float]()
    async with Gateways(network) as gateways:
        async with office_of(network, spread=4) as office:
            await drive(office, CASE, in_flight=8, seconds=seconds)
        await gateways.stop(next(name for name in network.sides if name != SIDE))
        for _ in range(ROUNDS):
            gateways.kill(SIDE)
            await asyncio.sleep(1)  # its children end with it
            began = time.monotonic()
            await gateways.start(SIDE)
            await gateways.ready(SIDE)
            waited.append(time.monotonic() - began)
            used.append(cpu_seconds(gateways.pids[SIDE]).total())
    name = f"{LONG}start"
    return [
        Figure(
            id=f"{name}.ready",
            value=round(statistics.median(waited), 2),
            unit="s",
            target=READY_SECONDS_MAX,
            at_most=True,
        ),
        Figure(id=f"{name}.slowest", value=round(max(waited), 2), unit="s"),
        Figure(id=f"{name}.cpu", value=round(statistics.median(used), 2), unit="s"),
    ]
