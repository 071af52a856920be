"""F-28: planted bugs. Each runs in a process of its own, in seeded worlds, until a world is wrong; one that is not caught in
its time shows a hole in the lab.

They are `tests/kit/seeded/mutants.py`: the bugs a tired engineer makes in reception, delivery, streams, receipts, fences,
leaves, checkpoints, blobs. What is planted into the books that `check` reads stands in `tests/unit/test_fault_lab.py`.
"""

import asyncio
import re
import sys
import time

from tests.kit.lab.fault import hurt
from tests.kit.programs import run_program
from tests.kit.seeded.mutants import MUTANTS

SEEDS_MAX = 60
SECONDS_MAX = 20
"""Of processor time, which the kernel counts."""
CLOCK_MAX = 15 * SECONDS_MAX
"""By the clock, for others may be on the machine."""
AT_ONCE = 2
_FOUND = re.compile(rb"seed (\d+) FAILED; again:")
UNHURT = 20
UNHURT_SECONDS_MAX = 5 * SECONDS_MAX
"""Seeds that must be well first: where nothing is planted, nothing may be found."""


async def find_mutants() -> tuple[dict[str, bool], dict[str, object]]:
    """Which were caught, and how long each took."""
    turn, took = asyncio.Semaphore(AT_ONCE), dict[str, object]()
    code, said = await _worlds("--count", str(UNHURT), seconds=UNHURT_SECONDS_MAX)
    hurt(code == 0, f"the first {UNHURT} worlds are not well without any bug planted: {said[-300:]!r}")

    async def one(name: str) -> bool:
        async with turn:
            started = time.monotonic()
            caught = await find(name)
            took[name] = round(time.monotonic() - started, 1)
            return caught

    names = sorted(MUTANTS)
    found = await asyncio.gather(*map(one, names))
    return dict(zip(names, found, strict=True)), took


async def find(name: str) -> bool:
    """Whether some seed finds it that is well without it: a process that only broke has found nothing."""
    code, said = await _worlds("--mutant", name, "--count", str(SEEDS_MAX), seconds=SECONDS_MAX)
    found = _FOUND.search(said)
    if code != 1 or found is None:
        return False
    seed = int(found[1])
    return seed < UNHURT or (await _worlds("--from", str(seed), "--count", "1", seconds=SECONDS_MAX))[0] == 0


async def _worlds(*asked: str, seconds: int) -> tuple[int, bytes]:
    """How seeded worlds end in a process that has so much processor time, and what is said of them."""
    try:
        ended = await run_program(
            *("/bin/sh", "-c", f'ulimit -t {seconds}; exec "$@"', "sh"),
            *(sys.executable, "-m", "tests.kit.seeds", "--workers", "1", *asked),
            seconds=CLOCK_MAX,
        )
    except TimeoutError:
        return -1, b""
    return ended.code, ended.output
