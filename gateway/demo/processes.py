"""The two gateways as processes of their own: started, waited for, stopped; their logs kept beside them."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final, Self

from gateway.api import ApiProblem, OfficeClient
from gateway.core.errors import GatewayError, SiteError
from gateway.demo.network import Network, Side

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 40.0
"""A little more than a gateway takes to drain."""


class Gateways:
    """Both gateways of a network. An async context manager: they run inside it and are stopped at its end."""

    PROGRAM: ClassVar = ("-m", "gateway")
    """What Python runs."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._processes: dict[str, Process] = {}
        self.statuses: dict[str, int | None] = {}
        """Exit status of each gateway that was stopped."""
        self.environment: dict[str, Mapping[str, str]] = {}
        """By side: what its environment has besides ours."""

    async def __aenter__(self) -> Self:
        try:
            for name in self._network.sides:
                await self.start(name)
            await asyncio.gather(*(self._until_ready(name) for name in self._network.sides))
        except BaseException:
            await self._stop_all()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop_all()

    @property
    def pids(self) -> Mapping[str, int]:
        """Process ids by side."""
        return {name: process.pid for name, process in self._processes.items()}

    async def start(self, name: str) -> None:
        """Start one gateway; it logs into `serve.log` of its folder."""
        side = self._network.sides[name]
        with _log(side).open("ab") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                sys.executable,
                *(*self.PROGRAM, "serve", "--config", str(side.config)),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is ours to handle: the terminal's signal must not reach the gateways before we stop them.
                start_new_session=True,
                env={**os.environ, **self.environment.get(name, {})},
            )

    async def ready(self, name: str) -> None:
        """Wait until one gateway answers.

        Raises:
            SiteError: `internal` with the end of its log, when it ended instead or took too long.
        """
        await self._until_ready(name)

    async def stop(self, name: str) -> None:
        """Ask one gateway to drain and end; kill it when it does not."""
        process = self._processes.pop(name, None)
        if process is None:
            return
        # Not `terminate`: it looks whether the process has ended, and so takes the exit status away from asyncio (255 then).
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        self.statuses[name] = process.returncode

    def kill(self, name: str) -> None:
        """Kill one gateway as a power cut would."""
        process = self._processes.pop(name)
        os.kill(process.pid, 9)

    async def ended(self) -> tuple[str, int]:
        """Wait until some gateway ends without our doing; which, and its exit code (negative: the signal)."""
        waits = {asyncio.create_task(process.wait()): name for name, process in self._processes.items()}
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        first = done.pop()
        return waits[first], first.result()

    def log(self, name: str) -> Path:
        """Where a gateway logs."""
        return _log(self._network.sides[name])

    async def _stop_all(self) -> None:
        await asyncio.gather(*(self.stop(name) for name in tuple(self._processes)))

    async def _until_ready(self, name: str) -> None:
        side, process = self._network.sides[name], self._processes[name]
        office = next(office for office in self._network.offices.values() if office.side == name)
        async with OfficeClient(side.url, office.api_key, self._network.client_context()) as client:
            for _ in range(int(START_SECONDS / 0.1)):
                if process.returncode is not None:
                    raise SiteError("internal", reason=f"{name} ended: {_log_end(side)}")
                with suppress(GatewayError, ApiProblem):
                    await client.me()
                    return
                await asyncio.sleep(0.1)
        raise SiteError("internal", reason=f"{name} did not start: {_log_end(side)}")


def _log(side: Side) -> Path:
    return side.folder / "serve.log"


def _log_end(side: Side) -> str:
    return _log(side).read_text(encoding="utf-8", errors="replace")[-1500:]
