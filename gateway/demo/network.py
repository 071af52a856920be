"""The network on disk: folders, keys, registry, two configurations, API keys: ready for two `gateway serve` processes."""

import fcntl
import os
import secrets
import shutil
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.access import make_key
from gateway.config import key_table, toml_table
from gateway.core.errors import SiteError
from gateway.core.grants import ApiKey
from gateway.core.ids import GatewayId, OrganId
from gateway.core.principal import Scope
from gateway.crypto import spki_digest
from gateway.demo.layout import GatewayFiles
from gateway.demo.pki import DemoPki, make_pki
from gateway.demo.plan import read_plan
from gateway.demo.registry_seed import seed_registry
from gateway.demo.workshop import Progress
from gateway.demo.world import DemoBody, DemoWorld, demo_world

MARK: Final = ".gateway-demo"
"""A folder with this file in it was made by the demo, and may be made anew by it; no other folder is ever removed."""
HOST: Final = "127.0.0.1"
PORTS: Final = range(20_000, 32_000)
"""Below those that the kernel gives to outgoing connections (RFC 6056)."""
BLOCK: Final = 120
"""Ports that a process tries first: two that make a network at the same moment must not choose the same ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A body's system in the demo: which body, on which side, and its API key."""

    organ_id: OrganId
    side: str
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One gateway of the network."""

    name: str
    """`party` or `government`: also its folder."""
    gateway: GatewayId
    folder: Path
    office_port: int
    peer_port: int
    admin_port: int

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.folder / "gateway.toml"

    @property
    def url(self) -> str:
        """Address of its office API."""
        return f"https://{HOST}:{self.office_port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The whole network as it lies on disk."""

    folder: Path
    world: DemoWorld
    sides: Mapping[str, Side]
    offices: Mapping[OrganId, Office]

    @property
    def root(self) -> Path:
        """The PEM certificate that clients of the demo trust."""
        return self.folder / "pki" / "ca" / "root.crt"

    @property
    def client_key(self) -> Path:
        """Private key of the sender's system; its certificate lies beside it."""
        return self.folder / "pki" / "clients" / f"{self.world.sender.organ_id}.pem"

    @property
    def letter(self) -> Path:
        """The sealed letter as one ward received it."""
        return self.folder / "letter.pdf"

    @property
    def envelope(self) -> Path:
        """The signed envelope as one ward received it."""
        return self.folder / "letter.edxml"

    def client_context(self) -> ssl.SSLContext:
        """For calls to the office APIs: this demo's root and nothing else."""
        return ssl.create_default_context(cafile=str(self.root))


def build_network(
    folder: Path,
    *,
    wards: int | None,
    moment: datetime,
    on_progress: Progress | None = None,
    databases: Mapping[str, str] | None = None,
) -> Network:
    """Make everything afresh in `folder`; an older demo there is removed first.

    `databases` has the URL of a PostgreSQL database for each side; without it both keep theirs in SQLite.

    Raises:
        SiteError: `config.invalid` when the folder is there and is not a demo's.
    """
    _fresh(folder)
    world = demo_world(wards=wards)
    pki = make_pki(folder / "pki", world, plan=read_plan(), moment=moment, on_progress=on_progress)
    ports = _free_ports(6)
    sides = {
        "party": _side(folder, "party", world.party, ports[:3]),
        "government": _side(folder, "government", world.government, ports[3:]),
    }
    registry, digest = seed_registry(
        world,
        pki,
        urls={side.gateway: f"https://{HOST}:{side.peer_port}" for side in sides.values()},
        issued_at=moment,
    )
    (folder / "registry.json").write_bytes(registry)
    offices = {office.organ_id: (office, row) for office, row in _offices(world)}
    for side in sides.values():
        rows = [row for office, row in offices.values() if office.side == side.name]
        sections = _sections(side, pki, digest=digest, world=world)
        if databases:
            sections["database"] = {"url": databases[side.name]}
        _write_config(side, sections, [*map(key_table, rows), *_client_tables(side, pki, world)])
    network = Network(
        folder=folder, world=world, sides=sides, offices={organ: office for organ, (office, _) in offices.items()}
    )
    _write_api_keys(network)
    return network


def _fresh(folder: Path) -> None:
    if folder.exists():
        if not (folder / MARK).is_file():
            raise SiteError("config.invalid", path=str(folder), reason="the folder is there and is not a demo's")
        _refuse_running(folder)
        shutil.rmtree(folder)
    folder.mkdir(parents=True, mode=0o700)
    (folder / MARK).write_text("made by `gateway demo`; the next demo in this place removes it\n", encoding="utf-8")


def _refuse_running(folder: Path) -> None:
    """A demo whose gateways still run keeps its folder: they hold the locks of their databases.

    Raises:
        SiteError: `store.locked`.
    """
    for path in folder.glob("*/state/gateway.db.lock"):
        with path.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                holder = path.read_text(encoding="ascii", errors="replace").strip() or "unknown"
                raise SiteError("store.locked", path=str(path), holder=holder) from error


def _side(folder: Path, name: str, gateway: GatewayId, ports: list[int]) -> Side:
    office, peer, admin = ports
    side = Side(name=name, gateway=gateway, folder=folder / name, office_port=office, peer_port=peer, admin_port=admin)
    side.folder.mkdir(mode=0o700)
    return side


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago. Nobody holds them until the gateways start, so each process tries others first."""
    first = os.getpid() * BLOCK % len(PORTS)
    turned = [*PORTS[first:], *PORTS[:first]]
    found: list[int] = []
    for port in [*secrets.SystemRandom().sample(turned[:BLOCK], BLOCK), *turned[BLOCK:]]:
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            found.append(port)
        if len(found) == count:
            return found
    raise SiteError("config.invalid", path="ports", reason=f"no {count} free ports from {PORTS.start} on")


def _offices(world: DemoWorld) -> list[tuple[Office, ApiKey]]:
    """One API key for the sender, and one for each of the first three People's Committees (fewer in a small world)."""
    wards = [body for body in world.recipients if body.gateway == world.government][:3]
    bodies = [(world.sender, "party"), *((body, "government") for body in wards)]
    offices = []
    for body, side in bodies:
        text, row = make_key(name=body.name, organs=[body.organ_id], scopes=Scope, entropy=secrets.token_bytes)
        offices.append((Office(organ_id=body.organ_id, side=side, api_key=text), row))
    return offices


def _write_api_keys(network: Network) -> None:
    """The texts of the API keys, for whoever wants to go on playing; the gateways know only their digests."""
    folder = network.folder / "api-keys"
    folder.mkdir(mode=0o700)
    for office in network.offices.values():
        path = folder / office.organ_id
        path.touch(mode=0o600)
        path.write_text(office.api_key + "\n", encoding="utf-8")


def _sections(side: Side, pki: DemoPki, *, digest: str, world: DemoWorld) -> dict[str, dict[str, object]]:
    files = pki.gateways[side.gateway].files
    entrusted = [body.organ_id for body in world.hosted(side.gateway) if body.seals]
    return {
        "gateway": {"id": side.gateway, "environment": "demo", "state": str(side.folder / "state")},
        "registry": {"file": str(side.folder.parent / "registry.json"), "sha256": digest},
        "trust": {"folder": str(files.anchors.parent)},
        "office_api": {**_listener(files, side.office_port), "client_anchors": str(files.anchors)},
        "peer": {**_listener(files, side.peer_port), "anchors": str(files.anchors)},
        "admin": {"host": HOST, "port": side.admin_port},
        "keys": {
            "transport": str(files.transport_keys),
            "seals": str(files.seal_keys),
            "entrusted": entrusted,
        },
        "receipts": {"key": str(files.receipt_key)},
        "audit": {"key": str(files.log_key)},
    }


def _client_tables(side: Side, pki: DemoPki, world: DemoWorld) -> list[str]:
    return [
        toml_table("[[access.certificates]]", _client(body, pki.clients[body.organ_id]))
        for body in world.hosted(side.gateway)
        if body.organ_id in pki.clients
    ]


def _write_config(side: Side, sections: Mapping[str, Mapping[str, object]], access: list[str]) -> None:
    text = "# Made by `gateway demo`. DEMO keys only: never use any of this in production.\n"
    tables = [*(toml_table(f"[{name}]", section) for name, section in sections.items()), *access]
    text += "".join(f"\n{table}" for table in tables)
    side.config.touch(mode=0o600)
    side.config.write_text(text, encoding="utf-8")


def _client(body: DemoBody, der: bytes) -> dict[str, object]:
    """The table by which a gateway knows the certificate of a body's system."""
    return {"name": body.name, "sha256": spki_digest(der), "organs": [body.organ_id], "scopes": sorted(Scope)}


def _listener(files: GatewayFiles, port: int) -> dict[str, object]:
    return {"host": HOST, "port": port, "certificate": str(files.tls_certificate), "key": str(files.tls_key)}
