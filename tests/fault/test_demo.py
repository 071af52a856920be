"""The demo itself: anything short of the whole is said, and the exit code is 1."""

import asyncio
import io
import os
import signal
import sqlite3
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from gateway.core.errors import SiteError
from gateway.demo import run as demo_run
from gateway.demo import run_demo
from gateway.demo.network import MARK, Network, build_network
from gateway.demo.processes import Gateways
from gateway.demo.story import Story, Told
from tests.kit.exchange_world import MOMENT
from tests.kit.real_network import real_network

pytestmark = pytest.mark.slow


class ReceiptChanged(Story):
    """Tells the story, and then changes one byte of one receipt behind everybody's back."""

    async def tell(self) -> Told:
        told = await super().tell()
        change_one_receipt(self._network)
        return told


def change_one_receipt(network: Network) -> None:
    connection = sqlite3.connect(network.sides["party"].folder / "state" / "gateway.db", timeout=10)
    (key, answer) = connection.execute("SELECT key, answer FROM transfers WHERE answer IS NOT NULL LIMIT 1").fetchone()
    middle = len(answer) // 2
    changed = answer[:middle] + bytes([answer[middle] ^ 1]) + answer[middle + 1 :]
    connection.execute("UPDATE transfers SET answer = ? WHERE key = ?", (changed, key))
    connection.commit()
    connection.close()


async def test_one_flipped_byte_of_one_receipt_fails_the_demo_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_run, "Story", ReceiptChanged)
    talk = io.StringIO()
    code = await run_demo(folder=tmp_path / "demo", once=True, wards=3, console=Console(file=talk, width=200))
    assert code == 1
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last.startswith("DEMO FAILED deliveries=6/6 receipts=3/6 statuses=2/2 replies=1/1 audit=FAILED")
    assert "peer.receipt" in talk.getvalue()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_whoever_ends_the_demo_half_way_leaves_no_gateway_behind(tmp_path: Path, number: signal.Signals) -> None:
    """`timeout`, a service manager, a terminal that goes away: both gateways ran on, and the next demo could not begin."""
    folder = tmp_path / "demo"
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "demo", "--wards", "3", "--folder", str(folder)),
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        async with asyncio.timeout(120):
            while len(gateways := [one for one in psutil.Process(demo.pid).children() if "serve" in one.cmdline()]) < 2:
                await asyncio.sleep(0.02)
            demo.send_signal(number)
            assert await demo.wait() == 128 + number
        assert [one for one in gateways if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    finally:
        for one in psutil.process_iter(["cmdline"]):
            if str(folder) in " ".join(one.info["cmdline"] or ()):
                one.kill()


async def test_a_gateway_that_cannot_start_fails_the_demo_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def spoiled(folder: Path, **options: object) -> Network:
        network = build_network(folder, **options)  # type: ignore[arg-type]
        registry = folder / "registry.json"
        registry.write_bytes(registry.read_bytes() + b" ")
        return network

    monkeypatch.setattr(demo_run, "build_network", spoiled)
    talk = io.StringIO()
    code = await run_demo(folder=tmp_path / "demo", once=True, wards=3, console=Console(file=talk, width=200))
    assert code == 1
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("DEMO FAILED")
    assert "registry.digest" in talk.getvalue()


async def test_too_small_a_world_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(file=io.StringIO())
    assert await run_demo(folder=tmp_path / "demo", once=True, wards=2, console=console) == 1
    assert not (tmp_path / "demo").exists()
    assert "config.invalid" in capsys.readouterr().out


def test_only_a_demo_s_own_folder_is_ever_removed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("irreplaceable", encoding="utf-8")
    with pytest.raises(SiteError) as caught:
        build_network(mine, wards=3, moment=MOMENT)
    assert caught.value.code == "config.invalid"
    assert (mine / "thesis.txt").read_text(encoding="utf-8") == "irreplaceable"
    (mine / MARK).touch()
    build_network(mine, wards=3, moment=MOMENT)
    assert not (mine / "thesis.txt").exists()


async def test_a_demo_that_still_runs_keeps_its_folder(tmp_path: Path) -> None:
    async with real_network(tmp_path) as real:
        with pytest.raises(SiteError) as caught:
            build_network(real.network.folder, wards=3, moment=MOMENT)
        assert caught.value.code == "store.locked"
        key = await real.send(1)
        await real.until_delivered(key)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, ("mã 0", "được yêu cầu dừng", "asked to stop")),
        (-9, ("mã -9", "SIGKILL")),
        (8, ("mã 8", "cannot run with its configuration")),
        (70, ("mã 70", "systemd")),
        (3, ("mã 3", "it ended by itself")),
    ],
)
def test_the_gateway_that_ended_is_named_with_its_code_and_what_that_means(
    tmp_path: Path, code: int, words: tuple[str, ...]
) -> None:
    network = build_network(tmp_path / "demo", wards=3, moment=MOMENT)
    said = demo_run.ending("party", code, Gateways(network))
    assert all(word in said for word in ("party", str(network.sides["party"].folder / "serve.log"), *words))


async def test_a_gateway_that_is_killed_is_told_and_the_demo_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = Gateways.ended

    async def ended(self: Gateways) -> tuple[str, int]:
        os.kill(self.pids["party"], signal.SIGKILL)
        return await real(self)

    monkeypatch.setattr(Gateways, "ended", ended)
    code = await run_demo(folder=tmp_path / "demo", once=False, wards=3, console=Console(quiet=True))
    assert code == 1
    assert "SIGKILL" in capsys.readouterr().err  # told to who is quiet, too
