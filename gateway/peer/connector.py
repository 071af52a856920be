"""Connections to peers on which a request may go out: opened under the registry in force, to the key pinned in it.

aiohttp asks its connector for a connection before every request, whether it is a new one or one from the pool. That is
the place to look at the server's key: nothing of the request has been written yet.
"""

import ssl
from typing import Final
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from gateway.core import limits
from gateway.core.directory import Snapshot
from gateway.core.errors import PeerError
from gateway.core.ports import Directory
from gateway.peer.session import assert_strict, identify

KEEP_ALIVE_SECONDS: Final = 15.0
"""Well below the server's, so that a request seldom meets a connection which is just being closed."""


class WrongKeyError(aiohttp.ClientConnectionError):
    """The server is not the gateway we meant; nothing was sent."""


class PinnedConnector(aiohttp.TCPConnector):
    """A pool whose connections are checked before each use. Requests must name the gateway as `server_hostname`."""

    def __init__(self, *, directory: Directory, ssl_context: ssl.SSLContext) -> None:
        assert_strict(ssl_context)
        assert ssl_context.check_hostname, "a gateway is called by its name"
        super().__init__(
            ssl=ssl_context,
            limit=0,
            limit_per_host=limits.WINDOW_MAX,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            use_dns_cache=False,
        )
        self._directory = directory
        self._editions: WeakKeyDictionary[object, Snapshot] = WeakKeyDictionary()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the signature of the hook
    ) -> Connection:
        """A connection to the gateway named by the request, its key checked against the registry in force.

        Raises:
            WrongKeyError: the server's key is not that gateway's.
        """
        while True:
            connection = await super().connect(req, traces, timeout)
            snapshot = self._directory.current()
            # A connection from the time of another edition is closed, not asked again: its handshake is out of date.
            if self._editions.setdefault(connection.protocol, snapshot) is snapshot:
                break
            connection.close()
        try:
            _check_key(connection, snapshot, req.server_hostname)
        except WrongKeyError:
            connection.close()
            raise
        return connection


def _check_key(connection: Connection, snapshot: Snapshot, gateway: str | None) -> None:
    channel = connection.transport.get_extra_info("ssl_object") if connection.transport else None
    certificate = channel.getpeercert(binary_form=True) if channel else None
    if certificate is None:
        raise WrongKeyError("no certificate")
    try:
        found = identify(snapshot, certificate).gateway
    except PeerError as error:
        raise WrongKeyError("key not pinned") from error
    if found != gateway:
        raise WrongKeyError("key of another gateway")
