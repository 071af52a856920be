"""Whom there is, and the road to them."""

from pathlib import Path
from typing import Protocol

from gateway.core.carrying import CarryResult, TellResult, Unknown
from gateway.core.directory import Snapshot
from gateway.core.ids import GatewayId
from gateway.core.model import Transfer


class Directory(Protocol):
    """The registry in force."""

    def current(self) -> Snapshot:
        """The active snapshot: one object per edition, so a caller keeps a consistent view as long as it holds it."""
        ...


class Transport(Protocol):
    """Carries one transfer to one destination gateway. Outcomes are data; it raises only for our own mistakes."""

    async def carry(self, transfer: Transfer, envelope: Path) -> CarryResult:
        """Hand over the slip and the envelope's bytes. Carrying the same transfer again MUST be harmless."""
        ...

    async def inquire(self, transfer: Transfer) -> CarryResult | Unknown:
        """Ask what became of a transfer whose answer was lost, without sending the payload."""
        ...

    async def tell(self, destination: GatewayId, notice: bytes) -> TellResult:
        """Hand over a gap notice (a JWS). Telling it again MUST be harmless."""
        ...
