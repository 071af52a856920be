"""Tasks of the gateway's own: when one fails, whatever the reason, the gateway is no good any more, and says so."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from gateway.observe.logs import logger

_log = logger(__name__)


def in_background(
    stack: AsyncExitStack, run: Callable[[], Coroutine[Any, Any, None]], broken: asyncio.Future[None]
) -> None:
    """Run until the stack closes; an error before that ends `broken` with it. Ending by itself is no error."""
    task = asyncio.create_task(run())

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not broken.done():
            _log.critical("gateway.broken", error=str(error), exc_info=error)
            broken.set_exception(error)

    async def cancel() -> None:
        task.remove_done_callback(ended)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if broken.done():
            broken.exception()  # told in the log; whoever waits for it hears it too

    task.add_done_callback(ended)
    stack.push_async_callback(cancel)
