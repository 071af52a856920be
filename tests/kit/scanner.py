"""The port `Scanner` without a scanner, and ClamAV's real daemon with a signature of our own; nothing is fetched for either."""

import asyncio
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from gateway.core.errors import SiteError
from gateway.core.scanning import Scan, ScannerState, ScanResult
from tests.kit.exchange_world import Node

MARKER: Final = b"E-GATEWAY-TEST-MARKER-7f1c"
"""Bytes that the signature of the tests finds: no malware, and nothing that another scanner knows."""
SIGNATURE: Final = "Gateway.Test.Marker"
CLAMD: Final = shutil.which("clamd", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
needs_clamd = pytest.mark.skipif(CLAMD is None, reason="clamd not installed")
START_SECONDS: Final = 30.0


class FakeScanner:
    """Finds the marker; is away, too small or at its wits' end as it is told. Implements the port `Scanner`."""

    def __init__(self, *, bytes_max: int = 2**40) -> None:
        self.bytes_max = bytes_max
        self.away = False
        self.fails = False
        """It is there, and gets through with no file."""
        self.shown: list[Path] = []

    async def scan(self, path: Path) -> Scan:
        await asyncio.sleep(0)
        self.shown.append(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise SiteError("blob.damaged", digest=path.name) from error
        if self.away:
            return Scan(result=ScanResult.AWAY, reason="away")
        if self.fails:
            return Scan(result=ScanResult.FAILED, reason="fails")
        if len(data) > self.bytes_max:
            return Scan(result=ScanResult.TOO_LARGE, reason="bytes_max")
        if MARKER in data:
            return Scan(result=ScanResult.INFECTED, name=SIGNATURE)
        return Scan(result=ScanResult.CLEAN)

    async def state(self) -> ScannerState:
        if self.away:
            return ScannerState(answers=False, reason="away")
        return ScannerState(answers=True, version="Fake 1", signatures="1", built_at=datetime.now().astimezone())


def scanning(node: Node) -> FakeScanner:
    """This gateway has its files scanned from now on."""
    fake = FakeScanner()
    object.__setattr__(node.desk, "scanner", fake)  # every conductor holds this very desk
    return fake


class RealClamd:
    """The daemon on a unix socket; may be stopped, frozen and started again."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.socket = folder / "c.sock"
        self._configuration = folder / "clamd.conf"
        signatures = folder / "signatures"
        signatures.mkdir()
        (signatures / "own.ndb").write_text(f"{SIGNATURE}:0:*:{MARKER.hex()}\n")
        lines = (
            f"LocalSocket {self.socket}",
            f"DatabaseDirectory {signatures}",
            f"TemporaryDirectory {folder}",
            "Foreground yes",
            "FixStaleSocket yes",
            "AlertExceedsMax yes",
            *settings,
        )
        self._configuration.write_text("\n".join(lines) + "\n")
        self._folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert CLAMD is not None
        with (self._folder / "output").open("ab") as output:
            command = [CLAMD, "--config-file", str(self._configuration)]
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        end = time.monotonic() + START_SECONDS
        while not self.socket.exists():
            assert self.process.poll() is None, (self._folder / "output").read_text("utf-8")
            assert time.monotonic() < end, "clamd does not listen"
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
            self.socket.unlink(missing_ok=True)


@contextmanager
def real_clamd(*settings: str) -> Iterator[RealClamd]:
    """A daemon in a folder with a short name: a path of a unix socket has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="clamd-", dir="/tmp") as folder:
        daemon = RealClamd(Path(folder), *settings)
        try:
            daemon.start()
            yield daemon
        finally:
            daemon.stop()
