import asyncio
import hashlib
import json
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.api import ApiProblem, OfficeClient, Patience
from gateway.api.client_answers import PROBLEM_BYTES_MAX
from gateway.api.client_form import encode_form
from gateway.core.content_digest import format_content_digest
from gateway.core.errors import RoadError, SiteError
from tests.kit.clock import ManualClock
from tests.kit.loopback import Loopback
from tests.unit.api.world import PDF, World, metadata


def stranger(answer: bytes) -> Loopback:
    """A server that reads a request's head and answers with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return Loopback(serve)


def http(status: str, content_type: str, body: bytes, *, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {size}\r\n\r\n".encode() + body


async def ask(answer: bytes) -> object:
    server = stranger(answer)
    await server.start()
    try:
        async with OfficeClient(f"http://127.0.0.1:{server.port}", "k") as client:
            return await client.me()
    finally:
        await server.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"not http at all\r\n\r\n",
        http("200 OK", "application/json", b"{"),
        http("200 OK", "application/json", b"[]"),
        http("200 OK", "application/json", b"[" * 100_000),
        http("200 OK", "application/json", b"{}", length=50),
        http("200 OK", "application/json", b"\xff"),
    ],
)
async def test_no_whole_answer_is_a_bad_road(answer: bytes) -> None:
    with pytest.raises(RoadError) as refusal:
        await ask(answer)
    assert refusal.value.code == "peer.unreachable"


async def test_nobody_there_is_a_bad_road() -> None:
    server = stranger(b"")
    await server.start()
    await server.close()
    async with OfficeClient(f"http://127.0.0.1:{server.port}", "k") as client:
        with pytest.raises(RoadError):
            await client.me()


@pytest.mark.parametrize(
    ("status", "content_type", "body", "code"),
    [
        ("503 Busy", "text/html", b"<html>", ""),
        ("302 Found", "text/plain", b"", ""),
        ("409 Conflict", "application/problem+json", b"[]", ""),
        ("409 Conflict", "application/problem+json", json.dumps({"code": "conflict.state"}).encode(), "conflict.state"),
    ],
)
async def test_an_error_is_a_problem_whatever_its_form(status: str, content_type: str, body: bytes, code: str) -> None:
    with pytest.raises(ApiProblem) as refusal:
        await ask(http(status, content_type, body))
    assert (refusal.value.status, refusal.value.code) == (int(status[:3]), code)


async def test_a_problem_is_bounded() -> None:
    with pytest.raises(RoadError):
        await ask(http("400 Bad", "application/problem+json", b'"' + b"x" * PROBLEM_BYTES_MAX + b'"'))


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff"])
async def test_a_download_that_is_refused_in_nonsense_is_a_bad_road(tmp_path: Path, body: bytes) -> None:
    server = stranger(http("409 Conflict", "application/problem+json", body))
    await server.start()
    async with OfficeClient(f"http://127.0.0.1:{server.port}", "k") as client:
        with pytest.raises(RoadError):
            await client.content("key", tmp_path / "a")
    await server.close()
    assert list(tmp_path.iterdir()) == []


class Pauses(ManualClock):
    """A clock that remembers how long somebody would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.kept.append(seconds)


class Busy:
    """A server that refuses so many times, and then answers."""

    def __init__(self, refusals: int, head: str, body: bytes = b"{}") -> None:
        self.left, self.asked = refusals, 0
        self.head, self.body = head, body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        self.asked += 1
        self.left -= 1
        refusal = f"{self.head}\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\n\r\n".encode() + self.body
        digest = format_content_digest(hashlib.sha256(b"{}").digest())
        good = f"HTTP/1.1 200 OK\r\nContent-Digest: {digest}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        writer.write(refusal if self.left >= 0 else good.encode())
        await writer.drain()
        writer.close()


TOO_MANY = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\nRetry-After: 3"
CALLS: dict[str, Callable[[OfficeClient, Path], Awaitable[object]]] = {
    "looking": lambda client, _: client.me(),
    "listening": lambda client, _: client.events(wait=30),
    "handing in": lambda client, _: client.send_contents(metadata(), [("a.pdf", PDF)], "k"),
    "acting": lambda client, _: client.refuse("key", "x"),
    "downloading": lambda client, folder: client.content("key", folder / "a"),
}


@pytest.mark.parametrize("call", CALLS)
async def test_who_is_told_to_come_back_comes_back_then(call: str, tmp_path: Path) -> None:
    busy = Busy(2, TOO_MANY)
    server = Loopback(busy.serve)
    await server.start()
    clock = Pauses()
    async with OfficeClient(f"http://127.0.0.1:{server.port}", "k", patience=Patience(clock=clock)) as client:
        await CALLS[call](client, tmp_path)
    await server.close()
    assert (clock.kept, busy.asked) == ([3, 3], 3)


@pytest.mark.parametrize(
    ("head", "body", "pauses"),
    [
        (TOO_MANY, b"{}", [3, 3, 3]),  # 9 of 10 seconds: another 3 are too many
        (TOO_MANY.replace(": 3", ": 0"), b"{}", [1] * 10),  # never a hot loop
        (TOO_MANY.replace(": 3", ": 11"), b"{}", []),
        (TOO_MANY.replace(": 3", ": Wed, 21 Oct 2015 07:28:00 GMT"), b"{}", []),
        (TOO_MANY.replace(": 3", ": -3"), b"{}", []),
        ("HTTP/1.1 503 Busy\r\nContent-Type: text/html\r\nRetry-After: 4", b"<html>", [4, 4]),
        ("HTTP/1.1 500 Oh\r\nContent-Type: text/html\r\nRetry-After: 4", b"<html>", []),
        ("HTTP/1.1 507 Full\r\nContent-Type: application/problem+json", b'{"retryable": true}', []),
    ],
)
async def test_nobody_comes_back_for_ever(head: str, body: bytes, pauses: list[int]) -> None:
    busy = Busy(99, head, body)
    server = Loopback(busy.serve)
    await server.start()
    clock = Pauses()
    async with OfficeClient(f"http://127.0.0.1:{server.port}", "k", patience=Patience(10, clock)) as client:
        with pytest.raises(ApiProblem):
            await client.me()
    await server.close()
    assert (clock.kept, busy.asked) == (pauses, len(pauses) + 1)


async def test_the_loop_of_the_manual_waits_when_it_is_told_to(tmp_path: Path) -> None:
    """The shell loop of docs/API.md, as it stands there: refused once, told of one event, and then no longer let in."""
    page = (Path(__file__).parents[3] / "docs" / "API.md").read_text("utf-8")
    (script,) = re.findall(r"^```sh\n(AFTER=-1\n.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    answers = [
        ("429 Too Many Requests", "Retry-After: 1\r\n", ""),
        ("200 OK", "", '{"items":[],"more":false,"next":"5"}'),
        ("401 Unauthorized", "", ""),
    ]
    asked: list[tuple[float, bytes]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append((asyncio.get_running_loop().time(), head.split(b" ")[1]))
        status, more, body = answers[len(asked) - 1]
        writer.write(
            f"HTTP/1.1 {status}\r\n{more}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
        )
        await writer.drain()
        writer.close()

    server = Loopback(serve)
    await server.start()
    environment = {
        "PATH": os.environ["PATH"],
        "CA": "/dev/null",
        "KEY": "k",
        "GATEWAY": f"http://127.0.0.1:{server.port}",
    }
    process = await asyncio.create_subprocess_exec(
        "bash", "-uc", script, env=environment, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        out, _ = await process.communicate()
    await server.close()
    assert out.decode().strip() == answers[1][2]
    waits = [b"/api/v1/events?after=" + after + b"&wait=30" for after in (b"-1", b"-1", b"5")]
    assert [path for _, path in asked] == waits
    assert asked[1][0] - asked[0][0] >= 0.9


def test_a_key_does_not_travel_in_clear() -> None:
    with pytest.raises(SiteError):
        OfficeClient("http://gateway.example", "k")


async def test_problems_of_the_gateway_arrive_as_such(world: World) -> None:
    async with OfficeClient(world.url, "wrong") as client:
        with pytest.raises(ApiProblem) as refusal:
            await client.me()
    assert (refusal.value.status, refusal.value.code, refusal.value.retryable) == (401, "access.no_key", False)
    assert str(refusal.value) == "401 access.no_key"


async def test_a_file_that_contains_a_boundary_is_carried_whole(world: World, tmp_path: Path) -> None:
    boundary = encode_form(metadata(), [("a.pdf", PDF)])[0].rpartition("=")[2].encode()
    nasty = PDF + b"\r\n--" + boundary + b"--\r\n"
    (tmp_path / "a.pdf").write_bytes(nasty)
    async with world.client() as client:
        made = await client.send(metadata(), [tmp_path / "a.pdf"], "k")
    assert made["attachments"][0]["size"] == len(nasty)


def test_a_form_is_the_same_bytes_for_the_same_submission() -> None:
    assert encode_form(metadata(), [("a", b"1")]) == encode_form(metadata(), [("a", b"1")])
    assert encode_form(metadata(), [("a", b"1")])[0] != encode_form(metadata(), [("a", b"2")])[0]
