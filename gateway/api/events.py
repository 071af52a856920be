"""The change feed: what happened, gap-free and again and again, with a long poll for whoever wants to hear at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from gateway.api import models as out
from gateway.api.answers import answer, event_of
from gateway.api.gone import gone_away
from gateway.api.parts import CLOSING, PARTS, PRINCIPAL, QUERY
from gateway.exchange import FeedPage


async def listing(request: web.Request) -> web.StreamResponse:
    """`GET /events?after=&limit=&wait=`: oldest first; go on with `next`, whether or not there was anything."""
    query, desk = request[QUERY], request.app[PARTS].events
    after, limit, wait = query.number("after"), query.number("limit"), query.number("wait")
    asked = desk.events(request[PRINCIPAL], after=after, limit=limit, wait=wait)
    page = await _patiently(request, asked) or FeedPage(events=(), next_after=after, more=False)
    items = tuple(map(event_of, page.events))
    return answer(request, out.EventPage(items=items, more=page.more, next=str(page.next_after)))


async def _patiently(request: web.Request, asked: Coroutine[Any, Any, FeedPage]) -> FeedPage | None:
    """The page; None when the gateway stops first, so that nobody's poll holds the drain up.

    Raises:
        ConnectionError: the caller has gone: nothing waits on its behalf any longer.
    """
    waiting = asyncio.ensure_future(asked)
    closing = asyncio.ensure_future(request.app[CLOSING].wait())
    gone = asyncio.ensure_future(gone_away(request))
    try:
        await asyncio.wait({waiting, closing, gone}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return waiting.result()
        if gone.done():
            raise ConnectionResetError("the caller has gone")
        return None
    finally:
        for task in (waiting, closing, gone):
            task.cancel()
        await asyncio.gather(waiting, closing, gone, return_exceptions=True)
