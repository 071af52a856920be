"""A seat: one worker process with the thread that talks to it, killed and replaced without anybody else noticing."""

import asyncio
import multiprocessing
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any, Final, Literal, TypeVar

from gateway.core import limits
from gateway.crypto.processes.answers import read_answer
from gateway.crypto.processes.shared import Sender

T = TypeVar("T")
Bound = Literal["cpu", "memory", "time", "crash"]
Verb = Literal["returned", "raised", "memory"]
_VERBS: Final[Mapping[str, Verb]] = {"returned": "returned", "raised": "raised", "memory": "memory"}

_SIGNAL_CPU: Final = -24  # SIGXCPU: the soft RLIMIT_CPU was reached
READY: Final = b"ready"
_SPAWNING: Final = threading.Lock()
"""`Process.start` and `join` reap each other's children; two threads at once would lose an exit code."""


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
    share_max: int = limits.WORKER_QUEUE_MAX
    """Tasks of one share that may wait."""
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
        self._sender = Sender()
        self._overdue = False
        self._dead = False

    @property
    def pid(self) -> int | None:
        """Process id of the child, for tests and the admin page."""
        return self._process.pid if self._process else None

    async def fill(self) -> None:
        """Start a child if there is none, or the last one was found dead, and wait until it is ready.

        Raises:
            NotStartedError: it died before it was.
        """
        if self._pipe is not None and not self._dead:
            return
        try:
            await self._in_thread(self._fill, self._kind.start_seconds)
        except KilledError as error:
            raise NotStartedError from error

    async def exchange(self, message: object, *, seconds: float | None = None) -> Answer:
        """Hand `message` to the child and wait for its answer, as long as its kind may take or for so many seconds.

        A child that died between two tasks is found dead by the next one, which is then a `crash`.

        Raises:
            KilledError: the child died or was killed, with the bound it hit.
            NotStartedError: there is no child.
        """
        await self.fill()
        try:
            bound = self._kind.wall_seconds if seconds is None else seconds
            answer = await self._in_thread(partial(self._talk, message), bound)
        except KilledError:
            self._dead = True
            raise
        self._dead = answer.verb == "memory"  # it says so and ends
        return answer

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
        self._dead = True
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
        self._sender = Sender()
        if self._receive() != READY:
            raise KilledError("crash")
        self._dead = False

    def _talk(self, message: object) -> Answer:
        packed = self._sender.pack(message)
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
