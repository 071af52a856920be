"""Văn bản đi: hand a document in, see how it and its deliveries stand."""

from aiohttp import hdrs, web

from gateway.api.answers import answer, delivery_json, document_json, history_json, progress_json
from gateway.api.parts import PARTS, PREFIX, PRINCIPAL, TRACE_ID
from gateway.api.submission import read_submission
from gateway.core.errors import NotFound
from gateway.core.ids import KEY, DocumentKey
from gateway.observe import logger

_log = logger("gateway.api")


async def submit(request: web.Request) -> web.StreamResponse:
    """`POST /documents`: 202 once the document is durable; a repeat gives the same document and says so."""
    order = await read_submission(request)
    document, new = await request.app[PARTS].submission.submit(request[PRINCIPAL], order, trace_id=request[TRACE_ID])
    _log.info("document.accepted" if new else "document.repeated", document=document.key, files=len(order.files))
    headers: dict[str, str] = {hdrs.LOCATION: f"{PREFIX}/documents/{document.key}"}
    if not new:
        headers["Idempotent-Replay"] = "true"
    return answer(document_json(document), status=202, headers=headers)


async def show(request: web.Request) -> web.StreamResponse:
    """`GET /documents/{key}`."""
    view = await request.app[PARTS].queries.document(request[PRINCIPAL], _key(request))
    return answer({**document_json(view.document), "deliveries": progress_json(view.counts, view.total)})


async def deliveries(request: web.Request) -> web.StreamResponse:
    """`GET /documents/{key}/deliveries`: at most one for each recipient, so never a page."""
    found = await request.app[PARTS].queries.deliveries(request[PRINCIPAL], _key(request))
    return answer({"deliveries": [delivery_json(delivery) for delivery in found]})


async def history(request: web.Request) -> web.StreamResponse:
    """`GET /documents/{key}/history`."""
    return answer(history_json(await request.app[PARTS].queries.history(request[PRINCIPAL], _key(request))))


async def release(request: web.Request) -> web.StreamResponse:
    """`POST /documents/{key}:release`: what was held goes on."""
    document = await request.app[PARTS].releases.release(request[PRINCIPAL], _key(request))
    _log.info("document.released", document=document.key)
    return answer(document_json(document), status=202)


def _key(request: web.Request) -> DocumentKey:
    key = request.match_info["key"]
    if not KEY.fullmatch(key):
        raise NotFound("not_found")
    return DocumentKey(key)
