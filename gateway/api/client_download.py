"""A file on its way to a client: what has come stays when the line is cut, the next answer brings the rest (RFC 9110, 14)."""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import hdrs

from gateway.core import limits
from gateway.core.content_digest import parse_content_digest

_EXTENT: Final = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15})")
_PIECE_BYTES: Final = 4 * limits.CHUNK_BYTES


class DamagedError(aiohttp.ClientPayloadError):
    """What came is not what was announced: no second answer mends that."""


class Download:
    """One file, in as many answers as it takes. It has its name only when length and digest were right."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._partial = target.with_name(target.name + ".part")
        self._digest = hashlib.sha256()
        self._wanted: bytes | None = None
        self._tag = ""
        self.size = 0
        """Bytes that have come."""

    @property
    def is_begun(self) -> bool:
        """Whether something of it is here to which the rest can be asked for."""
        return bool(self.size and self._tag)

    def asking(self) -> dict[str, str]:
        """Headers that ask for what is missing; of the same file only, else for all of it (`If-Range`)."""
        return {hdrs.RANGE: f"bytes={self.size}-", hdrs.IF_RANGE: self._tag} if self.is_begun else {}

    async def take(self, response: aiohttp.ClientResponse) -> None:
        """Read a good answer to its end; nothing is missing then.

        Raises:
            aiohttp.ClientError, TimeoutError: the line was cut; what came before that is kept.
            DamagedError: it is too large, no part of the same file, or not what was announced.
        """
        if response.status == 206:
            self._check_rest(response)
        else:
            self._begin(response)
        file = await asyncio.to_thread(self._partial.open, "ab" if self.size else "wb")
        try:
            async for piece in response.content.iter_chunked(_PIECE_BYTES):
                if self.size + len(piece) > limits.HAND_ENVELOPE_BYTES_MAX:
                    raise DamagedError("the file is too large")
                await asyncio.to_thread(file.write, piece)
                self._digest.update(piece)
                self.size += len(piece)
        finally:
            await asyncio.to_thread(file.close)
        if self._wanted is None or self._digest.digest() != self._wanted:
            raise DamagedError("the file's digest is not the one that was announced")

    async def finish(self) -> int:
        """Give it its name; how many bytes it has."""
        await asyncio.to_thread(self._partial.replace, self._target)
        return self.size

    async def drop(self) -> None:
        """Leave nothing behind of what did not come to its end."""
        await asyncio.to_thread(self._partial.unlink, missing_ok=True)

    def _begin(self, response: aiohttp.ClientResponse) -> None:
        self._digest, self.size = hashlib.sha256(), 0
        self._wanted = parse_content_digest(response.headers.get("Content-Digest", ""))
        self._tag = response.headers.get(hdrs.ETAG, "")

    def _check_rest(self, response: aiohttp.ClientResponse) -> None:
        extent = _EXTENT.fullmatch(response.headers.get(hdrs.CONTENT_RANGE, ""))
        digest = parse_content_digest(response.headers.get("Repr-Digest", ""))
        if not self.is_begun or extent is None or int(extent[1]) != self.size or digest != self._wanted:
            raise DamagedError("it is no part of the file that was begun")
