"""Accepting: a connection is taken from its listener, shakes hands in time, and gets its protocol.

asyncio's own server would do for this, but it tells nobody which connection a protocol is for, and when descriptors run out
it writes a stack into the log every second.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final, Protocol

from gateway.core import limits
from gateway.http.connection import Place

PAUSE_SECONDS: Final = 1.0
"""After a connection could not be had: who waits, waits in the kernel's queue."""
BACKLOG: Final = 128


class Listener(Protocol):
    """A bound socket that counts its connections."""

    def accept(self) -> tuple[socket.socket, Place]:
        """The next connection and its place; closing it gives the place back.

        Raises:
            ConnectionAbortedError: there was one, and it is closed; another may be waiting.
            BlockingIOError: nobody is there.
            OSError: it cannot be had now.
        """
        ...

    def listen(self, backlog: int, /) -> None:
        """As a socket."""
        ...

    def fileno(self) -> int:
        """As a socket."""
        ...

    def getsockname(self) -> tuple[str, int]:
        """As a socket."""
        ...

    def close(self) -> None:
        """As a socket."""
        ...


class Acceptor:
    """Accepts from one listener until it is closed; what aiohttp's sites call their server."""

    def __init__(
        self,
        listener: Listener,
        make: Callable[[Place], asyncio.Protocol],
        *,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        self._listener = listener
        self._make = make
        self._ssl_context = ssl_context
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def sockets(self) -> tuple[Listener, ...]:
        """What is listened on."""
        return () if self._closed else (self._listener,)

    def start(self) -> None:
        """Begin."""
        self._listener.listen(BACKLOG)
        self._go_on()

    def close(self) -> None:
        """No connection any more; handshakes that are not done are given up."""
        if self._closed:
            return
        self._closed = True
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        for task in self._handshakes:
            task.cancel()

    def _go_on(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(BACKLOG):
            try:
                connection, place = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError:  # the listener has said why
                self._loop.remove_reader(self._listener.fileno())
                self._pause = self._loop.call_later(PAUSE_SECONDS, self._go_on)
                return
            task = self._loop.create_task(self._shake(connection, place))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _shake(self, connection: socket.socket, place: Place) -> None:
        """Asyncio closes the connection when this fails: most often there was nothing but a port scan."""
        bounds = (limits.HANDSHAKE_SECONDS_MAX, limits.TLS_CLOSE_SECONDS_MAX) if self._ssl_context else (None, None)
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._make(place),
                connection,
                ssl=self._ssl_context,
                ssl_handshake_timeout=bounds[0],
                ssl_shutdown_timeout=bounds[1],
            )
        except OSError:  # every error of TLS is one
            connection.close()
