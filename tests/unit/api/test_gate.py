import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from gateway.api.parts import PREFIX
from tests.unit.api.world import CITY_KEY, PARTY, World, problem_of

UNKNOWN = "01900000-0000-7000-8000-00000000ffff"


async def test_a_route_without_a_row_is_closed_to_everybody(world: World) -> None:
    """Somebody adds a handler beside the table: the gate does not let anybody through to it."""

    async def forgotten(request: web.Request) -> web.Response:
        raise AssertionError("nobody may get here")

    router = world.app.router
    router._frozen = False
    router.add_route("GET", f"{PREFIX}/forgotten", forgotten)
    async with world.ask("GET", "/forgotten") as answer:
        await problem_of(answer, 403, "access.scope")


@pytest.mark.parametrize(
    "header", ["", "Basic abc", "Bearer", "Bearer  ", "bearer a b", CITY_KEY, "Bearer " + "x" * 600]
)
async def test_what_is_no_bearer_key_is_no_key(world: World, header: str) -> None:
    async with world.ask("GET", "/me", key=None, headers={"Authorization": header}) as answer:
        await problem_of(answer, 401, "access.no_key")


async def test_me(world: World) -> None:
    async with world.client() as client:
        assert await client.me() == {
            "key_id": "city",
            "name": "QLVB Thành ủy",
            "organs": [PARTY],
            "scopes": ["act", "read", "seal", "send"],
            "identified_by": "api_key",
        }


async def test_unknown_routes_and_methods_are_problems(world: World) -> None:
    for path in ("/", "/nothing", "/documents/", "/../../etc/passwd"):
        async with world.ask("GET", path, key=None) as answer:
            await problem_of(answer, 404, "not_found")
    for path in (f"/inbox/{UNKNOWN}:eat", "/documents/%2e%2e%2f", "/organizations/%00", "/inbox/a/attachments/x"):
        async with world.ask("GET", path) as answer:
            await problem_of(answer, 404, "not_found")
    async with world.ask("DELETE", "/me") as answer:
        members = await problem_of(answer, 405, "request.method")
        assert answer.headers["Allow"] == "GET, HEAD"
        assert "DELETE" in members["detail"]


async def raw(world: World, text: bytes, *, slowly: float = 0) -> tuple[int, dict[str, str], Any]:
    """Send bytes as they are, read the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    try:
        writer.write(text)
        await writer.drain()
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        body = await asyncio.wait_for(reader.readexactly(int(headers.get("content-length", "0"))), 5)
        return int(lines[0].split()[1]), headers, json.loads(body) if body else None
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("request_text", "status", "code"),
    [
        (b"NONSENSE\r\n\r\n", 400, "request.malformed"),
        (b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n", 400, "request.malformed"),
        (b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n", 431, "size.headers"),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431, "size.headers"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400, "request.malformed"),
        (
            b"POST /api/v1/documents HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "request.malformed",
        ),
    ],
)  # fmt: skip
async def test_what_is_not_http_is_a_problem_too(world: World, request_text: bytes, status: int, code: str) -> None:
    found, headers, members = await raw(world, request_text)
    assert (found, headers["content-type"], members["code"]) == (status, "application/problem+json", code)


async def test_headers_are_bounded_together(world: World) -> None:
    many = {f"X-Header-{n}": "x" * 4_000 for n in range(5)}
    async with world.ask("GET", "/me", headers=many) as answer:
        members = await problem_of(answer, 431, "size.headers")
    assert "16384" in members["detail"]


@pytest.mark.parametrize("name", ["Authorization", "Content-Digest", "Idempotency-Key", "Content-Encoding"])
async def test_a_deciding_header_stands_once(world: World, name: str) -> None:
    lines = f"GET /api/v1/me HTTP/1.1\r\nHost: a\r\n{name}: Bearer {CITY_KEY}\r\n{name}: other\r\n\r\n"
    status, _, members = await raw(world, lines.encode())
    assert (status, members["code"]) == (400, "request.malformed")


async def test_100_continue_is_said_only_to_who_may_go_on(world: World) -> None:
    head = (
        "POST /api/v1/documents HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nIdempotency-Key: k\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\nAuthorization: Bearer {key}\r\n\r\n"
    )
    status, _, members = await raw(world, head.format(length=10, key="wrong").encode())
    assert (status, members["code"]) == (401, "access.no_key")
    status, _, members = await raw(world, head.format(length=10**9, key=CITY_KEY).encode())
    assert (status, members["code"]) == (413, "size.limit")
    status, _, _ = await raw(world, head.format(length=10, key=CITY_KEY).encode())
    assert status == 100
    async with world.ask("GET", "/me", headers={"Expect": "a miracle"}) as answer:
        await problem_of(answer, 417, "request.expectation")
