"""Worker processes: one child per seat, one task at a time, each failure kept to its own task.

What judges and key-holders share, and nothing more: how a child is started, spoken to, bounded in time, replaced and
ended. The kinds never mix: a pool is made of one `Kind`, and what a child understands is fixed by its kind's main.

* A child starts by `forkserver` with a preload, never by `fork`: it inherits no socket, no lock and no secret.
* Each child has a thread that waits for the death of the service and then ends the child (house.md), so `kill -9` of
  the service leaves no orphan and no busy port.
* A child that parses strangers' files may have been taken over by one: its answers are values, not pickles (`answers`).
* The event loop never waits: each seat has one thread that writes to and reads from its child, and a timer of the loop
  that kills the child when the time is up.

The first pool that starts decides what the forkserver preloads (CPython has one forkserver per process): start the
judges first.
"""

import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from typing import Any, Final, Literal, TypeVar

from gateway.core import limits
from gateway.core.errors import SenderError, SiteError
from gateway.crypto.answers import read_answer, write_answer

T = TypeVar("T")
Bound = Literal["cpu", "memory", "time", "crash"]
Verb = Literal["returned", "raised", "memory"]
_VERBS: Final[Mapping[str, Verb]] = {"returned": "returned", "raised": "raised", "memory": "memory"}

_SIGNAL_CPU: Final = -24  # SIGXCPU: the soft RLIMIT_CPU was reached
_READY: Final = b"ready"
_PR_SET_NAME: Final = 15
_NAME_BYTES_MAX: Final = 15  # TASK_COMM_LEN without its zero (prctl(2))
CLOSING_SECONDS: Final = 3.0
"""What running tasks get when their pool closes: a part of the 30 s in which the gateway drains."""
_PULSE_SECONDS: Final = 0.2
_SPAWNING: Final = threading.Lock()
"""`Process.start`, `is_alive` and `join` reap each other's children; two threads at once would lose an exit code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One sort of child."""

    name: str
    main: Callable[..., None]
    """Importable; called in the child as `main(pipe, *arguments)`, answers each message until the pipe closes."""
    arguments: tuple[object, ...] = ()
    wall_seconds: float
    preload: tuple[str, ...]
    blames_task: bool
    """Whether a child that does not survive its task condemns the task (a stranger's file), or is our own misfortune."""
    start_seconds: float = 30.0
    """A cold start imports for a second; on a loaded machine for many."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one message."""

    verb: Verb
    value: Any


class KilledError(Exception):
    """The child did not survive the task."""

    def __init__(self, bound: Bound) -> None:
        super().__init__(bound)
        self.bound: Final = bound


class NotStartedError(Exception):
    """A child did not come up: no task has anything to do with it."""


# --- in the child ----------------------------------------------------------------------------------------------------


def watch_parent() -> None:
    """End this child as soon as the service that started it is gone, and not before: Ctrl-C is the service's business."""
    for name in (signal.SIGINT, signal.SIGTERM):  # a terminal and a service manager signal the whole group
        signal.signal(name, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None, "watch_parent is for children"
    # What `ps`, `top` and the benchmarks show: without it every child bears the name of the interpreter.
    shown = multiprocessing.current_process().name.encode()[:_NAME_BYTES_MAX]
    ctypes.CDLL(None).prctl(_PR_SET_NAME, shown, 0, 0, 0)

    def wait_and_exit(sentinel: int) -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=wait_and_exit, args=(parent.sentinel,), daemon=True, name="parent-watch").start()


def answer_all(pipe: Connection, handle: Callable[[bytes], object]) -> None:
    """The child's loop: say that it is ready, then read a message, answer it, until the service closes the pipe."""
    pipe.send_bytes(_READY)
    while True:
        try:
            message = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        if not _answer(pipe, handle, message):
            return


def _answer(pipe: Connection, handle: Callable[[bytes], object], message: bytes) -> bool:
    """Answer one message; False when this child should be replaced."""
    verb: Verb = "returned"
    try:
        value = handle(message)
    except MemoryError:
        verb, value = "memory", None
    except Exception as error:  # noqa: BLE001 - the worker loop, a named border: every failure goes back to the caller
        verb, value = "raised", error
    try:
        frame = write_answer(verb, value)
    except (TypeError, ValueError, RecursionError) as error:
        frame = write_answer("raised", error)
    except MemoryError:
        verb, frame = "memory", write_answer("memory", None)
    pipe.send_bytes(frame)
    return verb != "memory"


# --- in the service --------------------------------------------------------------------------------------------------


def _read(frame: bytes) -> Answer:
    """The answer in a child's frame; a frame that is none counts as a crash of the child."""
    try:
        verb, value = read_answer(frame)
        return Answer(_VERBS[verb], value)
    except (ValueError, KeyError) as error:
        raise KilledError("crash") from error


class Seat:
    """One child process with the thread that talks to it; used by one task at a time."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=kind.name)
        self._process: ForkServerProcess | None = None
        self._pipe: Connection | None = None
        self._overdue = False

    @property
    def pid(self) -> int | None:
        """Process id of the child, for tests and the admin page."""
        return self._process.pid if self._process else None

    async def fill(self) -> None:
        """Start a child if there is none alive, and wait until it is ready.

        Raises:
            NotStartedError: it died before it was.
        """
        try:
            await self._in_thread(self._fill, self._kind.start_seconds)
        except KilledError as error:
            raise NotStartedError from error

    async def exchange(self, message: object) -> Answer:
        """Hand `message` to the child and wait for its answer.

        Raises:
            KilledError: the child died or was killed, with the bound it hit.
            NotStartedError: there is no child.
        """
        await self.fill()  # a child that died between two tasks is nobody's fault: replace it first
        return await self._in_thread(partial(self._talk, message), self._kind.wall_seconds)

    async def _in_thread(self, work: Callable[[], T], seconds: float) -> T:
        """Do `work` in this seat's thread; after `seconds` the child is killed, which ends the work."""
        loop = asyncio.get_running_loop()
        self._overdue = False
        timer = loop.call_later(seconds, self._kill_overdue)
        try:
            return await loop.run_in_executor(self._thread, work)
        finally:
            timer.cancel()

    def kill(self) -> None:
        """Kill the child, whatever it does."""
        if self._process is not None:
            self._process.kill()

    async def close(self) -> None:
        """End the child and the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._end)
        self._thread.shutdown()

    def _kill_overdue(self) -> None:
        self._overdue = True
        self.kill()

    def _fill(self) -> None:
        with _SPAWNING:
            if self._process is not None and self._process.is_alive():
                return
        self._end()
        context = multiprocessing.get_context("forkserver")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=self._kind.main, args=(theirs, *self._kind.arguments), name=self._kind.name, daemon=True
        )
        with _SPAWNING:
            process.start()
        theirs.close()
        self._process, self._pipe = process, ours
        if self._receive() != _READY:
            raise KilledError("crash")

    def _talk(self, message: object) -> Answer:
        packed = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        assert self._pipe is not None, "the seat was filled"
        try:
            self._pipe.send_bytes(packed)
        except OSError as error:
            raise KilledError(self._reason()) from error
        return _read(self._receive())

    def _receive(self) -> bytes:
        assert self._pipe is not None, "the seat was filled"
        try:
            return self._pipe.recv_bytes(limits.WORKER_ANSWER_BYTES_MAX)
        except (EOFError, OSError) as error:
            raise KilledError(self._reason()) from error

    def _reason(self) -> Bound:
        """Which bound ended the child, by its exit code."""
        assert self._process is not None, "there was a child"
        if self._overdue:
            return "time"
        with _SPAWNING:
            self._process.join(1)
            return "cpu" if self._process.exitcode == _SIGNAL_CPU else "crash"

    def _end(self) -> None:
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        if pipe is not None:
            pipe.close()
        if process is not None:
            with _SPAWNING:
                process.kill()
                process.join()


class WorkerPool:
    """Seats of one kind, and a bounded queue before them."""

    def __init__(self, kind: Kind, size: int) -> None:
        assert size > 0, "a pool needs a seat"
        self._kind = kind
        self._seats = tuple(Seat(kind) for _ in range(size))
        self._idle: asyncio.Queue[Seat] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._inside = 0
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
        for seat in self._seats:
            self._idle.put_nowait(seat)
        self._open = True

    async def close(self) -> None:
        """Refuse new tasks, let the running ones end, but not for long, and end the children. May be called twice."""
        if not self._open:
            return
        self._open = False
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSING_SECONDS)
        self._abandoning = True
        while (
            self._tasks
        ):  # a child that is killed ends its task; a task that was still waiting for a seat goes untouched
            for seat in self._seats:
                seat.kill()
            await asyncio.wait(self._tasks, timeout=_PULSE_SECONDS)
        await asyncio.gather(*(seat.close() for seat in self._seats))

    async def call(self, message: object) -> Any:
        """What the child returned for `message`, or what it raised.

        Raises:
            SiteError: `worker.busy` when too many tasks wait, or the pool is closed; `worker.died` when a child died of
                something else than its task.
            SenderError: `worker.killed` with `bound` = cpu, memory, time, or crash (twice), if this kind blames its tasks.
        """
        if not self._open or self._inside >= len(self._seats) + limits.WORKER_QUEUE_MAX:
            raise SiteError("worker.busy", kind=self._kind.name)
        self._inside += 1  # counted here, not where a seat is waited for: many may call before one of them begins to
        promise: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._serve(message, promise))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        answer = await promise
        if answer.verb == "raised":
            raise answer.value
        if answer.verb == "memory":
            raise SenderError("worker.killed", bound="memory")
        return answer.value

    async def _serve(self, message: object, promise: "asyncio.Future[Answer]") -> None:
        """Wait for a seat, use it, mend it, give it back. Its own task: a caller that gives up must not lose a seat."""
        seat = await self._idle.get()
        try:
            if not promise.done() and not self._abandoning:
                await self._settle(seat, message, promise)
            if self._abandoning:
                self._fail(promise, SiteError("worker.died", kind=self._kind.name))
                return
            with contextlib.suppress(NotStartedError, OSError):  # tried again, and reported, by the next task
                await seat.fill()
        finally:
            self._inside -= 1
            self._idle.put_nowait(seat)

    async def _settle(self, seat: Seat, message: object, promise: "asyncio.Future[Answer]") -> None:
        try:
            answer = await self._exchange(seat, message)
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

    async def _exchange(self, seat: Seat, message: object) -> Answer:
        """A child may die of something else than its task (memory of the machine, a stray signal): the second death tells."""
        try:
            return await seat.exchange(message)
        except KilledError as killed:
            if killed.bound != "crash" or self._abandoning:
                raise
        return await seat.exchange(message)

    @staticmethod
    def _fail(promise: "asyncio.Future[Answer]", error: Exception) -> None:
        with contextlib.suppress(asyncio.InvalidStateError):
            promise.set_exception(error)
