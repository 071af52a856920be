"""After a restore: what is known of the moment to which the database went back, and how far each peer has been asked.

Whoever was restored asks: which transfers do you hold a receipt of ours for? What of them is not here comes again, as it was
sent. The other side remembers what it sent again and what was answered then; its delivery stays what it was.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gateway.core.ids import Digest, GatewayId, OrganId, TransferKey
from gateway.core.order import Gap
from gateway.core.restore_limits import REOPENED_NUMBERS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """The database went back to an earlier state, and goes on from there."""

    number: int
    """Seconds since 1970 of `at`: greater than that of every restore before, also of one that was lost."""
    kept: int
    """Leaves of the log that are still here."""
    since: datetime
    """Of the newest event that is still here."""
    at: datetime

    @property
    def base(self) -> int:
        """Greater than every number and position given before: what is given from now on begins after it.

        Nobody gives more than a hundred thousand in a second, so the moment alone says so, and no peer needs to be asked.
        """
        return self.number * REOPENED_NUMBERS_PER_SECOND


class ResyncState(StrEnum):
    """How far one peer has been asked."""

    ASKING = "asking"
    """What does it hold our receipt for?"""
    WAITING = "waiting"
    """It was told what is missing here."""
    DONE = "done"
    """Everything it named is here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """How far one peer has been asked."""

    peer: GatewayId
    number: int
    """Of the reopening."""
    state: ResyncState
    after: str = ""
    """It has named its transfers up to this one."""
    named: int = 0
    lost: int = 0
    """How many of those were not here."""
    newest: int = 0
    """Leaves under the newest checkpoint of ours that it holds."""
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A transfer that a peer holds our receipt for, and that is not here."""

    transfer: TransferKey
    receipt: Digest
    """Of the receipt that we gave and do not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resend:
    """A transfer of ours that its destination asked for again."""

    transfer: TransferKey
    number: int
    """Of the destination's reopening."""
    at: datetime
    answer: bytes | None = None
    """The receipt that was given the second time; the first one stays where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Numbers of a stream of ours that were perhaps given after the moment to which the database went back."""

    sender: OrganId
    gap: Gap


SkippedPlace = tuple[str, str, int]
"""Sender, recipient and first number; ("", "", 0) is before all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResyncStanding:
    """All peers together."""

    peers: int = 0
    """That are not done."""
    missing: int = 0
    """Transfers that a peer named and that are not here yet."""
    since: datetime | None = None
    """Of the last restore; None: there was none."""


class Resyncs(Protocol):
    """What was restored, whom we ask, and what others ask of us."""

    def reopenings(self) -> tuple[Reopening, ...]:
        """All restores, oldest first."""
        ...

    def reopen(self, reopening: Reopening) -> None:
        """Let numbers of streams, cursors of inboxes and positions of the feed go on beyond `reopening.base`.

        What is staged waits anew from that moment on: what it waits for had come, perhaps, and comes again. MUST refuse
        (`SiteError` restore.clock) a base that is not beyond all that was given. Nobody else may write meanwhile.
        """
        ...

    def put(self, resync: Resync) -> None:
        """Write how far a peer has been asked."""
        ...

    def find(self, peer: GatewayId) -> Resync | None:
        """How far it has been asked; None where it never is."""
        ...

    def all(self) -> tuple[Resync, ...]:
        """Every peer, by name."""
        ...

    def standing(self) -> ResyncStanding:
        """All of them together."""
        ...

    def unknown(self, transfers: Sequence[TransferKey]) -> tuple[TransferKey, ...]:
        """Those that never came in here, in the same order."""
        ...

    def want(self, peer: GatewayId, wanted: Collection[Wanted]) -> None:
        """Remember what a peer named and is missing; what it has named before stays as it is, whatever others name."""
        ...

    def is_wanted(self, peer: GatewayId, transfer: TransferKey) -> bool:
        """Whether a peer was asked for it, or will be."""
        ...

    def to_ask(self, peer: GatewayId, limit: int) -> tuple[TransferKey, ...]:
        """Transfers that are missing and that the peer has not been asked for."""
        ...

    def asked(self, peer: GatewayId, transfers: Sequence[TransferKey], at: datetime | None) -> None:
        """The peer has been asked for them; None: it is to be asked again."""
        ...

    def dismiss(self, peer: GatewayId, transfers: Sequence[TransferKey]) -> None:
        """The peer does not have them."""
        ...

    def missing(self, peer: GatewayId, limit: int) -> tuple[tuple[TransferKey, datetime | None], ...]:
        """Transfers of a peer that have not come in, with the time at which it was asked for them."""
        ...

    def skipped(self, destination: GatewayId, after: SkippedPlace, limit: int) -> tuple[Skipped, ...]:
        """What was skipped in our streams to a destination, after that place in their order."""
        ...

    def told_of(self, peer: GatewayId, number: int, at: datetime) -> bool:
        """Remember that a peer was restored; whether that was news."""
        ...

    def restored(self, peer: GatewayId) -> int:
        """How many restores a peer has told of: their numbers need not grow, for its clock may have been ahead."""
        ...

    def resend(self, transfer: TransferKey) -> Resend | None:
        """What was asked for again."""
        ...

    def put_resend(self, resend: Resend) -> None:
        """Write it."""
        ...
