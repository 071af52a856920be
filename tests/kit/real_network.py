"""Two real gateway processes on loopback, for tests that kill them: the demo's network with its parts within reach."""

import asyncio
import hashlib
import json
import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from gateway.api import ApiProblem, OfficeClient
from gateway.core.errors import RoadError
from gateway.core.ids import Digest, OrganId
from gateway.demo.network import Network, build_network
from gateway.demo.processes import Gateways
from gateway.demo.run import verify_outside
from tests.kit.lab.proxy import Proxy
from tests.kit.pdfs import tiny_pdf
from tests.kit.postgres import PostgresServer, look


@dataclass
class RealNetwork:
    """Both gateways, their offices, and the count of what was acknowledged, kept in a file outside both."""

    network: Network
    gateways: Gateways
    relay: Proxy
    """On the way to the government's gateway."""
    journal: Path
    databases: Mapping[str, str] = field(default_factory=dict)
    """URLs of PostgreSQL databases by side; without one, a side's rows are in SQLite."""
    sent: dict[str, str] = field(default_factory=dict)
    """Idempotency key -> document key, as acknowledged."""

    @property
    def sender(self) -> OrganId:
        return self.network.world.sender.organ_id

    @property
    def wards(self) -> list[OrganId]:
        return [body.organ_id for body in self.network.world.recipients]

    @property
    def government_wards(self) -> list[OrganId]:
        return [organ for organ in self.network.offices if organ != self.sender]

    def client(self, organ: OrganId) -> OfficeClient:
        office = self.network.offices[organ]
        return OfficeClient(self.network.sides[office.side].url, office.api_key, self.network.client_context())

    def metadata(self, number: int, recipients: list[OrganId], **fields: Any) -> dict[str, Any]:
        return {
            "sender": self.sender,
            "recipients": recipients,
            "code": {"number": str(number), "notation": "CV/VPTU"},
            "promulgation_place": "Thành phố Hồ Chí Minh",
            "promulgation_date": "2026-02-02",
            "subject": f"Thử nghiệm số {number}",
            **fields,
        }

    async def send(self, number: int, *, data: bytes | None = None, recipients: list[OrganId] | None = None) -> str:
        """Hand a letter in until somebody acknowledges it, as an office's system would; then write it into the journal."""
        key = f"letter-{number}"
        files = [("cong-van.pdf", data or tiny_pdf(f"Van ban {number}"))]
        metadata = self.metadata(number, recipients or self.wards)
        for _ in range(600):
            try:
                async with self.client(self.sender) as client:
                    document = await client.send_contents(metadata, files, key)
                break
            except RoadError:
                await asyncio.sleep(0.1)
            except ApiProblem as problem:
                if not problem.retryable:
                    raise
                await asyncio.sleep(0.1)
        else:
            raise AssertionError(f"{key} was never acknowledged")
        self.note(key, document)
        return str(document["key"])

    def note(self, key: str, document: Mapping[str, Any]) -> None:
        """Write into the journal what was acknowledged under an idempotency key."""
        self.sent[key] = document["key"]
        with self.journal.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps([key, document["key"], document["document_id"]]) + "\n")

    async def until_delivered(self, *keys: str, seconds: float = 90) -> None:
        async with asyncio.timeout(seconds), self.client(self.sender) as client:
            for key in keys:
                while True:
                    view = await client.document(key)
                    counts = view["deliveries"]["counts"]
                    if view["deliveries"]["total"] and set(counts) <= {"delivered", "refused", "expired"}:
                        break
                    await asyncio.sleep(0.1)

    async def inbox(self, organ: OrganId) -> list[Mapping[str, Any]]:
        async with self.client(organ) as client:
            return list((await client.inbox(limit=200))["entries"])

    def rows(self, side: str, query: str) -> list[Any]:
        """Straight from the database, read-only: the test's own eyes."""
        if side in self.databases:
            return look(self.databases[side], query)
        path = self.network.sides[side].folder / "state" / "gateway.db"
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    async def check(self) -> dict[str, Any]:
        """The stranger's findings; nothing may be wrong."""
        findings = await verify_outside(self.network.folder)
        assert not findings["problems"], findings["problems"]
        return findings

    def children(self, side: str) -> list[psutil.Process]:
        children: list[psutil.Process] = psutil.Process(self.gateways.pids[side]).children(recursive=True)
        return children

    async def gone(self, children: list[psutil.Process]) -> None:
        """None of them may go on running. A zombie runs no more: where nobody reaps orphans, it stays in the table."""
        async with asyncio.timeout(10):
            while alive := [child for child in children if _runs(child)]:
                await asyncio.sleep(0.05)
        assert alive == []

    async def kill_and_restart(self, side: str) -> None:
        """As a power cut would; no child may outlive the gateway, and its ports must be free for the next one."""
        children = self.children(side)
        self.gateways.kill(side)
        await self.gone(children)
        for port in (self.network.sides[side].office_port, self.network.sides[side].peer_port):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        await self.gateways.start(side)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@asynccontextmanager
async def real_network(
    folder: Path, *, wards: int = 3, start: bool = True, server: PostgresServer | None = None
) -> AsyncIterator[RealNetwork]:
    """`server`: both gateways keep their rows there instead of in SQLite."""
    databases = {side: server.empty_database() for side in ("party", "government")} if server else {}
    network = await asyncio.to_thread(
        build_network,
        folder / "network",
        wards=wards,
        moment=datetime.now(UTC).replace(microsecond=0),
        databases=databases,
    )
    relay = Proxy(network.sides["government"].peer_port, seed=0)
    await relay.start()
    lead_through(network, {"government": relay})
    gateways = Gateways(network)
    made = RealNetwork(
        network=network, gateways=gateways, relay=relay, journal=folder / "journal.jsonl", databases=databases
    )
    try:
        if start:
            async with gateways:
                yield made
        else:
            yield made
    finally:
        await relay.stop()


def lead_through(network: Network, proxies: Mapping[str, Proxy]) -> None:
    """The registry says that these sides listen where their proxies do; both configurations pin the new digest."""
    path = network.folder / "registry.json"
    text = path.read_text(encoding="utf-8")
    for name, proxy in proxies.items():
        text = text.replace(f"127.0.0.1:{network.sides[name].peer_port}", f"127.0.0.1:{proxy.port}")
    path.write_text(text, encoding="utf-8")
    digest = Digest(hashlib.sha256(text.encode()).hexdigest())
    for side in network.sides.values():
        config = side.config.read_text(encoding="utf-8")
        pinned = re.sub(r'^sha256 = "[0-9a-f]{64}"', f'sha256 = "{digest}"', config, count=1, flags=re.MULTILINE)
        side.config.write_text(pinned, encoding="utf-8")
