"""Văn bản đến: list, look, download, tiếp nhận, từ chối."""

from typing import Final

from aiohttp import hdrs, web

from gateway.api.answers import answer, entry_json, history_json, inbox_json
from gateway.api.body import Body
from gateway.api.files import send_file
from gateway.api.parts import PARTS, PRINCIPAL, TRACE_ID
from gateway.api.schemas import RefusalIn, parse, whole_number
from gateway.core import limits
from gateway.core.errors import NotFound, SenderError
from gateway.core.ids import KEY, EntryKey

_CURSOR_MAX: Final = 2**63 - 1
_SMALL_BODY_BYTES_MAX: Final = 16 * limits.KIB
_POSITION_DIGITS_MAX: Final = 4
EDXML: Final = "application/xml"


async def listing(request: web.Request) -> web.StreamResponse:
    """`GET /inbox?after=&limit=`: oldest first, so that a poller can stop anywhere and go on from its last cursor."""
    after = whole_number("after", request.query.get("after"), default=0, most=_CURSOR_MAX)
    limit = whole_number(
        "limit", request.query.get("limit"), default=limits.PAGE_ROWS_DEFAULT, most=limits.PAGE_ROWS_MAX, least=1
    )
    page = await request.app[PARTS].queries.inbox(request[PRINCIPAL], after, limit)
    return answer(inbox_json(page, after))


async def show(request: web.Request) -> web.StreamResponse:
    """`GET /inbox/{key}`."""
    return answer(entry_json(await request.app[PARTS].queries.entry(request[PRINCIPAL], _key(request))))


async def history(request: web.Request) -> web.StreamResponse:
    """`GET /inbox/{key}/history`."""
    return answer(history_json(await request.app[PARTS].queries.entry_history(request[PRINCIPAL], _key(request))))


async def content(request: web.Request) -> web.StreamResponse:
    """`GET /inbox/{key}/content`: the edXML file, byte for byte as it was signed."""
    key = _key(request)
    path, blob = await request.app[PARTS].queries.content(request[PRINCIPAL], key)
    return await send_file(request, path, blob, name=f"{key}.edxml", content_type=EDXML)


async def attachment(request: web.Request) -> web.StreamResponse:
    """`GET /inbox/{key}/attachments/{n}`, counted from 1."""
    position = request.match_info["position"]
    if not (position.isascii() and position.isdigit() and len(position) <= _POSITION_DIGITS_MAX):
        raise NotFound("not_found")
    path, found = await request.app[PARTS].queries.attachment(request[PRINCIPAL], _key(request), int(position))
    return await send_file(request, path, found.blob, name=found.name, content_type=found.content_type)


async def accept(request: web.Request) -> web.StreamResponse:
    """`POST /inbox/{key}:accept`: Tiếp nhận. There is nothing to say in the body."""
    key = _key(request)
    if (await Body(request, limit=_SMALL_BODY_BYTES_MAX).whole()).strip() not in (b"", b"{}"):
        raise SenderError("request.malformed", reason="this request has no body")
    return answer(
        entry_json(await request.app[PARTS].statuses.accept(request[PRINCIPAL], key, trace_id=request[TRACE_ID]))
    )


async def refuse(request: web.Request) -> web.StreamResponse:
    """`POST /inbox/{key}:refuse` with `{"reason": "…"}`: Từ chối tiếp nhận."""
    key = _key(request)
    media_type = request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise SenderError("request.media_type", expected="application/json")
    said = parse(RefusalIn, await Body(request, limit=_SMALL_BODY_BYTES_MAX).whole())
    entry = await request.app[PARTS].statuses.refuse(request[PRINCIPAL], key, said.reason, trace_id=request[TRACE_ID])
    return answer(entry_json(entry))


def _key(request: web.Request) -> EntryKey:
    key = request.match_info["key"]
    if not KEY.fullmatch(key):
        raise NotFound("not_found")
    return EntryKey(key)
