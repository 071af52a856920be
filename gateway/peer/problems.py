"""How this door says no: a problem document with a stable code, and what the connection needs beside it."""

import json
from typing import Final

from aiohttp import web

from gateway.core.errors import GatewayError
from gateway.observe.problem import problem_document
from gateway.peer.wire import PROBLEM_TYPE

RETRY_AFTER_SECONDS: Final = 5
_PATIENCE = frozenset({429, 503})
# RFC 9110 section 15.5.9 and PROTOCOL.md section 3: after these the connection has no future.
_LAST_WORDS = frozenset({"peer.unpinned", "request.timeout"})


def problem(error: GatewayError) -> web.Response:
    """The answer for an error. Operators of other gateways read it: English, and nothing but the catalogue's words."""
    document = problem_document(error, language="en")
    response = web.Response(
        status=error.facts.status,
        body=json.dumps(document).encode(),
        content_type=PROBLEM_TYPE,
        headers=_headers(error),
    )
    if error.code in _LAST_WORDS:
        response.force_close()
    return response


def _headers(error: GatewayError) -> dict[str, str]:
    return {"Retry-After": str(RETRY_AFTER_SECONDS)} if error.facts.status in _PATIENCE else {}
