"""F-26: the state machine on both databases, each in a process of its own, at the same time."""

import asyncio
import json
import sys
from typing import Any

from tests.kit.lab.fault import Done, Order, hurt
from tests.kit.lab.servers import need_postgres
from tests.kit.programs import run_program

STORES = ("sqlite", "postgres")


async def state_machine(order: Order) -> Done:
    """So many sequences on each database; what fails says by which steps."""
    need_postgres()
    said = dict(zip(STORES, await asyncio.gather(*(_run(store, order) for store in STORES)), strict=True))
    wrong = [f"{store}: {told['failure']}" for store, told in said.items() if told["failure"]]
    notes: dict[str, object] = {}
    for store, told in said.items():
        counts = told["counts"]
        notes |= {f"{store} {what}": counts.get(what, 0) for what in ("sequences", "letters", "cut", "examinations")}
        # of each at least one in a sequence, on the average
        enough = min(counts.get("letters", 0), counts.get("cut", 0) + counts.get("part", 0)) >= order.documents
        hurt(bool(wrong) or enough, f"{store}: only {counts}")
    return Done(checked=False, notes=notes, wrong=wrong)


async def _run(store: str, order: Order) -> dict[str, Any]:
    ended = await run_program(
        *(sys.executable, "-m", "tests.kit.lab.machine", "--store", store),
        *("--sequences", str(order.documents), "--seed", str(order.seed)),
    )
    try:
        said: dict[str, Any] = json.loads(ended.output)
    except ValueError:
        return {"counts": {}, "failure": f"it broke: {ended.errors.decode(errors='replace')[-800:]}"}
    return said
