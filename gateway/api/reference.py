"""The API's own account of itself, served without a key: the OpenAPI document, the reference page, a page per error."""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

from aiohttp import hdrs, web

from gateway.api.conditional import is_unchanged, not_modified, tag_of
from gateway.api.language import Language, language_of, wants_page
from gateway.api.markup import HEADERS, link, page
from gateway.api.openapi import describe
from gateway.api.operation import HTML, JSON, Operation
from gateway.api.page import reference_page
from gateway.api.parts import READING
from gateway.api.problem_page import error_page, refusal_page
from gateway.api.problems import problem as problem_of
from gateway.core.errors import CATALOGUE, GatewayError, NotFound

_PAGES: Final = f"{HTML}; charset=utf-8"


class Reference:
    """Made from the rows when somebody first asks, and kept: they never change while the program runs."""

    def __init__(self, rows: Sequence[Operation]) -> None:
        self._rows = rows
        self._pages: dict[Language, bytes] = {}

    @cached_property
    def document(self) -> bytes:
        """`/openapi.json`."""
        return json.dumps(describe(self._rows), ensure_ascii=False).encode()

    def page(self, language: Language) -> bytes:
        """`/docs`."""
        if language not in self._pages:
            self._pages[language] = reference_page(self._rows, language)
        return self._pages[language]


REFERENCE: Final = web.AppKey("reference", Reference)


async def openapi(request: web.Request) -> web.StreamResponse:
    """`GET /openapi.json`."""
    return _answer(request, request.app[REFERENCE].document, {hdrs.CONTENT_TYPE: JSON})


async def reference(request: web.Request) -> web.StreamResponse:
    """`GET /docs`."""
    language = language_of(request)
    return _answer(request, request.app[REFERENCE].page(language), _headers(language))


async def problem(request: web.Request) -> web.StreamResponse:
    """`GET /problems/{code}`: what the member `type` of a problem document points at."""
    code, language = request.match_info["code"], language_of(request)
    if code not in CATALOGUE:
        raise NotFound("not_found")
    return _answer(request, error_page(code, language), _headers(language))


async def home(request: web.Request) -> web.StreamResponse:
    """`GET /`: whoever types the gateway's address into a browser is led to the reference; for programs nothing is here."""
    if not wants_page(request):
        raise NotFound("not_found")
    language = language_of(request)
    title = language.text("api.title")
    return web.Response(
        status=302,
        body=page(language, title, link("/docs", title)),
        headers={**_headers(language, hdrs.ACCEPT), hdrs.LOCATION: "/docs"},
    )


def refusal_headers(language: Language) -> Mapping[str, str]:
    """What a refusal for people is sent with: who does not want a page gets the same in JSON."""
    return _headers(language, hdrs.ACCEPT)


def refusal_body(error: GatewayError, request: web.Request, trace_id: str) -> bytes:
    """The problem document as a page."""
    said = problem_of(error, instance=request.path, trace_id=trace_id, reads=request.method in READING)
    return refusal_page(said, language_of(request))


def _headers(language: Language, *chosen_by: str) -> dict[str, str]:
    """Of a page: which language it speaks, and by which headers of the request it was chosen."""
    varies = ", ".join((*chosen_by, hdrs.ACCEPT_LANGUAGE))
    return {**HEADERS, hdrs.CONTENT_TYPE: _PAGES, hdrs.CONTENT_LANGUAGE: language, hdrs.VARY: varies}


def _answer(request: web.Request, body: bytes, headers: Mapping[str, str]) -> web.Response:
    tag = tag_of(body)
    response = not_modified(tag) if is_unchanged(request, tag) else web.Response(body=body, headers=headers)
    response.headers[hdrs.ETAG] = tag
    response.headers[hdrs.CACHE_CONTROL] = "no-cache"
    if hdrs.VARY in headers:
        response.headers[hdrs.VARY] = headers[hdrs.VARY]
    return response
