"""Heads of requests and answers: what can be refused before a body is read, and what is said of how things stand."""

from aiohttp import hdrs, web

from gateway.core import large_limits, limits
from gateway.core.content_digest import parse_content_digest
from gateway.core.errors import PeerError, SenderError
from gateway.core.ids import GatewayId, TransferKey
from gateway.core.ports import Upload, UploadId
from gateway.core.sizes import Sizes
from gateway.exchange import ReceiptForm
from gateway.peer.wire import (
    OFFSET,
    PIECE_TYPE,
    RECEIPT_TYPE,
    accepted_form,
    check_content_type,
    is_transfer_key,
    read_offset,
)


def transfer_of(request: web.Request) -> TransferKey:
    """The transfer that the path names."""
    name = request.match_info["transfer"]
    if not is_transfer_key(name):
        raise PeerError("transfer.malformed", reason="path")
    return TransferKey(name)


def form_of(request: web.Request) -> ReceiptForm:
    """The latest form of a receipt that the origin says it reads."""
    return accepted_form(",".join(request.headers.getall(hdrs.ACCEPT, [])))


def check_header_bytes(request: web.Request) -> None:
    """Refuse a head that is too large."""
    if sum(len(name) + len(value) + 4 for name, value in request.raw_headers) > limits.HEADER_BYTES_MAX:
        raise SenderError("size.headers", limit=limits.HEADER_BYTES_MAX)


def check_headers(request: web.Request, sizes: Sizes) -> bytes:
    """Refuse by the headers what can be refused by them; the SHA-256 that the body must have."""
    if hdrs.CONTENT_ENCODING in request.headers:
        raise SenderError("request.encoding")
    check_content_type(request.headers.get(hdrs.CONTENT_TYPE, ""))
    if request.content_length is None or hdrs.TRANSFER_ENCODING in request.headers:
        raise PeerError("transfer.malformed", reason="Content-Length")
    bound = limits.SLIP_BYTES_MAX + sizes.envelope_bytes
    if request.content_length > bound:
        raise PeerError("size.limit", what="body", limit=bound)
    digest = parse_content_digest(",".join(request.headers.getall("Content-Digest", [])))
    if digest is None:
        raise PeerError("transfer.malformed", reason="Content-Digest")
    return digest


def check_piece(request: web.Request) -> tuple[int, int, bytes | None]:
    """Where a piece begins, its size, and the digest that was announced for it, if one was."""
    if hdrs.CONTENT_ENCODING in request.headers:
        raise SenderError("request.encoding")
    if request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower() != PIECE_TYPE:
        raise PeerError("request.media_type", expected=PIECE_TYPE)
    offset, size = read_offset(request.headers.get(OFFSET, "")), request.content_length
    if offset is None:
        raise PeerError("transfer.malformed", reason=OFFSET)
    if not size or hdrs.TRANSFER_ENCODING in request.headers:
        raise PeerError("transfer.malformed", reason="Content-Length")
    if size > large_limits.UPLOAD_PIECE_BYTES_MAX:
        raise PeerError("size.limit", what="piece", limit=large_limits.UPLOAD_PIECE_BYTES_MAX)
    announced = request.headers.getall("Content-Digest", [])
    digest = parse_content_digest(",".join(announced)) if announced else None
    if announced and digest is None:
        raise PeerError("transfer.malformed", reason="Content-Digest")
    return offset, size, digest


def upload_of(origin: GatewayId, name: TransferKey) -> UploadId:
    """Its name on the shelf of the origin that the connection identified."""
    return UploadId(owner=f"peer/{origin}", name=name)


def standing(upload: Upload) -> web.Response:
    """How far an envelope has come."""
    return web.Response(status=204, headers={OFFSET: str(upload.offset)})


def with_receipt(receipt: bytes) -> web.Response:
    """The answer for good."""
    return web.Response(body=receipt, content_type=RECEIPT_TYPE)
