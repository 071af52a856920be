"""The port `TimestampAuthority` without a network, and a real server of one for the client: both by the declared PKI."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from aiohttp import web

from gateway.core.errors import SiteError
from gateway.core.ports import Clock
from tests.kit.certomancer.declared import answer_timestamp, timestamp

Answer = Callable[[bytes, datetime], web.Response]
"""What a server says to a request at a moment."""


class DeclaredAuthority:
    """Stamps at the clock's time; `away`: does not answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.away = False

    async def stamp(self, digest: bytes) -> bytes:
        """See `TimestampAuthority.stamp`."""
        if self.away:
            raise SiteError("timestamp.unavailable", asked=1, said="away")
        return timestamp(digest, self._clock.now())


def good(request: bytes, moment: datetime) -> web.Response:
    """An honest answer."""
    return reply(answer_timestamp(request, moment))


def reply(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/timestamp-reply")


@asynccontextmanager
async def served(clock: Clock, answer: Answer) -> AsyncIterator[str]:
    """A server on loopback that answers like that; its address."""

    async def handle(request: web.Request) -> web.Response:
        return answer(await request.read(), clock.now())

    app = web.Application()
    app.router.add_post("/tsa", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/tsa"
    finally:
        await runner.cleanup()
