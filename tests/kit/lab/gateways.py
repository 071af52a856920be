"""The lab's two gateways: started by `serve`."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping

from gateway.demo.network import Network
from gateway.demo.processes import Gateways


class LabGateways(Gateways):
    """As the demo's, but for the command."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.environment: dict[str, Mapping[str, str]] = {}
        """Side -> more of its environment."""

    async def start(self, name: str) -> None:
        """Start one gateway; it logs into `serve.log` of its folder."""
        side = self._network.sides[name]
        with self.log(name).open("ab") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tests.kit.lab.serve", "serve", "--config", str(side.config)),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **self.environment.get(name, {})},
            )

    def process(self, name: str) -> Process:
        """The one that was started last."""
        return self._processes[name]

    def has_ended(self, name: str) -> bool:
        """Whether it has ended without our doing."""
        process = self._processes.get(name)
        return process is not None and process.returncode is not None
