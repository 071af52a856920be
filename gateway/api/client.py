"""The calling side of the office API, for the command line and the demo; an example for other languages, too."""

import asyncio
import hashlib
import json
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
from aiohttp import hdrs
from yarl import URL

from gateway.api.parts import PREFIX
from gateway.core import limits
from gateway.core.content_digest import format_content_digest, parse_content_digest
from gateway.core.errors import RoadError, SiteError
from gateway.core.ports import Clock
from gateway.http import PROBLEM_TYPE
from gateway.observe import SystemClock

Json = dict[str, Any]
Headers = Mapping[str, str]
T = TypeVar("T")

ANSWER_BYTES_MAX: Final = 16 * limits.MIB
PROBLEM_BYTES_MAX: Final = 256 * limits.KIB
PATIENCE_SECONDS: Final = 30.0
"""Three times what a crowded change feed asks for (`limits.EVENTS_CROWDED_SECONDS`)."""
_STATUSES_THAT_PASS: Final = frozenset({429, 503})
_RETRY_AFTER: Final = re.compile(r"[0-9]{1,6}")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class ApiProblem(Exception):  # noqa: N818 - RFC 9457's word
    """The gateway answered with a problem. `members` is the problem document, empty when it sent something else."""

    def __init__(self, status: int, members: Mapping[str, Any], /, *, retry_after: int | None = None) -> None:
        super().__init__(f"{status} {members.get('code', '')}".rstrip())
        self.status: Final = status
        self.members: Final = members
        self.retry_after: Final = retry_after
        """Seconds after which the same request may be repeated, where the gateway named them; never 0."""

    @property
    def code(self) -> str:
        """The stable code; empty when the answer was no problem document."""
        return str(self.members.get("code", ""))

    @property
    def retryable(self) -> bool:
        """Whether the same request may simply be repeated."""
        return self.members.get("retryable") is True


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call waits in all when it is told to come back, and by whose clock."""

    seconds: float = PATIENCE_SECONDS
    clock: Clock = field(default_factory=SystemClock)


class OfficeClient:
    """One connection pool to one gateway with one API key; an async context manager.

    Every call raises `ApiProblem` for an answer that is an error and `RoadError` (`peer.unreachable`) when there was no
    whole answer. A submission may be repeated after either, with the same idempotency key.

    When the gateway says when to come back (429, 503 with `Retry-After`), the call comes back then by itself, as long as its
    patience lasts: any call may be repeated, for a submission carries its idempotency key and an action said twice is one.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        ssl_context: ssl.SSLContext | None = None,
        *,
        tls_name: str | None = None,
        patience: Patience | None = None,
    ) -> None:
        """`tls_name`: the name the certificate must bear, where it names the gateway and not the host of the address."""
        self._base = URL(base_url)
        if self._base.scheme != "https" and self._base.host not in _LOOPBACK:
            raise SiteError("config.invalid", path="base_url", reason="an API key travels over TLS only")
        self._api_key = api_key
        self._tls_name = tls_name
        self._patience = patience or Patience()
        self._ssl: ssl.SSLContext | bool = ssl_context if ssl_context is not None else True
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._ssl),
            headers={hdrs.AUTHORIZATION: f"Bearer {self._api_key}"},
            timeout=aiohttp.ClientTimeout(total=limits.TRANSFER_SECONDS_MAX, sock_connect=limits.CONNECT_SECONDS_MAX),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def send(self, metadata: Mapping[str, Any], files: Sequence[Path], idempotency_key: str) -> Json:
        """Hand a document in; returns it once the gateway has it on disk. The first file is the document itself."""
        contents = [(path.name, await asyncio.to_thread(path.read_bytes)) for path in files]
        return await self.send_contents(metadata, contents, idempotency_key)

    async def send_contents(
        self, metadata: Mapping[str, Any], files: Sequence[tuple[str, bytes]], idempotency_key: str
    ) -> Json:
        """The same with (name, bytes) instead of files."""
        content_type, body = encode_form(metadata, files)
        headers: Headers = {
            hdrs.CONTENT_TYPE: content_type,
            "Idempotency-Key": idempotency_key,
            "Content-Digest": format_content_digest(hashlib.sha256(body).digest()),
        }
        return await self._json(hdrs.METH_POST, "/documents", headers=headers, data=body)

    async def send_envelope(self, envelope: bytes, idempotency_key: str) -> Json:
        """Hand in a finished edXML file, signed by the sender's transport key; it is carried as it is."""
        headers: Headers = {
            hdrs.CONTENT_TYPE: "application/xml",
            "Idempotency-Key": idempotency_key,
            "Content-Digest": format_content_digest(hashlib.sha256(envelope).digest()),
        }
        return await self._json(hdrs.METH_POST, "/documents", headers=headers, data=envelope)

    async def document(self, key: str) -> Json:
        """An outgoing document and the count of its deliveries by state."""
        return await self._json(hdrs.METH_GET, f"/documents/{_step(key)}")

    async def release(self, key: str) -> Json:
        """Let a held document, or its held transfers, go on."""
        return await self._json(hdrs.METH_POST, f"/documents/{_step(key)}:release")

    async def documents(self, *, state: str = "", cursor: str = "", limit: int = limits.PAGE_ROWS_DEFAULT) -> Json:
        """A page of outgoing documents, newest first: `items`, `more`, `next`."""
        return await self._json(hdrs.METH_GET, "/documents" + _query(state=state, cursor=cursor, limit=limit))

    async def deliveries(self, key: str) -> list[Json]:
        """The deliveries of an outgoing document, all of them."""
        return await self._whole(f"/documents/{_step(key)}/deliveries")

    async def notices(self, key: str) -> list[Json]:
        """Signed notices of what of an outgoing document did not arrive in time, all of them."""
        return await self._whole(f"/documents/{_step(key)}/notices")

    async def history(self, key: str) -> list[Json]:
        """The story of an outgoing document, all of it."""
        return await self._whole(f"/documents/{_step(key)}/history")

    async def inbox(self, after: int = 0, limit: int = limits.PAGE_ROWS_DEFAULT) -> Json:
        """A page of the inbox: `entries`, `more`, and the number after which to go on, `next_after`."""
        page = await self._json(hdrs.METH_GET, "/inbox" + _query(after=after, limit=limit))
        return {"entries": page["items"], "next_after": int(page["next"]), "more": page["more"]}

    async def events(self, after: int = -1, *, limit: int = limits.PAGE_ROWS_DEFAULT, wait: int = 0) -> Json:
        """A page of the change feed: `items`, `more`, `next`; waits up to `wait` seconds for the first of them."""
        return await self._json(hdrs.METH_GET, "/events" + _query(after=after, limit=limit, wait=wait))

    async def entry(self, key: str) -> Json:
        """One document that arrived."""
        return await self._json(hdrs.METH_GET, f"/inbox/{_step(key)}")

    async def entry_history(self, key: str) -> list[Json]:
        """The story of a document that arrived, all of it."""
        return await self._whole(f"/inbox/{_step(key)}/history")

    async def accept(self, key: str) -> Json:
        """Tiếp nhận."""
        return await self._json(hdrs.METH_POST, f"/inbox/{_step(key)}:accept")

    async def refuse(self, key: str, reason: str) -> Json:
        """Từ chối tiếp nhận, with the reason for the sender."""
        body = json.dumps({"reason": reason}, ensure_ascii=False).encode()
        headers: Headers = {hdrs.CONTENT_TYPE: "application/json"}
        return await self._json(hdrs.METH_POST, f"/inbox/{_step(key)}:refuse", headers=headers, data=body)

    async def organization(self, organ_id: str) -> Json:
        """A body of the registry."""
        return await self._json(hdrs.METH_GET, f"/organizations/{_step(organ_id)}")

    async def organizations(self, text: str, *, cursor: str = "", limit: int = limits.PAGE_ROWS_DEFAULT) -> Json:
        """A page of the bodies whose code or name holds the text: `items`, `more`, `next`."""
        return await self._json(hdrs.METH_GET, "/organizations" + _query(text=text, cursor=cursor, limit=limit))

    async def me(self) -> Json:
        """Who this key is and what it may do."""
        return await self._json(hdrs.METH_GET, "/me")

    async def content(self, key: str, path: Path) -> int:
        """Save the edXML file of a document that arrived; how many bytes it has."""
        return await self._save(f"/inbox/{_step(key)}/content", path)

    async def sent_attachment(self, key: str, position: int, path: Path, *, archive: bool = False) -> int:
        """Save one file of an outgoing document, counted from 1; `archive`: with the timestamp that was owed to it."""
        asked = _query(copy="archive") if archive else ""
        return await self._save(f"/documents/{_step(key)}/attachments/{position}{asked}", path)

    async def attachment(self, key: str, position: int, path: Path) -> int:
        """Save one attached file, counted from 1; how many bytes it has."""
        return await self._save(f"/inbox/{_step(key)}/attachments/{position}", path)

    async def _whole(self, path: str) -> list[Json]:
        """A list that has an end, page after page."""
        found: list[Json] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self._json(hdrs.METH_GET, path + _query(cursor=cursor, limit=limits.PAGE_ROWS_MAX))
            found += page["items"]
            cursor = page["next"] if page["items"] else None
        return found

    async def _json(self, method: str, path: str, *, headers: Headers | None = None, data: bytes | None = None) -> Json:
        return await self._patiently(lambda: self._ask(method, path, headers=headers, data=data))

    async def _save(self, path: str, target: Path) -> int:
        return await self._patiently(lambda: self._download(path, target))

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call; and again when the gateway wants it, until it wants more than the patience that is left."""
        left = self._patience.seconds
        while True:
            try:
                return await call()
            except ApiProblem as problem:
                pause = problem.retry_after
                if pause is None or pause > left:
                    raise
            await self._patience.clock.sleep(pause)
            left -= pause

    async def _ask(self, method: str, path: str, *, headers: Headers | None, data: bytes | None) -> Json:
        session = self._opened()
        try:
            async with session.request(
                method,
                self._url(path),
                headers=headers,
                data=BytesIO(data) if data else None,
                allow_redirects=False,
                server_hostname=self._tls_name,
            ) as response:
                await _raise_problem(response)
                members = json.loads(await _bounded(response, ANSWER_BYTES_MAX))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
            raise self._road(error) from error
        if not isinstance(members, dict):
            raise RoadError("peer.unreachable", peer=self._base.authority)
        return members

    async def _download(self, path: str, target: Path) -> int:
        """Download beside the target, and give it its name only when length and digest were right."""
        partial = target.with_name(target.name + ".part")
        try:
            async with self._opened().get(
                self._url(path), allow_redirects=False, server_hostname=self._tls_name
            ) as response:
                await _raise_problem(response)
                size = await _pour(response, partial)
            await asyncio.to_thread(partial.replace, target)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._road(error) from error
        finally:
            await asyncio.to_thread(partial.unlink, missing_ok=True)
        return size

    def _opened(self) -> aiohttp.ClientSession:
        assert self._session is not None, "use `async with`"
        return self._session

    def _url(self, path: str) -> URL:
        return URL(f"{self._base.origin()}{PREFIX}{path}", encoded=True)

    def _road(self, error: BaseException) -> RoadError:
        return RoadError("peer.unreachable", peer=self._base.authority, why=type(error).__name__)


def encode_form(metadata: Mapping[str, Any], files: Sequence[tuple[str, bytes]]) -> tuple[str, bytes]:
    """A submission as multipart/form-data (RFC 7578): its content type and its bytes.

    The boundary is a digest of everything that is sent: nobody can write a file that contains its own boundary.
    """
    head = json.dumps(dict(metadata), ensure_ascii=False).encode()
    digest = hashlib.sha256(head)
    for name, content in files:
        digest.update(name.encode("utf-8", "surrogatepass"))
        digest.update(hashlib.sha256(content).digest())
    boundary = digest.hexdigest()
    pieces = [_part(boundary, 'name="metadata"', "application/json", head)]
    for name, content in files:
        kind = "application/pdf" if name.lower().endswith(".pdf") else "application/octet-stream"
        # quotes in the name as browsers write them (WHATWG HTML, multipart/form-data encoding algorithm)
        quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "%0D").replace("\n", "%0A")
        pieces.append(_part(boundary, f'name="file"; filename="{quoted}"', kind, content))
    pieces.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(pieces)


def _part(boundary: str, disposition: str, content_type: str, content: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {content_type}\r\n\r\n"
    return head.encode("utf-8", "surrogatepass") + content + b"\r\n"


def _step(name: str) -> str:
    """A key as one step of a path, whatever it contains."""
    return quote(name, safe="")


def _query(**asked: str | int) -> str:
    """What stands behind the path; what is empty is not asked."""
    return "?" + urlencode({name: value for name, value in asked.items() if value != ""})


async def _raise_problem(response: aiohttp.ClientResponse) -> None:
    if response.status < 300:
        return
    members: Any = {}
    if response.content_type == PROBLEM_TYPE:
        members = json.loads(await _bounded(response, PROBLEM_BYTES_MAX))
    raise ApiProblem(response.status, members if isinstance(members, dict) else {}, retry_after=_retry_after(response))


def _retry_after(response: aiohttp.ClientResponse) -> int | None:
    """Whole seconds, as this gateway says it. A date (RFC 9110 section 10.2.3) would be some proxy's: it is not read."""
    said = response.headers.get(hdrs.RETRY_AFTER, "")
    if response.status not in _STATUSES_THAT_PASS or not _RETRY_AFTER.fullmatch(said):
        return None
    return max(1, int(said))


async def _bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    collected = bytearray()
    async for piece in response.content.iter_any():
        collected += piece
        if len(collected) > limit:
            raise aiohttp.ClientPayloadError("the answer is too large")
    return bytes(collected)


async def _pour(response: aiohttp.ClientResponse, target: Path) -> int:
    wanted = parse_content_digest(response.headers.get("Content-Digest", ""))
    digest, size = hashlib.sha256(), 0
    file = await asyncio.to_thread(target.open, "wb")
    try:
        async for piece in response.content.iter_chunked(4 * limits.CHUNK_BYTES):
            size += len(piece)
            if size > limits.ENVELOPE_BYTES_MAX:
                raise aiohttp.ClientPayloadError("the file is too large")
            digest.update(piece)
            await asyncio.to_thread(file.write, piece)
    finally:
        await asyncio.to_thread(file.close)
    if wanted is None or digest.digest() != wanted:
        raise aiohttp.ClientPayloadError("the file's digest is not the one that was announced")
    return size
