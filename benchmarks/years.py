"""The rate with a million finished documents in both databases, beside the rate with none: on SQLite and on PostgreSQL.

Two networks run side by side, one full and one empty, and are driven in turn for some seconds each, in the order full, empty,
empty, full: a machine whose speed drifts, or whose disk is slow for a while, is as slow for the one as for the other. The idle
one costs the driven one nothing worth counting.
"""

import asyncio
import multiprocessing
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.cases import KIB, Case
from benchmarks.finished import fill, mould
from benchmarks.load import Office, drive
from benchmarks.meter import cpu_seconds
from benchmarks.networks import DATABASE, make_network, office_of
from benchmarks.results import LONG, Figure
from benchmarks.stopped import PostgresDatabase, SqliteFile
from gateway.demo.network import Network
from gateway.demo.processes import Gateways
from tests.kit.postgres import PostgresServer

CASE: Final = Case("file", 3 * KIB, 1)
"""The least cryptography and the fewest bytes: what the database does weighs most."""
STREAMS: Final = 4
TURNS: Final = 12
"""Each network is driven so often."""
IN_FLIGHT: Final = 24
RATIO_MIN: Final = 0.9


@dataclass(slots=True)
class Measured:
    """One network's turns."""

    rates: list[float] = field(default_factory=list)
    ready: float = 0.0
    """Seconds from the start of both gateways to the first answer of both."""
    cpu: list[float] = field(default_factory=list)
    """CPU seconds of both gateways for one document; on PostgreSQL without the server's."""


class Pair:
    """A full network and an empty one on one kind of database."""

    def __init__(self, folder: Path, *, server: PostgresServer | None) -> None:
        self._sides = ("party", "government")
        self._databases: dict[str, Mapping[str, str] | None] = {}
        self._networks: dict[str, Network] = {}
        for name in ("full", "none"):
            urls = {side: server.database() for side in self._sides} if server else None
            self._databases[name] = urls
            self._networks[name] = make_network(folder / name, wards=2 * STREAMS, databases=urls)
        self.measured = {name: Measured() for name in self._networks}

    async def fill(self, copies: int) -> None:
        """A few documents walk; then their copies are poured into both sides of the full network."""
        await self.walk(seconds=2.0)
        party = _open(self._place("party"))
        transfers = party.newest_transfers(2 * STREAMS)
        party.settle()
        with ProcessPoolExecutor(len(self._sides), multiprocessing.get_context("spawn")) as sides:
            pouring = [sides.submit(_pour, side, self._place(side), transfers, copies) for side in self._sides]
            leaves = await asyncio.gather(*map(asyncio.wrap_future, pouring))
        await self.walk(seconds=1.0)  # what was poured in is signed now
        for side, poured in zip(self._sides, leaves, strict=True):
            await asyncio.to_thread(_publish, self._place(side), poured, copies)

    def _place(self, side: str) -> str | Path:
        urls = self._databases["full"]
        return urls[side] if urls else self._networks["full"].sides[side].folder / DATABASE

    async def walk(self, *, seconds: float) -> None:
        """Some documents in the full network, of which nothing is measured."""
        async with self._running("full") as (_, office):
            await drive(office, CASE, in_flight=IN_FLIGHT, seconds=seconds)

    async def measure(self, *, seconds: float) -> None:
        """Drive both networks, each for so many seconds in all, after a while to warm up."""
        async with self._running("none") as none, self._running("full") as full:
            running = {"none": none, "full": full}
            for _, office in running.values():
                await drive(office, CASE, in_flight=IN_FLIGHT, seconds=seconds / TURNS)
            for turn in range(TURNS):
                for name in ("none", "full") if turn % 2 else ("full", "none"):
                    await self._turn(name, *running[name], seconds=seconds / TURNS)

    async def _turn(self, name: str, gateways: Gateways, office: Office, *, seconds: float) -> None:
        before = _cpu_of(gateways)
        run = await drive(office, CASE, in_flight=IN_FLIGHT, seconds=seconds)
        self.measured[name].rates.append(run.rate)
        self.measured[name].cpu.append((_cpu_of(gateways) - before) / len(run.taken))

    @asynccontextmanager
    async def _running(self, name: str) -> AsyncIterator[tuple[Gateways, Office]]:
        """One network, from its start to its stop."""
        network, began = self._networks[name], time.monotonic()
        async with (
            Gateways(network) as gateways,
            office_of(network, databases=self._databases[name], spread=STREAMS) as office,
        ):
            self.measured[name].ready = time.monotonic() - began
            yield gateways, office

    def figures(self, engine: str, copies: int) -> Iterator[Figure]:
        """The medians of the turns, and what one is of the other."""
        full, none = self.measured["full"], self.measured["none"]
        name = f"{LONG}finished.{engine}"
        rate, without = statistics.median(full.rates), statistics.median(none.rates)
        yield Figure(id=f"{name}.documents", value=copies, unit="documents")
        yield Figure(id=f"{name}.rate", value=round(rate, 1), unit="1/s")
        yield Figure(id=f"{name}.rate_without", value=round(without, 1), unit="1/s")
        yield Figure(id=f"{name}.ratio", value=round(rate / without, 2), unit="ratio", target=RATIO_MIN)
        work = statistics.median(none.cpu) / statistics.median(full.cpu)
        yield Figure(id=f"{name}.cpu_ratio", value=round(work, 2), unit="ratio")
        yield Figure(id=f"{name}.ready", value=round(full.ready, 1), unit="s")
        yield Figure(id=f"{name}.ready_without", value=round(none.ready, 1), unit="s")
        yield Figure(id=f"{name}.cpu", value=round(statistics.median(full.cpu) * 1e3, 2), unit="ms/document")
        yield Figure(id=f"{name}.cpu_without", value=round(statistics.median(none.cpu) * 1e3, 2), unit="ms/document")


def _cpu_of(gateways: Gateways) -> float:
    return sum(cpu_seconds(pid).total() for pid in gateways.pids.values())


def _open(place: str | Path) -> SqliteFile | PostgresDatabase:
    """`place`: a file of SQLite, or the URL of a database on a server."""
    return SqliteFile(place) if isinstance(place, Path) else PostgresDatabase(place)


def _pour(side: str, place: str | Path, transfers: list[str], copies: int) -> range:
    """One side, in a process of its own."""
    database = _open(place)
    return fill(database, [mould(database, transfer) for transfer in transfers], copies, side=side)


def _publish(place: str | Path, leaves: range, copies: int) -> None:
    """As many checkpoints as would have been published, one for each two documents; the signed one is newer than all."""
    database = _open(place)
    (last,) = database.rows("checkpoints", "size", [database.greatest("checkpoints", "size")])
    sizes = leaves[1 :: max(1, 2 * len(leaves) // copies)]
    database.pour("checkpoints", ("size", "note"), ((size, last["note"]) for size in sizes))
    database.settle()


async def years_figures(folder: Path, *, copies: int, seconds: float, engines: tuple[str, ...]) -> list[Figure]:
    """Each engine by itself, and its files removed before the next one's are made."""
    found: list[Figure] = []
    for engine in engines:
        server = PostgresServer(durable=True) if engine == "postgres" else None
        try:
            pair = await asyncio.to_thread(Pair, folder / engine, server=server)
            await pair.fill(copies)
            await pair.measure(seconds=seconds)
            found += pair.figures(engine, copies)
        finally:
            if server is not None:
                server.stop()
            shutil.rmtree(folder / engine, ignore_errors=True)
    return found
