"""An event loop whose clock jumps to the next timer when nothing is ready: an hour of waiting costs nothing.

One seed gives one history only if nothing happens beside the loop: no thread, no socket, no real time. So what is handed
to an executor (`asyncio.to_thread`) runs here, in a turn of its own: whoever waits for it lets others go first, as with
a thread, and a power cut finds it not begun or done.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

TURNS_MAX = 3_000_000
"""Turns of one loop: a world that takes more goes in a circle."""


class StuckError(Exception):
    """Nothing is ready and no timer runs, or the loop turns without end: nothing would ever happen again."""


class SimLoop(asyncio.SelectorEventLoop):
    """Time is a number that only this loop moves."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self._turns = 0
        super().__init__()
        self._selector.select = self._select  # type: ignore[attr-defined]  # private, and the one place where time passes

    def time(self) -> float:
        return self.elapsed

    def run_in_executor(  # type: ignore[override]  # asyncio's own is more general than anybody here asks for
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> "asyncio.Future[Any]":
        future = self.create_future()
        self.call_soon(_run, future, func, args)
        return future

    def _select(self, timeout: float | None = None) -> list[Any]:
        """Instead of waiting for files: there are none, so the next timer is due now."""
        self._turns += 1
        if timeout is None:
            raise StuckError("nothing is ready and no timer runs")
        if self._turns > TURNS_MAX:
            raise StuckError(f"{TURNS_MAX} turns and no end")
        if timeout > 0:
            self.elapsed += timeout
        return []


def _run(future: "asyncio.Future[Any]", func: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if future.cancelled():
        return
    try:
        future.set_result(func(*args))
    except Exception as error:
        future.set_exception(error)
