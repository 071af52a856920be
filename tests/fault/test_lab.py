"""The fault lab as a process: whoever ends it finds nothing of it left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.lab.leftover import started

pytestmark = pytest.mark.slow


def test_sigterm_leaves_no_process_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.kit.lab", "--only", "F-01", "--documents", "2000", "--results"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([*command, str(tmp_path / "latest.json")], stdout=subprocess.PIPE, env=environment) as lab:
        try:
            until(lambda: len(list(started(lab.pid))) >= 2, "two gateways")
            time.sleep(1)  # their judges, the proxies, the first letters
            lab.send_signal(signal.SIGTERM)
            output, _ = lab.communicate(timeout=60)
        finally:
            lab.kill()
    assert lab.returncode == 128 + signal.SIGTERM
    assert b"FAULT ENDED" in output.splitlines()[-1]
    assert list(started(lab.pid)) == []
    (folder,) = [line.rpartition(b" in ")[2] for line in output.splitlines() if line.startswith(b"seed ")]
    assert not Path(folder.decode()).exists()


def until(happens: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < end, what
        time.sleep(0.1)
