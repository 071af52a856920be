"""Văn bản đi: hand a document in, see how it and its deliveries stand."""

from enum import StrEnum

from aiohttp import hdrs, web

from gateway.api import models as out
from gateway.api.answers import (
    answer,
    delivery_of,
    document_of,
    history_of,
    notice_of,
    recall_of,
    tag,
    view_of,
)
from gateway.api.body import read_nothing
from gateway.api.conditional import require_match
from gateway.api.files import send_file
from gateway.api.gone import while_there
from gateway.api.parts import PARTS, PREFIX, PRINCIPAL, QUERY, TRACE_ID
from gateway.api.schemas import RecallIn, read_json
from gateway.api.submission import TAKEN_UPLOADS, read_order
from gateway.core.errors import GatewayError
from gateway.core.ids import DeliveryKey, DocumentKey, TransferKey
from gateway.core.states import DocumentState
from gateway.exchange import EnvelopeOrder
from gateway.observe import logger

_log = logger("gateway.api")


class Copy(StrEnum):
    """Which copy of a file is meant."""

    SENT = "sent"
    ARCHIVE = "archive"


async def submit(request: web.Request) -> web.StreamResponse:
    """`POST /documents`: 202 once the document is durable; a repeat gives the same document and says so."""
    desk = request.app[PARTS].submission
    with request.app[PARTS].blobs.lease() as lease:
        order = await read_order(request, lease)
        if isinstance(order, EnvelopeOrder):
            # Its files are judged before it is accepted: who hangs up while they wait gives up the judges' time too.
            accepting = desk.submit_envelope(request[PRINCIPAL], order, trace_id=request[TRACE_ID])
            document, new = await while_there(request, accepting)
        else:
            document, new = await desk.submit(request[PRINCIPAL], order, trace_id=request[TRACE_ID])
    await _spend_uploads(request)
    _log.info("document.accepted" if new else "document.repeated", document=document.key)
    headers: dict[str, str] = {hdrs.LOCATION: f"{PREFIX}/documents/{document.key}"}
    if not new:
        headers["Idempotent-Replay"] = "true"
    return answer(request, document_of(document), status=202, headers=headers)


async def _spend_uploads(request: web.Request) -> None:
    """The bytes of its uploads are the document's now. What cannot be noted at this moment undoes nothing of that.

    An upload that stays is forgotten like any other to which nothing comes.
    """
    for upload in request.get(TAKEN_UPLOADS, []):
        try:
            await request.app[PARTS].uploads.spend(upload)
        except GatewayError as error:
            _log.warning("upload.unspent", code=error.code)


async def listing(request: web.Request) -> web.StreamResponse:
    """`GET /documents?state=&cursor=&limit=`, newest first."""
    query = request[QUERY]
    cursor, state = query.text("cursor"), query.text("state")
    page = await request.app[PARTS].queries.documents(
        request[PRINCIPAL],
        before=None if cursor is None else DocumentKey(cursor),
        limit=query.number("limit"),
        state=None if state is None else DocumentState(state),
    )
    items = tuple(map(view_of, page.documents))
    return answer(request, out.DocumentPage(items=items, more=page.more, next=items[-1].key if page.more else None))


async def show(request: web.Request) -> web.StreamResponse:
    """`GET /documents/{key}`."""
    return answer(request, view_of(await request.app[PARTS].queries.document(request[PRINCIPAL], _key(request))))


async def deliveries(request: web.Request) -> web.StreamResponse:
    """`GET /documents/{key}/deliveries?cursor=&limit=`, in the order of the recipients."""
    query = request[QUERY]
    cursor, limit = query.text("cursor"), query.number("limit")
    after = None if cursor is None else DeliveryKey(cursor)
    page = await request.app[PARTS].queries.deliveries(request[PRINCIPAL], _key(request), after=after, limit=limit)
    items = tuple(map(delivery_of, page.deliveries))
    return answer(request, out.DeliveryPage(items=items, more=page.more, next=items[-1].key if page.more else None))


async def notices(request: web.Request) -> web.StreamResponse:
    """`GET /documents/{key}/notices?cursor=&limit=`, by transfer."""
    query = request[QUERY]
    cursor, limit = query.text("cursor"), query.number("limit")
    after = None if cursor is None else TransferKey(cursor)
    page = await request.app[PARTS].queries.notices(request[PRINCIPAL], _key(request), after=after, limit=limit)
    items = tuple(map(notice_of, page.notices))
    return answer(request, out.NoticePage(items=items, more=page.more, next=items[-1].transfer if page.more else None))


async def history(request: web.Request) -> web.StreamResponse:
    """`GET /documents/{key}/history?cursor=&limit=`, oldest first."""
    after, limit, queries = request[QUERY].number("cursor"), request[QUERY].number("limit"), request.app[PARTS].queries
    page = await queries.history(request[PRINCIPAL], _key(request), after=after, limit=limit)
    return answer(request, history_of(page))


async def attachment(request: web.Request) -> web.StreamResponse:
    """`GET /documents/{key}/attachments/{n}?copy=`, counted from 1."""
    position, copy = int(request.match_info["position"]), request[QUERY].text("copy")
    path, found = await request.app[PARTS].queries.sent_attachment(
        request[PRINCIPAL], _key(request), position, archive=copy == Copy.ARCHIVE
    )
    return await send_file(request, path, found.blob, name=found.name, content_type=found.content_type)


async def release(request: web.Request) -> web.StreamResponse:
    """`POST /documents/{key}:release`: what was held goes on."""
    key, parts = _key(request), request.app[PARTS]
    await read_nothing(request)
    if hdrs.IF_MATCH in request.headers:
        require_match(request, tag(view_of(await parts.queries.document(request[PRINCIPAL], key))))
    document = await parts.releases.release(request[PRINCIPAL], key)
    _log.info("document.released", document=document.key)
    return answer(request, document_of(document), status=202)


async def recall(request: web.Request) -> web.StreamResponse:
    """`POST /documents/{key}:recall` with `{"reason": "…"}`: Thu hồi."""
    said = await read_json(request, RecallIn)
    recalls = request.app[PARTS].recalls
    view = await recalls.recall(request[PRINCIPAL], _key(request), said.reason, trace_id=request[TRACE_ID])
    _log.info("document.recall", document=view.document.key)
    return answer(request, recall_of(view), status=202)


def _key(request: web.Request) -> DocumentKey:
    return DocumentKey(request.match_info["key"])
