"""The door's lists and feed over the real desks: two gateways, one office that listens while the other sends."""

import asyncio
from pathlib import Path

import pytest

from gateway.api import ApiProblem
from tests.kit.pdfs import tiny_pdf
from tests.kit.real_network import real_network

pytestmark = pytest.mark.slow


async def test_an_office_that_listens(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        ward = real.government_wards[0]
        async with real.client(real.sender) as sender, real.client(ward) as receiver:
            empty = await receiver.events()
            poll = asyncio.create_task(receiver.events(int(empty["next"]), wait=30))
            keys = [await real.send(number, recipients=[ward]) for number in (1, 2, 3)]
            async with asyncio.timeout(20):
                heard = await poll
            assert heard["items"][0]["organ_id"] == ward
            entry = await receiver.entry(heard["items"][0]["subject"])
            assert entry["sender"] == real.sender

            await real.until_delivered(*keys)
            first = await sender.documents(limit=2)
            rest = await sender.documents(limit=2, cursor=first["next"])
            assert [row["key"] for row in first["items"] + rest["items"]] == keys[::-1]
            assert rest["next"] is None
            assert (await sender.documents(state="held"))["items"] == []
            assert (await receiver.documents())["items"] == []

            told, after, more = [], -1, True
            while more:
                page = await sender.events(after, limit=4)
                told += page["items"]
                after, more = int(page["next"]), page["more"]
            assert [event["document"] for event in told if event["event"] == "accepted"] == keys
            assert {event["organ_id"] for event in told} == {real.sender}
            assert [event["position"] for event in told] == sorted({event["position"] for event in told})

            everybody = await sender.organizations("", limit=2)
            assert (len(everybody["items"]), everybody["more"]) == (2, True)
            name = real.network.world.sender.name
            found = await receiver.organizations(name.casefold())
            assert real.sender in [row["organ_id"] for row in found["items"]]

            envelope = tmp_path / "received.edxml"
            await receiver.content(entry["key"], envelope)
            with pytest.raises(ApiProblem) as refusal:
                await receiver.send_envelope(envelope.read_bytes(), "as-it-is")
            assert refusal.value.code == "access.organ"
            with pytest.raises(ApiProblem) as refusal:
                await sender.send_envelope(tiny_pdf("no"), "no-xml")
            assert refusal.value.code == "envelope.malformed"
            with pytest.raises(ApiProblem) as refusal:
                await sender.send_envelope(envelope.read_bytes(), "as-it-is")
            assert refusal.value.code in ("conflict.document_id", "conflict.idempotency")

            last = (await receiver.events(int(heard["next"]), limit=200))["next"]
            poll = asyncio.create_task(receiver.events(int(last), wait=30))
            await asyncio.sleep(0.5)
            began = asyncio.get_running_loop().time()
            await real.gateways.stop("government")
            assert (await poll)["more"] is False
            assert asyncio.get_running_loop().time() - began < 6, "who listens holds up no drain"
