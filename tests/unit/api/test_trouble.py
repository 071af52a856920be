"""Trouble over a real socket: too much, too slow, too clever; and one body's key at another body's things."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from gateway.api.models import Page
from gateway.api.operation import Operation
from gateway.api.routes import ROUTES
from gateway.core import limits
from tests.kit.logs import caught_logs, logged_events
from tests.unit.api.examples import ASKED, DOCUMENT, ENTRY, UPLOAD, furnish, replay
from tests.unit.api.world import (
    BOUNDARY,
    CITY_KEY,
    OTHER,
    PARTY,
    PDF,
    WARD,
    WARD_KEY,
    World,
    file_part,
    form,
    meta_part,
    metadata,
    problem_of,
    running,
)

CANARY = "chim-hoang-yen-7f3a"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
OWNED = {
    "documents": DOCUMENT,
    "inbox": ENTRY,
    "uploads": UPLOAD,
    "organizations": PARTY,
    "problems": "not_found",
}
"""What the city has, by the collection it is in: an operation on a new collection breaks the tests below."""
HEAD = (
    f"POST /api/v1/documents HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {CITY_KEY}\r\nIdempotency-Key: k\r\n"
    f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
)


@pytest.fixture
async def furnished(world: World) -> World:
    await furnish(world)
    await replay(world, "submitDocument")
    return world


GOOD = form(meta_part(), file_part())


def memory() -> int:
    return int(psutil.Process().memory_info().rss)


# --- too much


async def everything(reader: asyncio.StreamReader) -> bytes:
    """What comes until the connection ends, however it ends."""
    came = bytearray()
    try:
        while data := await reader.read(limits.CHUNK_BYTES):
            came += data
    except ConnectionError:
        pass  # cut while we were still sending: what came before counts
    return bytes(came)


async def pour(world: World, megabytes: int) -> tuple[bytes, int, int]:
    """Send a file of that size in chunks; (the answer, bytes sent until the connection was cut, growth of memory)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    chunk = bytes(limits.CHUNK_BYTES)
    line = b"%x\r\n" % len(chunk)
    head = meta_part() + file_part(content=b"")[:-2]
    writer.write(HEAD.encode() + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(head) + head + b"\r\n")
    answer = asyncio.create_task(everything(reader))
    before, most, sent = memory(), 0, 0
    try:
        while sent < megabytes * limits.MIB:
            writer.write(line + chunk + b"\r\n")
            await writer.drain()
            sent += len(chunk)
            most = max(most, memory() - before)
            if sent > 12 * limits.MIB:
                await asyncio.sleep(0.005)
    except ConnectionError:
        pass
    writer.close()
    return await asyncio.wait_for(answer, 10), sent, most


async def test_60_megabytes_against_a_limit_of_7_are_cut_while_they_stream(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.http.connection.LINGER_SECONDS", 0.2)
    answer, sent, growth = await pour(world, 60)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["code"] == "size.limit"
    assert sent < 50 * limits.MIB
    assert growth < 16 * limits.MIB
    assert world.blobs.names() == []


async def test_an_announced_size_is_refused_before_the_first_byte(world: World) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(HEAD.encode() + b"Content-Length: 62914560\r\nExpect: 100-continue\r\n\r\n")
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_gzip_bomb_is_not_inflated(world: World) -> None:
    bomb, before = gzip.compress(bytes(200 * limits.MIB)), memory()
    async with world.post(bomb, headers={"Content-Encoding": "gzip"}) as answer:
        await problem_of(answer, 415, "request.encoding")
    assert memory() - before < 8 * limits.MIB


@pytest.mark.parametrize("more", [0, 1])
async def test_a_finished_envelope_to_the_byte(tmp_path: Path, more: int) -> None:
    async def chunked() -> AsyncIterator[bytes]:
        yield b"x" * (1_000 + more)

    async with (
        running(tmp_path, envelope_bytes=1_000) as world,
        world.post(chunked(), headers={"Content-Type": "application/xml"}) as answer,
    ):
        await problem_of(answer, 413 if more else 422, "size.limit" if more else "envelope.malformed")
        assert len(world.blobs.names()) == 1 - more


# --- too slow


async def test_a_head_that_trickles_in_is_cut_and_the_others_are_served(tmp_path: Path) -> None:
    async with running(tmp_path, head_seconds=0.3) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        end = asyncio.create_task(everything(reader))
        for letter in b"GET /api/v1/me HTTP/1.1\r\nX-Slow: ":
            writer.write(bytes([letter]))
            await asyncio.sleep(0.02)
            if end.done():
                break
        async with world.ask("GET", "/me") as answer:
            assert answer.status == 200
        assert await asyncio.wait_for(end, 5) == b""
        writer.close()


async def test_a_connection_that_has_asked_once_may_be_silent(tmp_path: Path) -> None:
    async with running(tmp_path, head_seconds=0.1) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        for _ in range(2):
            writer.write(b"GET /api/v1/me HTTP/1.1\r\nHost: a\r\n\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            found = re.search(rb"content-length: (\d+)", head.lower())
            assert found
            await reader.readexactly(int(found.group(1)))
            await asyncio.sleep(0.3)
        writer.close()


async def test_a_body_that_trickles_in_is_cut_and_the_connection_with_it(tmp_path: Path) -> None:
    async with running(tmp_path, idle_seconds=5.0, body_seconds=0.3) as world:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(HEAD.encode() + b"Content-Length: 100000\r\n\r\n")
        answer = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
        for letter in GOOD:
            writer.write(bytes([letter]))
            await asyncio.sleep(0.02)
            if answer.done():
                break
        writer.close()
        assert (await answer).startswith(b"HTTP/1.1 408")
        assert b"connection: close" in (await answer).lower()


# --- the log


@pytest.mark.parametrize("evil", ["\n", "\r\n", "\x1b[2J", "\u2028", "\x85", "%0a%0d"])
async def test_nothing_that_is_sent_makes_a_second_line(world: World, evil: str) -> None:
    forged = f'{evil}{{"event":"forged"}}{evil}'
    given = metadata(subject=f"a{forged}", sender=PARTY, promulgation_place=forged)
    with caught_logs() as stream:
        for body in (form(meta_part(given), file_part(forged)), form(meta_part(), file_part(forged)), forged.encode()):
            async with world.post(body):
                pass
        data = json.dumps({"reason": forged}).encode()
        async with world.ask("POST", f"/inbox/{ENTRY}:refuse", headers={"Content-Type": "application/json"}, data=data):
            pass
        for path in (
            f"/organizations/{forged}",
            f"/{forged}",
            f"/inbox?after={forged}",
            f"/organizations?text={forged}",
        ):
            async with world.ask("GET", path):
                pass
        _, writer = await asyncio.open_connection("127.0.0.1", world.port)
        for header in ("X-Request-Id", "traceparent", "Idempotency-Key", "Authorization"):
            writer.write(f"GET /api/v1/me HTTP/1.1\r\nHost: a\r\n{header}: {forged}\r\n\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
    text = stream.getvalue()
    assert len(logged_events(stream)) >= 8  # each line is whole JSON
    known = {"request", "request.refused", "request.denied", "document.accepted"}
    assert {line["event"] for line in logged_events(stream)} <= known
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", text)


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: row.name)
async def test_no_secret_and_no_content_of_any_operation_reaches_the_log(furnished: World, row: Operation) -> None:
    """Canaries in every place that a request of this operation has: key, path, query, headers, body; well-formed and not."""
    key_canary = "gwk_city_" + "Q" * 43
    furnished.keys.principals[key_canary] = furnished.keys.principals[CITY_KEY]
    headers = {
        "X-Canary": CANARY,
        "If-Match": f'"{CANARY}"',
        "If-None-Match": f'"{CANARY}"',
        "Idempotency-Key": CANARY,
        "Content-Digest": CANARY,
    }
    bodies: list[tuple[str, bytes]] = [("", b"")]
    for kind in row.takes:
        full = f"{kind}; boundary={BOUNDARY}" if kind.startswith("multipart") else kind
        given = metadata(subject=CANARY, content=CANARY, signer={"full_name": CANARY})
        bodies += [
            (full, CANARY.encode()),
            (full, json.dumps({"reason": CANARY}).encode()),
            (full, json.dumps({"reason": CANARY, CANARY: 1}).encode()),
            (full, form(meta_part(given), file_part(f"{CANARY}.pdf", CANARY.encode()))),
            (full, form(meta_part(given | {CANARY: CANARY}), file_part(CANARY))),
        ]
    with caught_logs() as stream:
        asked = 0
        for key in (key_canary, key_canary[:-1] + "R"):
            for path in (at(row, OWNED), at(row, dict.fromkeys(OWNED, CANARY))):
                for kind, body in bodies:
                    for more in ({}, headers):
                        query = (
                            f"?{CANARY}={CANARY}" if more else "".join(f"?{one.name}={CANARY}" for one in row.query[:1])
                        )
                        sent = {**more, **({"Content-Type": kind} if kind else {})}
                        async with furnished.call(row.method, path + query, key=key, headers=sent, data=body) as answer:
                            await answer.read()
                        asked += 1
    assert len([line for line in logged_events(stream) if line["event"] == "request"]) == asked >= 8
    assert CANARY not in stream.getvalue()
    assert "QQQQQQQQ" not in stream.getvalue()


async def test_the_canary_would_be_found(world: World) -> None:
    with caught_logs() as stream:
        async with world.ask("GET", "/me", headers={"X-Request-Id": CANARY}):
            pass
    assert CANARY in stream.getvalue()  # the one text of a caller that is logged, in a form that holds nothing else


# --- somebody else's things


def at(row: Operation, owned: Mapping[str, str]) -> str:
    """The path of an operation on what is owned in its collection."""
    if not row.steps:
        return row.path
    collection = row.path.removeprefix("/api/v1").split("/")[1]
    return row.path.format(**{name: "1" if name == "position" else owned[collection] for name in row.steps})


def mine(row: Operation) -> bool:
    """Whether it names something that belongs to a body."""
    return row.scope is not None and "key" in row.steps


async def shape(world: World, method: str, path: str, row: Operation) -> tuple[int, object, list[str]]:
    """Everything a stranger can tell of an answer."""
    data, headers = None, {}
    if row.takes and method == row.method:
        data, headers = json.dumps(ASKED[row.name]["body"]).encode(), {"Content-Type": "application/json"}
    async with world.call(method, path, key=WARD_KEY, headers=headers, data=data) as answer:
        members: Any = await answer.json(content_type=None) if method != "HEAD" else None
        for name in ("instance", "trace_id"):
            (members or {}).pop(name, None)
        names = sorted(set(answer.headers) - {"Content-Length"} if method == "HEAD" else answer.headers)
        return answer.status, members, names


@pytest.mark.parametrize("row", [row for row in ROUTES if mine(row)], ids=lambda row: row.name)
async def test_what_is_somebody_elses_is_not_there(furnished: World, row: Operation) -> None:
    before = (dict(furnished.desks.kept), dict(furnished.desks.entries), list(furnished.desks.feed))
    unknown = dict.fromkeys(OWNED, "01900000-0000-7000-8000-00000000ffff")
    malformed = dict.fromkeys(OWNED, "nonsense")
    for method in METHODS:
        foreign = await shape(furnished, method, at(row, OWNED), row)
        assert foreign[0] == (404 if method == row.method or (row.reads and method == "HEAD") else foreign[0])
        assert foreign[0] in (404, 405)
        assert foreign == await shape(furnished, method, at(row, unknown), row)
        assert foreign == await shape(furnished, method, at(row, malformed), row)
    assert (furnished.desks.kept, furnished.desks.entries, furnished.desks.feed) == before


async def test_the_same_requests_by_whom_it_belongs_to(furnished: World) -> None:
    """Without this the test above would pass on a service that knows nothing at all."""
    for row in [row for row in ROUTES if mine(row) and row.reads]:
        async with furnished.call("GET", at(row, OWNED)) as answer:
            assert answer.status == 200, row.name


@pytest.mark.parametrize(
    "row",
    [row for row in ROUTES if row.answer and issubclass(row.answer, Page) and not row.steps],
    ids=lambda row: row.name,
)
async def test_no_list_shows_what_is_somebody_elses(furnished: World, row: Operation) -> None:
    entry = await furnished.desks.deliver(WARD, ("a.pdf", "", PDF), sender=OTHER)
    queries = ["", f"?{row.query[-1].name}=1"]
    if "cursor" in [one.name for one in row.query] and row.name != "listOrganizations":
        queries.append(f"?cursor={DOCUMENT}")
    for query in queries:
        async with furnished.call("GET", row.path + query, key=WARD_KEY) as answer:
            text = await answer.text()
            assert answer.status == 200
        assert DOCUMENT not in text
        assert ENTRY not in text
    async with furnished.call("GET", row.path, key=WARD_KEY) as answer:
        found = (await answer.json())["items"]
    seen = {"listDocuments": 0, "listInbox": 1, "listEvents": 1}.get(row.name, len(furnished.desks.bodies))
    assert len(found) == seen, entry


# --- twice at once


@pytest.mark.parametrize("same", [True, False])
async def test_two_submissions_with_one_key_at_once(world: World, same: bool) -> None:
    async def hand_in(number: int) -> tuple[int, str]:
        body = form(meta_part(metadata(subject="a" if same else f"a{number}")), file_part())
        async with world.post(body, headers={"Idempotency-Key": "one"}) as answer:
            members = await answer.json(content_type=None)
            return answer.status, members.get("key") or members["code"]

    answers = await asyncio.gather(*(hand_in(number) for number in range(6)))
    (document,) = world.desks.kept.values()
    assert answers.count((202, document.key)) == (6 if same else 1)
    assert answers.count((422, "conflict.idempotency")) == (0 if same else 5)
