"""The port `Meter` where nobody measures: tests, seeded worlds, commands."""

from contextlib import AbstractContextManager, nullcontext
from typing import Final

from gateway.core.metrics import Metric
from gateway.core.ports import Meter


class Unmeasured:
    """Implements `gateway.core.ports.Meter` and forgets everything."""

    def add(self, metric: Metric, *labels: str, by: float = 1.0) -> None:
        """See `Meter.add`."""

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """See `Meter.observe`."""

    def timed(self, metric: Metric, *labels: str) -> AbstractContextManager[object]:  # noqa: ARG002 - the port's signature
        """See `Meter.timed`."""
        return nullcontext()


UNMEASURED: Final[Meter] = Unmeasured()
