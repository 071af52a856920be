"""A restore on real gateways: an older backup, kill -9 while the peers are asked, and nothing is lost that a peer believes."""

import asyncio
import json
import shutil
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.exits import Exit
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow
SIDE = "government"


async def gateway(real: RealNetwork, *line: str) -> tuple[int, Any]:
    """A command of the operator, and what it says."""
    config = str(real.network.sides[SIDE].config)
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "--json", *line, "--config", config, stdout=PIPE
    )
    said, _ = await program.communicate()
    return program.returncode or 0, json.loads(said)


async def until(real: RealNetwork, side: str, query: str, wanted: object) -> None:
    async with asyncio.timeout(120):
        while real.rows(side, query) != wanted:
            await asyncio.sleep(0.1)


async def test_what_a_peer_believes_delivered_comes_again(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        for number in (1, 2):
            await real.until_delivered(await real.send(number))
        backup = tmp_path / "backup"
        assert (await gateway(real, "backup", "-o", str(backup)))[0] == Exit.OK
        for number in (3, 4, 5):
            await real.until_delivered(await real.send(number))
        everything = real.rows(SIDE, "SELECT recipient, document_id, sequence FROM inbox ORDER BY recipient, sequence")
        real.gateways.kill(SIDE)
        state = real.network.sides[SIDE].folder / "state"
        await asyncio.to_thread(shutil.move, state, state.with_name("lost"))
        code, said = await gateway(real, "restore", str(backup))
        assert (code, said["peers"]) == (Exit.OK, 1)
        assert said["reopened"]["number"] > 0
        assert len(real.rows(SIDE, "SELECT key FROM inbox")) < len(everything)
        await real.gateways.start(SIDE)
        await real.gateways.ready(SIDE)
        await real.kill_and_restart(SIDE)
        await real.gateways.ready(SIDE)
        await real.until_delivered(await real.send(6))
        await until(real, SIDE, "SELECT state FROM resyncs", [("done",)])
        again = real.rows(SIDE, "SELECT recipient, document_id, sequence FROM inbox ORDER BY recipient, sequence")
        assert [row for row in again if row in everything] == everything
        assert len(set(again)) == len(again)
        assert real.rows("party", "SELECT count(*) FROM deliveries WHERE state <> 'delivered'") == [(0,)]
        code, report = await gateway(real, "audit", "verify")
        assert (code, report["problems"]) == (Exit.OK, [])
        assert report["log"]["lost"] == []  # the signer's memory went with the disk: the log's own leaf tells the gap
        events = real.rows(
            SIDE, "SELECT event, count(*) FROM openings WHERE event LIKE 'log.%' GROUP BY event ORDER BY event"
        )
        assert events == [("log.gap", 1), ("log.reopened", 1)]
        code, found = await gateway(real, "doctor")
        assert "probe.queue.resynced" in json.dumps(found)
