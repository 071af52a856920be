"""The calling side of the office API, for the command line and the demo; an example for other languages, too."""

import asyncio
import hashlib
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
from aiohttp import hdrs
from yarl import URL

from gateway.api.client_answers import ApiProblem, bounded, raise_problem
from gateway.api.client_download import DamagedError, Download
from gateway.api.client_form import Uploaded, encode_form
from gateway.api.parts import PREFIX
from gateway.core import large_limits, limits
from gateway.core.content_digest import format_content_digest
from gateway.core.errors import RoadError, SenderError, SiteError
from gateway.core.ports import Clock
from gateway.observe import SystemClock

Json = dict[str, Any]
Headers = Mapping[str, str]
T = TypeVar("T")

ANSWER_BYTES_MAX: Final = 16 * limits.MIB
_DOWNLOAD: Final = aiohttp.ClientTimeout(
    sock_read=limits.ANSWER_STALL_SECONDS_MAX, sock_connect=limits.CONNECT_SECONDS_MAX
)
"""A large file may take hours on its line, but not silence."""
PATIENCE_SECONDS: Final = 30.0
"""Three times what a crowded change feed asks for (`limits.EVENTS_CROWDED_SECONDS`)."""
RESUME_SECONDS: Final = 1.0
"""After a cut the rest of a file is asked for so soon; twice as late each time that nothing came of it."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


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
    A file whose line is cut goes on where it was.
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
        """Hand a document in; returns it once the gateway has it on disk. The first file is the document itself.

        A file above the usual bound goes up in pieces first; after a `RoadError` call again, and it goes on where it was.
        """
        contents: list[tuple[str, bytes | Path]] = []
        for path in files:
            large = (await asyncio.to_thread(path.stat)).st_size > limits.FILE_BYTES_MAX
            contents.append((path.name, path if large else await asyncio.to_thread(path.read_bytes)))
        return await self.send_contents(metadata, contents, idempotency_key)

    async def upload(self, path: Path, idempotency_key: str) -> Uploaded:
        """Bring a file up in pieces, from where it stands; for a part `upload` of a submission.

        The same key and the same file after a `RoadError`: it goes on.

        Raises:
            SenderError: `upload.digest`: the file was changed while it was sent.
        """
        size, digest = await asyncio.to_thread(_measured, path)
        body = json.dumps({"size": size, "sha256": digest}).encode()
        headers: Headers = {hdrs.CONTENT_TYPE: "application/json", "Idempotency-Key": idempotency_key}
        stands = await self._json(hdrs.METH_POST, "/uploads", headers=headers, data=body)
        file = await asyncio.to_thread(path.open, "rb")
        try:
            while (offset := int(stands["offset"])) < size:
                piece = await asyncio.to_thread(_piece, file, offset)
                headers = {hdrs.CONTENT_TYPE: "application/octet-stream", "Upload-Offset": str(offset)}
                place = f"/uploads/{_step(stands['upload'])}"
                stands = await self._json(hdrs.METH_PATCH, place, headers=headers, data=piece)
                if int(stands["offset"]) <= offset:  # the file has become shorter meanwhile: there is no more to send
                    raise SenderError("upload.digest")
        finally:
            await asyncio.to_thread(file.close)
        return Uploaded(str(stands["upload"]))

    async def send_contents(
        self, metadata: Mapping[str, Any], files: Sequence[tuple[str, bytes | Path]], idempotency_key: str
    ) -> Json:
        """The same with (name, bytes) instead of files; those that stay files go up in pieces first."""
        key = hashlib.sha256(idempotency_key.encode()).hexdigest()  # whatever its length, there is room for a number
        contents = [
            (name, await self.upload(one, f"{key}/{number}") if isinstance(one, Path) else one)
            for number, (name, one) in enumerate(files, 1)
        ]
        content_type, body = encode_form(metadata, contents)
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
        return await self._say(f"/inbox/{_step(key)}:refuse", reason=reason)

    async def recall(self, key: str, reason: str) -> Json:
        """Thu hồi: stop what has not left, ask everybody else."""
        return await self._say(f"/documents/{_step(key)}:recall", reason=reason)

    async def agree(self, key: str, *, forwarded: bool) -> Json:
        """Đồng ý lấy lại, cập nhật."""
        return await self._say(f"/inbox/{_step(key)}:agree", forwarded=forwarded)

    async def decline(self, key: str, reason: str, *, forwarded: bool) -> Json:
        """Từ chối lấy lại, cập nhật, with the reason for the sender."""
        return await self._say(f"/inbox/{_step(key)}:decline", reason=reason, forwarded=forwarded)

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

    async def _say(self, path: str, **said: str | bool) -> Json:
        """An action with a small body."""
        headers: Headers = {hdrs.CONTENT_TYPE: "application/json"}
        body = json.dumps(said, ensure_ascii=False).encode()
        return await self._json(hdrs.METH_POST, path, headers=headers, data=body)

    async def _json(self, method: str, path: str, *, headers: Headers | None = None, data: bytes | None = None) -> Json:
        return await self._patiently(lambda: self._ask(method, path, headers=headers, data=data))

    async def _save(self, path: str, target: Path) -> int:
        download = Download(target)
        try:
            await self._patiently(lambda: self._fetch(path, download))
            return await download.finish()
        except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
            raise self._road(error) from error
        finally:
            await download.drop()

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
                await raise_problem(response)
                members = json.loads(await bounded(response, ANSWER_BYTES_MAX))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
            raise self._road(error) from error
        if not isinstance(members, dict):
            raise RoadError("peer.unreachable", peer=self._base.authority)
        return members

    async def _fetch(self, path: str, download: Download) -> None:
        """A file; where the line is cut, the rest, as long as answers bring something or the patience lasts."""
        left, pause = self._patience.seconds, RESUME_SECONDS
        while True:
            had = download.size
            try:
                async with self._opened().get(
                    self._url(path),
                    headers=download.asking(),
                    allow_redirects=False,
                    server_hostname=self._tls_name,
                    timeout=_DOWNLOAD,
                ) as response:
                    await raise_problem(response)
                    return await download.take(response)
            except (aiohttp.ClientSSLError, DamagedError):
                raise
            except (aiohttp.ClientError, TimeoutError):
                if download.size >= had + limits.CHUNK_BYTES:
                    left, pause = self._patience.seconds, RESUME_SECONDS
                if not download.is_begun or pause > left:
                    raise
            await self._patience.clock.sleep(pause)
            left, pause = left - pause, 2 * pause

    def _opened(self) -> aiohttp.ClientSession:
        assert self._session is not None, "use `async with`"
        return self._session

    def _url(self, path: str) -> URL:
        return URL(f"{self._base.origin()}{PREFIX}{path}", encoded=True)

    def _road(self, error: BaseException) -> RoadError:
        return RoadError("peer.unreachable", peer=self._base.authority, why=type(error).__name__)


def _measured(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def _piece(file: BinaryIO, offset: int) -> bytes:
    file.seek(offset)
    return file.read(large_limits.UPLOAD_PIECE_BYTES)


def _step(name: str) -> str:
    """A key as one step of a path, whatever it contains."""
    return quote(name, safe="")


def _query(**asked: str | int) -> str:
    """What stands behind the path; what is empty is not asked."""
    return "?" + urlencode({name: value for name, value in asked.items() if value != ""})
