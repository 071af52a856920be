"""The listening side of peer/v1: who asks, is it well formed, is it complete; then the reception desk decides.

A request goes through `border` (identity on every request, problems for every error) to its handler. Nothing is handed to a
desk before the last byte was checked, and no transfer is answered before its desk has a receipt. Pieces of a large envelope
are nothing to a desk: the transfer that follows them is.
"""

import asyncio
import ssl
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from gateway.core import limits
from gateway.core.errors import Conflict, GatewayError, NotFound, PeerError, RoadError, SenderError, SiteError
from gateway.core.ids import Digest, Entropy, GatewayId, TransferKey
from gateway.core.metrics import REQUEST_SECONDS, REQUESTS
from gateway.core.model import TransferSlip
from gateway.core.ports import BlobLease, Blobs, Directory, Intake, Meter, Uploads
from gateway.core.restore_limits import RESYNC_BYTES_MAX
from gateway.core.sizes import USUAL, Sizes, patience
from gateway.exchange import ReceptionDesk, ResyncDesk
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
from gateway.peer.body import TransferBody, piece_of
from gateway.peer.heads import (
    check_header_bytes,
    check_headers,
    check_piece,
    form_of,
    standing,
    transfer_of,
    upload_of,
    with_receipt,
)
from gateway.peer.problems import document
from gateway.peer.session import assert_strict, identify
from gateway.peer.wire import (
    GAPS_PATH,
    RECEIPT_TYPE,
    RESYNC_PATH,
    TRANSFERS_PATH,
    UPLOAD,
    decode_slip,
    is_uploaded,
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
    sizes: Sizes = USUAL,
    uploads: Uploads | None = None,
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
        sizes=sizes,
        uploads=uploads,
    )
    app = web.Application(middlewares=[door.border])
    app[_DOOR] = door
    app.on_response_prepare.append(dress)
    path = TRANSFERS_PATH + "{transfer}"
    app.router.add_post(path, door.post, expect_handler=postpone_continue)
    app.router.add_post(GAPS_PATH, door.post_gaps, expect_handler=postpone_continue)
    app.router.add_post(RESYNC_PATH, door.post_resync, expect_handler=postpone_continue)
    app.router.add_get(path, door.get, allow_head=False, expect_handler=postpone_continue)
    if uploads is not None:
        app.router.add_post(path + UPLOAD, door.begin, expect_handler=postpone_continue)
        app.router.add_patch(path + UPLOAD, door.piece, expect_handler=postpone_continue)
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
    sizes: Sizes
    uploads: Uploads | None
    """Envelopes that come in pieces; without it none does."""

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
            check_header_bytes(request)
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
        name = transfer_of(request)
        if self.intake is not None:
            self.intake.admit(document=False)
        body = TransferBody(request.content, digest=check_headers(request, self.sizes))
        await say_continue(request)
        with bound_ids(transfer=name):
            if self.uploads is not None and is_uploaded(request.headers.get(hdrs.CONTENT_TYPE, "")):
                return with_receipt(await self._receive_uploaded(request, name, body, self.uploads))
            return with_receipt(await self._take(request, name, body))

    async def _take(self, request: web.Request, name: TransferKey, body: TransferBody) -> bytes:
        with self.blobs.lease() as lease:
            return await self._receive(request, name, body, lease)

    async def _receive(self, request: web.Request, name: TransferKey, body: TransferBody, lease: BlobLease) -> bytes:
        origin = request[_ORIGIN]
        try:
            async with asyncio.timeout(patience(limits.BODY_SECONDS_MAX, request.content_length or 0)):
                line = await body.slip_line()
                slip = decode_slip(line, envelope_bytes=self.sizes.envelope_bytes)
                self._check_slip(slip, name)
                if request.content_length != len(line) + slip.envelope.size:
                    raise PeerError("transfer.malformed", reason="Content-Length")
                await self.reception.admit(origin, slip)
                envelope = await lease.put(body.envelope(slip.envelope), limit=slip.envelope.size)
        except TimeoutError as error:
            raise RoadError("request.timeout") from error
        return await self.reception.receive(origin, slip, envelope, form=form_of(request))

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
        return with_receipt(await self.resync.answer(request[_ORIGIN], question))

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

    # --- in pieces ---------------------------------------------------------------------------------------------------

    async def begin(self, request: web.Request) -> web.Response:
        """How much of a transfer's envelope has come: nothing, when its slip comes for the first time."""
        name, origin = transfer_of(request), request[_ORIGIN]
        if self.intake is not None:
            self.intake.admit(document=False)
        body = TransferBody(request.content, digest=check_headers(request, self.sizes))
        await say_continue(request)
        with bound_ids(transfer=name):
            slip, mark = await self._slip_alone(request, name, body)
            if answer := await self.reception.answer_of(origin, name, form=form_of(request)):
                return with_receipt(answer)
            assert self.uploads is not None, "the route is there"
            try:
                upload = await self.uploads.begin(upload_of(origin, name), slip.envelope, mark=mark)
            except Conflict as error:
                if error.code == "upload.conflict":
                    raise Conflict("transfer.conflict") from error
                raise
        return standing(upload)

    async def piece(self, request: web.Request) -> web.Response:
        """Some more of an envelope. It is admitted by the slip that began it; what is here is this origin's alone."""
        name, origin = transfer_of(request), request[_ORIGIN]
        if self.intake is not None:
            self.intake.admit(document=False)
        offset, size, digest = check_piece(request)
        assert self.uploads is not None, "the route is there"
        upload = upload_of(origin, name)
        if (found := await self.uploads.find(upload)) is None:
            raise Conflict("upload.incomplete")  # begun too long ago: the origin begins anew
        await say_continue(request)
        try:
            async with asyncio.timeout(patience(limits.BODY_SECONDS_MAX, found.whole.size)):
                stands = await self.uploads.append(upload, offset, piece_of(request.content, size, digest))
        except TimeoutError as error:
            raise RoadError("request.timeout") from error
        except NotFound as error:  # gone since: 404 would say that envelopes in pieces are not known here
            raise Conflict("upload.incomplete") from error
        return standing(stands)

    async def _receive_uploaded(
        self, request: web.Request, name: TransferKey, body: TransferBody, uploads: Uploads
    ) -> bytes:
        origin, form = request[_ORIGIN], form_of(request)
        slip, _ = await self._slip_alone(request, name, body)
        if answer := await self.reception.answer_of(origin, name, form=form):
            await uploads.drop(upload_of(origin, name))
            return answer
        with self.blobs.lease() as lease:
            try:
                envelope = await uploads.take(upload_of(origin, name), lease)
            except NotFound as error:
                raise Conflict("upload.incomplete") from error
            if envelope != slip.envelope:
                raise Conflict("transfer.conflict")
            receipt = await self.reception.receive(origin, slip, envelope, form=form)
        await uploads.drop(upload_of(origin, name))
        return receipt

    async def _slip_alone(
        self, request: web.Request, name: TransferKey, body: TransferBody
    ) -> tuple[TransferSlip, Digest]:
        """The slip of a body that is nothing else, admitted; and what names it."""
        try:
            async with asyncio.timeout(limits.BODY_SECONDS_MAX):
                line = await body.slip_line()
                await body.end()
        except TimeoutError as error:
            raise RoadError("request.timeout") from error
        slip = decode_slip(line, envelope_bytes=self.sizes.envelope_bytes)
        self._check_slip(slip, name)
        await self.reception.admit(request[_ORIGIN], slip)
        return slip, Digest(sha256(line).hexdigest())

    def _check_slip(self, slip: TransferSlip, name: TransferKey) -> None:
        if slip.transfer != name:
            raise PeerError("transfer.malformed", reason="slip.transfer")
        if slip.destination != self.own:
            raise PeerError("transfer.not_ours")

    async def get(self, request: web.Request) -> web.Response:
        """The answer that was given to this origin for this transfer."""
        name = transfer_of(request)
        answer = await self.reception.answer_of(request[_ORIGIN], name, form=form_of(request))
        if answer is None:
            raise NotFound("not_found")
        return with_receipt(answer)


_DOOR: Final = web.AppKey("door", _Door)
