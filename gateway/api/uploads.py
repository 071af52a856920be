"""Files that come in pieces: begun, gone on with wherever they stand, then named by a submission instead of sent with it."""

import hashlib
import re
from typing import Final

from aiohttp import hdrs, web

from gateway.api import models as out
from gateway.api.answers import answer
from gateway.api.body import Body, read_nothing, require_type
from gateway.api.parts import PARTS, PREFIX
from gateway.api.schemas import UploadIn, read_json
from gateway.api.submission import idempotency_key, upload_of
from gateway.core.errors import Conflict, NotFound, SenderError
from gateway.core.ids import Digest
from gateway.core.model import BlobRef
from gateway.core.ports import Upload, UploadId

OFFSET: Final = "Upload-Offset"
PIECE: Final = "application/octet-stream"
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_NAME_CHARS: Final = 32


async def begin(request: web.Request) -> web.StreamResponse:
    """`POST /uploads` with size and SHA-256: 201; said again, how far it has come."""
    key = idempotency_key(request)
    said = await read_json(request, UploadIn)
    limit = request.app[PARTS].limits.file_bytes
    if said.size > limit:
        raise SenderError("size.limit", what="file", limit=limit)
    name = hashlib.sha256(key.encode()).hexdigest()[:_NAME_CHARS]
    upload, uploads = upload_of(request, name), request.app[PARTS].uploads
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
    require_type(request, PIECE)
    offset = request.headers.get(OFFSET, "")
    if not _NUMBER.fullmatch(offset):
        raise SenderError("request.malformed", reason=OFFSET)
    found = await _found(request, upload)
    if int(offset) > found.whole.size:
        raise Conflict("upload.offset", offset=found.offset)
    body = Body(request, limit=found.whole.size - int(offset), what="upload")
    return answer(request, _shown(upload, await request.app[PARTS].uploads.append(upload, int(offset), body.chunks())))


async def drop(request: web.Request) -> web.StreamResponse:
    """`DELETE /uploads/{upload}`: it is not wanted any more. While a piece of it is being written it stays."""
    upload = upload_of(request, request.match_info["upload"])
    await read_nothing(request)
    found, uploads = await _found(request, upload), request.app[PARTS].uploads
    await uploads.drop(upload)
    if await uploads.find(upload) is not None:
        raise Conflict("upload.busy")
    return answer(request, _shown(upload, found))


async def _found(request: web.Request, upload: UploadId) -> Upload:
    found = await request.app[PARTS].uploads.find(upload)
    if found is None:
        raise NotFound("not_found")
    return found


def _shown(upload: UploadId, stands: Upload) -> out.Upload:
    whole = stands.whole
    return out.Upload(upload=upload.name, size=whole.size, sha256=whole.digest, offset=stands.offset)
