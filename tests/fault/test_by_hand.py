"""The queue by hand on real gateways: over the admin socket, remembered through kill -9, and never by one person alone."""

import asyncio
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from tests.kit import operator_line
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow


async def gateway(real: RealNetwork, *line: str) -> int:
    """A command of the operator of the party's gateway."""
    return (await operator_line.gateway(real.network, "party", *line)).code


def states(real: RealNetwork, document: str) -> set[str]:
    rows = real.rows("party", f"SELECT state FROM deliveries WHERE document = '{document}'")
    return {state for (state,) in rows}


async def routed(real: RealNetwork, document: str) -> None:
    """Until the document has its deliveries: nobody could send them earlier."""
    async with asyncio.timeout(60):
        while not states(real, document):
            await asyncio.sleep(0.1)


async def test_a_pause_outlives_the_process_and_one_person_voids_nothing(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        there = "chinhquyen.demo.internal"
        assert await gateway(real, "queue", "pause", there, "--reason", "bảo trì") == Exit.OK
        document = await real.send(1, recipients=real.government_wards[:1])
        await routed(real, document)
        await real.kill_and_restart("party")
        await real.gateways.ready("party")
        assert real.rows("party", "SELECT destination FROM pauses") == [(there,)]
        assert await gateway(real, "queue", "void", document, "--confirm") == Exit.CONFLICT
        assert await gateway(real, "queue", "void", document, "--reason", "gửi nhầm") == Exit.OK
        assert await gateway(real, "queue", "void", document, "--confirm") == Exit.CONFLICT  # the same person
        assert states(real, document) == {"queued"}
        assert await gateway(real, "queue", "resume", there) == Exit.OK
        await real.until_delivered(document)
        assert states(real, document) == {"delivered"}
        assert await gateway(real, "queue", "retry", document) == Exit.CONFLICT
        await real.gateways.stop("party")
        assert await gateway(real, "queue", "retry", document) == Exit.UNREACHABLE
