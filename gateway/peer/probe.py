"""Can the other gateways be reached, and are they who the registry says? A handshake with each, and no request.

Asked by an operator (`doctor --peers`) and by nobody else: whether this gateway is well does not depend on others.
"""

import asyncio
import ssl
from typing import Final
from urllib.parse import urlsplit

from gateway.core.directory import GatewayEntry, Snapshot
from gateway.core.errors import PeerError
from gateway.core.health import Check, Finding, found
from gateway.core.ids import GatewayId
from gateway.core.limits import CONNECT_SECONDS_MAX
from gateway.core.ports import Clock
from gateway.peer.session import assert_strict, identify

AT_ONCE: Final = 16


class PeerProbe:
    """Handshakes with all other gateways of an edition, a few at a time."""

    check: Final = Check.PEERS

    def __init__(self, snapshot: Snapshot, *, own: GatewayId, ssl_context: ssl.SSLContext, clock: Clock) -> None:
        assert_strict(ssl_context)
        self._snapshot = snapshot
        self._own = own
        self._context = ssl_context
        self._clock = clock

    @property
    def seconds(self) -> float:
        """What asking them all may take."""
        return CONNECT_SECONDS_MAX * (len(self._snapshot.gateways) // AT_ONCE + 1) + 1

    async def look(self) -> tuple[Finding, ...]:
        """See `Probe.look`; unreached ones first."""
        places = asyncio.Semaphore(AT_ONCE)
        others = [entry for name, entry in sorted(self._snapshot.gateways.items()) if name != self._own]
        findings = await asyncio.gather(*(self._ask(entry, places) for entry in others))
        return tuple(sorted(findings, key=lambda finding: finding.code, reverse=True))

    async def _ask(self, entry: GatewayEntry, places: asyncio.Semaphore) -> Finding:
        async with places:
            began = self._clock.monotonic()
            try:
                async with asyncio.timeout(CONNECT_SECONDS_MAX):
                    await self._shake_hands(entry)
            except PeerError as error:
                return found("probe.peers.unreached", peer=entry.gateway, reason=error.code)
            except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
                return found("probe.peers.unreached", peer=entry.gateway, reason=type(error).__name__)
            milliseconds = round((self._clock.monotonic() - began) * 1000)
            return found("probe.peers.reached", peer=entry.gateway, milliseconds=milliseconds)

    async def _shake_hands(self, entry: GatewayEntry) -> None:
        """Connect and look at the key.

        Raises:
            OSError: no connection or no TLS; PeerError: another key than the registry's.
        """
        address = urlsplit(entry.url)
        _, writer = await asyncio.open_connection(
            address.hostname, address.port, ssl=self._context, server_hostname=entry.gateway
        )
        try:
            certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            if identify(self._snapshot, certificate).gateway != entry.gateway:
                raise PeerError("peer.unpinned")
        finally:
            writer.transport.abort()
