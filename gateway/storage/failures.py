"""A disk that fails ends the process; one that fails again within the hour keeps it down until somebody has looked.

After a failed fsync, or any other I/O error, the kernel's word about a file is worth nothing (reliability.md B2.5). The next
start recovers; but a disk that fails once an hour is no place for documents, and restarting again and again would only hide it.
"""

import os
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from gateway.core.clock import parse_rfc3339, rfc3339
from gateway.storage.faults import FatalStoreError, is_full

EXIT_DISK: Final = 74
"""EX_IOERR of sysexits.h: the supervisor starts the service again, and the start recovers."""
EXIT_DISK_AGAIN: Final = 75
"""The second time within an hour: the supervisor leaves it down (`RestartPreventExitStatus=` in config/gateway.service)."""
EXIT_OTHER: Final = 70
"""EX_SOFTWARE: the store stopped for another reason, as when the log does not grow out of what was signed."""
AGAIN: Final = timedelta(hours=1)
_CHARS_MAX: Final = 100


def exit_of_failure(error: BaseException, memory: Path, moment: datetime) -> int:
    """The exit code with which the process has to end now; a disk's failure is remembered in that file, if it can be.

    A disk that is full is no failing one: it is not remembered, and the restart waits for room.
    """
    if not isinstance(error, FatalStoreError | OSError):
        return EXIT_OTHER
    if is_full(error):
        return EXIT_DISK
    before = _remembered(memory)
    with suppress(OSError):
        descriptor = os.open(memory, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(rfc3339(moment).encode() + b"\n")
            file.flush()
            os.fsync(descriptor)
    again = before is not None and abs(moment - before) < AGAIN
    return EXIT_DISK_AGAIN if again else EXIT_DISK


def _remembered(memory: Path) -> datetime | None:
    try:
        with memory.open(encoding="utf-8") as file:
            return parse_rfc3339(file.read(_CHARS_MAX).strip())
    except (OSError, ValueError):
        return None
