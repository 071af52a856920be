"""The road between the two gateways of `exchange_world`: it can be down, lose answers, or change bytes."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.core.carrying import (
    Answered,
    CarryResult,
    Indeterminate,
    TellResult,
    Told,
    TransferRefused,
    TryLater,
    Unknown,
    Unreachable,
)
from gateway.core.errors import GatewayError
from gateway.core.ids import Digest, GatewayId
from gateway.core.model import Transfer
from gateway.exchange import ReceiptForm, Reception, ResyncAnswers
from gateway.storage import FileBlobs
from tests.kit.blobs import stored


class Peer(Protocol):
    """Whoever is at the other end."""

    reception: Reception
    resync: ResyncAnswers
    blobs: FileBlobs


@dataclass
class Road:
    """The way to the other gateway, and what can go wrong on it. Implements the port `Transport`."""

    origin: GatewayId
    reach: Callable[[GatewayId], Peer]
    down: bool = False
    lose_answers: int = 0
    """So many answers are lost after the peer has stored the transfer."""
    busy: int = 0
    change: Callable[[bytes], bytes] | None = None
    """What happens to an envelope's bytes on the way."""
    forge: Callable[[bytes], bytes] | None = None
    """What happens to a receipt's bytes on the way back."""
    carried: int = 0
    asked: int = 0
    told: int = 0
    mute: bool = False
    """The other side is of before: it knows no gap notices."""
    form: ReceiptForm = ReceiptForm.SECOND
    """The latest receipt that the origin reads."""

    async def carry(self, transfer: Transfer, envelope: Path) -> CarryResult:
        if self.down:
            return Unreachable("down")
        if self.busy:
            self.busy -= 1
            return TryLater("busy", 30.0)
        self.carried += 1
        peer = self.reach(transfer.slip.destination)
        data = envelope.read_bytes()
        if self.change:
            data = self.change(data)
        if Digest(hashlib.sha256(data).hexdigest()) != transfer.slip.envelope.digest:
            return TryLater("transfer.digest")  # the door's own check: nothing is stored
        try:
            await peer.reception.admit(self.origin, transfer.slip)
            blob = await stored(peer.blobs, data)
            answer = await peer.reception.receive(self.origin, transfer.slip, blob, form=self.form)
        except GatewayError as error:
            return _refused(error)
        return self._back(answer)

    async def inquire(self, transfer: Transfer) -> CarryResult | Unknown:
        if self.down:
            return Unreachable("down")
        self.asked += 1
        reception = self.reach(transfer.slip.destination).reception
        answer = await reception.answer_of(self.origin, transfer.slip.transfer, form=self.form)
        return Unknown() if answer is None else self._back(answer)

    async def tell(self, destination: GatewayId, notice: bytes) -> TellResult:
        if self.down:
            return Unreachable("down")
        if self.mute:
            return TryLater("not_found", road=False)
        if self.busy:
            self.busy -= 1
            return TryLater("busy", 30.0)
        self.told += 1
        try:
            await self.reach(destination).reception.pass_over(self.origin, notice)
        except GatewayError as error:
            return _refused(error)
        return Told()

    async def ask(self, destination: GatewayId, question: bytes) -> CarryResult:
        """A restored gateway's question."""
        if self.down:
            return Unreachable("down")
        if self.busy:
            self.busy -= 1
            return TryLater("busy", 30.0)
        try:
            answer = await self.reach(destination).resync.answer(self.origin, question)
        except GatewayError as error:
            return TransferRefused(error.code, str(error))
        return self._back(answer)

    def _back(self, answer: bytes) -> CarryResult:
        if self.lose_answers:
            self.lose_answers -= 1
            return Indeterminate("answer lost")
        return Answered(self.forge(answer) if self.forge else answer)


def _refused(error: GatewayError) -> TryLater | TransferRefused:
    return TryLater(str(error), road=False) if error.facts.retryable else TransferRefused(error.code, str(error))
