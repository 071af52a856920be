"""One connection pool of a client of the office API: how it asks, reads answers, and waits when it is told to come back."""

import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import aiohttp
from aiohttp import hdrs
from yarl import URL

from gateway.api.client_answers import ApiProblem, bounded, raise_problem
from gateway.api.client_paths import query
from gateway.api.parts import PREFIX
from gateway.core import limits
from gateway.core.errors import RoadError, SiteError
from gateway.core.ports import Clock
from gateway.observe import SystemClock

Json = dict[str, Any]
Headers = Mapping[str, str]
T = TypeVar("T")

ANSWER_BYTES_MAX: Final = 16 * limits.MIB
PATIENCE_SECONDS: Final = 30.0
"""Three times what a crowded change feed asks for (`limits.EVENTS_CROWDED_SECONDS`)."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call waits in all when it is told to come back, and by whose clock."""

    seconds: float = PATIENCE_SECONDS
    clock: Clock = field(default_factory=SystemClock)


class OfficeConnection:
    """To one gateway with one API key; an async context manager."""

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

    async def _whole(self, path: str) -> list[Json]:
        """A list that has an end, page after page."""
        found: list[Json] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self._json(hdrs.METH_GET, path + query(cursor=cursor, limit=limits.PAGE_ROWS_MAX))
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

    def _opened(self) -> aiohttp.ClientSession:
        assert self._session is not None, "use `async with`"
        return self._session

    def _url(self, path: str) -> URL:
        return URL(f"{self._base.origin()}{PREFIX}{path}", encoded=True)

    def _road(self, error: BaseException) -> RoadError:
        return RoadError("peer.unreachable", peer=self._base.authority, why=type(error).__name__)
