"""Real processes, killed for real. The count of what was acknowledged is kept in a file outside both gateways."""

import asyncio
import json
import random
import sqlite3
from pathlib import Path

import pytest

from gateway.api import ApiProblem
from gateway.core.limits import FILE_BYTES_MAX
from tests.kit.pdfs import tiny_pdf
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow

LETTERS = 14
KILLS = 6
SETTLED = (
    "SELECT (SELECT count(*) FROM transfers WHERE state = 'receipted'), "
    "(SELECT count(*) FROM destinations WHERE failures > 0)"
)
"""How many transfers came through, and how many roads were found closed."""


async def everything_once(real: RealNetwork) -> None:
    """Every acknowledged letter is at every recipient exactly once, on both sides, and the stranger finds nothing wrong."""
    journal = [json.loads(line) for line in real.journal.read_text(encoding="utf-8").splitlines()]
    assert {key: document for key, document, _ in journal} == real.sent
    expected = sorted((organ, document_id) for _, _, document_id in journal for organ in real.wards)
    query = "SELECT recipient, document_id FROM inbox"
    found = sorted(real.rows("party", query) + real.rows("government", query))
    assert [tuple(row) for row in found] == expected
    states = real.rows("party", "SELECT DISTINCT state, evidence FROM deliveries")
    assert [tuple(row) for row in states] == [("delivered", "receipt")]
    findings = await real.check()
    assert findings["receipts"] == findings["deliveries"] == len(expected)


async def test_kill_9_of_either_gateway_in_the_middle_of_traffic_loses_nothing_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    chance = random.Random(20261121)
    async with real_network(tmp_path) as real:

        async def traffic() -> None:
            for number in range(1, LETTERS + 1):
                await real.send(number)

        async def killer() -> None:
            for number in range(KILLS):
                await asyncio.sleep(chance.uniform(0.1, 0.7))
                side = ("party", "government")[number % 2]
                await real.kill_and_restart(side)
                await real.gateways.ready(side)

        await asyncio.gather(traffic(), killer())
        await real.until_delivered(*real.sent.values())
        await everything_once(real)


async def test_a_peer_that_is_down_gets_its_letters_when_it_is_back(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        await real.gateways.stop("government")
        for number in range(1, 4):
            await real.send(number)
        async with asyncio.timeout(30):
            while real.rows("party", SETTLED) != [(3, 1)]:
                await asyncio.sleep(0.05)
        waiting = real.rows("party", "SELECT DISTINCT state FROM deliveries WHERE recipient LIKE '%.UB.%'")
        own = real.rows("party", "SELECT DISTINCT state FROM deliveries WHERE recipient LIKE '%.DU.%'")
        assert {row[0] for row in waiting} <= {"queued", "sending"}
        assert own == [("delivered",)]
        await real.gateways.start("government")
        await real.gateways.ready("government")
        await real.until_delivered(*real.sent.values())
        await everything_once(real)


async def test_answers_that_are_lost_after_the_peer_stored_the_transfer(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        real.relay.weather.lose_next = 3
        for number in range(1, 6):
            await real.send(number)
        await real.until_delivered(*real.sent.values())
        assert real.relay.counts.lost_answers == 3
        await everything_once(real)


async def test_the_same_submission_twice_at_once_and_after_a_kill_is_one_document(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        keys = await asyncio.gather(*(real.send(1) for _ in range(8)))
        assert len(set(keys)) == 1
        await real.kill_and_restart("party")
        await real.gateways.ready("party")
        assert await real.send(1) == keys[0]
        await real.until_delivered(keys[0])
        assert len(await real.inbox(real.government_wards[0])) == 1
        assert real.rows("party", "SELECT count(*) FROM documents") == [(1,)]


async def test_sigterm_drains_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        for number in range(1, 6):
            await real.send(number)
        children = real.children("party") + real.children("government")
        await asyncio.gather(real.gateways.stop("party"), real.gateways.stop("government"))
        await real.gone(children)
        assert real.gateways.statuses == {"party": 0, "government": 0}
        for side in ("party", "government"):
            log = (real.network.sides[side].folder / "serve.log").read_text(encoding="utf-8")
            assert '"gateway.stopped"' in log
        await real.gateways.start("party")
        await real.gateways.start("government")
        await real.gateways.ready("party")
        await real.until_delivered(*real.sent.values())
        await everything_once(real)


async def test_a_second_gateway_on_the_same_database_is_refused(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        side = real.network.sides["party"]
        second = await asyncio.create_subprocess_exec(
            *(".venv/bin/gateway", "serve", "--config", str(side.config)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await asyncio.wait_for(second.communicate(), 30)
        assert second.returncode == 7
        assert "store.locked" in errors.decode()


async def test_what_an_office_hands_in_wrong_is_said_and_nothing_is_stored(tmp_path: Path) -> None:
    """The clumsy and the hostile office, over real TLS."""
    async with real_network(tmp_path) as real:
        ward = real.wards[1:2]

        async def refused(number: int, data: bytes, **fields: object) -> tuple[int, str]:
            async with real.client(real.sender) as client:
                metadata = real.metadata(number, ward, **fields)
                with pytest.raises(ApiProblem) as caught:
                    await client.send_contents(metadata, [("cong-van.pdf", data)], f"key-{number}")
            members = caught.value.members
            assert members["messages"]["vi"]["what"]
            assert members["messages"]["en"]["todo"]
            assert members["trace_id"]
            return caught.value.status, caught.value.code

        assert await refused(1, b"Day khong phai PDF") == (422, "file.not_pdf")
        assert await refused(2, b"") == (422, "file.empty")
        assert await refused(3, tiny_pdf() + b"\n" * FILE_BYTES_MAX) == (413, "size.limit")
        assert await refused(4, tiny_pdf(), secrecy="Mật") == (422, "secrecy.marked")
        assert real.rows("party", "SELECT count(*) FROM documents") == [(0,)]


async def test_a_changed_receipt_in_the_database_is_seen_from_outside(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        key = await real.send(1)
        await real.until_delivered(key)
        await real.check()
        path = real.network.sides["party"].folder / "state" / "gateway.db"
        connection = sqlite3.connect(path)
        (answer,) = connection.execute("SELECT answer FROM transfers").fetchone()
        flipped = answer[:400] + bytes([answer[400] ^ 1]) + answer[401:]
        connection.execute("UPDATE transfers SET answer = ? WHERE answer = ?", (flipped, answer))
        connection.commit()
        connection.close()
        with pytest.raises(AssertionError, match=r"peer\.receipt"):
            await real.check()


async def test_a_log_without_its_checkpoint_is_vouched_for_by_nobody(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        key = await real.send(1)
        await real.until_delivered(key)
        await real.gateways.stop("party")
        await real.gateways.stop("government")
        side = real.network.sides["party"]
        await real.check()
        connection = sqlite3.connect(side.folder / "state" / "gateway.db")
        connection.execute("DELETE FROM checkpoints")
        connection.commit()
        connection.close()
        with pytest.raises(AssertionError, match="checkpoint"):
            await real.check()
