"""What becomes of carrying a transfer, or of asking after it: outcomes are data, never exceptions."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answered:
    """The peer answered for good; `receipt` is its JWS, not yet checked."""

    receipt: bytes


@dataclass(frozen=True, slots=True)
class TryLater:
    """The peer is there but asks for patience: with this transfer alone, or (`road`) with everything."""

    reason: str
    after: float | None = None
    road: bool = True
    asked: bool = True
    """False: the peer was not even asked, for want of room on our side: no attempt was made."""


@dataclass(frozen=True, slots=True)
class TransferRefused:
    """The peer refused the transfer as a whole, for good, without a receipt (not our sender, conflict ...)."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nothing was handed over: no connection, no TLS, wrong key."""

    reason: str


@dataclass(frozen=True, slots=True)
class Indeterminate:
    """It was sent and no answer came: ask the peer, never guess."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Answer of `inquire`: the peer has no such transfer, so sending it (again) is right."""


@dataclass(frozen=True, slots=True)
class Told:
    """The peer has taken a notice."""


Failed = TryLater | TransferRefused | Unreachable | Indeterminate
CarryResult = Answered | Failed
TellResult = Told | Failed


def is_of_road(result: Failed) -> bool:
    """Whether it is the way that is closed, for everything that goes there, and not this one thing that is not taken."""
    return isinstance(result, Unreachable) or (isinstance(result, TryLater) and result.road)
