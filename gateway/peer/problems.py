"""How this door says no: a problem document (RFC 9457) with a stable code, and what the connection needs beside it."""

import json
from typing import Final

from aiohttp import web

from gateway.core.errors import GatewayError, SiteError
from gateway.observe import explain
from gateway.peer.wire import PROBLEM_TYPE

RETRY_AFTER_SECONDS: Final = 5
_PATIENCE = frozenset({429, 503})
# RFC 9110 section 15.5.9 and PROTOCOL.md section 3: after these the connection has no future.
_LAST_WORDS = frozenset({"peer.unpinned", "request.timeout"})


def problem(error: GatewayError) -> web.Response:
    """The answer for an error."""
    response = web.Response(
        status=error.facts.status,
        body=json.dumps(_document(error)).encode(),
        content_type=PROBLEM_TYPE,
        headers=_headers(error),
    )
    if error.code in _LAST_WORDS:
        response.force_close()
    return response


def _document(error: GatewayError) -> dict[str, object]:
    """`code` is for the other gateway, the rest for its operator: English, and of our own faults no detail."""
    texts = explain(error.code, {} if isinstance(error, SiteError) else error.params)
    return {
        "type": f"urn:edoc:problem:{error.code}",
        "title": texts.what_en,
        "status": error.facts.status,
        "detail": texts.todo_en,
        "code": error.code,
    }


def _headers(error: GatewayError) -> dict[str, str]:
    if error.facts.status in _PATIENCE:
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    if error.code == "request.method":
        return {"Allow": "GET, POST"}
    return {}
