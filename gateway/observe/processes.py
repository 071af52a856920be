"""What the processes of a gateway use, as the kernel counts it (proc(5))."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from gateway.core.metrics import CPU_SECONDS, PROCESSES, RESIDENT_BYTES, Reading

Pids = Callable[[], Sequence[int]]
_STAT_BYTES_MAX: Final = 4_096


def process_readings(roles: Mapping[str, Pids]) -> list[Reading]:
    """Number, memory and processor time of the processes in each role; one that has just ended counts no more."""
    readings = []
    for role, pids in roles.items():
        used = [found for pid in pids() if (found := _usage(pid)) is not None]
        readings += [
            Reading(PROCESSES, len(used), (role,)),
            Reading(RESIDENT_BYTES, sum(resident for resident, _ in used), (role,)),
            Reading(CPU_SECONDS, sum(seconds for _, seconds in used), (role,)),
        ]
    return readings


def _usage(pid: int) -> tuple[int, float] | None:
    """Resident bytes and processor seconds."""
    try:
        with Path(f"/proc/{pid}/stat").open("rb") as file:
            stat = file.read(_STAT_BYTES_MAX)
    except OSError:
        return None
    # The name stands in brackets and may hold anything; what is counted begins after the last bracket, with field 3.
    fields = stat.rpartition(b")")[2].split()
    ticks = int(fields[14 - 3]) + int(fields[15 - 3])
    return int(fields[24 - 3]) * os.sysconf("SC_PAGE_SIZE"), ticks / os.sysconf("SC_CLK_TCK")
