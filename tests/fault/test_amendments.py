"""Recall, replace and update by the commands of offices, between two real gateways, with a kill -9 in between."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.exits import Exit
from gateway.core.ids import OrganId
from tests.kit.pdfs import tiny_pdf
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow


async def office(real: RealNetwork, organ: OrganId, *line: str, code: int = Exit.OK) -> Any:
    """A command of that office; what it printed."""
    who = real.network.offices[organ]
    reach = {"GATEWAY_URL": real.network.sides[who.side].url, "GATEWAY_CA": str(real.network.root)}
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *line, "--json"),
        env={**os.environ, **reach, "GATEWAY_API_KEY": who.api_key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, talk = await program.communicate()
    assert program.returncode == code, talk.decode()
    return json.loads(out)


async def amended(real: RealNetwork, document: str, *states: str) -> list[Mapping[str, Any]]:
    """The amendments on the sender's board, once they stand like this."""
    async with asyncio.timeout(60):
        while True:
            told = await office(real, real.sender, "board", document)
            found = [one for row in told["deliveries"] for one in row["amendments"]]
            if sorted(one["state"] for one in found) == sorted(states):
                return found
            await asyncio.sleep(0.2)


async def asked(real: RealNetwork, ward: OrganId, document_id: str) -> str:
    """The entry of that document, once its sender asks something of it."""
    async with asyncio.timeout(60):
        while True:
            for entry in await real.inbox(ward):
                if entry["document_id"] == document_id and any(one["state"] == "asked" for one in entry["amendments"]):
                    return str(entry["key"])
            await asyncio.sleep(0.2)


async def test_a_recall_is_answered_across_the_death_of_both_gateways(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        first, second = real.government_wards[:2]
        document = await real.send(1, recipients=[first, second])
        await real.until_delivered(document)
        ((entry,),) = [[one["key"] for one in await real.inbox(first)]]
        await office(real, first, "get", entry, "-o", str(tmp_path / "got"))
        recall = await office(real, real.sender, "recall", document, "--reason", "Gửi nhầm nơi nhận")
        assert recall["counts"] == {"asked": 2}
        await real.kill_and_restart("party")
        name = recall["document"]["document_id"]
        await asked(real, first, name)
        await office(real, first, "agree", entry)
        late = await asked(real, second, name)
        await real.kill_and_restart("government")
        await real.gateways.ready("government")
        await office(real, second, "accept", late)
        await office(real, second, "decline", late, "--reason", "Đã vào sổ và chuyển xử lý", "--forwarded")
        agreed, refused = await amended(real, document, "agreed", "late")
        assert agreed["handling"]["opened_at"] is not None
        assert not agreed["handling"]["forwarded"]
        assert (refused["words"], refused["handling"]["opened_at"]) == ("Đã vào sổ và chuyển xử lý", None)
        assert (refused["handling"]["business_status"], refused["handling"]["forwarded"]) == ("03", True)
        gone = await office(real, first, "get", entry, "-o", str(tmp_path / "again"), code=Exit.PROBLEM)
        assert gone["error"]["code"] == "entry.recalled"
        assert await office(real, real.sender, "recall", document, "--reason", "Lần nữa") == {
            **recall, "counts": {"agreed": 1, "late": 1},
        }  # fmt: skip
        await real.check()


async def test_what_has_not_left_is_stopped_and_what_has_is_replaced_and_updated(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        ward = real.government_wards[0]
        letter = tmp_path / "moi.pdf"
        letter.write_bytes(tiny_pdf("Van ban moi"))
        old = await real.send(1, recipients=[ward])
        await real.until_delivered(old)
        line = (str(letter), "--number", "2", "--date", "2026-02-03", "--reason", "Sai thể thức", "--wait")
        new = await office(real, real.sender, "replace", old, *line)
        line = (str(letter), "--number", "3", "--date", "2026-02-04", "--reason", "Đổi ngày họp", "--wait")
        update = await office(real, real.sender, "update", new["key"], *line)
        assert (new["metadata"]["business"]["kind"], update["metadata"]["business"]["kind"]) == ("replace", "update")
        entry = await asked(real, ward, new["document_id"])
        await office(real, ward, "agree", entry)
        await amended(real, old, "in_effect")
        (said,) = await amended(real, new["key"], "agreed")
        assert (said["kind"], said["by"]) == ("update", update["document_id"])
        assert len(await real.inbox(ward)) == 3

        real.gateways.kill("government")
        late = await real.send(4, recipients=[ward])
        async with asyncio.timeout(60):
            while not real.rows("party", f"SELECT 1 FROM deliveries WHERE document = '{late}'"):
                await asyncio.sleep(0.1)
        recall = await office(real, real.sender, "recall", late, "--reason", "Gửi nhầm nơi nhận")
        assert sum(recall["counts"].values()) == 1
        await real.gateways.start("government")
        await real.gateways.ready("government")
        async with asyncio.timeout(60):
            while real.rows("party", "SELECT 1 FROM work"):
                await asyncio.sleep(0.2)
        assert len(await real.inbox(ward)) == 3
        await real.check()
