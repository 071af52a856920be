"""`local`: the transport to bodies on this very gateway. The same duties and the same receipt, without HTTP."""

from pathlib import Path

from gateway.core.errors import GatewayError
from gateway.core.model import Transfer
from gateway.core.ports import Answered, CarryResult, TransferRefused, TryLater, Unknown
from gateway.exchange.deliver import is_temporary
from gateway.exchange.reception_contract import ReceptionDesk


class LocalTransport:
    """Hands a transfer to this gateway's own reception desk. The envelope is already in the blob store both share."""

    def __init__(self, *, reception: ReceptionDesk) -> None:
        self._reception = reception

    async def carry(self, transfer: Transfer, envelope: Path) -> CarryResult:  # noqa: ARG002 - named by the slip
        """See `Transport.carry`."""
        slip = transfer.slip
        try:
            await self._reception.admit(slip.origin, slip)
            return Answered(await self._reception.receive(slip.origin, slip, slip.envelope))
        except GatewayError as error:
            if is_temporary(error):
                return TryLater(str(error))
            return TransferRefused(error.code, str(error))

    async def inquire(self, transfer: Transfer) -> CarryResult | Unknown:
        """See `Transport.inquire`."""
        answer = await self._reception.answer_of(transfer.slip.origin, transfer.slip.transfer)
        return Answered(answer) if answer is not None else Unknown()
