"""A large file from an office to an office of the other gateway, two real processes: memory stays what it is, bytes too."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.kit.large import MIB, Memory, allow, digest_of, hand_in, write_large
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow

FILE_BYTES = 200 * MIB
GROWTH_BYTES_MAX = 96 * MIB
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
            before, memory = Memory(real), Memory(real)
            before.look()
            async with memory.watched():
                document = await hand_in(real, source, real.metadata(2, [ward]), "large-1")
                await real.until_delivered(document["key"])
                entry = next(one for one in await real.inbox(ward) if one["document_id"] == document["document_id"])
                async with real.client(ward) as client:
                    assert await client.attachment(entry["key"], 1, target) == FILE_BYTES
            assert digest_of(target) == digest
            for side, peak in memory.peaks.items():
                assert peak - before.peaks[side] < GROWTH_BYTES_MAX, (side, before.shares[side], memory.shares[side])


async def until_uploaded(real: RealNetwork, at_least: int) -> None:
    """Until so much of an envelope is at the receiver, and counts."""
    folder = real.network.sides["government"].folder / "state" / "blobs" / "uploads"
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
                await until_uploaded(real, number * FILE_BYTES // 3)
                await real.kill_and_restart(side)
                await real.gateways.ready(side)
            await real.until_delivered(document["key"], seconds=180)
            assert real.relay.carried < FILE_BYTES * 4 // 3 + 2 * 64 * MIB, "it began anew"
            entry = next(one for one in await real.inbox(ward) if one["document_id"] == document["document_id"])
            async with real.client(ward) as client:
                await client.attachment(entry["key"], 1, target)
            assert digest_of(target) == digest
            uploads = real.network.sides["government"].folder / "state" / "blobs" / "uploads"
            assert list(uploads.iterdir()) == []
            findings = await real.check()
            assert findings["receipts"] == 1
