"""A key-holder keeps its memory to itself."""

import ctypes
import resource
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def keep_memory_private() -> None:
    """No core file, and no other process of this user may read the memory (ptrace(2), /proc/<pid>/mem)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
