"""SIGTERM under load: not ready at once, nothing new, what is in flight ends or is cut, exit 0 within 30 s, nothing lost."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from gateway.app import CHECKPOINT_SECONDS, DRAIN_SECONDS, WORK_SECONDS
from gateway.core.errors import RoadError
from gateway.crypto.processes.workers import CLOSING_SECONDS
from gateway.doors import REQUEST_SECONDS
from tests.fault.test_processes import everything_once
from tests.kit.pdfs import tiny_pdf
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow


def test_the_parts_of_the_drain_fit_into_its_whole() -> None:
    assert max(WORK_SECONDS, 2 * REQUEST_SECONDS) + CHECKPOINT_SECONDS + 2 * CLOSING_SECONDS < DRAIN_SECONDS - 5


async def half_a_submission(real: RealNetwork) -> asyncio.StreamWriter:
    """An office that has begun to hand in and does not go on."""
    side, office = real.network.sides["party"], real.network.offices[real.sender]
    _, writer = await asyncio.open_connection("127.0.0.1", side.office_port, ssl=real.network.client_context())
    writer.write(
        b"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nIdempotency-Key: half\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n"
        + f"Authorization: Bearer {office.api_key}\r\n\r\n--b\r\n".encode()
    )
    await writer.drain()
    return writer


async def strangers(real: RealNetwork) -> list[asyncio.StreamWriter]:
    """Handshakes that are not done, and connections that will never take their leave, at both doors."""
    side, found = real.network.sides["party"], []
    for port in (side.office_port, side.peer_port):
        for begun in (b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begun)
            found.append(writer)
    for _ in range(3):
        _, writer = await asyncio.open_connection("127.0.0.1", side.office_port, ssl=real.network.client_context())
        writer.transport.pause_reading()  # does not hear that it is to close
        found.append(writer)
    return found


async def readiness(port: int) -> int | None:
    """Status of /readyz; None when nobody answers."""
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            await answer.read()
            return answer.status
    except aiohttp.ClientError:
        return None


async def test_sigterm_under_load(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        side = real.network.sides["party"]
        stop = asyncio.Event()

        async def load(first: int) -> None:
            for number in range(first, first + 1_000):
                if stop.is_set():
                    return
                with contextlib.suppress(RoadError):
                    async with real.client(real.sender) as client:
                        files = [("cong-van.pdf", tiny_pdf(f"Van ban {number}"))]
                        key = f"letter-{number}"
                        document = await client.send_contents(real.metadata(number, real.wards), files, key)
                    real.note(key, document)

        loads = [asyncio.create_task(load(first)) for first in (1_000, 2_000)]
        writer = await half_a_submission(real)
        silent = await strangers(real)
        while len(real.sent) < 6:
            await asyncio.sleep(0.05)
        assert await readiness(side.admin_port) == 200
        pid, loop = real.gateways.pids["party"], asyncio.get_running_loop()
        began = loop.time()
        os.kill(pid, signal.SIGTERM)
        seen: list[int | None] = []
        while (status := await readiness(side.admin_port)) is not None:
            seen.append(status)
            await asyncio.sleep(0.1)
        stop.set()
        await asyncio.gather(*loads)
        await real.gateways.stop("party")
        took = loop.time() - began
        assert real.gateways.statuses["party"] == 0
        assert took < DRAIN_SECONDS
        assert set(seen[2:]) == {503}, seen
        assert len(seen) > 10, "the unfinished submission keeps it draining for a while"
        for one in (writer, *silent):
            one.transport.abort()

        stored = {key for (key,) in real.rows("party", "SELECT key FROM documents")}
        assert stored >= set(real.sent.values())
        head = real.rows("party", "SELECT size FROM tree_head")
        assert head == real.rows("party", "SELECT max(size) FROM checkpoints"), "the last checkpoint covers every leaf"
        await real.gateways.start("party")
        await real.gateways.ready("party")
        # Whoever was not answered asks again, with the same key.
        for number, key in sorted((int(key.removeprefix("letter-")), key) for key in unanswered(real)):
            assert await real.send(number) == real.sent[key]
        await real.until_delivered(*real.sent.values())
        await everything_once(real)


def unanswered(real: RealNetwork) -> set[str]:
    stored = real.rows("party", "SELECT idempotency_key FROM documents")
    return {key for (key,) in stored} - real.sent.keys()
