"""What becomes of one recipient of an incoming transfer, decided before anything of it is written."""

from dataclasses import dataclass

from gateway.core.ids import EntryKey
from gateway.core.order import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one recipient."""

    key: EntryKey
    """What its events happen to: the inbox entry, if there is one."""
    code: str
    """Of the refusal, or empty."""
    enters: bool
    """The document comes into its inbox: the first time, and no status message does."""
    place: Place
    """Where its number stands in the stream."""
