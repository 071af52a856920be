"""`local`: the transport to bodies on this very gateway. The same duties and the same receipt, without HTTP."""

import asyncio
from hashlib import file_digest
from pathlib import Path

from gateway.core.carrying import (
    Answered,
    CarryResult,
    Indeterminate,
    TellResult,
    Told,
    TransferRefused,
    TryLater,
    Unknown,
)
from gateway.core.errors import GatewayError, SiteError
from gateway.core.ids import GatewayId
from gateway.core.model import Transfer
from gateway.exchange.reception_contract import ReceiptForm, ReceptionDesk


class LocalTransport:
    """Hands a transfer to this gateway's own reception desk. The envelope is already in the blob store both share."""

    def __init__(self, *, reception: ReceptionDesk) -> None:
        self._reception = reception

    async def carry(self, transfer: Transfer, envelope: Path) -> CarryResult:
        """See `Transport.carry`.

        Raises:
            SiteError: `blob.damaged`: a damaged disk of ours must not become a refusal of the document.
        """
        slip = transfer.slip
        if await asyncio.to_thread(_digest, envelope) != slip.envelope.digest:
            raise SiteError("blob.damaged", digest=slip.envelope.digest)
        try:
            await self._reception.admit(slip.origin, slip)
            return Answered(await self._reception.receive(slip.origin, slip, slip.envelope, form=ReceiptForm.SECOND))
        except GatewayError as error:
            return _conclude(error)

    async def inquire(self, transfer: Transfer) -> CarryResult | Unknown:
        """See `Transport.inquire`."""
        try:
            answer = await self._reception.answer_of(
                transfer.slip.origin, transfer.slip.transfer, form=ReceiptForm.SECOND
            )
        except GatewayError as error:
            return _conclude(error)
        return Answered(answer) if answer is not None else Unknown()

    async def tell(self, destination: GatewayId, notice: bytes) -> TellResult:
        """See `Transport.tell`."""
        try:
            await self._reception.pass_over(destination, notice)
        except GatewayError as error:
            return _conclude(error)
        return Told()


def _digest(envelope: Path) -> str:
    try:
        with envelope.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _conclude(error: GatewayError) -> TryLater | Indeterminate | TransferRefused:
    """As the peer door and its client would between them: a fault of ours says nothing about the transfer."""
    if error.facts.retryable:
        return TryLater(str(error), road=False)
    if isinstance(error, SiteError):
        return Indeterminate(str(error))
    return TransferRefused(error.code, str(error))
