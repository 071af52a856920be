"""Work that might never come back: reading files of a file system that hangs."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

R = TypeVar("R")


async def in_own_thread(work: Callable[[], R], *, name: str) -> R:
    """Do it in a thread of its own, and wait. The thread is a daemon: if it never comes back, the process can end all the same.

    (A thread of asyncio's pool cannot be left behind: the interpreter joins it before it exits.)

    Raises:
        Exception: whatever `work` raises.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[R] = loop.create_future()

    def run() -> None:
        tell: Callable[[], None]
        try:
            tell = partial(_settle, answer, work())
        except Exception as error:  # noqa: BLE001 - carried to whoever waits (house.md: worker loop)
            tell = partial(_fail, answer, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(tell)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await answer


def _settle(answer: "asyncio.Future[R]", result: R) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: "asyncio.Future[R]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
