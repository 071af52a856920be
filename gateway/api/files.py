"""Stored files as answers: streamed, bounded by their own size, digest announced and proven, names and types harmless."""

import asyncio
import hashlib
import re
import unicodedata
from io import BufferedReader
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import hdrs, web

from gateway.api.conditional import is_unchanged, not_modified
from gateway.api.ranges import wanted_part
from gateway.core.content_digest import format_content_digest
from gateway.core.errors import SiteError
from gateway.core.filename import is_media_type, shortened
from gateway.core.limits import CHUNK_BYTES
from gateway.core.model import BlobRef
from gateway.core.plain_text import without_unseen

_UNSAFE_IN_QUOTES: Final = re.compile(r"[^A-Za-z0-9 !#$&()+,.=@^_{}~-]")
_NOT_IN_A_NAME: Final = re.compile(r"[/\\:]")
DISPOSITION_BYTES_MAX: Final = 255
"""A name of which no file system holds more; three letters of a header for each byte, and proxies hold 4 KB of headers."""
_READ_BYTES: Final = 4 * CHUNK_BYTES


async def send_file(
    request: web.Request, path: Path, blob: BlobRef, *, name: str, content_type: str
) -> web.StreamResponse:
    """Answer with a blob, or the part that is asked for (`ranges`).

    A damaged one never arrives whole: its last piece leaves only when the digest was right. Who fetches parts compares what
    they make together with `Repr-Digest`, or with the tag.

    Raises:
        SiteError: `blob.damaged`; when the head of the answer is out already, the connection is closed on it.
    """
    tag = f'"{blob.digest}"'
    if is_unchanged(request, tag):
        return not_modified(tag)
    part = wanted_part(request, blob.size, tag)
    file = await asyncio.to_thread(_open, path, blob.size)
    try:
        headers = {**_headers(name, content_type), **_extent(blob, part), hdrs.ETAG: tag}
        response = web.StreamResponse(status=200 if part is None else 206, headers=headers)
        response.content_length = blob.size if part is None else len(part)
        await response.prepare(request)
        if request.method != hdrs.METH_HEAD:
            await (_pour(file, blob, response) if part is None else _pour_part(file, part, response))
        await response.write_eof()
        return response
    finally:
        await asyncio.to_thread(file.close)


def content_disposition(name: str) -> str:
    """`attachment` with the name in both forms of RFC 6266: a plain one for old readers, UTF-8 (RFC 8187) for the rest."""
    harmless = without_unseen(unicodedata.normalize("NFC", name), instead="_")
    clean = shortened(_NOT_IN_A_NAME.sub("_", harmless).strip(" .") or "file", bytes_max=DISPOSITION_BYTES_MAX)
    folded = unicodedata.normalize("NFD", clean.replace("đ", "d").replace("Đ", "D"))
    plain = _UNSAFE_IN_QUOTES.sub("_", "".join(letter for letter in folded if not unicodedata.combining(letter)))
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(clean, safe='!#$&+-.^_`|~')}"


def _headers(name: str, content_type: str) -> dict[str, str]:
    return {
        hdrs.CONTENT_TYPE: content_type if is_media_type(content_type) else "application/octet-stream",
        hdrs.CONTENT_DISPOSITION: content_disposition(name),
        # A file of a stranger is shown by nobody's browser as if it were ours.
        hdrs.CONTENT_SECURITY_POLICY: "default-src 'none'; sandbox",
    }


def _extent(blob: BlobRef, part: range | None) -> dict[str, str]:
    """What the answer holds of the file. Content-Digest would be of a part alone (RFC 9530 section 2)."""
    digest = format_content_digest(bytes.fromhex(blob.digest))
    if part is None:
        return {"Content-Digest": digest, hdrs.ACCEPT_RANGES: "bytes"}
    return {"Repr-Digest": digest, hdrs.CONTENT_RANGE: f"bytes {part.start}-{part.stop - 1}/{blob.size}"}


def _open(path: Path, size: int) -> BufferedReader:
    try:
        file = path.open("rb")
    except OSError as error:
        raise SiteError("blob.damaged") from error
    if path.stat().st_size != size:
        file.close()
        raise SiteError("blob.damaged")
    return file


async def _pour(file: BufferedReader, blob: BlobRef, response: web.StreamResponse) -> None:
    digest, left = hashlib.sha256(), blob.size
    while left:
        piece = await asyncio.to_thread(file.read, min(_READ_BYTES, left))
        digest.update(piece)
        left -= len(piece)
        if not piece or (not left and digest.hexdigest() != blob.digest):
            raise SiteError("blob.damaged")
        await response.write(piece)


async def _pour_part(file: BufferedReader, part: range, response: web.StreamResponse) -> None:
    await asyncio.to_thread(file.seek, part.start)
    left = len(part)
    while left:
        piece = await asyncio.to_thread(file.read, min(_READ_BYTES, left))
        if not piece:
            raise SiteError("blob.damaged")
        left -= len(piece)
        await response.write(piece)
