"""A clock that only moves when it is told to, or when everybody sleeps on it; and one that never moves."""

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 21, 2, 0, 0, tzinfo=UTC)


class ManualClock:
    """Implements the port `Clock`. `sleep` really yields, for a moment, and moves the clock by what was asked."""

    def __init__(self, start: datetime = START) -> None:
        self.moment = start
        self.jumped = 0.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return (self.moment - START).total_seconds() - self.jumped

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def jump(self, seconds: float) -> None:
        """The wall clock is set; no time passes."""
        self.moment += timedelta(seconds=seconds)
        self.jumped += seconds


class StandingClock:
    """Implements the port `Clock` for what must not wait: it says the same moment for ever."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return 1.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")
