"""The listening socket of a door: every address gets its share of connections, counted before the TLS handshake.

asyncio shows a protocol its connection only after the handshake; until then somebody could open sockets without end, each
of which waits for a handshake that never comes. So the socket itself counts: it accepts, looks at the address, and closes
at once what is too much. asyncio is told `ConnectionAbortedError`, which it takes for "nobody is there", and comes again.

When it fails: the caller sees his connection closed before a byte was read, and nothing else happens.
"""

import socket
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from gateway.core.addresses import share_of
from gateway.core.limits import SOCKETS_MAX
from gateway.observe import logger

_ALL: Final = "*"
_log: Final = logger(__name__)


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

    def __init__(self, family: int, *, share: int, total: int) -> None:
        super().__init__(family, socket.SOCK_STREAM)
        self._share = share
        self._total = total
        self._open: Counter[str] = Counter()
        self._count = 0
        self._told: set[str] = set()

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection.

        Raises:
            ConnectionAbortedError: it was one too many of its address, or of all, and is closed.
        """
        connection, address = super().accept()
        name = share_of(str(address[0]))
        if self._open[name] >= self._share or self._count >= self._total:
            connection.close()
            self._tell(name if self._open[name] >= self._share else _ALL)
            raise ConnectionAbortedError
        self._open[name] += 1
        self._count += 1
        return _Counted(connection, lambda: self._leave(name)), address

    def _leave(self, name: str) -> None:
        self._count -= 1
        self._open[name] -= 1
        if not self._open[name]:
            del self._open[name]
            self._told.discard(name)
        if self._count < self._total // 2:
            self._told.discard(_ALL)

    def _tell(self, name: str) -> None:
        """Once for each address until it has left altogether: the log is no place to flood, either."""
        if name not in self._told:
            self._told.add(name)
            _log.warning("listener.full", address=name, share=self._share, total=self._total)


def open_listener(host: str, port: int, *, share: int, total: int = SOCKETS_MAX) -> SharedListener:
    """Bind; `share` is how many connections one address (a /64 with IPv6) may have open. Port 0 takes a free one.

    Raises:
        OSError: the address cannot be had.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = SharedListener(family, share=share, total=total)
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
