"""The systemd unit: understood by systemd where there is one, and in agreement with what the program does."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.app import DRAIN_SECONDS

UNIT = Path(__file__).parents[3] / "config" / "gateway.service"


def settings() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith(("#", "[")):
            found.setdefault(name, []).append(value)
    return found


def test_systemd_understands_it(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd here")
    unit = tmp_path / "gateway.service"
    text = UNIT.read_text(encoding="utf-8").replace("/opt/gateway/venv/bin/gateway", sys.executable)
    unit.write_text(text, encoding="utf-8")
    done = subprocess.run([program, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    if "Failed to" in done.stderr and "gateway.service" not in done.stderr:
        pytest.skip("systemd-analyze does not work here")
    ours = [line for line in done.stderr.splitlines() if "gateway.service" in line]
    assert ours == []


def test_it_waits_longer_than_the_gateway_drains_and_reloads_by_the_signal_we_know() -> None:
    unit = settings()
    assert int(unit["TimeoutStopSec"][0]) > DRAIN_SECONDS
    assert unit["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert unit["Type"] == ["notify"]
    assert unit["NoNewPrivileges"] == ["yes"]
    assert "unshare" in " ".join(unit["SystemCallFilter"])
