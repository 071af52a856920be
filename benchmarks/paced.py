"""Documents at a given rate, whatever becomes of those before: how long a recipient's receipt takes at half load."""

import asyncio
import time
from typing import Final

from benchmarks.cases import Case
from benchmarks.load import PATIENCE_SECONDS, Deliveries, Office, Run, hand_in

LOOK_SECONDS: Final = 0.05


async def drive_at(office: Office, case: Case, *, rate: float, seconds: float, priority: str = "") -> Run:
    """Hand in `rate` documents a second for that long, then wait for the last."""
    run, waiting = Run(started=time.time()), set[str]()
    deliveries = Deliveries(office.database)
    handing_in: set[asyncio.Task[tuple[str, float]]] = set()
    begun = 0
    try:
        while (open_for_more := time.time() < run.started + seconds) or waiting or handing_in:
            assert time.time() < run.started + seconds + PATIENCE_SECONDS, "documents are stuck"
            while open_for_more and begun < rate * (time.time() - run.started):
                begun += 1
                handing_in.add(asyncio.create_task(hand_in(office, case, run, priority=priority)))
            await asyncio.sleep(min(LOOK_SECONDS, 0.5 / rate))
            for task in [task for task in handing_in if task.done()]:
                handing_in.discard(task)
                key, at = task.result()
                waiting.add(key)
                run.begun[key] = at
            for key, at in deliveries.finished(waiting).items():
                waiting.discard(key)
                run.taken.append(at - run.begun[key])
                run.ended = max(run.ended, at)
    finally:
        deliveries.close()
    return run
