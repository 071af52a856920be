"""A submission as it comes over the wire, up to the order that is handed to the desk."""

import re
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import hdrs, web

from gateway.api.body import Body, media_type
from gateway.api.multipart import FormReader, Part
from gateway.api.parts import PARTS, PRINCIPAL
from gateway.api.problems import FieldError, InvalidRequest
from gateway.api.schemas import MetadataIn, parse
from gateway.core import limits
from gateway.core.errors import NotFound, SenderError
from gateway.core.filename import is_file_name, is_media_type
from gateway.core.magic import MAGIC_BYTES
from gateway.core.model import BlobRef, Metadata
from gateway.core.ports import BlobLease, UploadId
from gateway.core.secrecy import find_mark
from gateway.exchange import EnvelopeOrder, SubmissionOrder, UploadedFile

_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]+")
_UNKNOWN_TYPE: Final = "application/octet-stream"
_UPLOAD: Final = "upload"
_UPLOAD_NAME_CHARS_MAX: Final = 64
TAKEN_UPLOADS: Final = web.RequestKey("uploads", list[UploadId])
"""Those that the submission named."""
FORM: Final = "multipart/form-data"
EDXML: Final = "application/xml"


async def read_order(request: web.Request, lease: BlobLease) -> SubmissionOrder | EnvelopeOrder:
    """The order in a request: a form, or a finished edXML file as it is.

    Raises:
        SenderError: everything that can be wrong with a submission's form, size, digest or pace.
        AccessError: the key may not act for the sender.
    """
    key = idempotency_key(request)
    kind = media_type(request)
    if kind == FORM:
        return await _submission(request, key, lease)
    if kind == EDXML:
        return await _envelope(request, key, lease)
    raise SenderError("request.media_type", expected=f"{FORM}, {EDXML}")


async def _submission(request: web.Request, key: str, lease: BlobLease) -> SubmissionOrder:
    """Part `metadata` first, then the files, each durable before the next is looked at.

    Metadata come first so that a caller who may not send, or sends nonsense, is told before anything is stored.
    """
    bounds = request.app[PARTS].limits
    form = FormReader(Body(request, limit=bounds.request_bytes), request.headers[hdrs.CONTENT_TYPE])
    metadata = await _metadata(form, bounds.metadata_bytes)
    admitted = await request.app[PARTS].submission.admit(request[PRINCIPAL], metadata, idempotency_key=key)
    files = await _files(request, form, lease)
    return SubmissionOrder(metadata=metadata, files=files, idempotency_key=key, admitted=admitted)


async def _envelope(request: web.Request, key: str, lease: BlobLease) -> EnvelopeOrder:
    """The file goes to the blob store as it comes; what it says is read by a judge, later and elsewhere."""
    limit = request.app[PARTS].limits.envelope_bytes
    body = Body(request, limit=limit, what="envelope")
    blob = await lease.put(body.chunks(), limit=limit)
    if not blob.size:
        raise SenderError("file.empty", file="edXML")
    return EnvelopeOrder(envelope=blob, idempotency_key=key)


def idempotency_key(request: web.Request) -> str:
    """The Idempotency-Key header; quotes around it (draft-ietf-httpapi-idempotency-key-header-07) are not part of it."""
    given = request.headers.get("Idempotency-Key", "").strip()
    if len(given) >= 2 and given.startswith('"') and given.endswith('"'):
        given = given[1:-1]
    if not _IDEMPOTENCY_KEY.fullmatch(given) or len(given) > limits.IDEMPOTENCY_KEY_CHARS_MAX:
        raise SenderError("request.idempotency_key")
    return given


async def _metadata(form: FormReader, limit: int) -> Metadata:
    part = await form.next()
    if part is None or part.name != "metadata":
        code = "field.required" if part is None else "field.metadata_first"
        raise InvalidRequest([FieldError(pointer="/metadata", code=code)])
    if part.content_type not in ("", "application/json"):
        raise SenderError("request.media_type", expected="application/json")
    collected = bytearray()
    async for piece in form.data():
        collected += piece
        if len(collected) > limit:
            raise SenderError("size.limit", what="metadata", limit=limit)
    return parse(MetadataIn, bytes(collected)).metadata()


async def _files(request: web.Request, form: FormReader, lease: BlobLease) -> tuple[UploadedFile, ...]:
    bounds = request.app[PARTS].limits
    files: list[UploadedFile] = []
    left = bounds.document_bytes
    while (part := await form.next()) is not None:
        name = _checked(part, len(files))
        if len(files) == bounds.files:
            raise SenderError("count.limit", what="files", count=len(files) + 1, limit=bounds.files)
        what, limit = (name, bounds.file_bytes) if bounds.file_bytes <= left else ("document", bounds.document_bytes)
        allowed = min(bounds.file_bytes, left)
        head = bytearray()
        if part.name == _UPLOAD:
            blob = await _uploaded(request, form, len(files), lease)
            if blob.size > allowed:
                raise SenderError("size.limit", what=what, limit=limit)
        else:
            blob = await lease.put(_noting(_counted(form.data(), allowed, what, limit), head), limit=allowed)
        left -= blob.size
        kind = part.content_type or _UNKNOWN_TYPE
        seen = None if part.name == _UPLOAD else bytes(head)
        files.append(UploadedFile(name=name, content_type=kind, blob=blob, head=seen))
    if not files:
        raise InvalidRequest([FieldError(pointer="/files", code="field.required")])
    return tuple(files)


async def _uploaded(request: web.Request, form: FormReader, index: int, lease: BlobLease) -> BlobRef:
    """A file that came in pieces before, by the name of its upload.

    Raises:
        InvalidRequest: there is no such upload of this caller.
        Conflict: `upload.incomplete`, `upload.busy`.
    """
    said, uploads = bytearray(), request.app[PARTS].uploads
    async for piece in form.data():
        said += piece
        if len(said) > _UPLOAD_NAME_CHARS_MAX:
            break
    wrong = InvalidRequest([FieldError(pointer=f"/files/{index}/upload", code="field.value")])
    if len(said) > _UPLOAD_NAME_CHARS_MAX:
        raise wrong
    upload = upload_of(request, said.decode("ascii", "replace").strip())
    try:
        blob = await uploads.take(upload, lease)
    except NotFound as error:
        raise wrong from error
    request.setdefault(TAKEN_UPLOADS, []).append(upload)
    return blob


def upload_of(request: web.Request, name: str) -> UploadId:
    """The caller's own upload of that name."""
    return UploadId(owner=f"key/{request[PRINCIPAL].key_id}", name=name)


async def _noting(data: AsyncIterator[bytes], head: bytearray) -> AsyncIterator[bytes]:
    """The same bytes; the first of them, by which a file is told, are kept in `head`."""
    async for piece in data:
        if len(head) < MAGIC_BYTES:
            head += piece[: MAGIC_BYTES - len(head)]
        yield piece


async def _counted(data: AsyncIterator[bytes], allowed: int, what: str, limit: int) -> AsyncIterator[bytes]:
    """The same bytes, until there are too many; the refusal names what is too large and its whole limit."""
    count = 0
    async for piece in data:
        count += len(piece)
        if count > allowed:
            raise SenderError("size.limit", what=what, limit=limit)
        yield piece


def _checked(part: Part, index: int) -> str:
    """The name of a file, safe to be shown, stored in an envelope and offered for download.

    Raises:
        InvalidRequest: no name, a path, characters that do not belong into a name, or a type that is none.
    """
    if part.name not in {"file", _UPLOAD}:
        raise InvalidRequest([FieldError(pointer=f"/{part.name}", code="field.unknown")])
    name, errors = part.file_name or "", []
    if not is_file_name(name):
        params = {"limit": limits.FILE_NAME_CHARS_MAX}
        errors.append(FieldError(pointer=f"/files/{index}/name", code="field.file_name", params=params))
    if part.content_type and not is_media_type(part.content_type):
        errors.append(FieldError(pointer=f"/files/{index}/content_type", code="field.value"))
    if errors:
        raise InvalidRequest(errors)
    if mark := find_mark(name):
        raise SenderError("secrecy.marked", mark=mark)
    return name
