"""What a reader noticed of an edXML file: a plain value, which travels from a judge and is told the same way everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding means for the file."""

    NOTE = "note"
    """Not as the regulation has it; there is one way to read it all the same."""
    REPAIRED = "repaired"
    """It had to be repaired to be read: a signature over it is never better than INDETERMINATE."""
    ERROR = "error"
    """It can be read in more than one way, or what makes it a message is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was noticed; its text is `edxml.finding.<code>` of the catalogue."""

    code: str
    path: str
    """Where, by the names of the wire: `MessageHeader/To[2]/OrganId`; `Attachment[3]`; empty for the whole file."""
    severity: Severity
    params: Mapping[str, int | str]
