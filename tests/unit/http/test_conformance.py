"""Both doors against bytes by hand over real TLS: what two programs on one road could read differently is refused, and what
hides behind it is never answered. Each case: what is sent, and every answer there is to it."""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.core.ids import Digest
from tests.kit.folder_blobs import FolderBlobs
from tests.kit.logs import caught_logs, logged_events
from tests.kit.office_tls import NAME, tls_office
from tests.kit.peer_world import peer_world
from tests.kit.transport import GOVERNMENT

TRANSFER = "/peer/v1/transfers/01a200b2-951c-71a1-a95d-3678042f047b"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
"""Sent behind a request whose end is in doubt: one more answer would mean that it was taken for a request."""


def get(*headers: str, line: str = "GET {path} HTTP/1.1", host: str = "Host: a") -> bytes:
    return "\r\n".join([line, *([host] if host else []), "{who}", *headers, "", ""]).encode("latin-1")


def post(*headers: str, version: str = "1.1") -> bytes:
    return get(*headers, line="POST {post} HTTP/" + version)


GOOD, NONE = ("good",), ()
MALFORMED = ("400 request.malformed", "closed")
TOO_LARGE = ("431 size.headers", "closed")
ENCODING = ("415 request.encoding", "closed")
METHOD, UNKNOWN = ("405 request.method",), ("404 not_found",)
SILENCE_SECONDS = 0.4
"""After the first answer: whoever has said nothing for so long has nothing more to say."""
END = b"0\r\n\r\n"

CASES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "a request": (get(), GOOD),
    "two in a row": (get() * 2, GOOD * 2),
    "empty lines first": (b"\r\n\r\n" + get(), GOOD),
    "a GET with a body": (get("Content-Length: 5") + b"hello" + get(), GOOD * 2),
    # --- where does it end?
    "length and coding": (post("Content-Length: 4", "Transfer-Encoding: chunked") + END + HIDDEN, MALFORMED),
    "coding and length": (post("Transfer-Encoding: chunked", "Content-Length: 4") + END + HIDDEN, MALFORMED),
    "two lengths": (post("Content-Length: 4", "Content-Length: 0") + HIDDEN, MALFORMED),
    "the same length twice": (post("Content-Length: 0", "Content-Length: 0") + HIDDEN, MALFORMED),
    "a list of lengths": (post("Content-Length: 0, 0") + HIDDEN, MALFORMED),
    "a length with a sign": (post("Content-Length: +1") + HIDDEN, MALFORMED),
    "a length below zero": (post("Content-Length: -1") + HIDDEN, MALFORMED),
    "a length in hex": (post("Content-Length: 0x10") + HIDDEN, MALFORMED),
    "a length beyond 64 bits": (post("Content-Length: 99999999999999999999999") + HIDDEN, MALFORMED),
    "a length before a space": (post("Content-Length : 4") + HIDDEN, MALFORMED),
    "two codings": (post("Transfer-Encoding: chunked", "Transfer-Encoding: identity") + END + HIDDEN, MALFORMED),
    "an unknown coding": (post("Transfer-Encoding: xchunked") + HIDDEN, MALFORMED),
    "a coding under the chunks": (post("Transfer-Encoding: gzip, chunked") + END + HIDDEN, ENCODING),
    "a coding on the next line": (post("Transfer-Encoding:\r\n chunked") + END + HIDDEN, MALFORMED),
    "chunks in HTTP/1.0": (post("Transfer-Encoding: chunked", version="1.0") + END + HIDDEN, MALFORMED),
    "a line feed in a chunk's extension": (
        post("Transfer-Encoding: chunked") + b"0;a=b\nX\r\n\r\n" + HIDDEN,
        MALFORMED,
    ),
    "a chunk's size in C": (post("Transfer-Encoding: chunked") + b"0x5\r\nhello\r\n0\r\n\r\n" + HIDDEN, MALFORMED),
    # --- what is a line?
    "a folded header": (get("X-A: b\r\n c"), MALFORMED),
    "line feeds alone": (get().replace(b"\r\n", b"\n"), MALFORMED),
    "a carriage return inside": (get("X-A: a\rX-B: b"), MALFORMED),
    "a header without a name": (get(": x"), MALFORMED),
    "a header with a NUL": (get("X-A: a\0b"), MALFORMED),
    "no HTTP": (b"NONSENSE\r\n\r\n", MALFORMED),
    "TLS in TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", MALFORMED),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", MALFORMED),
    "HTTP/1.2": (get(line="GET {path} HTTP/1.2"), MALFORMED),
    "HTTP/1.0": (get(line="GET {path} HTTP/1.0", host=""), ("good", "closed")),
    "a method nobody knows": (get(line="BREW {path} HTTP/1.1"), MALFORMED),
    # --- for whom?
    "no host": (get(host=""), MALFORMED),
    "two hosts": (get("Host: b"), MALFORMED),
    "a host that is none": (get(host="Host: a/b@c:x"), MALFORMED),
    "absolute form": (get(line="GET https://a{path} HTTP/1.1"), GOOD),
    "absolute form of another host": (get(line="GET https://b{path} HTTP/1.1") + HIDDEN, MALFORMED),
    "absolute form that is none": (get(line="GET https://[{path} HTTP/1.1") + HIDDEN, MALFORMED),
    "a tunnel": (get(line="CONNECT a:443 HTTP/1.1") + HIDDEN, (*METHOD, "closed")),
    "an upgrade": (
        get("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13") + HIDDEN,
        (*GOOD, "closed"),
    ),
    "an upgrade to HTTP/2": (get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c") + HIDDEN, (*GOOD, "closed")),
    # --- methods and expectations
    "HEAD": (get(line="HEAD /hidden HTTP/1.1"), ("404 ",)),
    "OPTIONS": (get(line="OPTIONS {path} HTTP/1.1"), METHOD),
    "OPTIONS *": (get(line="OPTIONS * HTTP/1.1"), UNKNOWN),
    "TRACE": (get(line="TRACE {path} HTTP/1.1"), METHOD),
    "another expectation": (get("Expect: tea"), ("417 request.expectation", "closed")),
    "another expectation nowhere": (
        get("Expect: tea", line="GET /hidden HTTP/1.1"),
        ("417 request.expectation", "closed"),
    ),
    # --- which resource?
    "a slash in disguise": (get(line="GET /hidden%2f..{path} HTTP/1.1"), UNKNOWN),
    "dots in disguise": (get(line="GET /%2e%2e/%2e%2e{path} HTTP/1.1"), UNKNOWN),
    "dots": (get(line="GET /../..{path} HTTP/1.1"), UNKNOWN),
    "two slashes": (get(line="GET /{path} HTTP/1.1"), UNKNOWN),
    "a NUL in the path": (get(line="GET {path}\0 HTTP/1.1"), MALFORMED),
    "a NUL in disguise": (get(line="GET /hidden%00 HTTP/1.1"), UNKNOWN),
    "bytes that are no ASCII": (get(line="GET {path}\xff\xfe HTTP/1.1"), MALFORMED),
    "a space in the path": (get(line="GET {path} x HTTP/1.1"), MALFORMED),
    # --- how much?
    "a long path": (get(line="GET /" + "x" * 20_000 + " HTTP/1.1"), TOO_LARGE),
    "a long header": (get("X-A: " + "x" * 20_000), TOO_LARGE),
    "many headers": (get(*[f"X-{n}: y" for n in range(100)]), TOO_LARGE),
    "headers that are large together": (get(*[f"X-{n}: {'y' * 6_000}" for n in range(4)]), ("431 size.headers",)),
}


@dataclass(frozen=True)
class Listener:
    """A door, and who is known at it."""

    port: int
    tls: ssl.SSLContext
    name: str
    words: dict[bytes, bytes]
    good: str
    """What a good request is answered."""
    stored: Callable[[], list[Digest]]
    """What came to be kept."""

    async def answers(self, sent: bytes) -> list[str]:
        """Every answer as its status and code, `good`, and `closed` at the end when the door closes the connection."""
        for word, meant in self.words.items():
            sent = sent.replace(word, meant)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls, server_hostname=self.name)
        writer.write(sent)
        got, closed = b"", False
        try:
            async with asyncio.timeout(10):
                while chunk := await asyncio.wait_for(reader.read(65_536), SILENCE_SECONDS if got else 5):
                    got += chunk
                closed = True
        except TimeoutError:
            pass
        except ConnectionError:
            closed = True
        writer.transport.abort()
        return [*self.parsed(got, head_only=sent.startswith(b"HEAD")), *(["closed"] if closed else [])]

    def parsed(self, got: bytes, *, head_only: bool) -> list[str]:
        found = []
        while got:
            head, _, rest = got.partition(b"\r\n\r\n")
            status = re.match(rb"HTTP/1\.[01] (\d{3}) ", head)
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
            assert status, got[:200]
            size = 0 if head_only or not length else int(length[1])
            body, got = rest[:size], rest[size:]
            said = f"{int(status[1])} {json.loads(body).get('code', '') if body else ''}"
            found.append("good" if said == self.good else said)
            if int(status[1]) >= 400:
                assert b"application/problem+json" in head, head
                assert b"Server: gateway" in head
                assert b"aiohttp" not in head
        return found


@asynccontextmanager
async def office(folder: Path) -> AsyncIterator[Listener]:
    async with tls_office(folder) as running:
        key = await running.key()
        words = {
            b"{path}": b"/api/v1/me",
            b"{post}": b"/api/v1/documents",
            b"{who}": f"Authorization: Bearer {key}".encode(),
        }

        yield Listener(running.port, running.tls(), NAME, words, "200 ", FolderBlobs(folder / "blobs").names)


@asynccontextmanager
async def peer(folder: Path) -> AsyncIterator[Listener]:
    async with peer_world(folder) as world:
        path = TRANSFER.encode()
        words = {b"{path}": path, b"{post}": path, b"{who}": b"X-Nobody: x"}

        port = world.runner.addresses[0][1]
        yield Listener(port, world.client_tls(world.origin), GOVERNMENT, words, "404 not_found", world.blobs.names)


@pytest.mark.parametrize("door", [office, peer])
async def test_every_request_in_doubt_has_its_answers_and_no_others(
    tmp_path: Path, door: Callable[[Path], object]
) -> None:
    wrong = {}
    with caught_logs() as stream:
        async with door(tmp_path) as listener:  # type: ignore[attr-defined]

            async def ask(name: str) -> None:
                sent, expected = CASES[name]
                known = {"good": "good", UNKNOWN[0]: "good"} if listener.good == UNKNOWN[0] else {}
                answers = await listener.answers(sent)
                if answers != [known.get(one, one) for one in expected]:
                    wrong[name] = answers

            names = list(CASES)
            for start in range(0, len(names), 8):
                await asyncio.gather(*map(ask, names[start : start + 8]))
            assert listener.stored() == []
    assert wrong == {}
    assert "NONSENSE" not in stream.getvalue(), "what was sent does not stand in the log"
    refused = [line for line in logged_events(stream) if line["event"] == "request.refused" and line.get("listener")]
    assert len(refused) == sum(
        expected[-1:] == ("closed",) and "good" not in expected for _, expected in CASES.values()
    )


@pytest.mark.parametrize("door", [office, peer])
async def test_a_body_is_not_asked_for_before_its_head_is_good(tmp_path: Path, door: Callable[[Path], object]) -> None:
    async with door(tmp_path) as listener:  # type: ignore[attr-defined]
        answers = await listener.answers(post("Expect: 100-continue", "Content-Length: 10", "Content-Type: a/b"))
        assert [answer[:3] for answer in answers] in (["415"], ["400"])


@pytest.mark.parametrize("door", [office, peer])
async def test_requests_in_a_row_are_answered_in_order_and_wait_in_the_kernel(
    tmp_path: Path, door: Callable[[Path], object]
) -> None:
    async with door(tmp_path) as listener:  # type: ignore[attr-defined]
        assert await listener.answers(get() * 300) == ["good"] * 300
