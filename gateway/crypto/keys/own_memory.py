"""A key-holder keeps its memory to itself."""

import ctypes
import resource
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4


def keep_memory_private() -> None:
    """No core file, and no other process of this user may read the memory (ptrace(2), /proc/<pid>/mem)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def die_with_forkserver() -> None:
    """Also while a vendor's library hangs with the interpreter lock in its hands: then no thread of ours can watch.

    The fork server ends with the service, and the kernel then ends us.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
