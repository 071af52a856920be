"""What one execution may cost: memory by the system's limit, time by the processor's own clock."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from types import FrameType
from typing import Final

MEMORY_BYTES: Final = 384 * 1024 * 1024
"""Beyond what the interpreter and its libraries have: a file of 64 KB, whose archives inflate to megabytes."""
SLOW_SECONDS: Final = 3.0
"""The dearest honest file, evidence with many signatures, took 0.3 s on one machine and 1.3 s on another (a slow RSA)."""
OVERTIME_SECONDS: Final = 9.0


class TooSlowError(Exception):
    """An input took longer than it may; of processor time, so a busy machine makes nothing slow."""


def limit_memory() -> None:
    """From here on, no more than that much beyond what is in use now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextmanager
def bounded() -> Iterator[None]:
    """One execution.

    Raises:
        TooSlowError: it took more than `SLOW_SECONDS`, or was stopped at `OVERTIME_SECONDS`.
    """
    began = process_time()
    before = signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, OVERTIME_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    if process_time() - began > SLOW_SECONDS:
        raise TooSlowError(f"{process_time() - began:.1f} s")


def _stop(_: int, __: FrameType | None) -> None:
    raise TooSlowError(f"stopped after {OVERTIME_SECONDS} s")
