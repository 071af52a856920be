"""How the demo went, and its last line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

STATUSES_WANTED: Final = ("02", "03")
REPLIES_WANTED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The counts of the last line: what the stranger found, against what the story set out to do."""

    recipients: int
    deliveries: int
    receipts: int
    statuses: int
    replies: int
    leaves: int
    envelopes: int
    seals: int
    problems: tuple[str, ...]
    seconds: float
    statuses_wanted: int = len(STATUSES_WANTED)
    replies_wanted: int = REPLIES_WANTED

    @classmethod
    def of(cls, findings: Mapping[str, Any], *, recipients: int, seconds: float) -> Self:
        """From the findings of `gateway.demo.verify`."""
        statuses = sum(count for code, count in findings["statuses"].items() if code in STATUSES_WANTED)
        return cls(
            recipients=recipients,
            deliveries=findings["deliveries"],
            receipts=findings["receipts"],
            statuses=statuses,
            replies=findings["replies"],
            leaves=findings["leaves"],
            envelopes=findings["envelopes"],
            seals=findings["seals"],
            problems=tuple(findings["problems"]),
            seconds=seconds,
        )

    @property
    def good(self) -> bool:
        """Whether all of it holds."""
        return (
            not self.problems
            and self.deliveries == self.receipts == self.recipients
            and self.statuses == self.statuses_wanted
            and self.replies == self.replies_wanted
        )

    def line(self) -> str:
        """The last line of the demo, for people and for machines."""
        return (
            f"DEMO {'OK' if self.good else 'FAILED'}"
            f" deliveries={self.deliveries}/{self.recipients} receipts={self.receipts}/{self.recipients}"
            f" statuses={self.statuses}/{self.statuses_wanted} replies={self.replies}/{self.replies_wanted}"
            f" audit={'FAILED' if self.problems else 'verified'} leaves={self.leaves} seconds={self.seconds:.0f}"
        )
