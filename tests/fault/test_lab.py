"""The fault lab as a process: whoever ends it finds nothing of it left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.lab.disks import SmallDisk
from tests.kit.lab.leftover import started

pytestmark = pytest.mark.slow


def test_sigterm_leaves_no_process_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.kit.lab", "--only", "F-01", "--documents", "2000", "--results"]
    command.append(str(tmp_path / "latest.json"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as lab:
        try:
            until(lambda: len(list(started(lab.pid))) >= 2, "two gateways")
            places = places_of(next(started(lab.pid)))
            time.sleep(1)  # their judges, the proxies, the first letters
            for _ in range(3):  # `make` says again what it was told
                lab.send_signal(signal.SIGTERM)
                time.sleep(0.1)
            output, errors = lab.communicate(timeout=60)
        finally:
            lab.kill()
    assert lab.returncode == 128 + signal.SIGTERM
    assert b"FAULT ENDED" in output.splitlines()[-1]
    assert errors == b""
    assert list(started(lab.pid)) == []
    (folder,) = [line.rpartition(b" in ")[2] for line in output.splitlines() if line.startswith(b"seed ")]
    assert not Path(folder.decode()).exists()
    assert not [place for place in places if place.exists()]


def test_an_empty_disk_is_squeezed_and_widened_again(tmp_path: Path) -> None:
    """Squeezed to nothing at all it would have no bound, and the kernel takes no new bound for what has none."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not permitted here")
    disk = SmallDisk("temp", place)
    try:
        disk.squeeze()
        with pytest.raises(OSError, match="No space left"):
            (place / "letter").write_bytes(bytes(2 * os.sysconf("SC_PAGE_SIZE")))
        disk.widen("1m")
        (place / "letter").write_bytes(bytes(2 * os.sysconf("SC_PAGE_SIZE")))
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def places_of(pid: int) -> list[Path]:
    """Where a process that the lab has started puts its temporary files."""
    environment = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    found = dict(one.partition("=")[::2] for one in environment)
    return [Path(found["TMPDIR"]), Path(found["GATEWAY_WORLDS"])]


def until(happens: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < end, what
        time.sleep(0.1)
