"""Both gateways on PostgreSQL, as real processes; gateways and server are killed for real."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.test_processes import everything_once
from tests.kit.postgres import PostgresServer
from tests.kit.real_network import real_network

pytestmark = pytest.mark.slow

LETTERS = 12


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer(durable=True)
    yield server
    server.stop()


async def test_kill_9_of_gateways_and_crashes_of_the_server_lose_nothing_and_double_nothing(
    tmp_path: Path, server: PostgresServer
) -> None:
    chance = random.Random(20261122)
    async with real_network(tmp_path, server=server) as real:

        async def traffic() -> None:
            for number in range(1, LETTERS + 1):
                await real.send(number)

        async def trouble() -> None:
            for side in ("party", "government"):
                await asyncio.sleep(chance.uniform(0.3, 0.9))
                await asyncio.to_thread(server.crash)
                await asyncio.sleep(chance.uniform(0.3, 0.9))
                await real.kill_and_restart(side)
                await real.gateways.ready(side)

        await asyncio.gather(traffic(), trouble())
        await real.until_delivered(*real.sent.values())
        await everything_once(real)
        for side in ("party", "government"):
            log = (real.network.sides[side].folder / "serve.log").read_text(encoding="utf-8")
            assert "store.fatal" not in log
            assert "work.dead" not in log


async def test_a_second_gateway_on_the_same_database_is_refused_and_a_killed_one_s_successor_is_not(
    tmp_path: Path, server: PostgresServer
) -> None:
    async with real_network(tmp_path, server=server) as real:
        side = real.network.sides["party"]
        second = await asyncio.create_subprocess_exec(
            *(".venv/bin/gateway", "serve", "--config", str(side.config)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await asyncio.wait_for(second.communicate(), 30)
        assert second.returncode == 7
        assert "store.locked" in errors.decode()
        await real.kill_and_restart("party")
        await real.gateways.ready("party")
        key = await real.send(1)
        await real.until_delivered(key)
        await everything_once(real)
