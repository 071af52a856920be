"""The listening socket of a door: counts every connection from its accepting on, and says which has to go.

asyncio shows a protocol its connection only after the handshake; until then somebody could open sockets without end, each
of which waits for a handshake that never comes. So the socket itself counts (`places`). What comes too fast from one address
is closed at once: each new connection costs a handshake (about 1 ms of CPU, measured), also one that is given up at once.

When it fails: a connection that has to go is closed, and nothing else happens. When the process has no descriptors left, a few
of the oldest strangers go, the door is told to wait a moment, and what has not been accepted waits in the kernel's queue.
The log gets one line a minute for each of these, with a number; that is no place to flood, either.
"""

import errno
import socket
import weakref
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from gateway.access.buckets import Buckets
from gateway.access.places import Place, Places, Share
from gateway.core.addresses import share_of
from gateway.core.ports import Clock
from gateway.observe import logger

QUIET_SECONDS: Final = 60.0
RELIEF: Final = 16
"""Strangers that go when descriptors have run out: enough for what the others open next."""
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_log: Final = logger(__name__)


class _Accepted(socket.socket):
    """A connection that gives its place back when it is closed."""

    def __init__(self, accepted: socket.socket, places: Places, address: str) -> None:
        self._leave: Callable[[], None] | None = None
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        # The place must not keep its connection alive: one that is forgotten has to be closed.
        self.place: Final = places.take(address, partial(_end, weakref.ref(self)))
        self._leave = partial(places.leave, self.place)

    def close(self) -> None:
        """Close, and give the place back, once."""
        super().close()
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()

    def __del__(self) -> None:
        self.close()


class SharedListener(socket.socket):
    """A bound socket; made by `open_listener`, used in one event loop only."""

    def __init__(self, family: int, *, share: Share, clock: Clock, count: Callable[[str], object]) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._clock = clock
        self._count = count
        self._arrivals = Buckets("connections", share.arrivals, clock=clock)
        self._unsaid: Counter[str] = Counter()
        self._said_at: dict[str, float] = {}
        self.places: Final = Places(share, on_cut=lambda reason, place: self._note(reason, place.address))

    def accept(self) -> tuple[socket.socket, Place]:
        """The next connection, and its place.

        Raises:
            ConnectionAbortedError: it came too soon after others of its address, and is closed.
            BlockingIOError: nobody is there.
            OSError: it cannot be had now: come again in a moment.
        """
        try:
            connection, address = super().accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                self._note("descriptors", str(error.strerror))
                self.places.cut_oldest(RELIEF, "descriptors")
            raise
        name = share_of(str(address[0]))
        if self._arrivals.take(name).wait_seconds:
            connection.close()
            self._note("rate", name)
            raise ConnectionAbortedError
        accepted = _Accepted(connection, self.places, name)
        return accepted, accepted.place

    def _note(self, reason: str, about: str) -> None:
        """Count it, and say it if nothing was said of its kind for a while."""
        self._count(reason)
        self._unsaid[reason] += 1
        now = self._clock.monotonic()
        if now - self._said_at.get(reason, -QUIET_SECONDS) >= QUIET_SECONDS:
            self._said_at[reason] = now
            port = self.getsockname()[1]
            _log.warning("listener.full", port=port, reason=reason, last=about, closed=self._unsaid.pop(reason))


def _uncounted(_: str) -> None:
    """For whoever does not count."""


def open_listener(
    host: str, port: int, *, share: Share, clock: Clock, count: Callable[[str], object] = _uncounted
) -> SharedListener:
    """Bind. Port 0 takes a free one. `count` is told the reason whenever a connection has to go.

    Raises:
        OSError: the address cannot be had.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = SharedListener(family, share=share, clock=clock, count=count)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _end(connection: "weakref.ref[socket.socket]") -> None:
    """End it under the hands of whoever shakes hands over it: he reads the end of the stream, and closes it."""
    if (found := connection()) is not None:
        with suppress(OSError):  # the other side was faster
            found.shutdown(socket.SHUT_RDWR)
