"""Are the ports of our listeners free, or ours?"""

import errno
import socket
from collections.abc import Sequence
from typing import Final

from gateway.core.errors import SiteError
from gateway.core.health import Check, Finding, found
from gateway.core.reasons import of_os

Listener = tuple[str, str, int]
"""Section of the configuration, address, port."""


class PortProbe:
    """For `doctor`. `ours`: whether our own service runs, so that it is the one who holds them."""

    check: Final = Check.PORTS

    def __init__(self, listeners: Sequence[Listener], *, ours: bool) -> None:
        self._listeners = [listener for listener in listeners if listener[2]]
        self._ours = ours

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`.

        Raises:
            SiteError: `config.invalid`: an address that is not this machine's.
        """
        taken = [(name, port) for name, host, port in self._listeners if not _free(name, host, port)]
        if taken and not self._ours:
            return tuple(found("probe.ports.taken", name=name, port=port) for name, port in taken)
        shown = ", ".join(str(port) for _, _, port in self._listeners)
        return (found("probe.ports.ours" if taken else "probe.ports.free", ports=shown),)


def _free(name: str, host: str, port: int) -> bool:
    try:
        (family, _, _, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        with socket.socket(family) as probe:
            # As asyncio opens its servers: a port whose last connections are still fading away is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except PermissionError:
        return True  # a low port, which the service manager may open for the service
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise SiteError("config.invalid", path=f"{name}.host", reason=of_os(error)) from error
    return True
