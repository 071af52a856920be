"""The child's side of a worker process: it ends with the service, and answers one message after the other."""

import ctypes
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Final

from gateway.crypto.processes.answers import write_answer
from gateway.crypto.processes.seat import READY, Verb

_PR_SET_NAME: Final = 15
_NAME_BYTES_MAX: Final = 15  # TASK_COMM_LEN without its zero (prctl(2))


def watch_parent() -> None:
    """End this child as soon as the service that started it is gone, and not before: Ctrl-C is the service's business."""
    for name in (signal.SIGINT, signal.SIGTERM):  # a terminal and a service manager signal the whole group
        signal.signal(name, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None, "watch_parent is for children"
    # What `ps`, `top` and the benchmarks show: without it every child bears the name of the interpreter.
    shown = multiprocessing.current_process().name.encode()[:_NAME_BYTES_MAX]
    ctypes.CDLL(None).prctl(_PR_SET_NAME, shown, 0, 0, 0)

    def wait_and_exit(sentinel: int) -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=wait_and_exit, args=(parent.sentinel,), daemon=True, name="parent-watch").start()


def answer_all(
    pipe: Connection, handle: Callable[[bytes], object], *, tidy: Callable[[], object] = lambda: None
) -> None:
    """The child's loop: say that it is ready, then read a message, answer it, tidy up, until the service closes the pipe."""
    pipe.send_bytes(READY)
    while True:
        try:
            message = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        if not _answer(pipe, handle, message):
            return
        del message
        tidy()


def _answer(pipe: Connection, handle: Callable[[bytes], object], message: bytes) -> bool:
    """Answer one message; False when this child should be replaced."""
    verb: Verb = "returned"
    try:
        value = handle(message)
    except MemoryError:
        verb, value = "memory", None
    except Exception as error:  # noqa: BLE001 - the worker loop, a named border: every failure goes back to the caller
        verb, value = "raised", error
    try:
        frame = write_answer(verb, value)
    except (TypeError, ValueError, RecursionError) as error:
        frame = write_answer("raised", error)
    except MemoryError:
        verb, frame = "memory", write_answer("memory", None)
    pipe.send_bytes(frame)
    return verb != "memory"
