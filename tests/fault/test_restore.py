"""A restore on real gateways: an older backup, kill -9 while the peers are asked, and nothing is lost that a peer believes."""

import asyncio
import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from gateway.cli.exits import Exit
from tests.kit.operator_line import gateway
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow
SIDE = "government"


async def until(real: RealNetwork, side: str, query: str, wanted: object) -> None:
    async with asyncio.timeout(120):
        while real.rows(side, query) != wanted:
            await asyncio.sleep(0.1)


async def test_what_a_peer_believes_delivered_comes_again(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        operator = partial(gateway, real.network, SIDE)
        for number in (1, 2):
            await real.until_delivered(await real.send(number))
        backup = tmp_path / "backup"
        assert (await operator("backup", "-o", str(backup))).code == Exit.OK
        for number in (3, 4, 5):
            await real.until_delivered(await real.send(number))
        everything = real.rows(SIDE, "SELECT recipient, document_id, sequence FROM inbox ORDER BY recipient, sequence")
        real.gateways.kill(SIDE)
        state = real.network.sides[SIDE].folder / "state"
        await asyncio.to_thread(shutil.move, state, state.with_name("lost"))
        restored = await operator("restore", str(backup))
        assert (restored.code, restored.told["peers"]) == (Exit.OK, 1)
        assert restored.told["reopened"]["number"] > 0
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
        report = await operator("audit", "verify")
        assert (report.code, report.told["problems"]) == (Exit.OK, [])
        assert (
            report.told["log"]["lost"] == []
        )  # the signer's memory went with the disk: the log's own leaf tells the gap
        events = real.rows(
            SIDE, "SELECT event, count(*) FROM openings WHERE event LIKE 'log.%' GROUP BY event ORDER BY event"
        )
        assert events == [("log.gap", 1), ("log.reopened", 1)]
        assert "probe.queue.resynced" in json.dumps((await operator("doctor")).told)
