"""What a request meets behind the gate: no room for it, or a gateway that is about to stop."""

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.api.parts import PARTS, PREFIX
from gateway.core.errors import SiteError

DRAINING: Final = web.AppKey("draining", asyncio.Event)
"""Set when the listener stops taking connections: whoever only waits for news is sent away at once."""

_DOCUMENTS: Final = PREFIX + "/documents"
_WRITING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@web.middleware
async def admission(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what there is no room for before its body is read; end waiting when the gateway drains.

    Raises:
        SiteError: `store.full`, `gateway.draining`.
    """
    resource = request.match_info.route.resource
    if request.method in _WRITING and resource is not None:
        request.app[PARTS].intake.admit(document=resource.canonical.startswith(_DOCUMENTS))
    if "wait" in request.query and request.method == "GET":
        return await _until_draining(request, handler)
    return await handler(request)


def prepare_draining(app: web.Application) -> None:
    """Have long polls end when the application's runner begins to clean up."""
    app[DRAINING] = asyncio.Event()

    async def drain(app: web.Application) -> None:
        app[DRAINING].set()

    app.on_shutdown.append(drain)


async def _until_draining(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A question that changes nothing may be cut short: its asker asks again, and misses nothing."""
    asking = asyncio.ensure_future(handler(request))
    stopping = asyncio.ensure_future(request.app[DRAINING].wait())
    try:
        await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if asking.done():
            return asking.result()
        raise SiteError("gateway.draining")
    finally:
        for one in (asking, stopping):
            one.cancel()
        await asyncio.gather(asking, stopping, return_exceptions=True)
