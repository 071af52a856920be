"""What refused requests and crashes leave on a real gateway's disk: nothing, for long."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.api import ApiProblem
from gateway.core.ids import DIGEST
from gateway.core.limits import ORPHAN_SECONDS_MIN
from tests.kit.pdfs import tiny_pdf
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow

REFUSED = 6
REFUSED_BYTES = 2 * 1024 * 1024


def stored(real: RealNetwork) -> set[Path]:
    """The files of the sender's gateway, drafts included."""
    return {path for path in (real.network.sides["party"].folder / "state" / "blobs").rglob("*") if path.is_file()}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.05)


async def test_refused_submissions_leave_nothing_on_the_disk(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        await real.until_delivered(await real.send(1))
        before = stored(real)
        async with real.client(real.sender) as client:
            for number in range(REFUSED):
                with pytest.raises(ApiProblem) as refusal:
                    await client.send_envelope(os.urandom(REFUSED_BYTES), f"rubbish-{number}")
                assert refusal.value.code == "envelope.malformed"
            files = [("cong-van.pdf", b"no PDF " + os.urandom(1000)), ("phu-luc.txt", os.urandom(1000))]
            with pytest.raises(ApiProblem) as refusal:
                await client.send_contents(real.metadata(2, real.wards), files, "no-pdf")
            assert refusal.value.code == "file.not_pdf"
        await until(lambda: stored(real) == before)


async def test_what_a_crash_left_is_swept_after_a_start_and_nothing_that_rows_name(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        await real.until_delivered(await real.send(1))
        named = stored(real)
        await real.gateways.stop("party")
        shelf = next(iter(named)).parent
        orphan, fresh = (shelf / (shelf.name + letter * 62) for letter in "ab")
        for path in (orphan, fresh):
            assert DIGEST.fullmatch(path.name)
            path.write_bytes(b"left behind")
        long_ago = time.time() - ORPHAN_SECONDS_MIN - 60
        for path in (*named, orphan):
            os.utime(path, (long_ago, long_ago))
        await real.gateways.start("party")
        await real.gateways.ready("party")
        await until(lambda: not orphan.exists())
        log = real.network.sides["party"].folder / "serve.log"
        await until(lambda: '"blobs.swept", "blobs": 1, "bytes": 11' in log.read_text(encoding="utf-8"))
        assert stored(real) == named | {fresh}
        await real.until_delivered(await real.send(2))
        async with real.client(real.sender) as client:
            with pytest.raises(ApiProblem):
                await client.send_contents(real.metadata(3, []), [("a.pdf", tiny_pdf("a"))], "nobody")
