"""A network of two gateways to measure on: the demo's, with its limits on rates lifted, on SQLite or on PostgreSQL."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.load import Office
from benchmarks.sealing import seal_of
from gateway.api import OfficeClient
from gateway.demo.network import Network, build_network

DATABASE: Final = Path("state") / "gateway.db"


def make_network(folder: Path, *, wards: int | None, databases: Mapping[str, str] | None = None) -> Network:
    """The network on disk; `databases`: URLs of a server's, by side."""
    moment = datetime.now(UTC).replace(microsecond=0)
    network = build_network(folder, wards=wards, moment=moment, databases=databases)
    lift_limits(network)
    return network


def lift_limits(network: Network) -> None:
    """One key asks as fast as it can: rate limits would measure themselves."""
    most = "requests_per_minute = 1000000\nrequests_burst = 1000000\nrequests_at_once = 1000\n"
    more = most + "address_requests_per_minute = 1000000\naddress_requests_burst = 1000000\ngib_per_day = 1024\n"
    for side in network.sides.values():
        text = side.config.read_text(encoding="utf-8")
        side.config.write_text(f"{text}\n[limits]\n{more}", encoding="utf-8")


def door(network: Network) -> tuple[str, str]:
    """Address and key of the sender's office."""
    office = network.offices[network.world.sender.organ_id]
    return network.sides[office.side].url, office.api_key


def recipients(network: Network) -> tuple[str, ...]:
    """The first half is on the other gateway."""
    far = [body.organ_id for body in network.world.recipients if body.gateway == network.world.government]
    near = [body.organ_id for body in network.world.recipients if body.gateway == network.world.party]
    return (*far, *near)


@asynccontextmanager
async def office_of(
    network: Network, *, databases: Mapping[str, str] | None = None, spread: int = 1
) -> AsyncIterator[Office]:
    """The sender's system, its client open."""
    sender = network.world.sender.organ_id
    async with OfficeClient(*door(network), network.client_context()) as client:
        yield Office(
            client=client,
            sender=sender,
            recipients=recipients(network),
            database=databases["party"] if databases else network.sides["party"].folder / DATABASE,
            seal=seal_of(network.folder / "pki" / "party" / "keys" / "seal", sender),
            spread=spread,
        )
