"""The office API as an aiohttp application, and the runner that holds its connections to the same rules."""

import asyncio
import socket
import ssl
from http import HTTPStatus
from typing import Any, Final

import pydantic_core
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from gateway.api.admission import admission
from gateway.api.border import border, dress, dressed
from gateway.api.gate import gate
from gateway.api.parts import PARTS, ApiParts
from gateway.api.problems import headers_of, problem
from gateway.api.reference import REFERENCE, Reference
from gateway.api.routes import ROUTES, register, scopes
from gateway.core import limits
from gateway.core.errors import GatewayError, SenderError, SiteError
from gateway.observe import bound_ids, logger, new_trace_id

KEEPALIVE_SECONDS: Final = 75.0
LINGER_SECONDS: Final = 5.0
_LINE_BYTES_MAX: Final = limits.HEADER_BYTES_MAX // 2
_BOUNDS: Final[dict[str, Any]] = {
    "access_log": None,
    "keepalive_timeout": KEEPALIVE_SECONDS,
    "lingering_time": LINGER_SECONDS,
    "max_line_size": _LINE_BYTES_MAX,
    "max_field_size": _LINE_BYTES_MAX,
    "max_headers": 64,
    # Compressed bodies are refused by the gate; nothing is inflated before it has looked (security.md 17).
    "auto_decompress": False,
}
_log = logger("gateway.api")


def build_app(parts: ApiParts) -> web.Application:
    """The application. It reads every body itself, under `parts.limits`."""
    # aiohttp's own bound holds for request.read(), which nobody here calls: small, so that whoever does finds out.
    app = web.Application(middlewares=[border, gate(scopes()), admission], client_max_size=limits.KIB)
    app[PARTS] = parts
    app[REFERENCE] = Reference(ROUTES)
    app.on_response_prepare.append(dress)
    app.on_shutdown.append(_close)
    register(app.router)
    return app


async def _close(app: web.Application) -> None:
    """Who waits for events is answered, before aiohttp waits for the requests that are being served."""
    app[PARTS].events.close()


class OfficeRunner(web.AppRunner):
    """Runs the application: bounded headers, no decompression, and problem documents even for what is not HTTP.

    An error in the request line or the headers never reaches a middleware; aiohttp answers it in plain text from the
    protocol, so the protocol is ours.
    """

    def __init__(self, app: web.Application, *, shutdown_seconds: float = 10.0) -> None:
        super().__init__(app, access_log=None, shutdown_timeout=shutdown_seconds)

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return _Server(plain.request_handler, request_factory=plain.request_factory, parts=self.app[PARTS])


async def listen(
    app: web.Application, *, sock: socket.socket, ssl_context: ssl.SSLContext, shutdown_seconds: float = 10.0
) -> OfficeRunner:
    """Serve the application on a bound socket; `cleanup()` of the runner ends it."""
    runner = OfficeRunner(app, shutdown_seconds=shutdown_seconds)
    await runner.setup()
    await _Site(runner, sock, ssl_context=ssl_context).start()
    return runner


class _Site(web.SockSite):
    """The site of aiohttp, but a handshake has to be done in time."""

    async def start(self) -> None:
        """Begin to accept."""
        await web.BaseSite.start(self)
        server = self._runner.server
        assert server is not None
        self._server = await asyncio.get_running_loop().create_server(
            server,
            sock=self._sock,
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=limits.HANDSHAKE_SECONDS_MAX,
        )


class _Server(web.Server):
    def __init__(self, handler: Any, *, request_factory: Any, parts: ApiParts) -> None:
        super().__init__(handler, request_factory=request_factory)
        self.parts = parts

    def __call__(self) -> web.RequestHandler:
        return Protocol(self, loop=asyncio.get_running_loop(), **_BOUNDS)


class Protocol(web.RequestHandler):
    """One connection."""

    __slots__ = ("_first_head", "_server", "_stall", "gone")

    def __init__(self, server: _Server, **kwargs: Any) -> None:
        super().__init__(server, **kwargs)
        self._server = server
        self._first_head: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self.gone = asyncio.Event()
        """Set when the other side has left: nobody reads an answer any more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Cut one too many: after its handshake, for before it a stranger takes nobody's place; the others go on."""
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        if len(self._server.connections) > limits.CONNECTIONS_MAX:
            transport.abort()
        seconds = self._server.parts.limits.head_seconds
        self._first_head = asyncio.get_running_loop().call_later(seconds, self._cut_silence)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wake who waits on behalf of the other side."""
        for timer in (self._first_head, self._stall):
            if timer is not None:
                timer.cancel()
        self.gone.set()
        super().connection_lost(exc)

    def _cut_silence(self) -> None:
        """No request in all that time, or half of one: a slow-loris holds its place no longer (security.md 16)."""
        if not self._request_count:
            _log.info("connection.silent")
            self.force_close()

    def pause_writing(self) -> None:
        """Our buffers are full of what the other side has not taken: from now on it has so long to take some of it."""
        super().pause_writing()
        seconds = self._server.parts.limits.stall_seconds
        self._stall = asyncio.get_running_loop().call_later(seconds, self._cut_stall)

    def resume_writing(self) -> None:
        """It has taken some."""
        if self._stall is not None:
            self._stall.cancel()
        super().resume_writing()

    def _cut_stall(self) -> None:
        """A reader that takes a byte a minute holds no file, no memory and no connection any longer: whatever it reads.

        Aborted and not closed: closing would wait until the other side has taken what lies here.
        """
        _log.info("connection.stalled")
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's signature; it quotes what was sent
    ) -> web.StreamResponse:
        """An error that no middleware has seen."""
        error: GatewayError
        if isinstance(exc, LineTooLong):
            error = SenderError("size.headers", limit=limits.HEADER_BYTES_MAX)
        elif status < HTTPStatus.INTERNAL_SERVER_ERROR:
            error = SenderError("request.malformed", reason="HTTP")
        else:
            error = SiteError("internal")
        entropy = self._server.parts.entropy
        trace_id, request_id = new_trace_id(entropy), entropy(16).hex()
        with bound_ids(trace_id=trace_id, request_id=request_id):
            _log.info("request.refused", code=error.code, exc_info=exc if isinstance(error, SiteError) else None)
        if request.writer.output_size > 0:
            raise ConnectionError("the head of another answer is out already")
        said = problem(error, instance=request.path, trace_id=trace_id)
        response = web.Response(status=said.status, body=pydantic_core.to_json(said), headers=headers_of(error))
        dressed(response, request_id)
        response.force_close()
        return response
