"""How much memory gateways have, from outside: the sum of the proportional sets of all their processes, by the second."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

MIB = 1024.0
EVERY_SECONDS = 1.0


class MemoryWatch:
    """Watches while its context lasts. `pids`: tells the gateways' first processes by side, as they are by then."""

    def __init__(self, pids: Callable[[], Mapping[str, int]], *, every: float = EVERY_SECONDS) -> None:
        self._pids = pids
        self._every = every
        self.seen: dict[str, list[tuple[float, float]]] = {}
        """By side: seconds, MiB."""
        self._lives: dict[tuple[str, int], list[tuple[float, float]]] = {}

    @property
    def highest(self) -> dict[str, float]:
        return {side: max(mib for _, mib in seen) for side, seen in self.seen.items()}

    def longest_life(self, side: str) -> list[tuple[float, float]]:
        """Of the process of that side that was seen most often."""
        lives = [seen for (one, _), seen in self._lives.items() if one == side]
        return max(lives, key=len, default=[])

    async def look(self) -> None:
        """Once."""
        for side, pid in self._pids().items():
            if mib := await asyncio.to_thread(proportional_mib, pid):
                now = time.monotonic(), mib
                self.seen.setdefault(side, []).append(now)
                self._lives.setdefault((side, pid), []).append(now)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self._every)


def proportional_mib(pid: int) -> float:
    """Of a process and all below it; 0 when it is gone."""
    total = 0.0
    for one in (pid, *below(pid)):
        with suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) / MIB
    return total


def below(pid: int) -> list[int]:
    """Children, their children, and so on."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *below(child)]
    return found


def slope_per_hour(seen: list[tuple[float, float]]) -> float:
    """MiB by which it grows in an hour: the straight line through the last two thirds, by least squares."""
    last = seen[len(seen) // 3 :]
    if len(last) < 2:
        return 0.0
    times, sizes = [at for at, _ in last], [mib for _, mib in last]
    middle, mean = sum(times) / len(times), sum(sizes) / len(sizes)
    spread = sum((at - middle) ** 2 for at in times)
    return 3600 * sum((at - middle) * (mib - mean) for at, mib in last) / spread if spread else 0.0
