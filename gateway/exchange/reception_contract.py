"""What the peer door asks of the conductors: a desk that receives, and one that answers whoever was restored.

The door has already done what needs sockets: TLS identity, shapes, sizes, both digests, the envelope made durable as a
blob. Everything that needs the registry's bodies, a signature or the database is the desk's (house.md, step 6).
"""

from enum import IntEnum
from typing import Protocol

from gateway.core.ids import GatewayId, TransferKey
from gateway.core.model import BlobRef, TransferSlip


class ReceiptForm(IntEnum):
    """The versions of a receipt (docs/PROTOCOL.md section 6); every gateway reads those up to its own."""

    FIRST = 1
    SECOND = 2
    """With the time of signing (`sigT`), and the events of ETSI EN 319 522."""


class ResyncDesk(Protocol):
    """Answers peers that were restored."""

    async def answer(self, origin: GatewayId, token: bytes) -> bytes:
        """The page for a question (both JWS, docs/PROTOCOL.md section 6b); what it asks for is due to be sent again.

        Asking again MUST be harmless.

        Raises:
            PeerError: it is not by that gateway, not to us, or not a question; SiteError: to be repeated.
        """
        ...


class ReceptionDesk(Protocol):
    """Takes transfers in. All verbs raise `GatewayError` for what concerns the transfer as a whole."""

    async def admit(self, origin: GatewayId, slip: TransferSlip) -> None:
        """Refuse cheaply, before the envelope is read: who is not who is connected, or sends to somebody else.

        That is a slip with another origin, a sender that is not the origin's, another destination than us.

        MUST let a repeat of a transfer through that was answered before. MUST NOT store anything of the transfer; that a
        gateway spoke for a body which is not its own it MAY write into the audit log.

        Raises:
            PeerError: `peer.foreign_sender`, `transfer.not_ours`, `transfer.sent_at`; Conflict: `transfer.conflict`;
            SiteError: `registry.behind`; `scanner.unavailable`, as was found a moment ago; or the store's own, when the
                alarm could not be written.
        """
        ...

    async def receive(
        self, origin: GatewayId, slip: TransferSlip, envelope: BlobRef, *, form: ReceiptForm = ReceiptForm.FIRST
    ) -> bytes:
        """Do every duty of reception and return the receipt (JWS compact serialisation, ASCII).

        `form` is the latest that the asker reads. MUST NOT answer in a later one, unless the receipt exists already.

        Called only when the envelope's size and digest are those of the slip and its bytes are durable. Repeating it
        with the same slip MUST return the same bytes; it MAY run twice at once for one transfer.

        Raises:
            GatewayError: the transfer is refused as a whole, without a receipt.
        """
        ...

    async def answer_of(
        self, origin: GatewayId, transfer: TransferKey, *, form: ReceiptForm = ReceiptForm.FIRST
    ) -> bytes | None:
        """The receipt given to that origin for that transfer; None if there is none, or it was another origin's."""
        ...

    async def pass_over(self, origin: GatewayId, notice: bytes) -> None:
        """Take a gap notice: nothing waits any longer for the numbers it names. Taking it again MUST change nothing.

        Raises:
            PeerError: it is not by that gateway, not to us, or not a notice; SiteError: `store.busy`, to be repeated.
        """
        ...
