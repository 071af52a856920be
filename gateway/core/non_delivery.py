"""A non-delivery: a transfer whose deadline has passed, and what its sender is told of it in a signed notice.

The row is written in the unit that lets the transfer expire, with what is known then of the attempts; the notice itself
(a JWS of our receipt key, docs/PROTOCOL.md section 6c) is signed afterwards, once, and never changes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.ids import DocumentKey, TransferKey


@dataclass(frozen=True, slots=True, kw_only=True)
class NonDelivery:
    """One transfer that expired, as it stood when it did."""

    transfer: TransferKey
    document: DocumentKey
    expired_at: datetime
    attempts: int
    last_tried_at: datetime | None
    """None: it was never tried, the road was closed all the time."""
    last_reason: str
    """What the last attempt met; for a person who reads logs, no code."""
    signed_at: datetime | None = None
    notice: bytes | None = None
    """The signed notice; None until it is signed."""


class NonDeliveries(Protocol):
    """Transfers that expired, and the notices about them."""

    def add(self, made: NonDelivery) -> None:
        """Store a new one, without a notice yet."""
        ...

    def find(self, transfer: TransferKey) -> NonDelivery | None:
        """That of a transfer."""
        ...

    def after(self, document: DocumentKey, after: TransferKey | None, limit: int) -> tuple[NonDelivery, ...]:
        """Those of a document whose notice is signed, with a key greater than `after`, by key, at most `limit`."""
        ...

    def sign(self, transfer: TransferKey, notice: bytes, at: datetime) -> bool:
        """Keep the notice, if there is none yet; whether there was none."""
        ...
