"""The change feed: what happened, gap-free and again and again, with a long poll for whoever wants to hear at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from gateway.api import models as out
from gateway.api.answers import answer, event_of
from gateway.api.parts import PARTS, PRINCIPAL, QUERY, Noticed
from gateway.exchange import FeedPage


async def listing(request: web.Request) -> web.StreamResponse:
    """`GET /events?after=&limit=&wait=`: oldest first; go on with `next`, whether or not there was anything."""
    query, desk = request[QUERY], request.app[PARTS].events
    after, limit, wait = query.number("after"), query.number("limit"), query.number("wait")
    page = await _patiently(request, desk.events(request[PRINCIPAL], after=after, limit=limit, wait=wait))
    items = tuple(map(event_of, page.events))
    return answer(request, out.EventPage(items=items, more=page.more, next=str(page.next_after)))


async def _patiently(request: web.Request, asked: Coroutine[Any, Any, FeedPage]) -> FeedPage:
    """The page. When the gateway stops, the desk ends the waiting (`EventDesk.close`), so nobody's poll holds the drain up.

    Raises:
        ConnectionError: the caller has gone: nothing waits on its behalf any longer.
    """
    waiting, gone = asyncio.ensure_future(asked), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise ConnectionResetError("the caller has gone")
        return waiting.result()
    finally:
        for task in (waiting, gone):
            task.cancel()
        await asyncio.gather(waiting, gone, return_exceptions=True)


async def _gone(request: web.Request) -> None:
    """Return when the connection is lost."""
    protocol = request.protocol
    gone = protocol.gone if isinstance(protocol, Noticed) else asyncio.Event()
    await gone.wait()
