"""Units on their way between an event loop and a database thread: what was asked, and where the answer goes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gateway.core import metrics
from gateway.core.ledgers import UnitOfWork
from gateway.core.ports import Meter
from gateway.storage.group_commit import Settled


@dataclass(frozen=True, slots=True)
class Job:
    """A unit, and where its caller waits."""

    work: Callable[[UnitOfWork], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


def count_units(meter: Meter, settled: Sequence[Settled]) -> None:
    """Only after the commit: a unit has no side effects, and may have been run twice."""
    failed = sum(unit.error is not None for unit in settled)
    meter.observe(metrics.STORE_GROUP_UNITS, len(settled))
    meter.add(metrics.STORE_UNITS, "done", by=len(settled) - failed)
    meter.add(metrics.STORE_UNITS, "failed", by=failed)
    for kind, times in Counter(event for unit in settled for event in unit.events).items():
        meter.add(metrics.EVENTS, kind.value, by=times)


def tell(jobs: Sequence[Job], settled: Sequence[Settled]) -> None:
    """Hand each caller its result, with one wake-up for each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Settled]]] = {}
    for job, result in zip(jobs, settled, strict=True):
        by_loop.setdefault(job.loop, []).append((job.future, result))
    for loop, results in by_loop.items():
        # A closed loop (RuntimeError) has nobody who waits; the units stand all the same.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_resolve, results)


def _resolve(results: Sequence[tuple[asyncio.Future[Any], Settled]]) -> None:
    for future, settled in results:
        if future.done():  # the caller was cancelled
            continue
        if settled.error is not None:
            future.set_exception(settled.error)
        else:
            future.set_result(settled.value)
