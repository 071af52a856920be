"""The gate: default deny. A request passes when its route has a row in the table, its caller is known and has the row's scope.

In this order, each before anything that costs more:

1. who calls: a look into a table in memory (256 random bits: there is nothing to guess). A connection that has shown a good
   credential is no stranger's from then on;
2. there are requests left: for a known caller in its own bucket and no other, for everybody else in that of the address,
   public routes and unknown paths included. So no stranger behind the same address can use up what is its neighbour's. Every
   answer to a call that needs a key says how many are left (`RateLimit`, draft-ietf-httpapi-ratelimit-headers);
3. the headers are such that two programs cannot read them differently;
4. the caller is known. Failed attempts are counted by address: beyond `failures` they hear 429 instead of 401;
5. it has the scope;
6. it is not being served too often at once. Whether there is room for what it wants to hand in is asked next (`admission`),
   and whether it may still hand in so much today when its body is begun (`body`): all before the body is read.

The address is the other end of the connection. What headers say about addresses is not looked at: anybody can write them.
"""

import re
import ssl
from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from gateway.api.parts import ALLOWANCE, PARTS, PRINCIPAL
from gateway.core.errors import AccessError, SenderError, SiteError
from gateway.core.ports import Allowance
from gateway.core.principal import Presented, Principal, Scope
from gateway.http import mark_known, mark_unknown
from gateway.observe import bound_ids

_BEARER: Final = re.compile(r"(?i:bearer) +(\S{1,512})")
_ONCE: Final = (
    hdrs.AUTHORIZATION,
    hdrs.CONTENT_TYPE,
    hdrs.CONTENT_ENCODING,
    hdrs.EXPECT,
    "Content-Digest",
    "Idempotency-Key",
    "Upload-Offset",
    hdrs.RANGE,
    hdrs.IF_RANGE,
)
"""Headers that decide something: given twice, two programs on the way could believe different ones."""

_CLOSED: Final = "not granted to anybody"
_AT_ONCE_WAIT_SECONDS: Final = 1


def gate(scopes: Mapping[tuple[str, str], Scope | None]) -> Middleware:
    """The middleware over a table {(method, path): scope}: None is public, a row that is missing is closed to everybody."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        row = (request.method, resource.canonical if resource is not None else "")
        scope = scopes.get(row)
        unknown = request.match_info.http_exception is not None  # 404 and 405 are the same for everybody
        public = unknown or (scope is None and row in scopes)
        principal = await _caller(request, public=public)
        if unknown:
            return await handler(request)
        _check_headers(request)
        if public:
            return await handler(request)
        if principal is None:
            _pass(request, request.app[PARTS].rate_limiter.fail_address(request.remote or ""))
            raise AccessError("access.no_key")
        request[PRINCIPAL] = principal
        with bound_ids(principal=principal.key_id):
            return await _enter(request, handler, principal, scope)

    return check


async def _enter(
    request: web.Request, handler: Handler, principal: Principal, scope: Scope | None
) -> web.StreamResponse:
    parts = request.app[PARTS]
    if scope is None or not principal.may(scope):
        raise AccessError("access.scope", scope=scope or _CLOSED)
    with parts.rate_limiter.at_once(principal.key_id) as admitted:
        if not admitted:
            raise SenderError("rate.limit", seconds=_AT_ONCE_WAIT_SECONDS)
        return await handler(request)


def _pass(request: web.Request, allowance: Allowance) -> None:
    if allowance.wait_seconds:
        request[ALLOWANCE] = allowance
        raise SenderError("rate.limit", seconds=allowance.wait_seconds)


async def _caller(request: web.Request, *, public: bool) -> Principal | None:
    """Who calls, counted in its bucket; None for a stranger, counted in that of the address."""
    limiter, address = request.app[PARTS].rate_limiter, request.remote or ""
    try:
        principal = await _principal(request, address)
    except SiteError:
        _pass(request, limiter.pass_address(address))
        if public:
            return None  # what is for everybody does not need the ledger
        raise
    if principal is None:
        _pass(request, limiter.pass_address(address))
    else:
        allowance = limiter.pass_principal(principal.key_id)
        _pass(request, allowance)
        if not public:
            request[ALLOWANCE] = allowance
    return principal


async def _principal(request: web.Request, address: str) -> Principal | None:
    presented = Presented(key=_key(request), certificate=_certificate(request), address=address)
    if presented.key is None and presented.certificate is None:
        return None
    principal = await request.app[PARTS].authenticator.authenticate(presented)
    if principal is None:
        mark_unknown(request)
    else:
        mark_known(request, principal.key_id)
    return principal


def _key(request: web.Request) -> str | None:
    """What stands in the Authorization header; empty where it holds no bearer key: that is no key, but not no header."""
    headers = request.headers.getall(hdrs.AUTHORIZATION, [])
    if not headers:
        return None
    found = _BEARER.fullmatch(headers[0]) if len(headers) == 1 else None
    return found.group(1) if found else ""


def _certificate(request: web.Request) -> bytes | None:
    """The client certificate of this connection, if TLS was told to verify one."""
    channel: ssl.SSLObject | None = request.get_extra_info("ssl_object")
    if channel is None or channel.context.verify_mode is ssl.CERT_NONE:
        return None
    return channel.getpeercert(binary_form=True)


def _check_headers(request: web.Request) -> None:
    size = sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
    limit = request.app[PARTS].limits.header_bytes
    if size > limit:
        raise SenderError("size.headers", limit=limit)
    for name in _ONCE:
        if len(request.headers.getall(name, [])) > 1:
            raise SenderError("request.malformed", reason=f"{name} given twice")
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower() != "identity":
        raise SenderError("request.encoding")
