"""`make bench`: two gateways on loopback, ten kinds of document, the cryptography of each alone; then parts by themselves."""

import argparse
import asyncio
import os
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.cases import CASES, EVERYBODY, Case
from benchmarks.edxml import edxml_figures
from benchmarks.load import Run, drive
from benchmarks.meter import cpu_seconds, peak_bytes
from benchmarks.networks import DATABASE, make_network, office_of
from benchmarks.pdf_signatures import pdf_signature_figures
from benchmarks.pdf_verification import pdf_verification_figures
from benchmarks.results import LONG, Figure, percentile, rows_besides, rows_of, write_figures
from benchmarks.signatures import PREFIX, signature_figures
from benchmarks.stages import stage_medians
from benchmarks.tables import LATEST, read_figures, write_tables
from benchmarks.unavoidable import limits_of, operation_table
from benchmarks.weight import EVERYBODY_SECONDS_MAX, RECIPIENT_MS_MAX
from gateway.demo.network import Network
from gateway.demo.processes import Gateways

MARKS = {None: "", True: "  target met", False: "  target missed"}
IN_FLIGHT = {1: 24, EVERYBODY: 6}
"""Documents on their way at once while throughput is measured; one at a time while the time of one is."""


GENERATOR = "generator"
SHARES = {"file-150k-1": 0.10, "sealed-150k-1": 0.05}
"""Asked of the limit."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is measured by itself; its figures' ids begin so."""

    prefix: str
    figures: Callable[[], Iterator[Figure]]


def _signatures() -> Iterator[Figure]:
    """Envelopes, then PDFs made, then PDFs judged."""
    yield from signature_figures()
    yield from pdf_signature_figures()
    yield from pdf_verification_figures()


PARTS = {"edxml": Part("edxml.", edxml_figures), "signatures": Part(PREFIX, _signatures)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One case."""

    case: Case
    busy: Run
    alone: Run
    cpu: Mapping[str, Counter[str]]
    """By gateway and role: CPU seconds while busy."""
    stages: Mapping[str, float]
    """Milliseconds of each stage while alone."""

    @property
    def gateways_ms(self) -> float:
        """CPU of both gateways for one document, in milliseconds."""
        used = sum(sum(counted.values()) for side, counted in self.cpu.items() if side != GENERATOR)
        return used / len(self.busy.taken) * 1e3

    def figures(self, limit: float) -> Iterator[Figure]:
        """Everything that is kept of it."""
        name, documents = self.case.id, len(self.busy.taken)
        yield Figure(id=f"{name}.documents_per_second", value=_short(self.busy.rate), unit="1/s")
        yield Figure(id=f"{name}.limit_per_second", value=_short(limit), unit="1/s")
        share = _short(self.busy.rate / limit)
        yield Figure(id=f"{name}.share_of_limit", value=share, unit="ratio", target=SHARES.get(name))
        # The load runs on the same cores: this is the share that both gateways would have without it.
        alone = len(os.sched_getaffinity(0)) / (self.gateways_ms / 1e3) / limit
        yield Figure(id=f"{name}.share_by_processor", value=_short(alone), unit="ratio")
        for run, kind in ((self.busy, "busy"), (self.alone, "alone")):
            yield Figure(id=f"{name}.{kind}.p50", value=_short(percentile(run.taken, 50) * 1e3), unit="ms")
            yield Figure(id=f"{name}.{kind}.p99", value=_short(percentile(run.taken, 99) * 1e3), unit="ms")
        yield Figure(
            id=f"{name}.alone.accepted_p50", value=_short(percentile(self.alone.accepted, 50) * 1e3), unit="ms"
        )
        for stage, milliseconds in self.stages.items():
            yield Figure(id=f"{name}.alone.stage.{stage.replace(' ', '_')}", value=_short(milliseconds), unit="ms")
        for side, used in self.cpu.items():
            for role, seconds in sorted(used.items()):
                yield Figure(
                    id=f"{name}.cpu.{side}.{role}", value=_short(seconds / documents * 1e3), unit="ms/document"
                )


async def measure(network: Network, pids: Mapping[str, int], case: Case, *, seconds: float) -> Measured:
    """Warm up, then one at a time, then as fast as it goes."""
    async with office_of(network) as office:
        await drive(office, case, in_flight=4, seconds=seconds / 8)
        alone = await drive(office, case, in_flight=1, seconds=seconds / 3)
        before = {side: cpu_seconds(pid) for side, pid in pids.items()}
        before[GENERATOR] = Counter({"service": _own_cpu()})
        busy = await drive(office, case, in_flight=IN_FLIGHT[case.recipients], seconds=seconds)
        after = {side: cpu_seconds(pid) for side, pid in pids.items()}
        after[GENERATOR] = Counter({"service": _own_cpu()})
    return Measured(
        case=case,
        busy=busy,
        alone=alone,
        cpu={side: after[side] - before[side] for side in after},
        stages=stage_medians(
            network.sides["party"].folder / DATABASE, network.sides["government"].folder / DATABASE, alone.begun
        ),
    )


def _own_cpu() -> float:
    return time.process_time()


async def run(console: Console, *, seconds: float, wards: int | None) -> list[Figure]:
    """Everything, in the order of the tables."""
    cores = len(os.sched_getaffinity(0))
    console.print(f"[bold]{machine()}[/bold], {cores} cores")
    operations = operation_table()
    limits = limits_of(CASES, cores)
    _print_operations(console, operations)
    figures = [Figure(id=f"operation.{name}", value=_short(value), unit="µs") for name, value in operations.items()]
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        network = await asyncio.to_thread(make_network, Path(folder) / "network", wards=wards)
        async with Gateways(network) as gateways:
            found: dict[str, Measured] = {}
            for case in CASES:
                measured = found[case.id] = await measure(network, gateways.pids, case, seconds=seconds)
                _print_case(console, measured, limits[case.id])
                figures += measured.figures(limits[case.id])
            figures += _circulars(found)
            for side, pid in gateways.pids.items():
                for role, size in sorted(peak_bytes(pid).items()):
                    figures.append(Figure(id=f"memory.{side}.{role}", value=round(size / 1e6, 1), unit="MB"))
    return figures


def _circulars(found: Mapping[str, Measured]) -> Iterator[Figure]:
    """What each further recipient of the same document costs, and how long all receipts of one document take."""
    for name, one in found.items():
        if one.case.recipients > 1:
            continue
        many = found[name.removesuffix("1") + str(EVERYBODY)]
        each = (many.gateways_ms - one.gateways_ms) / (EVERYBODY - 1)
        prefix = many.case.id
        yield Figure(id=f"{prefix}.recipient", value=_short(each), unit="ms", target=RECIPIENT_MS_MAX, at_most=True)
        slowest = _short(max(many.alone.taken) * 1e3)
        yield Figure(id=f"{prefix}.slowest", value=slowest, unit="ms", target=EVERYBODY_SECONDS_MAX * 1e3, at_most=True)


def machine() -> str:
    """What it ran on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return f"{model}, Python {platform.python_version()}, Linux {platform.release()}"


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _print_operations(console: Console, operations: Mapping[str, float]) -> None:
    table = Table("operation, one core", "µs", box=None)
    for name, value in operations.items():
        table.add_row(name, f"{value:,.1f}")
    console.print(table)


def _print_case(console: Console, measured: Measured, limit: float) -> None:
    figures = {figure.id.removeprefix(measured.case.id + "."): figure for figure in measured.figures(limit)}
    console.print(
        f"[bold]{measured.case.id:<14}[/bold]"
        f" {figures['documents_per_second'].value:>7} documents/s"
        f"  limit {figures['limit_per_second'].value:>7}  share {figures['share_of_limit'].value:>7}"
        f"  busy p50 {figures['busy.p50'].value} p99 {figures['busy.p99'].value} ms"
        f"  alone p50 {figures['alone.p50'].value} p99 {figures['alone.p99'].value} ms"
    )
    cpu = ", ".join(
        f"{name.removeprefix('cpu.')} {figure.value}" for name, figure in figures.items() if name.startswith("cpu.")
    )
    console.print(f"{'':<14} CPU ms/document: {cpu}")
    stages = ", ".join(f"{stage} {milliseconds:.0f}" for stage, milliseconds in measured.stages.items())
    console.print(f"{'':<14} one alone, ms: {stages}")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="of load for each case")
    parser.add_argument("--wards", type=int, default=None, help="a smaller world, for trying the benchmark itself")
    parser.add_argument("--output", type=Path, default=LATEST)
    parser.add_argument(
        "--table", action="store_true", help="run nothing: write the tables of README and PERFORMANCE from --output"
    )
    for name in PARTS:
        parser.add_argument(f"--{name}", action="store_true", help="only that part; the other figures of --output stay")
    arguments = parser.parse_args()
    if arguments.table:
        write_tables(read_figures(arguments.output))
        return
    console = Console(highlight=False)
    chosen = next((name for name in PARTS if getattr(arguments, name)), None)
    # What `make bench-long` measured stays, too.
    kept = rows_besides(arguments.output, PARTS[chosen].prefix) if chosen else rows_of(arguments.output, LONG)
    figures = [] if chosen else asyncio.run(run(console, seconds=arguments.seconds, wards=arguments.wards))
    for part in [PARTS[chosen]] if chosen else PARTS.values():
        for figure in part.figures():
            console.print(f"{figure.id:<32} {figure.value:>8} {figure.unit}{MARKS[figure.met]}")
            figures.append(figure)
    write_figures(arguments.output, figures, kept=kept)
    console.print(f"written: {arguments.output}")
    if arguments.output == LATEST:
        write_tables(read_figures(arguments.output))


if __name__ == "__main__":
    main()
