"""Time, and the only source of it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time. Nobody else calls `datetime.now`, `time.monotonic` or `asyncio.sleep`."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never steps back; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; a simulated clock jumps instead."""
        ...
