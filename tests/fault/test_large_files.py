"""A large file from an office to an office of the other gateway, two real processes: memory stays what it is, bytes too."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.api.client_download import Download
from gateway.core.errors import RoadError
from tests.kit.lab.memory import MemoryWatch
from tests.kit.large import MIB, allow, digest_of, hand_in, write_large
from tests.kit.pdfs import tiny_pdf
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow

FILE_BYTES = 200 * MIB
GROWTH_MIB_MAX = 96
"""By which the processes of one gateway may grow over what a letter made of them: far less than the file."""


async def test_a_large_file_arrives_whole_in_flat_memory(tmp_path: Path) -> None:
    source, target = tmp_path / "ban-do.zip", tmp_path / "arrived"
    digest = write_large(source, FILE_BYTES)
    async with real_network(tmp_path, start=False) as real:
        allow(real, 256)
        async with real.gateways:
            ward = real.government_wards[0]
            letter = await real.send(1, recipients=[ward])
            await real.until_delivered(letter)
            before, memory = (MemoryWatch(lambda: real.gateways.pids, every=0.2) for _ in range(2))
            await before.look()
            async with memory:
                document = await hand_in(real, source, real.metadata(2, [ward]), "large-1")
                await real.until_delivered(document["key"])
                entry = next(one for one in await real.inbox(ward) if one["document_id"] == document["document_id"])
                async with real.client(ward) as client:
                    assert await client.attachment(entry["key"], 1, target) == FILE_BYTES
            assert digest_of(target) == digest
            assert set(memory.highest) == set(real.network.sides)
            for side, peak in memory.highest.items():
                assert peak - before.highest[side] < GROWTH_MIB_MAX, side


async def until_uploaded(real: RealNetwork, side: str, at_least: int) -> None:
    """Until so much of a file is at that side, and counts."""
    folder = real.network.sides[side].folder / "state" / "blobs" / "uploads"
    async with asyncio.timeout(120):
        while True:
            for note in folder.glob("*.json"):
                if json.loads(note.read_text())["offset"] >= at_least:
                    return
            await asyncio.sleep(0.02)


async def test_kill_9_of_either_side_costs_a_piece_and_not_the_whole(tmp_path: Path) -> None:
    source, target = tmp_path / "ban-do.zip", tmp_path / "arrived"
    digest = write_large(source, FILE_BYTES)
    async with real_network(tmp_path, start=False) as real:
        allow(real, 256)
        async with real.gateways:
            ward = real.government_wards[0]
            document = await hand_in(real, source, real.metadata(2, [ward]), "large-1")
            for number, side in enumerate(("government", "party"), 1):
                await until_uploaded(real, "government", number * FILE_BYTES // 3)
                await real.kill_and_restart(side)
                await real.gateways.ready(side)
            await real.until_delivered(document["key"], seconds=180)
            assert real.relay.counts.carried < FILE_BYTES * 4 // 3 + 2 * 64 * MIB, "it began anew"
            entry = next(one for one in await real.inbox(ward) if one["document_id"] == document["document_id"])
            async with real.client(ward) as client:
                await client.attachment(entry["key"], 1, target)
            assert digest_of(target) == digest
            uploads = real.network.sides["government"].folder / "state" / "blobs" / "uploads"
            assert list(uploads.iterdir()) == []
            findings = await real.check()
            assert findings["receipts"] == 1


async def test_an_office_goes_on_with_its_upload_after_kill_9_of_its_gateway(tmp_path: Path) -> None:
    source, letter = tmp_path / "ban-do.zip", tmp_path / "cong-van.pdf"
    digest = write_large(source, FILE_BYTES // 2)
    letter.write_bytes(tiny_pdf("Van ban"))
    async with real_network(tmp_path, start=False) as real:
        allow(real, 256)
        async with real.gateways:
            ward = real.government_wards[0]
            asked: list[int] = []

            async def send() -> dict[str, Any]:
                async with real.client(real.sender) as client:
                    whole = client._ask

                    async def seen(method: str, path: str, **more: Any) -> Any:
                        if method == "PATCH":
                            asked.append(int(more["headers"]["Upload-Offset"]))
                        return await whole(method, path, **more)

                    client._ask = seen  # type: ignore[method-assign]
                    return await client.send(real.metadata(1, [ward]), [letter, source], "large-1")

            sending = asyncio.create_task(send())
            await until_uploaded(real, "party", FILE_BYTES // 6)
            await real.kill_and_restart("party")
            await real.gateways.ready("party")
            with pytest.raises(RoadError):
                await sending
            before = len(asked)
            document = await send()
            assert asked[before] >= FILE_BYTES // 6, "it went on where it was"
            assert (await send())["key"] == document["key"]
            await real.until_delivered(document["key"])
            (entry,) = await real.inbox(ward)
            async with real.client(ward) as client:
                await client.attachment(entry["key"], 2, tmp_path / "arrived")
            assert digest_of(tmp_path / "arrived") == digest
            uploads = real.network.sides["party"].folder / "state" / "blobs" / "uploads"
            assert [path.suffix for path in uploads.iterdir()] == [".json"]


async def until_saved(folder: Path, at_least: int) -> None:
    """Until so much of a file has come into the folder."""
    async with asyncio.timeout(120):
        while not any(part.stat().st_size >= at_least for part in folder.glob(".gateway-*.part")):
            await asyncio.sleep(0.005)


async def test_an_office_goes_on_with_its_download_after_kill_9_of_its_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "ban-do.zip", tmp_path / "arrived"
    digest = write_large(source, FILE_BYTES)
    asked: list[int] = []
    asking = Download.asking

    def seen(self: Download) -> dict[str, str]:
        asked.append(self.size)
        return asking(self)

    monkeypatch.setattr(Download, "asking", seen)
    async with real_network(tmp_path, start=False) as real:
        allow(real, 256)
        async with real.gateways:
            ward = real.government_wards[0]
            document = await hand_in(real, source, real.metadata(1, [ward]), "large-1")
            await real.until_delivered(document["key"], seconds=180)
            (entry,) = await real.inbox(ward)
            async with real.client(ward) as client:
                saving = asyncio.create_task(client.attachment(entry["key"], 1, target))
                await until_saved(tmp_path, FILE_BYTES // 10)
                await real.kill_and_restart("government")
                assert not saving.done(), "it was killed in the middle"
                assert await saving == FILE_BYTES
            assert digest_of(target) == digest
            assert asked[0] == 0
            assert asked[-1] >= FILE_BYTES // 10, "it went on where it was"
