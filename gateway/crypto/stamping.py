"""From B-B to B-T as it was ordered: with a timestamp, or without one where whoever ordered it bears that.

A signature beside a file, in an envelope and on a slip is made at B-B first. So it is not lost when no authority answers: then
the order decides whether it is refused or given out as it is, with what is still owed to it. (`pades.signing` goes further.)
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.core.errors import SiteError
from gateway.core.ports import TimestampAuthority
from gateway.core.validation import Level

Stamps = Callable[[bytes, TimestampAuthority], Awaitable[bytes]]
"""What puts a timestamp upon a finished signature of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureOrder:
    """How a file is to be signed."""

    level: Level = Level.B_B
    """B-B or B-T."""
    insist: bool = False
    """Refuse rather than sign at B-B, when no timestamp is to be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedFile:
    """A signature, or a signed file, and how far it came."""

    data: bytes
    level: Level
    owed: Level | None = None
    """The level that was asked for and not reached; None: nothing is owed."""
    why: SiteError | None = None
    """What stood in the way; None: nothing is owed."""


async def at_level(
    signed: bytes, order: SignatureOrder, stamps: Stamps, *, authority: TimestampAuthority | None
) -> SignedFile:
    """What was signed at B-B, at the level that was ordered.

    Raises:
        SiteError: `timestamp.unavailable`, where the order insists.
    """
    assert order.level in {Level.B_B, Level.B_T}, "evidence and archive timestamps are a PDF's"
    if order.level is Level.B_B:
        return SignedFile(data=signed, level=Level.B_B)
    try:
        return SignedFile(data=await stamps(signed, _required(authority)), level=Level.B_T)
    except SiteError as error:
        if error.code != "timestamp.unavailable" or order.insist:
            raise
        return SignedFile(data=signed, level=Level.B_B, owed=Level.B_T, why=error)


def _required(authority: TimestampAuthority | None) -> TimestampAuthority:
    if authority is None:
        raise SiteError("timestamp.unavailable", asked=0, said="no authority is configured")
    return authority
