"""Văn bản đến: list, look, download, tiếp nhận, từ chối."""

from aiohttp import hdrs, web

from gateway.api import models as out
from gateway.api.answers import answer, entry_of, history_of, tag
from gateway.api.body import read_nothing
from gateway.api.conditional import require_match
from gateway.api.files import send_file
from gateway.api.parts import PARTS, PRINCIPAL, QUERY, TRACE_ID
from gateway.api.schemas import AgreementIn, DeclineIn, RefusalIn, read_json
from gateway.api.submission import EDXML
from gateway.core.ids import EntryKey


async def listing(request: web.Request) -> web.StreamResponse:
    """`GET /inbox?after=&limit=`: oldest first, so that a poller can stop anywhere and go on from its last cursor."""
    after, limit = request[QUERY].number("after"), request[QUERY].number("limit")
    page = await request.app[PARTS].queries.inbox(request[PRINCIPAL], after, limit)
    items = tuple(map(entry_of, page.entries))
    return answer(request, out.InboxPage(items=items, more=page.more, next=str(items[-1].cursor if items else after)))


async def show(request: web.Request) -> web.StreamResponse:
    """`GET /inbox/{key}`."""
    return answer(request, entry_of(await request.app[PARTS].queries.entry(request[PRINCIPAL], _key(request))))


async def history(request: web.Request) -> web.StreamResponse:
    """`GET /inbox/{key}/history?cursor=&limit=`, oldest first."""
    after, limit, queries = request[QUERY].number("cursor"), request[QUERY].number("limit"), request.app[PARTS].queries
    page = await queries.entry_history(request[PRINCIPAL], _key(request), after=after, limit=limit)
    return answer(request, history_of(page))


async def content(request: web.Request) -> web.StreamResponse:
    """`GET /inbox/{key}/content`: the edXML file, byte for byte as it was signed."""
    key = _key(request)
    path, blob = await request.app[PARTS].queries.content(request[PRINCIPAL], key, opens=_opens(request))
    return await send_file(request, path, blob, name=f"{key}.edxml", content_type=EDXML)


async def attachment(request: web.Request) -> web.StreamResponse:
    """`GET /inbox/{key}/attachments/{n}`, counted from 1."""
    position = int(request.match_info["position"])
    key, opens = _key(request), _opens(request)
    path, found = await request.app[PARTS].queries.attachment(request[PRINCIPAL], key, position, opens=opens)
    return await send_file(request, path, found.blob, name=found.name, content_type=found.content_type)


def _opens(request: web.Request) -> bool:
    """Whether the file itself leaves, and not only what it is (HEAD)."""
    return request.method != hdrs.METH_HEAD


async def accept(request: web.Request) -> web.StreamResponse:
    """`POST /inbox/{key}:accept`: Tiếp nhận. There is nothing to say in the body."""
    key = _key(request)
    await read_nothing(request)
    await _decided_on_this(request, key)
    entry = await request.app[PARTS].statuses.accept(request[PRINCIPAL], key, trace_id=request[TRACE_ID])
    return answer(request, entry_of(entry))


async def refuse(request: web.Request) -> web.StreamResponse:
    """`POST /inbox/{key}:refuse` with `{"reason": "…"}`: Từ chối tiếp nhận."""
    key = _key(request)
    said = await read_json(request, RefusalIn)
    await _decided_on_this(request, key)
    entry = await request.app[PARTS].statuses.refuse(request[PRINCIPAL], key, said.reason, trace_id=request[TRACE_ID])
    return answer(request, entry_of(entry))


async def agree(request: web.Request) -> web.StreamResponse:
    """`POST /inbox/{key}:agree` with `{"forwarded": false}`: Đồng ý lấy lại, cập nhật."""
    key = _key(request)
    said = await read_json(request, AgreementIn)
    await _decided_on_this(request, key)
    desk = request.app[PARTS].amendments
    entry = await desk.agree(request[PRINCIPAL], key, forwarded=said.forwarded, trace_id=request[TRACE_ID])
    return answer(request, entry_of(entry))


async def decline(request: web.Request) -> web.StreamResponse:
    """`POST /inbox/{key}:decline` with `{"reason": "…", "forwarded": false}`: Từ chối lấy lại, cập nhật."""
    key = _key(request)
    said = await read_json(request, DeclineIn)
    await _decided_on_this(request, key)
    desk, principal = request.app[PARTS].amendments, request[PRINCIPAL]
    entry = await desk.decline(principal, key, said.reason, forwarded=said.forwarded, trace_id=request[TRACE_ID])
    return answer(request, entry_of(entry))


async def _decided_on_this(request: web.Request, key: EntryKey) -> None:
    """Honour `If-Match`. What happens between this look and the action is refused by the entry's own states.

    That a file was fetched since is no change: whoever decides reads the document first.
    """
    if hdrs.IF_MATCH in request.headers:
        entry = entry_of(await request.app[PARTS].queries.entry(request[PRINCIPAL], key))
        require_match(request, tag(entry), tag(entry.model_copy(update={"opened_at": None})))


def _key(request: web.Request) -> EntryKey:
    return EntryKey(request.match_info["key"])
