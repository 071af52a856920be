"""Which edition of the registry is in force here, and the ledger of those that were."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.ids import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """Which edition of the registry is in force here."""

    epoch: int
    digest: Digest
    at: datetime


class Directories(Protocol):
    """Which editions of the registry were put into force here, and when."""

    def active(self) -> Activation | None:
        """The newest activation."""
        ...

    def activate(self, activation: Activation) -> None:
        """Put an edition into force.

        MUST refuse an epoch lower than the active one, and the active one with another digest (`SiteError`
        registry.epoch).
        """
        ...

    def history(self) -> tuple[Activation, ...]:
        """All activations, oldest first."""
        ...
