"""CPU and memory of a gateway's processes: the service, its judges, its key-holders."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

SERVICE = "service"


def cpu_seconds(pid: int) -> Counter[str]:
    """CPU seconds so far, by role of the process (children bear their names: judge, key-holder)."""
    used: Counter[str] = Counter()
    for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        with suppress(psutil.NoSuchProcess, OSError):
            times = process.cpu_times()
            used[_role(process, pid)] += times.user + times.system
    return used


def peak_bytes(pid: int) -> Mapping[str, int]:
    """The most memory a process of each role ever had resident (VmHWM)."""
    peaks: dict[str, int] = {}
    for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        with suppress(psutil.NoSuchProcess, OSError):
            role = _role(process, pid)
            peaks[role] = max(peaks.get(role, 0), high_water(process.pid))
    return peaks


def _role(process: psutil.Process, service: int) -> str:
    if process.pid == service:
        return SERVICE
    name = Path(f"/proc/{process.pid}/comm").read_text(encoding="utf-8").strip()
    return name if name in {"judge", "key-holder"} else "helper"


def high_water(pid: int) -> int:
    """The most memory that a process ever had resident (VmHWM), in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
