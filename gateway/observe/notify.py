"""What the service manager is told (sd_notify(3)): ready, reloading, stopping, and again and again that the loop is alive.

One datagram to the socket named by NOTIFY_SOCKET; without one there is nobody to tell. A leading `@` is Linux's abstract
name space. When it fails the work goes on: a manager that hears nothing draws its own conclusions.
"""

import contextlib
import socket
from collections.abc import Mapping
from typing import Final

from gateway.core.ports import Clock

WATCHDOG_SECONDS_MIN: Final = 0.2


class ServiceManager:
    """The service manager that started this process, if one did."""

    def __init__(self, environ: Mapping[str, str], *, clock: Clock) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._watchdog = int(found) / 1e6 if (found := environ.get("WATCHDOG_USEC", "")).isdigit() else 0.0
        self._clock = clock

    def tell(self, *lines: str) -> None:
        """Send `READY=1`, `STOPPING=1`, `STATUS=…` and the like."""
        if not self._address.startswith(("/", "@")):
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.setblocking(False)
            channel.sendto("\n".join(lines).encode(), self._address.replace("@", "\0", 1))

    def reloading(self) -> None:
        """Say that a reload has begun; `READY=1` says that it has ended (Type=notify-reload wants the moment, too)."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={int(self._clock.monotonic() * 1e6)}")

    async def keep_alive(self) -> None:
        """Tell the watchdog, twice in each of its periods, that the loop answers. Ends at once where there is none."""
        while self._watchdog:
            self.tell("WATCHDOG=1")
            await self._clock.sleep(max(WATCHDOG_SECONDS_MIN, self._watchdog / 2))
