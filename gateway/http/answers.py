"""How a listener says no: the head of a problem answer (RFC 9457), and the headers that every answer carries."""

from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from gateway.core.errors import GatewayError, SenderError, SiteError

PROBLEM_TYPE: Final = "application/problem+json"
WAITS: Final = {
    HTTPStatus.SERVICE_UNAVAILABLE: 5,
    HTTPStatus.TOO_MANY_REQUESTS: 5,
    HTTPStatus.INSUFFICIENT_STORAGE: 60,
}
"""Seconds to wait where nothing better is known: a disk is not emptied in five."""

_LAST_WORDS: Final = frozenset({"peer.unpinned", "request.timeout"})
"""RFC 9110 section 15.5.9 and PROTOCOL.md section 3: after these the connection has no future."""
_CODE_OF_STATUS: Final = {
    404: "not_found",
    408: "request.timeout",
    413: "size.limit",
    415: "request.media_type",
    417: "request.expectation",
    431: "size.headers",
}


def refusal(error: GatewayError, document: bytes) -> web.Response:
    """The answer that carries a problem document."""
    response = web.Response(status=error.facts.status, body=document, headers=headers_of(error))
    if error.code in _LAST_WORDS:
        response.force_close()
    return response


def headers_of(error: GatewayError) -> dict[str, str]:
    """What goes into the head: how to authenticate (RFC 9110 11.6.1), when to come back (10.2.3), what there is (10.2.1)."""
    headers: dict[str, str] = {hdrs.CONTENT_TYPE: PROBLEM_TYPE}
    if error.facts.status == HTTPStatus.UNAUTHORIZED:
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="gateway"'
    if (seconds := retry_after(error)) is not None:
        headers[hdrs.RETRY_AFTER] = str(seconds)
    if allowed := error.params.get("allowed"):
        headers[hdrs.ALLOW] = str(allowed)
    if error.facts.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        headers[hdrs.CONTENT_RANGE] = f"bytes */{error.params['size']}"
    return headers


def retry_after(error: GatewayError) -> int | None:
    """Seconds after which it is worth trying again, for what passes by itself; the error may know better than we."""
    if error.facts.status not in WAITS:
        return None
    known = error.params.get("seconds")
    return known if isinstance(known, int) else WAITS[HTTPStatus(error.facts.status)]


def from_http(error: web.HTTPException) -> GatewayError:
    """The error of ours that says what aiohttp wanted to say."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SiteError("internal")
    if isinstance(error, web.HTTPMethodNotAllowed):
        return SenderError("request.method", method=error.method, allowed=", ".join(sorted(error.allowed_methods)))
    code = _CODE_OF_STATUS.get(error.status, "request.malformed")
    return SenderError(code, reason=HTTPStatus(error.status).phrase, what="request")


async def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: what every answer carries."""
    dressed(response)
    if getattr(request.protocol, "leaving", False):
        response.force_close()
        response.headers[hdrs.CONNECTION] = "close"  # aiohttp has written the head's own lines before it asks us


def dressed(response: web.StreamResponse, request_id: str = "") -> None:
    """Give an answer the headers that every answer carries."""
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers[hdrs.SERVER] = "gateway"
    if request_id:
        response.headers["X-Request-Id"] = request_id
