"""The two gateways of one fault: real processes, a folder of their own, each reached by the other through a proxy."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks.networks import lift_limits
from gateway.api import OfficeClient
from gateway.core.ids import OrganId
from gateway.demo.network import Network, build_network
from tests.kit.lab.books import OPEN, SIDES, STAGED, UNROUTED, Books
from tests.kit.lab.gateways import LabGateways
from tests.kit.lab.proxy import Proxy
from tests.kit.postgres import PostgresServer
from tests.kit.real_network import lead_through

FINISHED = "SELECT count(*) FROM deliveries WHERE state IN ('delivered', 'refused', 'expired', 'rerouted', 'void')"


class NotAtRestError(Exception):
    """After its time something was still on its way."""


@dataclass
class Site:
    """Both gateways with everything around them."""

    network: Network
    gateways: LabGateways
    proxies: dict[str, Proxy]
    """The way to each side."""
    books: Books
    kills: int = 0
    ends: int = 0
    """How often a gateway ended by itself, and was started again."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever starts or kills."""

    @property
    def offices(self) -> list[OrganId]:
        """Those with an API key: the city's office on the party's side, wards on the government's."""
        return list(self.network.offices)

    def client(self, organ: OrganId) -> OfficeClient:
        office = self.network.offices[organ]
        return OfficeClient(self.network.sides[office.side].url, office.api_key, self.network.client_context())

    def state(self, side: str) -> Path:
        return self.network.sides[side].folder / "state"

    def configure(self, side: str, text: str) -> None:
        """More of its configuration; takes effect at the next start."""
        with self.network.sides[side].config.open("a", encoding="utf-8") as file:
            file.write(text)

    def replace(self, side: str, pattern: str, by: str) -> None:
        """Another value in its configuration."""
        config = self.network.sides[side].config
        text, count = re.subn(pattern, by, config.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
        assert count == 1, f"{pattern} is not in the configuration"
        config.write_text(text, encoding="utf-8")

    async def on_the_way(self) -> int:
        """How many documents and deliveries are not at an end, on both sides; raises what a database raises."""
        return await asyncio.to_thread(self._count)

    async def finished(self) -> int:
        """How many deliveries have ended, on both sides; 0 when a database cannot be asked just now."""
        try:
            return await asyncio.to_thread(lambda: sum(int(self.books.rows(side, FINISHED)[0][0]) for side in SIDES))
        except (sqlite3.Error, psycopg.Error):
            return 0

    def _count(self) -> int:
        return sum(int(self.books.rows(side, query)[0][0]) for side in SIDES for query in (OPEN, UNROUTED, STAGED))

    @asynccontextmanager
    async def kept_running(self) -> AsyncIterator[None]:
        """Whoever ends by itself is started again, as a service manager does."""
        keeper = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    async def _keep(self) -> None:
        while True:
            for side in SIDES:
                async with self.turn:
                    if self.gateways.has_ended(side):
                        self.ends += 1
                        await self.gateways.start(side)
            await asyncio.sleep(0.2)

    async def rest(self, seconds: float = 150) -> None:
        """Wait until nothing is on its way any more."""
        left = -1
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        left = await self.on_the_way()
                    except (sqlite3.Error, psycopg.Error):
                        left = -1
                    if left == 0:
                        return
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise NotAtRestError(
                f"{left} documents or deliveries are still on their way after {seconds:.0f} s"
            ) from None


@asynccontextmanager
async def site(folder: Path, *, seed: int, wards: int = 3, server: PostgresServer | None = None) -> AsyncIterator[Site]:
    """A network that is not started yet: `async with made.gateways`. `server`: rows are kept there, not in SQLite."""
    urls = {side: server.empty_database() for side in SIDES} if server else {}
    network = await asyncio.to_thread(
        build_network,
        folder / "network",
        wards=wards,
        moment=datetime.now(UTC).replace(microsecond=0),
        databases=urls or None,
    )
    proxies = {side: Proxy(network.sides[side].peer_port, seed + number) for number, side in enumerate(SIDES)}
    for proxy in proxies.values():
        await proxy.start()
    lead_through(network, proxies)
    files = {side: str(network.sides[side].folder / "state" / "gateway.db") for side in SIDES}
    world = network.world
    hosts: dict[str, str] = {body.organ_id: _side(network, body.gateway) for body in (world.sender, *world.recipients)}
    books = Books(folder=folder, databases=urls or files, hosts=hosts)
    books.write()
    made = Site(network=network, gateways=LabGateways(network), proxies=proxies, books=books)
    lift_limits(network)
    try:
        yield made
    finally:
        for proxy in proxies.values():
            await proxy.stop()


def _side(network: Network, gateway: str) -> str:
    return next(name for name, side in network.sides.items() if side.gateway == gateway)
