"""The report of a check of one installation."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.audit import LogReport
from gateway.core.ids import Digest, GatewayId, OrganId, TransferKey
from gateway.core.model import ReceiptLine
from gateway.core.states import DeliveryState, MessageKind
from gateway.evidence.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedReceipt:
    """A receipt whose every line holds."""

    transfer: TransferKey
    kind: MessageKind
    destination: GatewayId
    lines: tuple[ReceiptLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationReport:
    """What a check of one installation found."""

    gateway: GatewayId
    log: LogReport
    documents: int
    deliveries: Mapping[DeliveryState, int]
    receipts: tuple[CheckedReceipt, ...]
    envelopes: frozenset[Digest]
    """Digests of the envelopes that were looked at."""
    seals: frozenset[Digest]
    """Certificates whose seals were found good."""
    inbox: Mapping[OrganId, int]
    """Documents that arrived, by recipient."""
    business_statuses: Mapping[str, int]
    """Statuses that arrived from recipients, by code."""
    problems: tuple[Problem, ...]

    @property
    def sound(self) -> bool:
        """Whether everything holds."""
        return not self.problems and self.log.sound
