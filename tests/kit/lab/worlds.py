"""F-27: seeded worlds of five gateways (`tests/kit/seeded`), as many seeds as documents are asked for."""

import os
import re
import sys

from tests.kit.lab.fault import Done, Order, hurt
from tests.kit.programs import run_program
from tests.kit.seeded.materials import GATEWAYS_MAX

SUMMARY = re.compile(r"(\d+) seeds, (\d+) failed, .*?; (\d+) documents; (.*)")


async def simulated_worlds(order: Order) -> Done:
    """Seeds from the lab's own on: another night, other worlds; the line of a seed that failed replays it."""
    ended = await run_program(
        *(sys.executable, "-m", "tests.kit.seeds", "--gateways", str(GATEWAYS_MAX), "--count", str(order.documents)),
        *("--from", str(order.seed), "--workers", str(len(os.sched_getaffinity(0)))),
    )
    lines = ended.output.decode().splitlines()
    told = SUMMARY.fullmatch(lines[-1]) if lines else None
    hurt(told is not None, f"the worlds broke: {lines[-3:]}")
    assert told
    seeds, failed, documents, misfortunes = int(told[1]), int(told[2]), int(told[3]), told[4]
    hurt(seeds == order.documents, f"only {seeds} seeds")
    notes = {"seeds": seeds, "gateways in each": GATEWAYS_MAX, "documents": documents, "misfortunes": misfortunes}
    return Done(checked=False, notes=notes, wrong=lines[:-1] if failed or ended.code else [])
