"""A disk that fails under a running gateway: 503, the process ends with its own exit code, the next start has everything."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.api import ApiProblem
from gateway.core.errors import RoadError
from gateway.storage import EXIT_DISK, EXIT_DISK_AGAIN
from tests.fault.test_processes import everything_once
from tests.kit.operator_line import gateway
from tests.kit.pdfs import tiny_pdf
from tests.kit.real_network import RealNetwork, real_network

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]


SYNCS = "fsync,fdatasync"
RENAMES = "rename,renameat,renameat2"


@asynccontextmanager
async def failing(calls: str, pid: int) -> AsyncIterator[None]:
    """From now on every such call of that process says that the disk did not take it."""
    order = ("-f", "-qq", "-p", str(pid), "-e", f"trace={calls}", "-e", f"inject={calls}:error=EIO")
    pipe = asyncio.subprocess.PIPE
    tracer = await asyncio.create_subprocess_exec("strace", *order, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(20):
        while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text(encoding="ascii"):
            if tracer.returncode is not None:
                pytest.skip("tracing is not permitted here")
            await asyncio.sleep(0.05)
    try:
        yield
    finally:
        if tracer.returncode is None:
            tracer.terminate()
        await tracer.communicate()


async def refused(real: RealNetwork, number: int) -> ApiProblem:
    """How a letter is refused while the process is still there to say so."""
    files = [("cong-van.pdf", tiny_pdf(f"Van ban {number}"))]
    async with real.client(real.sender) as client:
        with pytest.raises(ApiProblem) as told:
            await client.send_contents(real.metadata(number, real.wards), files, f"letter-{number}")
    return told.value


async def test_an_fsync_that_fails_ends_the_process_and_loses_nothing(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        first = await real.send(1)
        await real.until_delivered(first)
        for number, code in ((2, EXIT_DISK), (3, EXIT_DISK_AGAIN)):
            async with failing(SYNCS, real.gateways.pids["party"]):
                try:
                    problem = await refused(real, number)
                    assert (problem.status, problem.code) == (503, "store.failing")
                    assert problem.retryable
                except RoadError:  # another sync failed first, and it had ended before it was asked
                    pass
                async with asyncio.timeout(20):
                    assert await real.gateways.ended() == ("party", code)
            await real.gateways.stop("party")
            await real.gateways.start("party")
            await real.gateways.ready("party")
            await real.until_delivered(await real.send(number))
        await everything_once(real)
        log = real.gateways.log("party").read_text(encoding="utf-8")
        assert "Traceback" not in log


async def test_nothing_is_wound_up_in_order_once_the_disk_has_failed(tmp_path: Path) -> None:
    """An idle gateway drains in less time than it leaves for last words: the exit code must be that of the disk."""
    async with real_network(tmp_path) as real:
        (there,) = (side.gateway for name, side in real.network.sides.items() if name != "party")
        async with failing(RENAMES, real.gateways.pids["party"]):
            await gateway(real.network, "party", "queue", "pause", there, "--reason", "bảo trì")
            async with asyncio.timeout(20):  # the leaf is signed, and the signer's memory cannot be exchanged
                assert await real.gateways.ended() == ("party", EXIT_DISK)
        assert "gateway.draining" not in real.gateways.log("party").read_text(encoding="utf-8")
