"""The lab's two gateways: started by `serve`, if need be under another program that hurts them."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Sequence

from gateway.demo.network import Network
from gateway.demo.processes import Gateways


class LabGateways(Gateways):
    """As the demo's, but for the command."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.under: dict[str, Sequence[str]] = {}
        """Side -> the program and its options that start the gateway there."""
        self.starts = 0

    async def start(self, name: str) -> None:
        """Start one gateway; it logs into `serve.log` of its folder."""
        side = self._network.sides[name]
        self.starts += 1
        with self.log(name).open("ab") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                *self.under.get(name, ()),
                sys.executable,
                *("-m", "tests.kit.lab.serve", "serve", "--config", str(side.config)),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
