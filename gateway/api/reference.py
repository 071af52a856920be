"""The API's own account of itself, served without a key: the OpenAPI document, the reference page, a page per error."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from aiohttp import hdrs, web

from gateway.api.conditional import is_unchanged, not_modified, tag_of
from gateway.api.openapi import describe
from gateway.api.operation import HTML, JSON, Operation
from gateway.api.page import STYLE, error_page, reference_page
from gateway.core.errors import CATALOGUE, NotFound

_STYLE_HASH: Final = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
# Nothing but our own style may be used by these pages: no script, no font, no picture, no frame, no form.
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Reference:
    """Made from the rows when somebody first asks, and kept: they never change while the program runs."""

    def __init__(self, rows: Sequence[Operation]) -> None:
        self._rows = rows

    @cached_property
    def document(self) -> bytes:
        """`/openapi.json`."""
        return json.dumps(describe(self._rows), ensure_ascii=False).encode()

    @cached_property
    def page(self) -> bytes:
        """`/docs`."""
        return reference_page(self._rows).encode()


REFERENCE: Final = web.AppKey("reference", Reference)


async def openapi(request: web.Request) -> web.StreamResponse:
    """`GET /openapi.json`."""
    return _answer(request, request.app[REFERENCE].document, JSON)


async def page(request: web.Request) -> web.StreamResponse:
    """`GET /docs`."""
    return _answer(request, request.app[REFERENCE].page, f"{HTML}; charset=utf-8")


async def problem(request: web.Request) -> web.StreamResponse:
    """`GET /problems/{code}`: what the member `type` of a problem document points at."""
    code = request.match_info["code"]
    if code not in CATALOGUE:
        raise NotFound("not_found")
    return _answer(request, error_page(code).encode(), f"{HTML}; charset=utf-8")


def _answer(request: web.Request, body: bytes, content_type: str) -> web.Response:
    tag = tag_of(body)
    if is_unchanged(request, tag):
        return not_modified(tag)
    headers: dict[str, str] = {hdrs.CONTENT_TYPE: content_type, hdrs.ETAG: tag, hdrs.CACHE_CONTROL: "no-cache"}
    if content_type.startswith(HTML):
        headers[hdrs.CONTENT_SECURITY_POLICY] = _POLICY
        headers["Referrer-Policy"] = "no-referrer"
    return web.Response(body=body, headers=headers)
