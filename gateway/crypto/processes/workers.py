"""Worker processes: one child per seat, one task at a time, each failure kept to its own task.

What judges and key-holders share, and nothing more: how a child is started, spoken to, bounded in time, replaced and
ended (`seat`), what it does itself (`worker_child`), and who is next (here). The kinds never mix: a pool is made of one
`Kind`, and what a child understands is fixed by its kind's main.

* A child starts by `forkserver` with a preload, never by `fork`: it inherits no socket, no lock and no secret.
* Each child has a thread that waits for the death of the service and then ends the child (house.md), so `kill -9` of
  the service leaves no orphan and no busy port.
* A child that parses strangers' files may have been taken over by one: its answers are values, not pickles (`answers`).
* The event loop never waits: each seat has one thread that writes to and reads from its child, and a timer of the loop
  that kills the child when the time is up.
* Nobody starves the others: those for whom a pool works take turns (`fair_queue`), a share whose files are slow does not
  get the last free child while it has another, and a task whose caller has gone before a child was free is never begun.

What the forkserver preloads is decided once (CPython has one forkserver per process): by who begins it before anything else is
loaded (`gateway.preload`), else by the first pool that starts. Start the judges first.
"""

import asyncio
import contextlib
import multiprocessing
import pickle
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from gateway.core import limits, metrics
from gateway.core.errors import SenderError, SiteError
from gateway.core.ports import Meter
from gateway.crypto.processes.fair_queue import FairQueue
from gateway.crypto.processes.seat import Answer, KilledError, Kind, NotStartedError, Seat
from gateway.observe import UNMEASURED

CLOSING_SECONDS: Final = 3.0
"""What running tasks get when their pool closes: a part of the 30 s in which the gateway drains."""
_PULSE_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Job:
    """A task on its way, and where its caller waits."""

    message: object
    share: str
    seconds: float | None
    promise: "asyncio.Future[Answer]"
    began: float


class WorkerPool:
    """Seats of one kind, and a bounded queue before them, in which shares take turns."""

    def __init__(self, kind: Kind, size: int, *, meter: Meter = UNMEASURED) -> None:
        assert size > 0, "a pool needs a seat"
        self._kind = kind
        self._meter = meter
        self._role = kind.name.replace("-", "_")
        self._seats = tuple(Seat(kind) for _ in range(size))
        self._idle: list[Seat] = []
        """The one that was used last is used next: what it has kept is the freshest."""
        self._waiting: FairQueue[_Job] = FairQueue(limit=limits.WORKER_QUEUE_MAX, share_limit=kind.share_max)
        self._running: Counter[str] = Counter()
        self._slow: set[str] = set()
        """Shares whose last task was slow, among those that run or wait."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = False
        self._abandoning = False

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the children."""
        return tuple(seat.pid for seat in self._seats if seat.pid is not None)

    async def start(self) -> None:
        """Start every child; returns when all are ready.

        Raises:
            SiteError: `internal`: one did not start.
        """
        multiprocessing.get_context("forkserver").set_forkserver_preload(["__main__", *self._kind.preload])
        try:
            await asyncio.gather(*(seat.fill() for seat in self._seats))
        except NotStartedError as error:
            await asyncio.gather(*(seat.close() for seat in self._seats))
            raise SiteError("internal", reason=f"a {self._kind.name} process does not start") from error
        self._idle = list(self._seats)
        self._open = True

    async def close(self) -> None:
        """Refuse new tasks, let those that are inside end, but not for long, and end the children. May be called twice."""
        if not self._open:
            return
        self._open = False
        deadline = time.monotonic() + CLOSING_SECONDS
        while self._tasks and (left := deadline - time.monotonic()) > 0:  # one that ends may begin another
            await asyncio.wait(self._tasks, timeout=left)
        self._abandoning = True
        while waiting := self._waiting.take():  # what was still waiting goes untouched
            self._fail(waiting.promise, SiteError("worker.died", kind=self._kind.name))
        while self._tasks:  # a child that is killed ends its task
            for seat in self._seats:
                seat.kill()
            await asyncio.wait(self._tasks, timeout=_PULSE_SECONDS)
        await asyncio.gather(*(seat.close() for seat in self._seats))

    async def call(self, message: object, *, share: str = "", seconds: float | None = None) -> Any:
        """What the child returned for `message`, or what it raised. `share`: for whom it works, see `fair_queue`.

        `seconds`: what the task may take; None: what is usual for the kind.

        Raises:
            SiteError: `worker.busy` when too many tasks wait, or the pool is closed; `worker.died` when a child died of
                something else than its task.
            SenderError: `worker.killed` with `bound` = cpu, memory, time, or crash (twice), if this kind blames its tasks.
        """
        at_once = self._idle and self._may_have_a_seat(share)
        if not self._open or not (at_once or self._waiting.has_room(share)):
            raise SiteError("worker.busy", kind=self._kind.name)
        promise: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        job = _Job(message=message, share=share, seconds=seconds, promise=promise, began=time.monotonic())
        self._waiting.put(share, job)
        self._hand_out()
        try:
            answer = await promise
        except asyncio.CancelledError:
            self._waiting.discard(share, job)  # the caller has gone: nothing is begun on its behalf any more
            raise
        if answer.verb == "raised":
            raise answer.value
        if answer.verb == "memory":
            raise SenderError("worker.killed", bound="memory")
        return answer.value

    def _hand_out(self) -> None:
        """Give each idle seat the task whose turn it is. A task of the loop: a caller that gives up must not lose a seat."""
        while self._idle and (job := self._waiting.take(self._may_have_a_seat)):
            if job.promise.done():  # its caller gave up in this very moment
                continue
            self._meter.observe(metrics.WORKER_WAIT_SECONDS, time.monotonic() - job.began, self._role)
            self._running[job.share] += 1
            task = asyncio.create_task(self._serve(self._idle.pop(), job))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _may_have_a_seat(self, share: str) -> bool:
        """Whoever brings files that take seconds does not get every child: a task that runs is not interrupted."""
        return len(self._idle) > 1 or share not in self._slow or not self._running[share]

    def _note_end(self, share: str, seconds: float) -> None:
        (self._slow.add if seconds > limits.WORKER_SLOW_SECONDS else self._slow.discard)(share)
        self._running[share] -= 1
        if not self._running[share]:
            del self._running[share]
            if not self._waiting.holds(share):
                self._slow.discard(share)  # nothing is remembered of those who are not here

    async def _serve(self, seat: Seat, job: _Job) -> None:
        """Use a seat, mend it, give it back."""
        began = time.monotonic()
        try:
            await self._settle(seat, job)
            if not self._abandoning:
                with contextlib.suppress(NotStartedError, OSError):  # tried again, and reported, by the next task
                    await seat.fill()
        finally:
            self._note_end(job.share, time.monotonic() - began)
            self._idle.append(seat)
            self._hand_out()

    async def _settle(self, seat: Seat, job: _Job) -> None:
        promise = job.promise
        try:
            answer = await self._exchange(seat, job)
        except KilledError as killed:
            blamed = SenderError("worker.killed", bound=killed.bound)
            innocent = self._abandoning or not self._kind.blames_task
            self._fail(promise, SiteError("worker.died", kind=self._kind.name) if innocent else blamed)
        except NotStartedError:
            self._fail(promise, SiteError("worker.died", kind=self._kind.name))
        except (pickle.PicklingError, AttributeError, TypeError, OSError) as error:
            self._fail(promise, error)
        else:
            with contextlib.suppress(asyncio.InvalidStateError):
                promise.set_result(answer)

    async def _exchange(self, seat: Seat, job: _Job) -> Answer:
        """A child may die of something else than its task (memory of the machine, a stray signal): the second death tells."""
        try:
            return await seat.exchange(job.message, seconds=job.seconds)
        except KilledError as killed:
            if killed.bound != "crash" or self._abandoning:
                raise
        return await seat.exchange(job.message, seconds=job.seconds)

    @staticmethod
    def _fail(promise: "asyncio.Future[Answer]", error: Exception) -> None:
        with contextlib.suppress(asyncio.InvalidStateError):
            promise.set_exception(error)
