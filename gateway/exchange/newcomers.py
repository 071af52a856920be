"""Newcomers: transfers let in as unknown a moment ago, so that nobody asks again when their envelope is there.

A twin that was faster is found by the unit that stores; what was forgotten here is asked for once more.
"""

from typing import Final

from gateway.core.errors import Conflict
from gateway.core.ids import GatewayId, TransferKey
from gateway.core.model import IncomingTransfer, TransferSlip

NEWCOMERS_MAX: Final = 4_096
"""Envelopes on their way, and those that never came."""


class Newcomers:
    """Each is taken once."""

    def __init__(self) -> None:
        self._known: set[TransferKey] = set()

    def note(self, transfer: TransferKey) -> None:
        """It was asked for, and there was none."""
        if len(self._known) >= NEWCOMERS_MAX:
            self._known.clear()
        self._known.add(transfer)

    def take(self, transfer: TransferKey) -> bool:
        """Whether it was noted; not any more."""
        known = transfer in self._known
        self._known.discard(transfer)
        return known


def same_or_conflict(known: IncomingTransfer, origin: GatewayId, slip: TransferSlip) -> None:
    """One name, one slip: the same transfer again is welcome, another one under its name changes nothing."""
    if known.slip.origin != origin or known.slip != slip:
        raise Conflict("transfer.conflict", transfer=slip.transfer)
