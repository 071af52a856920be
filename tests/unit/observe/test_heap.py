"""What was freed is the kernel's again: in a process of its own, for the setting is the whole process's."""

import subprocess
import sys

import pytest

_PROGRAM = """
import gc, sys, threading
from pathlib import Path
from gateway.observe import bound_heap

def held():
    rollup = Path("/proc/self/smaps_rollup").read_text()
    return int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])

if sys.argv[1] == "bound" and not bound_heap():
    sys.exit(77)
KIB = 1024
bytes(31 * KIB * KIB)  # freed at once: glibc takes it for the size of ordinary pieces from now on
before = held()
kept = []
def carry():
    for _ in range(10):
        pieces = [bytearray(b"x" * (3 * KIB * KIB)) for _ in range(4)]
        kept.append(bytearray(b"y" * 100_000))  # small, and lives on: above what is freed
        del pieces
threads = [threading.Thread(target=carry) for _ in range(6)]
for one in threads: one.start()
for one in threads: one.join()
gc.collect()
print(held() - before - sum(map(len, kept)) // KIB)
"""


def left_over(way: str) -> int:
    """KiB that a process holds after it has freed everything large."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM, way], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("this C library has no mallopt")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_what_was_freed_is_not_held() -> None:
    assert left_over("bound") < 4 * 1024
    assert left_over("as it is") > left_over("bound") + 4 * 1024
