"""A disk that fills under a running gateway: refused early, nothing that was acknowledged is lost, it goes on by itself."""

import asyncio
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.api import ApiProblem
from tests.kit.pdfs import tiny_pdf
from tests.kit.real_network import RealNetwork, real_network

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


FULL = (507, "store.full")


async def attempt(real: RealNetwork, number: int) -> tuple[int, str]:
    """How a letter is refused, or 202."""
    async with real.client(real.sender) as client:
        files = [("cong-van.pdf", tiny_pdf(f"Van ban {number}"))]
        try:
            await client.send_contents(real.metadata(number, real.wards), files, f"attempt-{number}")
        except ApiProblem as problem:
            return problem.status, problem.code
    return 202, ""


async def until(real: RealNetwork, number: int, answer: tuple[int, str]) -> None:
    async with asyncio.timeout(20):
        while await attempt(real, number) != answer:
            number += 100
            await asyncio.sleep(0.2)


async def until_level(real: RealNetwork, level: str) -> None:
    """The gateway has noticed how full its disk is."""
    log = real.network.sides["party"].folder / "serve.log"
    async with asyncio.timeout(20):
        while f'"disk.stage", "stage": "{level}"' not in log.read_text(encoding="utf-8"):
            await asyncio.sleep(0.1)


async def refused_unread(real: RealNetwork) -> bytes:
    """The first line that a caller hears who asks before it sends its body: a refusal, or `100 Continue`."""
    office, url = real.network.offices[real.sender], real.network.sides["party"].url
    host, _, port = url.removeprefix("https://").split("/")[0].partition(":")
    reader, writer = await asyncio.open_connection(
        host, int(port), ssl=real.network.client_context(), server_hostname=host
    )
    head = "POST /api/v1/documents HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n"
    kind = "Content-Type: application/xml\r\nIdempotency-Key: unread\r\n"
    writer.write(f"{head}{kind}Authorization: Bearer {office.api_key}\r\n\r\n".encode())
    async with asyncio.timeout(10):
        line = await reader.readline()
    writer.close()
    return line


def fill(folder: Path, share: float) -> None:
    ballast = folder / "ballast"
    ballast.unlink(missing_ok=True)
    stat = subprocess.run(["df", "-B1", "--output=used,size", str(folder)], capture_output=True, text=True, check=True)
    used, size = map(int, stat.stdout.split()[-2:])
    with ballast.open("wb") as file:
        file.write(b"\0" * max(0, int(size * share) - used))


async def answered(real: RealNetwork, document: str) -> None:
    """A ward accepts; its status message gets through to the full gateway, is receipted there and stands at the delivery."""
    ward = real.government_wards[0]
    async with real.client(ward) as client:
        entry, *_ = (await client.inbox(limit=200))["entries"]
        await client.accept(entry["key"])
    async with asyncio.timeout(30), real.client(real.sender) as client:
        while True:
            said = {row["recipient"]: row["business_status"] for row in await client.deliveries(document)}
            if said[ward] == "03":
                return
            await asyncio.sleep(0.2)


async def test_a_disk_that_fills(tmp_path: Path, small_disk: Path) -> None:
    async with real_network(tmp_path, start=False) as real:
        config = real.network.sides["party"].config
        text = config.read_text(encoding="utf-8")
        config.write_text(re.sub(r'^state = ".*"', f'state = "{small_disk}/state"', text, flags=re.MULTILINE))
        async with real.gateways:
            first = await real.send(1)
            await real.until_delivered(first)
            assert b" 100 " in await refused_unread(real)
            second = await real.send(2)
            fill(small_disk, 0.94)
            await until(real, 1_000, FULL)
            assert b" 507 " in await refused_unread(real)
            await real.until_delivered(second)  # what is here goes on
            await answered(real, first)
            fill(small_disk, 0.98)
            await until_level(real, "read_only")
            assert await attempt(real, 3) == FULL
            async with real.client(real.sender) as client:
                assert (await client.document(first))["key"] == first  # reading is always possible
            (small_disk / "ballast").unlink()
            await until(real, 2_000, (202, ""))
            third = await real.send(4)
            await real.until_delivered(first, second, third)
        log = (real.network.sides["party"].folder / "serve.log").read_text(encoding="utf-8")
        for level in ("full", "read_only", "room"):
            assert f'"disk.stage", "stage": "{level}"' in log
        assert real.gateways.statuses["party"] == 0
