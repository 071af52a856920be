"""A sealed PDF on its way back from the sealer: its bytes, how far it came, and what is still owed to it."""

from dataclasses import dataclass
from datetime import datetime

from gateway.core.errors import GatewayError
from gateway.core.validation import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedFile:
    """A signed PDF, and how far it came."""

    pdf: bytes
    level: Level
    owed: Level | None = None
    """The level that was asked for and not reached; None: nothing is owed."""
    why: GatewayError | None = None
    """What stood in the way; None: nothing is owed."""
    stamped_at: datetime | None = None
    """The authority's own time in the first timestamp that was put into it now; None: none was."""
