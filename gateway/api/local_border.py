"""What both doors for this machine's operator (`admin`, `operator`) do around a handler: every answer is one of ours."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from gateway.api.problems import document
from gateway.core.errors import GatewayError, SiteError
from gateway.http import from_http, refusal
from gateway.observe import logger

_log = logger("gateway.admin")


async def answered(request: web.Request, handler: Handler, trace_id: str) -> web.StreamResponse:
    """What the handler answers, or the problem document that says why not."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        refused: GatewayError = from_http(error)
    except GatewayError as error:
        refused = error
    except ConnectionError:
        raise  # the caller has gone: there is nobody to answer
    except Exception:  # noqa: BLE001 - the door's border (house.md)
        _log.exception("admin.fault", path=request.path)
        refused = SiteError("internal")
    return refusal(refused, document(refused, request.path, trace_id))


def json_answer(members: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """JSON in UTF-8, letters as they are."""
    return web.Response(
        status=status,
        body=json.dumps(members, ensure_ascii=False).encode(),
        headers={hdrs.CONTENT_TYPE: "application/json"},
    )
