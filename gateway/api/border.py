"""The border of the API: every request gets a trace, every failure becomes a problem document, every answer a log line."""

import asyncio
import re
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.api.language import language_of, wants_page
from gateway.api.parts import ALLOWANCE, PARTS, PREFIX, READING, REQUEST_ID, STARTED, TRACE_ID
from gateway.api.problems import document, is_denial, is_ours, rate_headers
from gateway.api.reference import refusal_body, refusal_headers
from gateway.core.errors import GatewayError, SiteError
from gateway.core.metrics import REQUEST_SECONDS, REQUESTS
from gateway.http import dress as dress_any
from gateway.http import from_http, refusal
from gateway.observe import bound_ids, logger, new_trace_id, parse_traceparent

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_log = logger("gateway.api")


@web.middleware
async def border(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost middleware: nothing leaves the API but an answer of ours."""
    entropy = request.app[PARTS].entropy
    # Two headers are as bad as a broken one: who knows which of them a proxy looked at.
    given = request.headers.getall("traceparent", [])
    parent = parse_traceparent(given[0]) if len(given) == 1 else None
    request[TRACE_ID] = parent.trace_id if parent else new_trace_id(entropy)
    asked = request.headers.get("X-Request-Id", "")
    request[REQUEST_ID] = asked if _REQUEST_ID.fullmatch(asked) else entropy(16).hex()
    started = asyncio.get_running_loop().time()
    meter, labels = (
        request.app[PARTS].meter,
        ("office", f"{request.method} {_route(request)}" if _route(request) else ""),
    )
    with bound_ids(trace_id=request[TRACE_ID], request_id=request[REQUEST_ID]):
        with meter.timed(REQUEST_SECONDS, *labels):
            response = await _answer(request, handler)
        meter.add(REQUESTS, *labels, str(response.status))
        _log.info(
            "request",
            method=request.method,
            route=_route(request),
            status=response.status,
            milliseconds=round((asyncio.get_running_loop().time() - started) * 1000, 1),
        )
    return response


async def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: headers that every answer carries."""
    request[STARTED] = True
    await dress_any(request, response)
    if REQUEST_ID in request:
        response.headers["X-Request-Id"] = request[REQUEST_ID]
    if ALLOWANCE in request:
        response.headers.update(rate_headers(request[ALLOWANCE]))


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        if request.get(STARTED):
            raise
        return problem_response(request, from_http(error))
    except GatewayError as error:
        _note(error)
        if request.get(STARTED):
            raise  # half an answer is out: aiohttp closes the connection, the caller sees it is incomplete
        return problem_response(request, error)
    except ConnectionError:
        raise  # the caller has gone: there is nobody to answer
    except Exception:
        _log.exception("request.failed", route=_route(request))
        if request.get(STARTED):
            raise
        return problem_response(request, SiteError("internal"))


def problem_response(request: web.Request, error: GatewayError) -> web.Response:
    """The problem document as an answer, or outside of the API, for a browser, as a page.

    Whoever is still sending when it comes is not listened to any longer.
    """
    if request.path.startswith(PREFIX) or not wants_page(request):
        response = refusal(error, document(error, request.path, request[TRACE_ID], reads=request.method in READING))
    else:
        response = refusal(error, refusal_body(error, request, request[TRACE_ID]))
        response.headers.update(refusal_headers(language_of(request)))
    if not request.content.is_eof():
        response.force_close()
    return response


def _note(error: GatewayError) -> None:
    if is_ours(error):
        _log.error("request.site_error", code=error.code, exc_info=error)
    elif is_denial(error):
        _log.warning("request.denied", code=error.code)
    else:
        _log.info("request.refused", code=error.code)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""
