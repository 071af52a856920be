"""The listening side of peer/v1: who asks, is it well formed, is it complete; then the reception desk decides.

A request goes through `_border` (identity on every request, problems for every error) to one of two handlers. Nothing
is stored before the last byte was checked, and nothing is answered before the desk has a receipt.
"""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from gateway.core import limits
from gateway.core.content_digest import parse_content_digest
from gateway.core.errors import GatewayError, NotFound, PeerError, RoadError, SenderError, SiteError
from gateway.core.ids import Entropy, GatewayId, TransferKey
from gateway.core.metrics import REQUEST_SECONDS, REQUESTS
from gateway.core.model import TransferSlip
from gateway.core.ports import BlobLease, Blobs, Directory, Intake, Meter
from gateway.core.restore_limits import RESYNC_BYTES_MAX
from gateway.exchange import ReceiptForm, ReceptionDesk, ResyncDesk
from gateway.http import (
    Door,
    Listener,
    Runner,
    dress,
    from_http,
    mark_known,
    mark_unknown,
    postpone_continue,
    refusal,
    say_continue,
    serve,
)
from gateway.observe import UNMEASURED, bound_ids, logger, new_trace_id, parse_traceparent
from gateway.peer.body import TransferBody
from gateway.peer.problems import document
from gateway.peer.session import assert_strict, identify
from gateway.peer.wire import (
    GAPS_PATH,
    RECEIPT_TYPE,
    RESYNC_PATH,
    TRANSFERS_PATH,
    accepted_form,
    check_content_type,
    decode_slip,
    is_transfer_key,
)

_ORIGIN: Final = web.RequestKey("origin", GatewayId)

_log = logger(__name__)


def build_peer_app(  # noqa: PLR0913 - the parts by name
    *,
    reception: ReceptionDesk,
    directory: Directory,
    blobs: Blobs,
    own: GatewayId,
    entropy: Entropy,
    intake: Intake | None = None,
    resync: ResyncDesk | None = None,
    meter: Meter = UNMEASURED,
) -> web.Application:
    """The door as an application; `listen` serves it. `own` is the gateway that is asked."""
    door = _Door(
        reception=reception,
        directory=directory,
        blobs=blobs,
        own=own,
        entropy=entropy,
        intake=intake,
        resync=resync,
        meter=meter,
    )
    app = web.Application(middlewares=[door.border])
    app[_DOOR] = door
    app.on_response_prepare.append(dress)
    path = TRANSFERS_PATH + "{transfer}"
    app.router.add_post(path, door.post, expect_handler=postpone_continue)
    app.router.add_post(GAPS_PATH, door.post_gaps, expect_handler=postpone_continue)
    app.router.add_post(RESYNC_PATH, door.post_resync, expect_handler=postpone_continue)
    app.router.add_get(path, door.get, allow_head=False, expect_handler=postpone_continue)
    return app


async def listen(
    app: web.Application, *, sock: Listener, ssl_context: ssl.SSLContext, shutdown_seconds: float = 60.0
) -> Runner:
    """Serve the door over mutual TLS 1.3 on a bound socket; `cleanup()` of the runner ends it."""
    assert_strict(ssl_context)
    # A resumed session shows the certificate of its first handshake without checking it again: none is offered.
    ssl_context.num_tickets = 0
    door = Door(name="peer", document=document, entropy=app[_DOOR].entropy)
    return await serve(app, door, sock, ssl_context=ssl_context, shutdown_seconds=shutdown_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Door:
    """The handlers and what they are handed."""

    reception: ReceptionDesk
    directory: Directory
    blobs: Blobs
    own: GatewayId
    entropy: Entropy
    intake: Intake | None
    """Asked before a body is read; without one there is always room."""
    resync: ResyncDesk | None
    """Without one, questions of restored peers are not known here."""
    meter: Meter

    @property
    def border(self) -> Middleware:
        """Middleware: identity first, and every failure as a problem document."""

        @web.middleware
        async def border(request: web.Request, handler: Handler) -> web.StreamResponse:
            caller = parse_traceparent(request.headers.get("traceparent"))
            trace_id = caller.trace_id if caller else new_trace_id(self.entropy)
            resource = request.match_info.route.resource
            labels = ("peer", f"{request.method} {resource.canonical}" if resource else "")
            with bound_ids(trace_id=trace_id), self.meter.timed(REQUEST_SECONDS, *labels):
                response = await self._answer(request, handler)
            self.meter.add(REQUESTS, *labels, str(response.status))
            return response

        return border

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        peer = ""
        try:
            peer = self._identify(request)
            request[_ORIGIN] = peer
            _check_header_bytes(request)
            with bound_ids(peer=peer):
                return await handler(request)
        except GatewayError as error:
            refused = error
        except web.HTTPException as error:
            refused = from_http(error)
        except (ConnectionError, asyncio.CancelledError):
            raise  # the peer went away, or we are closing: nobody is left to answer
        except Exception:  # noqa: BLE001 - the door's border (house.md)
            # A fault of ours is logged with its place and answered without it.
            _log.exception("peer.fault", peer=peer)
            refused = SiteError("internal")
        _log.info("peer.refused", peer=peer, code=refused.code, method=request.method)
        return refusal(refused, document(refused))

    def _identify(self, request: web.Request) -> GatewayId:
        """The gateway at the other end, by the registry in force now, not by that of the handshake."""
        channel: ssl.SSLObject | None = request.get_extra_info("ssl_object")
        certificate = channel.getpeercert(binary_form=True) if channel is not None else None
        if certificate is None:
            raise PeerError("peer.unpinned")
        try:
            peer = identify(self.directory.current(), certificate).gateway
        except PeerError:
            mark_unknown(request)
            raise
        mark_known(request, peer)
        return peer

    async def post(self, request: web.Request) -> web.Response:
        """One transfer."""
        name = _transfer_of(request)
        if self.intake is not None:
            self.intake.admit(document=False)
        body = TransferBody(request.content, digest=_check_headers(request))
        await say_continue(request)
        with bound_ids(transfer=name):
            return _receipt(await self._take(request, name, body))

    async def _take(self, request: web.Request, name: TransferKey, body: TransferBody) -> bytes:
        with self.blobs.lease() as lease:
            return await self._receive(request, name, body, lease)

    async def _receive(self, request: web.Request, name: TransferKey, body: TransferBody, lease: BlobLease) -> bytes:
        origin = request[_ORIGIN]
        try:
            async with asyncio.timeout(limits.BODY_SECONDS_MAX):
                line = await body.slip_line()
                slip = decode_slip(line)
                self._check_slip(slip, name)
                if request.content_length != len(line) + slip.envelope.size:
                    raise PeerError("transfer.malformed", reason="Content-Length")
                await self.reception.admit(origin, slip)
                envelope = await lease.put(body.envelope(slip.envelope), limit=slip.envelope.size)
        except TimeoutError as error:
            raise RoadError("request.timeout") from error
        return await self.reception.receive(origin, slip, envelope, form=_form_of(request))

    async def post_gaps(self, request: web.Request) -> web.Response:
        """A gap notice."""
        notice = await self._token(request, "notice", limits.GAP_NOTICE_BYTES_MAX)
        await self.reception.pass_over(request[_ORIGIN], notice)
        return web.Response(status=204)

    async def post_resync(self, request: web.Request) -> web.Response:
        """A question of a peer that was restored."""
        if self.resync is None:
            raise NotFound("not_found")
        question = await self._token(request, "resync", RESYNC_BYTES_MAX)
        return _receipt(await self.resync.answer(request[_ORIGIN], question))

    async def _token(self, request: web.Request, what: str, limit: int) -> bytes:
        """A JWS that is the whole body."""
        if self.intake is not None:
            self.intake.admit(document=False)
        if hdrs.CONTENT_ENCODING in request.headers:
            raise SenderError("request.encoding")
        if request.content_type != RECEIPT_TYPE:
            raise PeerError("request.media_type", expected=RECEIPT_TYPE)
        size = request.content_length
        if size is None or hdrs.TRANSFER_ENCODING in request.headers:
            raise PeerError("transfer.malformed", reason="Content-Length")
        if size > limit:
            raise PeerError("size.limit", what=what, limit=limit)
        await say_continue(request)
        try:
            async with asyncio.timeout(limits.BODY_IDLE_SECONDS_MAX):
                return await request.content.readexactly(size)
        except TimeoutError as error:
            raise RoadError("request.timeout") from error
        except asyncio.IncompleteReadError as error:
            raise PeerError("transfer.malformed", reason="body") from error

    def _check_slip(self, slip: TransferSlip, name: TransferKey) -> None:
        if slip.transfer != name:
            raise PeerError("transfer.malformed", reason="slip.transfer")
        if slip.destination != self.own:
            raise PeerError("transfer.not_ours")

    async def get(self, request: web.Request) -> web.Response:
        """The answer that was given to this origin for this transfer."""
        name = _transfer_of(request)
        answer = await self.reception.answer_of(request[_ORIGIN], name, form=_form_of(request))
        if answer is None:
            raise NotFound("not_found")
        return _receipt(answer)


_DOOR: Final = web.AppKey("door", _Door)


def _transfer_of(request: web.Request) -> TransferKey:
    name = request.match_info["transfer"]
    if not is_transfer_key(name):
        raise PeerError("transfer.malformed", reason="path")
    return TransferKey(name)


def _form_of(request: web.Request) -> ReceiptForm:
    return accepted_form(",".join(request.headers.getall(hdrs.ACCEPT, [])))


def _check_header_bytes(request: web.Request) -> None:
    if sum(len(name) + len(value) + 4 for name, value in request.raw_headers) > limits.HEADER_BYTES_MAX:
        raise SenderError("size.headers", limit=limits.HEADER_BYTES_MAX)


def _check_headers(request: web.Request) -> bytes:
    """Refuse by the headers what can be refused by them; the SHA-256 that the body must have."""
    if hdrs.CONTENT_ENCODING in request.headers:
        raise SenderError("request.encoding")
    check_content_type(request.headers.get(hdrs.CONTENT_TYPE, ""))
    if request.content_length is None or hdrs.TRANSFER_ENCODING in request.headers:
        raise PeerError("transfer.malformed", reason="Content-Length")
    bound = limits.SLIP_BYTES_MAX + limits.ENVELOPE_BYTES_MAX
    if request.content_length > bound:
        raise PeerError("size.limit", what="body", limit=bound)
    digest = parse_content_digest(",".join(request.headers.getall("Content-Digest", [])))
    if digest is None:
        raise PeerError("transfer.malformed", reason="Content-Digest")
    return digest


def _receipt(receipt: bytes) -> web.Response:
    return web.Response(body=receipt, content_type=RECEIPT_TYPE)
