"""What a malware scanner says of a file, and of itself."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ScanResult(StrEnum):
    """What became of one scan. Only CLEAN says that the file was looked at as a whole and nothing was found."""

    CLEAN = "clean"
    INFECTED = "infected"
    TOO_LARGE = "too_large"
    """Larger than the scanner looks at, as it is or unpacked: nothing is known of the file."""
    FAILED = "failed"
    """The scanner is there, and did not get through with this file."""
    AWAY = "away"
    """The scanner does not answer: nothing is known of any file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The answer on one file."""

    result: ScanResult
    name: str = ""
    """Of what was found, in the scanner's words: its signature's name."""
    reason: str = ""
    """Why nothing is known, for whoever runs the scanner: technical, without content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerState:
    """What a scanner says of itself."""

    answers: bool
    version: str = ""
    signatures: str = ""
    """Number of its signature base; empty when it has none of its maker's."""
    built_at: datetime | None = None
    """When that base was made."""
    reason: str = ""
    """Why it does not answer."""
