"""A transport whose attempts are counted: each way out gets one around it, and knows nothing of it."""

from pathlib import Path

from gateway.core.carrying import CarryResult, TellResult, Unknown
from gateway.core.ids import GatewayId
from gateway.core.metrics import TRANSFER_SECONDS, TRANSFERS
from gateway.core.model import Transfer
from gateway.core.ports import Meter, Transport


class MeasuredTransport:
    """Port `Transport` around another one; `road` is the word for it in the metrics."""

    def __init__(self, inner: Transport, *, road: str, meter: Meter) -> None:
        self._inner = inner
        self._road = road
        self._meter = meter

    async def carry(self, transfer: Transfer, envelope: Path) -> CarryResult:
        """See `Transport.carry`."""
        with self._meter.timed(TRANSFER_SECONDS, self._road):
            result = await self._inner.carry(transfer, envelope)
        self._count(result)
        return result

    async def inquire(self, transfer: Transfer) -> CarryResult | Unknown:
        """See `Transport.inquire`."""
        result = await self._inner.inquire(transfer)
        self._count(result)
        return result

    async def tell(self, destination: GatewayId, notice: bytes) -> TellResult:
        """See `Transport.tell`."""
        return await self._inner.tell(destination, notice)

    def _count(self, result: CarryResult | Unknown) -> None:
        self._meter.add(TRANSFERS, self._road, type(result).__name__.lower())
