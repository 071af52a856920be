"""The body of a request, read under limits: bytes counted, time counted, digest checked over exactly what came."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import hdrs, web

from gateway.api.parts import ALLOWANCE, PARTS, PRINCIPAL
from gateway.core.content_digest import parse_content_digest
from gateway.core.errors import SenderError
from gateway.core.limits import KIB
from gateway.core.sizes import patience
from gateway.http import say_continue

SMALL_BODY_BYTES_MAX: Final = 16 * KIB


class Body:
    """Reads a request's body once, chunk by chunk.

    The bytes are those of the content as it was sent, after chunked transfer coding and before anything else: what
    Content-Digest speaks of (RFC 9530 section 2).
    """

    def __init__(self, request: web.Request, *, limit: int, what: str = "request") -> None:
        self._request = request
        self._limit = limit
        self._what = what
        self._wanted = _wanted_digest(request)
        self._digest = hashlib.sha256()
        self._count = 0
        self._ended = False
        self._bounds = request.app[PARTS].limits
        self._deadline: float | None = None
        if request.content_length is not None and request.content_length > limit:
            raise SenderError("size.limit", what=what, limit=limit)
        self._paid = request.content_length or 0
        """Bytes that were counted against what the caller may hand in today."""
        self._hand_in(self._paid)

    async def chunk(self) -> bytes:
        """Some bytes as soon as there are any; empty at the end, when the digest has been found right.

        Raises:
            SenderError: `size.limit`, `rate.volume`, `request.timeout`, `request.digest`, `request.malformed`.
        """
        if self._ended:
            return b""
        data = await self._timed_read()
        if not data:
            self._ended = True
            self._check_digest()
            return b""
        self._count += len(data)
        if self._count > self._limit:
            raise SenderError("size.limit", what=self._what, limit=self._limit)
        if self._count > self._paid:  # no length was said
            self._hand_in(self._count - self._paid)
            self._paid = self._count
        if self._wanted is not None:
            self._digest.update(data)
        return data

    async def chunks(self) -> AsyncIterator[bytes]:
        """All of them."""
        while data := await self.chunk():
            yield data

    async def whole(self) -> bytes:
        """All bytes at once, for small bodies."""
        collected = bytearray()
        while data := await self.chunk():
            collected += data
        return bytes(collected)

    def _hand_in(self, size: int) -> None:
        allowance = self._request.app[PARTS].rate_limiter.hand_in(self._request[PRINCIPAL].key_id, size)
        if allowance.wait_seconds:
            self._request[ALLOWANCE] = allowance
            raise SenderError("rate.volume", seconds=allowance.wait_seconds)

    async def _timed_read(self) -> bytes:
        loop = asyncio.get_running_loop()
        if self._deadline is None:
            await say_continue(self._request)
            size = self._limit if self._request.content_length is None else self._request.content_length
            self._deadline = loop.time() + patience(self._bounds.body_seconds, size)
        remaining = self._deadline - loop.time()
        if remaining <= 0:
            raise SenderError("request.timeout")
        try:
            async with asyncio.timeout(min(remaining, self._bounds.idle_seconds)):
                return await self._request.content.readany()
        except TimeoutError:
            raise SenderError("request.timeout") from None
        except (web.RequestPayloadError, ConnectionError) as error:
            raise SenderError("request.malformed", reason="the body broke off") from error

    def _check_digest(self) -> None:
        if self._wanted is not None and self._digest.digest() != self._wanted:
            raise SenderError("request.digest")


def media_type(request: web.Request) -> str:
    """What the body is said to be, without parameters, in small letters."""
    return request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()


def require_type(request: web.Request, expected: str) -> None:
    """Refuse a body that is said to be something else.

    Raises:
        SenderError: `request.media_type`.
    """
    if media_type(request) != expected:
        raise SenderError("request.media_type", expected=expected)


async def read_nothing(request: web.Request) -> None:
    """The body of a request that says everything by its address: none, or an empty object.

    Raises:
        SenderError: `request.malformed` when there is more; `size.limit`, `request.timeout`, `request.digest`.
    """
    if (await Body(request, limit=SMALL_BODY_BYTES_MAX).whole()).strip() not in (b"", b"{}"):
        raise SenderError("request.malformed", reason="this request has no body")


def _wanted_digest(request: web.Request) -> bytes | None:
    """The digest the caller announced. One that cannot be checked is refused: it was sent to be checked."""
    header = request.headers.get("Content-Digest")
    if header is None:
        return None
    digest = parse_content_digest(header)
    if digest is None:
        raise SenderError("request.digest")
    return digest
