"""The gate: default deny. A request passes when its route has a row in the table, its caller is known and has the row's scope.

In this order, each before anything that costs more:

1. the address has requests left, whoever asks (public routes and unknown paths too);
2. the headers are such that two programs cannot read them differently;
3. the caller is known. Failed attempts are counted by address: beyond `failures` they hear 429 instead of 401. A good
   credential is let in all the same, for a stranger behind the same address must not be able to shut its owner out, and
   there is nothing to guess in 256 bits;
4. the principal has requests left; from here on every answer says how many (`RateLimit`, draft-ietf-httpapi-ratelimit-headers);
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
from gateway.core.errors import AccessError, SenderError
from gateway.core.ports import Allowance
from gateway.core.principal import Presented, Principal, Scope
from gateway.observe import bound_ids

_BEARER: Final = re.compile(r"(?i:bearer) +(\S{1,512})")
_ONCE: Final = (
    hdrs.AUTHORIZATION,
    hdrs.CONTENT_TYPE,
    hdrs.CONTENT_ENCODING,
    hdrs.EXPECT,
    "Content-Digest",
    "Idempotency-Key",
)
"""Headers that decide something: given twice, two programs on the way could believe different ones."""

_CLOSED: Final = "not granted to anybody"
_AT_ONCE_WAIT_SECONDS: Final = 1


def gate(scopes: Mapping[tuple[str, str], Scope | None]) -> Middleware:
    """The middleware over a table {(method, path): scope}: None is public, a row that is missing is closed to everybody."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        address = request.remote or ""
        _pass(request, request.app[PARTS].turnstile.pass_address(address))
        if request.match_info.http_exception is not None:
            return await handler(request)  # 404 and 405 are the same for everybody
        _check_headers(request)
        resource = request.match_info.route.resource
        row = (request.method, resource.canonical if resource is not None else "")
        scope = scopes.get(row)
        if scope is None and row in scopes:
            return await handler(request)
        principal = request[PRINCIPAL] = await _principal(request, address)
        with bound_ids(principal=principal.key_id):
            return await _enter(request, handler, principal, scope)

    return check


async def postpone_continue(request: web.Request) -> None:
    """Expect handler of every route: `100 Continue` waits until the key is known to be good and the size to be right.

    RFC 9110 section 10.1.1: a server may answer with a final status instead; `body.Body` says 100 when it starts to read.
    """


async def _enter(
    request: web.Request, handler: Handler, principal: Principal, scope: Scope | None
) -> web.StreamResponse:
    parts = request.app[PARTS]
    allowance = request[ALLOWANCE] = parts.turnstile.pass_principal(principal.key_id)
    _pass(request, allowance)
    if scope is None or not principal.may(scope):
        raise AccessError("access.scope", scope=scope or _CLOSED)
    with parts.turnstile.at_once(principal.key_id) as admitted:
        if not admitted:
            raise SenderError("rate.limit", seconds=_AT_ONCE_WAIT_SECONDS)
        return await handler(request)


def _pass(request: web.Request, allowance: Allowance) -> None:
    if allowance.wait_seconds:
        request[ALLOWANCE] = allowance
        raise SenderError("rate.limit", seconds=allowance.wait_seconds)


async def _principal(request: web.Request, address: str) -> Principal:
    parts = request.app[PARTS]
    presented = Presented(key=_key(request), certificate=_certificate(request), address=address)
    principal = await parts.authenticator.authenticate(presented)
    if principal is None:
        _pass(request, parts.turnstile.fail_address(address))
        raise AccessError("access.no_key")
    return principal


def _key(request: web.Request) -> str | None:
    """What stands in the Authorization header; empty where it holds no bearer key: that is no key, but not no header."""
    header = request.headers.get(hdrs.AUTHORIZATION)
    if header is None:
        return None
    found = _BEARER.fullmatch(header)
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
    if request.headers.get(hdrs.EXPECT, "100-continue").lower() != "100-continue":
        raise SenderError("request.expectation")
