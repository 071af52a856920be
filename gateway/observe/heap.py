"""The C library's heap: large pieces go back to the kernel when they are freed, and few threads have a heap of their own.

glibc raises the size from which a piece is mapped by itself to whatever was freed last, up to 32 MiB, and gives each of many
threads an arena. A service that has carried a few files of 7 MiB in threads keeps tens of megabytes of holes for ever.
Measured with eight such PDFs at a time (docs/PERFORMANCE.md): 400 MB of PSS without this, 280 MB with it.
"""

import ctypes
from typing import Final

from gateway.observe.logs import logger

MAPPED_BYTES_MIN: Final = 256 * 1024
"""From this size on a piece is mapped by itself, always. Envelopes of ordinary letters are smaller, and cost nothing more."""
ARENAS_MAX: Final = 2
"""Threads that allocate at the same moment: one computes, for Python lets only one, and another is in a library."""
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8

_log: Final = logger(__name__)


def bound_heap() -> bool:
    """Set both; whether the C library has such settings (musl has none, and no need of them)."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return False
    done = [library.mallopt(_M_MMAP_THRESHOLD, MAPPED_BYTES_MIN), library.mallopt(_M_ARENA_MAX, ARENAS_MAX)]
    if not all(done):
        _log.warning("heap.unbounded")
    return all(done)
