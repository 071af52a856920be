"""A receiver that was away: how fast what gathered meanwhile drains, and how long urgent documents wait among it."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.cases import KIB, Case
from benchmarks.load import Office, Run, drive, drive_at, hand_in
from benchmarks.meter import cpu_seconds
from benchmarks.networks import DATABASE, make_network, office_of
from benchmarks.results import LONG, Figure, percentile
from gateway.demo.network import Network
from gateway.demo.processes import Gateways
from tests.kit.operator_line import gateway

CASE: Final = Case("file", 3 * KIB, 1)
STREAMS: Final = 4
"""Recipients in turn: all on the gateway that was away."""
RATIO_MIN: Final = 0.9
URGENT_RATE: Final = 1.0
URGENT_SECONDS_MAX: Final = 10.0
"""The 99th of a hundred urgent documents, with the whole backlog before it."""
AT_ONCE: Final = 48
LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """How a backlog went."""

    steady: Run
    backlog: int
    seconds: float
    """From the first receipt to the last."""
    steady_cpu: float
    """CPU seconds of both gateways for one document from hand to receipt ..."""
    drain_cpu: float
    """... and for one of the backlog, which had been taken in before."""
    generator_cpu: float
    urgent: Run


async def outage_figures(folder: Path, *, deliveries: int, seconds: float) -> list[Figure]:
    """Steady rate; then so many deliveries gather; then the receiver is back."""
    network = await asyncio.to_thread(make_network, folder, wards=2 * STREAMS)
    async with Gateways(network) as gateways, office_of(network, spread=STREAMS) as office:
        await drive(office, CASE, in_flight=8, seconds=seconds / 4)
        before = _cpu(gateways)
        steady = await drive(office, CASE, in_flight=24, seconds=seconds)
        steady_cpu = (_cpu(gateways) - before) / len(steady.taken)
        gateways.kill("government")
        last = await _gather(office, deliveries)
        await gateways.start("government")
        await gateways.ready("government")
        drained = await _drain(network, gateways, office, steady=(steady, steady_cpu), keys=last)
    return [*_figures(drained)]


def _cpu(gateways: Gateways) -> float:
    return sum(cpu_seconds(pid).total() for pid in gateways.pids.values())


async def _gather(office: Office, deliveries: int) -> list[str]:
    """Hand them in while the receiver is away; until each waits for its road."""
    run, keys, room = Run(), list[str](), asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with room:
            keys.append((await hand_in(office, CASE, run))[0])

    async with asyncio.TaskGroup() as group:
        for _ in range(deliveries):
            group.create_task(one())
    while _count(office, "documents", "state <> 'routed'"):  # noqa: ASYNC110 - it happens in another process
        await asyncio.sleep(LOOK_SECONDS)
    return keys


def _count(office: Office, table: str, where: str) -> int:
    assert isinstance(office.database, Path)
    connection = sqlite3.connect(f"file:{office.database}?mode=ro", uri=True)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0])  # noqa: S608 - our own words
    finally:
        connection.close()


async def _drain(
    network: Network, gateways: Gateways, office: Office, *, steady: tuple[Run, float], keys: list[str]
) -> Drained:
    """An operator says that the road is open (else it would be tried within a quarter of an hour); urgent ones come in."""
    waiting, before = _count(office, "deliveries", "state <> 'delivered'"), _cpu(gateways)
    mine, began = time.process_time(), time.time()
    opened = await gateway(network, "party", "queue", "retry", keys[0])
    assert opened.code == 0, f"the road was not opened by hand: {opened.errors}"
    urgent_runs, left = list[Run](), waiting
    while left:
        # Ten seconds of urgent ones at a time, as long as the backlog lasts.
        urgent_runs.append(await drive_at(office, CASE, rate=URGENT_RATE, seconds=10.0, priority="immediate"))
        before_that, left = left, _count(office, "deliveries", "state <> 'delivered'")
        assert left < before_that, f"the backlog stands still at {left}"
    database = network.sides["party"].folder / DATABASE
    first, last = _span(database, keys)
    together = Run(started=began, ended=time.time(), taken=[one for run in urgent_runs for one in run.taken])
    return Drained(
        steady=steady[0],
        backlog=waiting,
        seconds=last - first,
        steady_cpu=steady[1],
        drain_cpu=(_cpu(gateways) - before) / (waiting + len(together.taken)),
        generator_cpu=time.process_time() - mine,
        urgent=together,
    )


def _span(database: Path, keys: list[str]) -> tuple[float, float]:
    """When the first and the last of these were delivered, seconds since the epoch."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        connection.execute("CREATE TEMPORARY TABLE mine (key TEXT PRIMARY KEY)")
        connection.executemany("INSERT INTO mine VALUES (?)", ((key,) for key in keys))
        query = "SELECT min(d.changed_at), max(d.changed_at) FROM deliveries d JOIN mine m ON m.key = d.document"
        first, last = connection.execute(query).fetchone()
    finally:
        connection.close()
    return first / 1e3, last / 1e3


def _figures(drained: Drained) -> Iterator[Figure]:
    rate = drained.backlog / drained.seconds
    taken = drained.urgent.taken
    ratio = rate / drained.steady.rate
    yield Figure(id=f"{LONG}backlog.deliveries", value=drained.backlog, unit="deliveries")
    yield Figure(id=f"{LONG}backlog.steady_rate", value=round(drained.steady.rate, 1), unit="1/s")
    yield Figure(id=f"{LONG}backlog.drain_rate", value=round(rate, 1), unit="1/s")
    yield Figure(id=f"{LONG}backlog.drain_ratio", value=round(ratio, 2), unit="ratio", target=RATIO_MIN)
    yield Figure(id=f"{LONG}backlog.steady_cpu", value=round(drained.steady_cpu * 1e3, 2), unit="ms/document")
    yield Figure(id=f"{LONG}backlog.drain_cpu", value=round(drained.drain_cpu * 1e3, 2), unit="ms/document")
    yield Figure(id=f"{LONG}backlog.generator_cpu", value=round(drained.generator_cpu, 1), unit="s")
    yield Figure(id=f"{LONG}backlog.urgent.documents", value=len(taken), unit="documents")
    yield Figure(id=f"{LONG}backlog.urgent.p50", value=round(percentile(taken, 50), 2), unit="s")
    yield Figure(
        id=f"{LONG}backlog.urgent.longest",
        value=round(max(taken), 2),
        unit="s",
        target=URGENT_SECONDS_MAX,
        at_most=True,
    )
