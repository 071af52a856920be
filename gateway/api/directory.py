"""Danh bạ cơ quan, and who I am."""

from aiohttp import web

from gateway.api.answers import answer, body_json, principal_json
from gateway.api.parts import PARTS, PRINCIPAL
from gateway.core.errors import NotFound
from gateway.core.ids import ORGAN_ID, OrganId
from gateway.core.limits import ORGAN_ID_CHARS_MAX


async def organization(request: web.Request) -> web.StreamResponse:
    """`GET /organizations/{organ_id}`."""
    organ_id = request.match_info["organ_id"]
    if len(organ_id) > ORGAN_ID_CHARS_MAX or not ORGAN_ID.fullmatch(organ_id):
        raise NotFound("not_found")
    return answer(body_json(await request.app[PARTS].queries.organ(request[PRINCIPAL], OrganId(organ_id))))


async def me(request: web.Request) -> web.StreamResponse:
    """`GET /me`."""
    return answer(principal_json(request[PRINCIPAL]))
