"""Judges: child processes that look at strangers' files, without keys, without network, each task bounded.

Bounds of a task, and who enforces them:

| bound  | by                                                                                        |
|--------|-------------------------------------------------------------------------------------------|
| cpu    | the kernel: soft RLIMIT_CPU, set anew before each task to what was used + the allowance, which |
|        | grows with a file beyond the usual size                                                   |
| memory | the kernel: RLIMIT_AS, the size of the preloaded child + the allowance                      |
| time   | the service: it kills the child                                                             |
| files  | the kernel: RLIMIT_FSIZE 0, few descriptors, no core dumps; where it has Landlock nothing is made, |
|        | changed or removed, and only `readable` is read; the hook always: none opened for writing   |
| net    | the kernel where it lets us (own network namespace), and an audit hook of Python always     |

The audit hook stops honest code that a hostile file talked into something; the namespace and Landlock also stop code that
was taken over, for that calls libc past every hook. What such code can still do, if its user may:

| on this kernel                     | a judge that was taken over can still                                       |
|------------------------------------|-----------------------------------------------------------------------------|
| any                                | spoil or forge the verdicts that it is asked for from then on, until it is  |
|                                    | replaced; change mode, owner, times and attributes of files (chmod, utime); |
|                                    | connect to sockets that have a name in the file system; see other processes |
| before 6.12 (Landlock without scopes) | send signals to processes of its user: end the service                    |
| without Landlock, or no `readable` | read every file that its user may read: keys, database, configuration       |
| without Landlock (before 5.13)     | make, empty and remove files                                                |
| without user namespaces            | use the network                                                             |

What a judge that was not taken over keeps from one task to the next: whom we believe, as the service sent it (`shared`), and
which certificates it found good by that (`path_memory` says why no file can write there). Nothing of any file.

So give judges `readable`, and the files of keys another owner than the service where that can be done. A container may
forbid `unshare` and Landlock: the pool logs `judge.confined` when it starts.
"""

import contextlib
import ctypes
import gc
import math
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

from gateway.core import limits, metrics
from gateway.core.errors import GatewayError
from gateway.core.ports import Judge, Meter
from gateway.core.sizes import patience
from gateway.crypto.processes.landlock import abi, confine
from gateway.crypto.processes.seat import Kind
from gateway.crypto.processes.shared import unpack
from gateway.crypto.processes.worker_child import answer_all, watch_parent
from gateway.crypto.processes.workers import WorkerPool
from gateway.observe import UNMEASURED, logger

_log = logger(__name__)

T = TypeVar("T")
P = ParamSpec("P")
_Message = tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_PR_SET_NO_NEW_PRIVS: Final = 38
_DESCRIPTORS_MAX: Final = 64
_GARBAGE_OBJECTS: Final = 20_000
"""New objects before the collector looks at them: an envelope to 336 bodies makes about that many, and Python's 700 spent a
sixth of a judge's time on it."""
_FORBIDDEN_EVENTS: Final = (
    *("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system"),
    *("os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate"),
    *("os.utime", "os.setxattr", "os.chflags", "os.kill", "signal.pthread_kill", "pty.", "shutil.", "tempfile."),
)
"""Beginnings of events; os.mknod and os.mkfifo announce nothing in Python 3.11, only the kernel refuses them."""
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class JudgePool:
    """The port `Judge` on child processes.

    `preload`: modules that tasks need, imported once in the forkserver. `readable`: folders and files that tasks may read,
    all others are out of reach where the kernel has Landlock; without any, tasks may read whatever the user may.
    """

    def __init__(
        self, *, size: int, preload: tuple[str, ...], readable: tuple[Path, ...] = (), meter: Meter = UNMEASURED
    ) -> None:
        kind = Kind(
            name="judge",
            main=judge_main,
            arguments=(readable,),
            wall_seconds=limits.JUDGE_WALL_SECONDS_MAX,
            preload=(__name__, *preload),
            blames_task=True,
            share_max=limits.WORKER_SHARE_MAX,
        )
        self._pool = WorkerPool(kind, size, meter=meter)
        self._readable = readable
        self._meter = meter

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the judges."""
        return self._pool.pids

    async def start(self) -> None:
        """Start the judges, and log whether the kernel confines them: one that it should and does not, does not start.

        Raises:
            SiteError: `internal`: one does not start.
        """
        await self._pool.start()
        _log.info("judge.confined", files=abi() > 0, readable=[str(path) for path in self._readable])

    async def close(self) -> None:
        """Let running tasks end, then end the judges."""
        await self._pool.close()

    def on_behalf(self, whose: str) -> Judge:
        """See `Judge.on_behalf`."""
        return _Share(self, whose)

    async def run(self, task: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `task`, an importable function, returns or raises in a judge.

        Its result is made of plain values and of this project's data classes and enumerations.

        Raises:
            SenderError: `worker.killed` with the bound it hit.
            SiteError: `worker.busy`.
        """
        return cast("T", await self.run_for("", (task, args, kwargs)))

    async def run_for(self, share: str, message: "_Message") -> Any:
        """What a packed task returns or raises, waiting its turn among those of its share."""
        result = "failed"
        try:
            with self._meter.timed(metrics.JUDGE_SECONDS):
                seconds = patience(limits.JUDGE_WALL_SECONDS_MAX, _size_of(message))
                value = await self._pool.call(message, share=share, seconds=seconds)
            result = "done"
        except GatewayError as error:
            result = str(error.params.get("bound", "refused")) if error.code == "worker.killed" else "refused"
            raise
        finally:
            self._meter.add(metrics.JUDGE_TASKS, result)
        return value


@dataclass(frozen=True, slots=True)
class _Share:
    """The judges, as one of those for whom they work meets them."""

    pool: JudgePool
    whose: str

    def on_behalf(self, whose: str) -> Judge:
        """See `Judge.on_behalf`."""
        return _Share(self.pool, whose)

    async def run(self, task: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Judge.run`."""
        return cast("T", await self.pool.run_for(self.whose, (task, args, kwargs)))


class InlineJudge:
    """The port `Judge` without a process: for tests and seeded worlds, where files are our own."""

    def on_behalf(self, whose: str) -> Judge:  # noqa: ARG002 - here nobody waits for anybody
        """See `Judge.on_behalf`."""
        return self

    async def run(self, task: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the function here."""
        return task(*args, **kwargs)


# --- in the child ----------------------------------------------------------------------------------------------------


def judge_main(pipe: Connection, readable: tuple[Path, ...]) -> None:
    """A judge's life."""
    # Before any thread: one with threads may not leave its user namespace, and Landlock holds for one thread alone.
    _leave_network()
    _limit_resources()
    confine(readable, version=abi())
    watch_parent()
    sys.addaudithook(_refuse)
    # What was imported lives as long as this process: no use in looking through it for garbage again and again. What a
    # task leaves behind goes before the next one, which has the whole allowance of memory to itself.
    gc.freeze()
    gc.set_threshold(_GARBAGE_OBJECTS)
    answer_all(pipe, _run, tidy=partial(gc.collect, 1))


def _run(message: bytes) -> object:
    task, args, kwargs = unpack(message)
    _allow_cpu(patience(limits.JUDGE_CPU_SECONDS_MAX, _size_of((task, args, kwargs))))
    return task(*args, **kwargs)


def _size_of(message: _Message) -> int:
    """Of the file that a task is about: one beyond the usual size is given more time."""
    try:
        return max((one.stat().st_size for one in message[1] if isinstance(one, Path)), default=0)
    except OSError:  # the task will find out
        return 0


def _leave_network() -> None:
    """Move into a user and network namespace of its own, with no interface up; keep going where that is forbidden."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _limit_resources() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    ceiling = pages * os.sysconf("SC_PAGE_SIZE") + limits.JUDGE_MEMORY_BYTES_MAX
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    with contextlib.suppress(ValueError):  # more are open already
        resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS_MAX, _DESCRIPTORS_MAX))


def _allow_cpu(seconds: float) -> None:
    """Grant the next task its CPU seconds, on top of what this process has used so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = math.ceil(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + math.ceil(seconds), hard))


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    """Audit hook (PEP 578): no sockets, no other programs, no change to any file."""
    if event.startswith(_FORBIDDEN_EVENTS) or (event == "open" and (args[2] or 0) & _WRITING):
        raise PermissionError(f"{event}: a judge has no network, starts nothing and changes nothing")
