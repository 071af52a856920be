"""The port `Clock` on the machine's own clocks: the one place that asks them."""

import asyncio
from datetime import UTC, datetime
from time import monotonic


class SystemClock:
    """Implements `gateway.core.ports.Clock`."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return monotonic()

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(seconds)
