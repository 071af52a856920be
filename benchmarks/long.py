"""`make bench-long`: what takes too long for `make bench`: starts, half load, memory, an outage, a million documents.

Its figures stand in `benchmarks/latest.json` beside those of `make bench`, under ids that begin with `long.`; each part
that was run replaces its own and leaves the others.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from benchmarks.cases import KIB, Case
from benchmarks.load import drive, drive_at
from benchmarks.meter import cpu_seconds
from benchmarks.networks import make_network, office_of
from benchmarks.outage import outage_figures
from benchmarks.results import LONG, Figure, percentile, rows_without, write_figures
from benchmarks.start import start_figures
from benchmarks.tables import LATEST, read_figures, write_tables
from benchmarks.weight import memory_figures, recipient_figures
from benchmarks.years import years_figures
from gateway.demo.processes import Gateways

HALF_LOAD: Final = (Case("file", 150 * KIB, 1), Case("sealed", 150 * KIB, 1))
P99_SECONDS_MAX: Final = 1.0
MARKS: Final = {None: "", True: "  target met", False: "  target missed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    seconds: float
    deliveries: int
    copies: int
    engines: tuple[str, ...]


Part = Callable[[Path, Size], Coroutine[Any, Any, list[Figure]]]


async def half_load_figures(folder: Path, *, seconds: float) -> list[Figure]:
    """The 99th percentile of the time to a verified receipt at half the rate that the same network just did."""
    network = await asyncio.to_thread(make_network, folder, wards=8)
    found: list[Figure] = []
    async with Gateways(network) as gateways, office_of(network, spread=4) as office:
        for case in HALF_LOAD:
            await drive(office, case, in_flight=8, seconds=seconds / 4)
            full = await drive(office, case, in_flight=24, seconds=seconds)
            mine, before = time.process_time(), sum(cpu_seconds(pid).total() for pid in gateways.pids.values())
            half = await drive_at(office, case, rate=full.rate / 2, seconds=2 * seconds)
            used = sum(cpu_seconds(pid).total() for pid in gateways.pids.values()) - before
            taken, name = half.taken, f"{LONG}half_load.{case.id}"
            p99 = round(percentile(taken, 99), 3)
            found += [
                Figure(id=f"{name}.rate", value=round(full.rate / 2, 1), unit="1/s"),
                Figure(id=f"{name}.p50", value=round(percentile(taken, 50), 3), unit="s"),
                Figure(id=f"{name}.p99", value=p99, unit="s", target=P99_SECONDS_MAX, at_most=True),
                Figure(id=f"{name}.cpu", value=round(used / len(taken) * 1e3, 2), unit="ms/document"),
                Figure(
                    id=f"{name}.generator_cpu",
                    value=round((time.process_time() - mine) / len(taken) * 1e3, 2),
                    unit="ms/document",
                ),
            ]
    return found


async def _half_load(folder: Path, size: Size) -> list[Figure]:
    return await half_load_figures(folder, seconds=size.seconds)


async def _memory(folder: Path, size: Size) -> list[Figure]:
    return await memory_figures(folder, seconds=size.seconds)


async def _recipients(folder: Path, size: Size) -> list[Figure]:
    return await recipient_figures(folder, seconds=2 * size.seconds)


async def _backlog(folder: Path, size: Size) -> list[Figure]:
    return await outage_figures(folder, deliveries=size.deliveries, seconds=2 * size.seconds)


async def _finished(folder: Path, size: Size) -> list[Figure]:
    return await years_figures(folder, copies=size.copies, seconds=6 * size.seconds, engines=size.engines)


async def _start(folder: Path, size: Size) -> list[Figure]:
    return await start_figures(folder, seconds=size.seconds / 4)


PARTS: Final[dict[str, Part]] = {
    "start": _start,
    "half_load": _half_load,
    "memory": _memory,
    "recipients": _recipients,
    "backlog": _backlog,
    "finished": _finished,
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=[*PARTS], nargs="+", default=[*PARTS], help="these parts")
    parser.add_argument("--seconds", type=float, default=15.0, help="of load for each measurement")
    parser.add_argument("--deliveries", type=int, default=20_000, help="of the backlog")
    parser.add_argument("--copies", type=int, default=1_000_000, help="finished documents in each database")
    parser.add_argument("--engines", nargs="+", choices=("sqlite", "postgres"), default=("sqlite", "postgres"))
    parser.add_argument("--folder", type=Path, default=None, help="a disk with 45 GB of room for a million documents")
    parser.add_argument("--output", type=Path, default=LATEST)
    arguments = parser.parse_args()
    size = Size(
        seconds=arguments.seconds,
        deliveries=arguments.deliveries,
        copies=arguments.copies,
        engines=tuple(arguments.engines),
    )
    console = Console(highlight=False)
    console.print(f"{len(os.sched_getaffinity(0))} cores")
    for name in arguments.only:
        with tempfile.TemporaryDirectory(prefix="gateway-bench-long-", dir=arguments.folder) as folder:
            figures = asyncio.run(PARTS[name](Path(folder) / "network", size))
        for figure in figures:
            console.print(f"{figure.id:<48} {figure.value:>10} {figure.unit}{MARKS[figure.met]}")
        write_figures(arguments.output, figures, kept=rows_without(arguments.output, {one.id for one in figures}))
    console.print(f"written: {arguments.output}")
    if arguments.output == LATEST:
        write_tables(read_figures(arguments.output))


if __name__ == "__main__":
    main()
