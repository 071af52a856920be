"""What a reader noticed of a file: everything at once, never a silent repair, and never content beyond a short value."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.core.errors import SenderError

FINDINGS_MAX: Final = 500
"""A hostile file could make as many as it has elements; the last one then says that there are more."""
VALUE_CHARS_MAX: Final = 60


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


class Findings:
    """Collects findings; in a strict reading the first error is raised instead."""

    def __init__(self, *, strict: bool) -> None:
        self.strict: Final = strict
        self._found: list[Finding] = []

    def note(self, code: str, path: str, **params: int | str) -> None:
        """Unlike the regulation."""
        self._add(code, path, Severity.NOTE, params)

    def repaired(self, code: str, path: str, **params: int | str) -> None:
        """Repaired."""
        self._add(code, path, Severity.REPAIRED, params)

    def malformed(self, reason: str, path: str) -> None:
        """The header cannot be read in one way only.

        Raises:
            SenderError: `envelope.malformed` in a strict reading.
        """
        if self.strict:
            raise SenderError("envelope.malformed", reason=reason, element=_element(path))
        self._add(reason, path, Severity.ERROR, {})

    def attachment(self, reason: str, path: str, **params: int | str) -> None:
        """The attachments are not those that the manifest names.

        Raises:
            SenderError: `envelope.attachments` in a strict reading.
        """
        if self.strict:
            raise SenderError("envelope.attachments", reason=reason, **params)
        self._add(f"attachment.{reason}", path, Severity.ERROR, params)

    def error(self, code: str, path: str, **params: int | str) -> None:
        """What only a tolerant reading looks at."""
        self._add(code, path, Severity.ERROR, params)

    def result(self) -> tuple[Finding, ...]:
        """All of them, in the order of the reading."""
        return tuple(self._found)

    def _add(self, code: str, path: str, severity: Severity, params: Mapping[str, int | str]) -> None:
        if len(self._found) > FINDINGS_MAX:
            return
        if len(self._found) == FINDINGS_MAX:
            code, path, severity, params = "more", "", Severity.ERROR, {"limit": FINDINGS_MAX}
        short = {name: value[:VALUE_CHARS_MAX] if isinstance(value, str) else value for name, value in params.items()}
        self._found.append(Finding(code=code, path=path, severity=severity, params=MappingProxyType(short)))


def _element(path: str) -> str:
    """The name at the end of a path."""
    return path.rpartition("/")[2].partition("[")[0]
