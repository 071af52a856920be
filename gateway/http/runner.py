"""Runs an application on a listener, and ends it: requests in flight are answered, then nothing is left open."""

import asyncio
import ssl
from typing import cast

from aiohttp import web

from gateway.core.errors import SenderError
from gateway.http.acceptor import Acceptor, Listener
from gateway.http.answers import from_http
from gateway.http.connection import Connection, Door, Server, refuse_early
from gateway.http.framing import check_framing, is_last


class Runner(web.AppRunner):
    """The runner of aiohttp, with connections of ours."""

    def __init__(self, app: web.Application, door: Door, *, shutdown_seconds: float) -> None:
        super().__init__(app, access_log=None, shutdown_timeout=shutdown_seconds)
        self._door = door

    async def _make_server(self) -> Server:
        plain = await super()._make_server()

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            """What is refused before the first middleware is refused in our words, too."""
            try:
                check_framing(request)
            except SenderError as error:
                return refuse_early(self._door, request, error)
            try:
                response = await plain.request_handler(request)
            except web.HTTPException as raised:
                return refuse_early(self._door, request, from_http(raised))
            if is_last(request):
                response.force_close()
            return response

        return Server(handle, request_factory=plain.request_factory, door=self._door)


class _Site(web.BaseSite):
    """The site of aiohttp, over an acceptor."""

    def __init__(self, runner: Runner, listener: Listener, *, ssl_context: ssl.SSLContext | None) -> None:
        super().__init__(runner, ssl_context=ssl_context)
        self._listener = listener

    @property
    def name(self) -> str:
        """Where it listens."""
        host, port = self._listener.getsockname()[:2]
        return f"{host}:{port}"

    async def start(self) -> None:
        """Begin to accept."""
        await super().start()
        server = self._runner.server
        assert isinstance(server, Server)
        acceptor = Acceptor(self._listener, server.connection, ssl_context=self._ssl_context)
        self._server = cast("asyncio.AbstractServer", acceptor)  # all that aiohttp wants of it is `close` and `sockets`
        acceptor.start()


async def serve(
    app: web.Application,
    door: Door,
    listener: Listener,
    *,
    ssl_context: ssl.SSLContext | None = None,
    shutdown_seconds: float,
) -> Runner:
    """Serve the application; `cleanup()` of the runner ends it."""
    runner = Runner(app, door, shutdown_seconds=shutdown_seconds)
    await runner.setup()
    await _Site(runner, listener, ssl_context=ssl_context).start()
    return runner


def let_go(runner: web.AppRunner) -> None:
    """Close every connection whose other side has shown a certificate, once it has answered what it was asked.

    For new anchors: TLS looks at a chain in the handshake and never after; whoever comes again shakes hands again.
    """
    for connection in runner.server.connections if runner.server is not None else ():
        if isinstance(connection, Connection) and connection.has_certificate():
            connection.let_go()
