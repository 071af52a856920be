"""What a request meets behind the gate: no room for what it brings, so that its body is not read in vain."""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.api.parts import PARTS, PREFIX, PRINCIPAL

_DOCUMENTS: Final = PREFIX + "/documents"
_WRITING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@web.middleware
async def admission(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what there is no room for before its body is read.

    Raises:
        SiteError: `store.full`, `store.busy`, `queue.full`.
        SenderError: `queue.share`.
    """
    resource = request.match_info.route.resource
    if request.method in _WRITING and resource is not None:
        principal = request.get(PRINCIPAL)
        organs = principal.organs if principal is not None else frozenset()
        request.app[PARTS].intake.admit(document=resource.canonical == _DOCUMENTS, organs=organs)
    return await handler(request)
