"""The office API as an aiohttp application, and how it is served."""

import ssl
from typing import Final

from aiohttp import web

from gateway.api.admission import admission
from gateway.api.border import border, dress
from gateway.api.gate import gate
from gateway.api.parts import PARTS, ApiParts
from gateway.api.problems import document
from gateway.api.reference import REFERENCE, Reference
from gateway.api.routes import ROUTES, bringing, register, scopes
from gateway.core import limits
from gateway.http import Door, Listener, Runner, serve

SHUTDOWN_SECONDS: Final = 10.0


def build_app(parts: ApiParts) -> web.Application:
    """The application. It reads every body itself, under `parts.limits`."""
    # aiohttp's own bound holds for request.read(), which nobody here calls: small, so that whoever does finds out.
    app = web.Application(middlewares=[border, gate(scopes()), admission(bringing())], client_max_size=limits.KIB)
    app[PARTS] = parts
    app[REFERENCE] = Reference(ROUTES)
    app.on_response_prepare.append(dress)
    app.on_shutdown.append(_close)
    register(app.router)
    return app


async def _close(app: web.Application) -> None:
    """Who waits for events is answered, before aiohttp waits for the requests that are being served."""
    app[PARTS].events.close()


class OfficeRunner(Runner):
    """Runs the application; for who brings a site of his own."""

    def __init__(self, app: web.Application, *, shutdown_seconds: float = SHUTDOWN_SECONDS) -> None:
        super().__init__(app, _door(app), shutdown_seconds=shutdown_seconds)


def _door(app: web.Application) -> Door:
    parts = app[PARTS]
    return Door(
        name="office",
        document=document,
        entropy=parts.entropy,
        head_seconds=parts.limits.head_seconds,
        stall_seconds=parts.limits.stall_seconds,
    )


async def listen(
    app: web.Application,
    *,
    sock: Listener,
    ssl_context: ssl.SSLContext,
    shutdown_seconds: float = SHUTDOWN_SECONDS,
) -> Runner:
    """Serve the application on a bound socket; `cleanup()` of the runner ends it."""
    return await serve(app, _door(app), sock, ssl_context=ssl_context, shutdown_seconds=shutdown_seconds)
