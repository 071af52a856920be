"""Danh bạ cơ quan, and who I am."""

from aiohttp import web

from gateway.api import models as out
from gateway.api.answers import answer, me_of, organization_of
from gateway.api.parts import PARTS, PRINCIPAL, QUERY
from gateway.core.ids import OrganId


async def organization(request: web.Request) -> web.StreamResponse:
    """`GET /organizations/{organ_id}`."""
    organ_id = OrganId(request.match_info["organ_id"])
    return answer(request, organization_of(await request.app[PARTS].queries.organ(request[PRINCIPAL], organ_id)))


async def listing(request: web.Request) -> web.StreamResponse:
    """`GET /organizations?text=&cursor=&limit=`, by code."""
    query = request[QUERY]
    limit, cursor, text = query.number("limit"), query.text("cursor"), query.text("text") or ""
    after = None if cursor is None else OrganId(cursor)
    search = request.app[PARTS].queries.organs
    found = await search(request[PRINCIPAL], text=text, after=after, limit=limit)
    more = len(found) == limit and bool(
        await search(request[PRINCIPAL], text=text, after=found[-1].organ_id, limit=1)  # a full page may be the last
    )
    items = tuple(map(organization_of, found))
    return answer(request, out.OrganizationPage(items=items, more=more, next=found[-1].organ_id if more else None))


async def me(request: web.Request) -> web.StreamResponse:
    """`GET /me`."""
    return answer(request, me_of(request[PRINCIPAL]))
