"""A process that holds a database, with a forkserver child that outlives it. Prints the child's id, then waits.

`python -m tests.unit.storage.lock_holder DATABASE`
"""

import multiprocessing
import os
import sys
import time
from pathlib import Path

from gateway.storage.lock import DatabaseLock


def outlive() -> None:
    os.write(1, f"{os.getpid()}\n".encode())
    time.sleep(60)


if __name__ == "__main__":
    lock = DatabaseLock(Path(sys.argv[1]))
    multiprocessing.get_context("forkserver").Process(target=outlive, daemon=True).start()
    time.sleep(60)
