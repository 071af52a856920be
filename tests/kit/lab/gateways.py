"""The lab's two gateways: started by `serve`."""

from asyncio.subprocess import Process
from contextlib import suppress

from gateway.demo.processes import Gateways


class LabGateways(Gateways):
    """As the demo's, but for the command."""

    PROGRAM = ("-m", "tests.kit.lab.serve")

    def process(self, name: str) -> Process:
        """The one that was started last."""
        return self._processes[name]

    def has_ended(self, name: str) -> bool:
        """Whether it has ended without our doing."""
        process = self._processes.get(name)
        return process is not None and process.returncode is not None

    async def end(self, name: str) -> None:
        """Kill one as a power cut would, and wait until it is gone."""
        process = self.process(name)
        with suppress(ProcessLookupError):  # it has just ended by itself
            self.kill(name)
        await process.wait()
