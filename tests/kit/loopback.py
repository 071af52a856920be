"""A TCP (or TLS) server on loopback for tests, that leaves nothing behind when it is closed."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Loopback:
    """Serves every connection with `handler`; `port` is known after `start`."""

    def __init__(self, handler: Handler, *, context: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening, cut what is open, wait until it is gone. May be called twice."""
        assert self._server is not None
        self._server.close()
        self.drop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports report their end in the next turn of the loop

    def adopt(self, writer: asyncio.StreamWriter) -> None:
        """Let `drop` cut this connection too."""
        self._writers.add(writer)

    def drop(self) -> None:
        """Cut every connection now: no more byte passes in either direction."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side went away: what these servers are for
        finally:
            writer.close()
