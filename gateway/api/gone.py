"""Work on behalf of a caller, for as long as the caller is there."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiohttp import web

from gateway.api.parts import Noticed

T = TypeVar("T")


async def while_there(request: web.Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns; cancelled when the caller hangs up. Only for work that may be given up at any point.

    Raises:
        ConnectionError: the caller has gone; its cause is what `work` said of being given up.
    """
    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
        return _result(working)
    finally:
        for task in (working, gone):
            task.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


def _result(working: "asyncio.Future[T]") -> T:
    try:
        return working.result()
    except asyncio.CancelledError as given_up:
        raise ConnectionResetError("the caller has gone") from given_up


async def _gone(request: web.Request) -> None:
    """Return when the connection is lost."""
    protocol = request.protocol
    gone = protocol.gone if isinstance(protocol, Noticed) else asyncio.Event()
    await gone.wait()
