"""The gate: default deny. A request passes when its route has a row in the table, its key is good and has the row's scope."""

import re
from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from gateway.api.parts import PARTS, PRINCIPAL
from gateway.core.errors import AccessError, SenderError
from gateway.core.model import Principal, Scope
from gateway.observe import bound_ids

_BEARER: Final = re.compile(r"(?i:bearer) +(\S{1,512})")
_ONCE: Final = (
    hdrs.AUTHORIZATION,
    hdrs.CONTENT_TYPE,
    hdrs.CONTENT_ENCODING,
    hdrs.EXPECT,
    "Content-Digest",
    "Idempotency-Key",
)
"""Headers that decide something: given twice, two programs on the way could believe different ones."""

_CLOSED: Final = "not granted to anybody"


def gate(scopes: Mapping[tuple[str, str], Scope | None]) -> Middleware:
    """The middleware over a table {(method, path): scope}. A row that says None is public; no row is closed."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            return await handler(request)  # 404 and 405 are the same for everybody
        _check_headers(request)
        route = request.match_info.route
        path = route.resource.canonical if route.resource is not None else ""
        if scopes.get((request.method, path), _CLOSED) is None:
            return await handler(request)
        scope = scopes.get((request.method, path))
        request[PRINCIPAL] = await _principal(request)
        with bound_ids(principal=request[PRINCIPAL].key_id):
            if scope is None or not request[PRINCIPAL].may(scope):
                raise AccessError("access.scope", scope=scope or _CLOSED)
            return await handler(request)

    return check


async def postpone_continue(request: web.Request) -> None:
    """Expect handler of every route: `100 Continue` waits until the key is known to be good and the size to be right.

    RFC 9110 section 10.1.1: a server may answer with a final status instead; `body.Body` says 100 when it starts to read.
    """


async def _principal(request: web.Request) -> Principal:
    found = _BEARER.fullmatch(request.headers.get(hdrs.AUTHORIZATION, ""))
    principal = await request.app[PARTS].authenticator.authenticate(found.group(1)) if found else None
    if principal is None:
        raise AccessError("access.no_key")
    return principal


def _check_headers(request: web.Request) -> None:
    size = sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
    limit = request.app[PARTS].limits.header_bytes
    if size > limit:
        raise SenderError("size.headers", limit=limit)
    for name in _ONCE:
        if len(request.headers.getall(name, [])) > 1:
            raise SenderError("request.malformed", reason=f"{name} given twice")
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower() != "identity":
        raise SenderError("request.encoding")
    if request.headers.get(hdrs.EXPECT, "100-continue").lower() != "100-continue":
        raise SenderError("request.expectation")
