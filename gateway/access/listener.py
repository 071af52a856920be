"""The listening socket of a door: every address gets its share of connections and of handshakes, counted before the first.

asyncio shows a protocol its connection only after the handshake; until then somebody could open sockets without end, each
of which waits for a handshake that never comes. So the socket itself counts: it accepts, looks at the address, and closes
at once what is too much of it: connections that are open, and new ones in a time, for each costs a handshake (about 1 ms
of CPU, measured), also one that is given up at once. asyncio is told `ConnectionAbortedError`, which it takes for "nobody
is there", and comes again.

When it fails: the caller sees his connection closed before a byte was read, and nothing else happens.
"""

import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from gateway.access.buckets import Buckets, Rate
from gateway.core.addresses import share_of
from gateway.core.limits import CONNECTIONS_BURST, CONNECTIONS_PER_ADDRESS, CONNECTIONS_PER_MINUTE, SOCKETS_MAX
from gateway.core.ports import Clock
from gateway.observe import logger

_ALL: Final = "*"
_ARRIVALS: Final = Rate(per_minute=CONNECTIONS_PER_MINUTE, burst=CONNECTIONS_BURST)
_log: Final = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one address (a /64 with IPv6) may have of a listener, and all together."""

    open: int = CONNECTIONS_PER_ADDRESS
    arrivals: Rate = _ARRIVALS
    total: int = SOCKETS_MAX


class _Counted(socket.socket):
    """An accepted connection that gives its place back when it is closed."""

    def __init__(self, accepted: socket.socket, leave: Callable[[], None]) -> None:
        self._leave: Callable[[], None] | None = None
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self._leave = leave

    def close(self) -> None:
        """Close, and give the place back, once."""
        super().close()
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()

    def __del__(self) -> None:
        self.close()


class SharedListener(socket.socket):
    """A bound socket for `create_server(sock=...)`; made by `open_listener`, used in one event loop only."""

    def __init__(self, family: int, *, share: Share, clock: Clock) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._share = share
        self._arrivals = Buckets("connections", share.arrivals, clock=clock)
        self._open: Counter[str] = Counter()
        self._count = 0
        self._told: set[str] = set()

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection.

        Raises:
            ConnectionAbortedError: it was one too many of its address, or of all, or came too soon, and is closed.
        """
        connection, address = super().accept()
        name = share_of(str(address[0]))
        if self._count >= self._share.total:
            self._refuse(connection, _ALL)
        if self._open[name] >= self._share.open or self._arrivals.take(name).wait_seconds:
            self._refuse(connection, name)
        self._open[name] += 1
        self._count += 1
        return _Counted(connection, lambda: self._leave(name)), address

    def _leave(self, name: str) -> None:
        self._count -= 1
        self._open[name] -= 1
        if not self._open[name]:
            del self._open[name]
            self._told.discard(name)
        if self._count < self._share.total // 2:
            self._told.discard(_ALL)

    def _refuse(self, connection: socket.socket, name: str) -> NoReturn:
        """Close it; a line in the log once for each address until it has left altogether: that is no place to flood, either."""
        connection.close()
        if name not in self._told:
            self._told.add(name)
            _log.warning("listener.full", address=name, open=self._open[name], share=self._share.open)
        raise ConnectionAbortedError


def open_listener(host: str, port: int, *, share: Share, clock: Clock) -> SharedListener:
    """Bind. Port 0 takes a free one.

    Raises:
        OSError: the address cannot be had.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = SharedListener(family, share=share, clock=clock)
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
