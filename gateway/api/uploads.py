"""Files that come in pieces: begun, gone on with wherever they stand, then named by a submission instead of sent with it."""

import hashlib
import re
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import hdrs, web

from gateway.api import models as out
from gateway.api.answers import answer
from gateway.api.body import SMALL_BODY_BYTES_MAX, Body, read_nothing
from gateway.api.parts import PARTS, PREFIX
from gateway.api.schemas import UploadIn, parse
from gateway.api.submission import idempotency_key, upload_of
from gateway.core.errors import NotFound, SenderError
from gateway.core.ids import Digest
from gateway.core.model import BlobRef
from gateway.core.ports import Upload, UploadId, Uploads

OFFSET: Final = "Upload-Offset"
PIECE: Final = "application/octet-stream"
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_NAME_CHARS: Final = 32


async def begin(request: web.Request) -> web.StreamResponse:
    """`POST /uploads` with size and SHA-256: 201; said again, how far it has come."""
    key = idempotency_key(request)
    _check_type(request, "application/json")
    said = parse(UploadIn, await Body(request, limit=SMALL_BODY_BYTES_MAX).whole())
    limit = request.app[PARTS].limits.file_bytes
    if said.size > limit:
        raise SenderError("size.limit", what="file", limit=limit)
    name = hashlib.sha256(key.encode()).hexdigest()[:_NAME_CHARS]
    upload, uploads = upload_of(request, name), _uploads(request)
    new = await uploads.find(upload) is None
    stands = await uploads.begin(upload, BlobRef(digest=Digest(said.sha256), size=said.size))
    headers: dict[str, str] = {hdrs.LOCATION: f"{PREFIX}/uploads/{name}"}
    if not new:
        headers["Idempotent-Replay"] = "true"
    return answer(request, _shown(upload, stands), status=201, headers=headers)


async def show(request: web.Request) -> web.StreamResponse:
    """`GET /uploads/{upload}`: how far it has come."""
    upload = upload_of(request, request.match_info["upload"])
    return answer(request, _shown(upload, await _found(request, upload)))


async def append(request: web.Request) -> web.StreamResponse:
    """`PATCH /uploads/{upload}`: some more of it, from where it stands; what came before a cut is kept."""
    upload = upload_of(request, request.match_info["upload"])
    _check_type(request, PIECE)
    offset = request.headers.get(OFFSET, "")
    if not _NUMBER.fullmatch(offset):
        raise SenderError("request.malformed", reason=OFFSET)
    found = await _found(request, upload)
    body = Body(request, limit=max(0, found.whole.size - int(offset)), what="upload")
    return answer(request, _shown(upload, await _uploads(request).append(upload, int(offset), _chunks(body))))


async def drop(request: web.Request) -> web.StreamResponse:
    """`DELETE /uploads/{upload}`: it is not wanted any more."""
    upload = upload_of(request, request.match_info["upload"])
    await read_nothing(request)
    found = await _found(request, upload)
    await _uploads(request).drop(upload)
    return answer(request, _shown(upload, found))


async def _found(request: web.Request, upload: UploadId) -> Upload:
    found = await _uploads(request).find(upload)
    if found is None:
        raise NotFound("not_found")
    return found


def _uploads(request: web.Request) -> Uploads:
    uploads = request.app[PARTS].uploads
    assert uploads is not None, "a gateway that serves has them"
    return uploads


def _check_type(request: web.Request, expected: str) -> None:
    if request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower() != expected:
        raise SenderError("request.media_type", expected=expected)


async def _chunks(body: Body) -> AsyncIterator[bytes]:
    while data := await body.chunk():
        yield data


def _shown(upload: UploadId, stands: Upload) -> out.Upload:
    whole = stands.whole
    return out.Upload(upload=upload.name, size=whole.size, sha256=whole.digest, offset=stands.offset)
