"""The change feed: what happened, gap-free and again and again, with a long poll for whoever wants to hear at once."""

from aiohttp import web

from gateway.api import models as out
from gateway.api.answers import answer, event_of
from gateway.api.gone import while_there
from gateway.api.parts import PARTS, PRINCIPAL, QUERY


async def listing(request: web.Request) -> web.StreamResponse:
    """`GET /events?after=&limit=&wait=`: oldest first; go on with `next`, whether or not there was anything."""
    query, desk = request[QUERY], request.app[PARTS].events
    after, limit, wait = query.number("after"), query.number("limit"), query.number("wait")
    # When the gateway stops, the desk ends the waiting (`EventDesk.close`), so nobody's poll holds the drain up.
    page = await while_there(request, desk.events(request[PRINCIPAL], after=after, limit=limit, wait=wait))
    items = tuple(map(event_of, page.events))
    return answer(request, out.EventPage(items=items, more=page.more, next=str(page.next_after)))
