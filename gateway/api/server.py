"""The office API as an aiohttp application, and the runner that holds its connections to the same rules."""

import asyncio
import json
from http import HTTPStatus
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.http_exceptions import LineTooLong

from gateway.api.admission import admission, prepare_draining
from gateway.api.border import border, dress
from gateway.api.gate import gate
from gateway.api.parts import PARTS, ApiParts
from gateway.api.problems import MEDIA_TYPE, problem
from gateway.api.routes import register, scopes
from gateway.core import limits
from gateway.core.errors import GatewayError, SenderError, SiteError
from gateway.observe import logger

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
    prepare_draining(app)
    app.on_response_prepare.append(dress)
    register(app.router)
    return app


class OfficeRunner(web.AppRunner):
    """Runs the application: bounded headers, no decompression, and problem documents even for what is not HTTP.

    An error in the request line or the headers never reaches a middleware; aiohttp answers it in plain text from the
    protocol, so the protocol is ours.
    """

    def __init__(self, app: web.Application, *, shutdown_seconds: float = 10.0) -> None:
        super().__init__(app, access_log=None, shutdown_timeout=shutdown_seconds)

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return _Server(plain.request_handler, request_factory=plain.request_factory)


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Protocol(self, loop=asyncio.get_running_loop(), **_BOUNDS)


class _Protocol(web.RequestHandler):
    __slots__ = ("_server",)

    def __init__(self, server: web.Server, **kwargs: Any) -> None:
        super().__init__(server, **kwargs)
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Cut one too many: after its handshake, for before it a stranger takes nobody's place; the others go on."""
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        if len(self._server.connections) > limits.CONNECTIONS_MAX:
            transport.abort()

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
            error = SenderError("size.limit", what="headers", limit=limits.HEADER_BYTES_MAX)
        elif status < HTTPStatus.INTERNAL_SERVER_ERROR:
            error = SenderError("request.malformed", reason="HTTP")
        else:
            error = SiteError("internal")
        _log.info("request.refused", code=error.code, exc_info=exc if isinstance(error, SiteError) else None)
        if request.writer.output_size > 0:
            raise ConnectionError("the head of another answer is out already")
        members: dict[str, Any] = problem(error, status=error.facts.status, instance=request.path, trace_id="")
        response = web.Response(
            status=error.facts.status,
            body=json.dumps(members, ensure_ascii=False).encode(),
            headers={hdrs.CONTENT_TYPE: MEDIA_TYPE},
        )
        response.force_close()
        return response
