"""Preload: the process from which judges and key-holders are forked loads what they need while the service still loads itself.

CPython has one forkserver per process (`gateway.crypto.processes.workers`). What it loads costs it a second, what the service
loads costs two; begun first it is done before it is needed, on a core of its own.
"""

import signal
from multiprocessing import forkserver
from typing import Final

JUDGE_PRELOAD: Final = (
    "gateway.crypto.processes.judge",
    "gateway.exchange.judging",
    "gateway.exchange.records",
    "gateway.edxml",
    "gateway.crypto",
)
"""By their names: who imports nothing else yet is the one who begins."""


def begin_forkserver() -> None:
    """Start it, and do not wait. To be called from the main thread, before anything heavy is imported."""
    # Inherited: Ctrl-C is the service's business, also while this process loads.
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.set_forkserver_preload(["__main__", *JUDGE_PRELOAD])
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, heard)
