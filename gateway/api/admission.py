"""What a request meets behind the gate: no room for what it brings, so that its body is not read in vain."""

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.api.parts import PARTS, PRINCIPAL

_WRITING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def admission(bringing: frozenset[tuple[str, str]]) -> Middleware:
    """The middleware over the operations, (method, path), that bring documents or their files."""

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what there is no room for before its body is read.

        Raises:
            SiteError: `store.full`, `store.busy`, `queue.full`.
            SenderError: `queue.share`.
        """
        resource = request.match_info.route.resource
        if request.method in _WRITING and resource is not None:
            principal = request.get(PRINCIPAL)
            organs = principal.organs if principal is not None else frozenset()
            document = (request.method, resource.canonical) in bringing
            request.app[PARTS].intake.admit(document=document, organs=organs)
        return await handler(request)

    return admit
