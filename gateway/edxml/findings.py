"""The collector of findings, and every code there is: all at once, never a silent repair, no content beyond a short value."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.core.errors import SenderError
from gateway.core.findings import Finding, Severity

FINDINGS_MAX: Final = 500
"""A hostile file could make as many as it has elements; the last one then says that there are more."""
VALUE_CHARS_MAX: Final = 100
"""Longer than any media type of an office file."""

HEADERS: Final = ("edXMLEnvelope", "edXMLHeader")
"""What paths leave out, and without which nothing of a message is there."""


def _codes() -> dict[str, Severity]:
    xml = ("junk", "prefix", "comment", "instruction")
    header = ("spelling", "unknown", "null", "number", "date", "document_id.form", "document_id.parts")
    malformed = ("duplicate", "missing", "mixed", "length", "count", "value", "kind", "secrecy", "more")
    regulation = ("required", "length", "character", "value", "count", "duplicate", "future", "past")
    notes = ("cid", "kind", "zipped")
    errors = (
        *("duplicate", "missing", "extra", "empty", "digest", "digest_method"),
        *("label", "name", "type", "base64", "mangled", "archive"),
    )
    return (
        {f"xml.{name}": Severity.REPAIRED for name in xml}
        | {"namespace": Severity.REPAIRED}
        | dict.fromkeys(header, Severity.NOTE)
        | dict.fromkeys(malformed, Severity.ERROR)
        | {f"regulation.{name}": Severity.NOTE for name in regulation}
        | {f"attachment.{name}": Severity.NOTE for name in notes}
        | {"attachment.rezipped": Severity.REPAIRED}
        | {f"attachment.{name}": Severity.ERROR for name in errors}
    )


CODES: Final = MappingProxyType(_codes())
"""Every code there is, with its gravest severity; each has its texts in the catalogue (`edxml.finding.<code>`, and `.todo`)."""


class Findings:
    """Collects findings; in a strict reading the first error is raised instead."""

    def __init__(self, *, strict: bool) -> None:
        self.strict: Final = strict
        self._found: list[Finding] = []
        self._known: set[tuple[str, str]] = set()
        """Code and path of each: a reader may look at a place more than once."""
        self._wrong: set[str] = set()
        """Paths of the errors."""
        self._missing: set[str] = set()
        """Paths of what is missing: of what would be inside nothing more is said."""

    def note(self, code: str, path: str, **params: int | str) -> None:
        """Unlike the regulation."""
        self._add(code, path, Severity.NOTE, params)

    def repaired(self, code: str, path: str, **params: int | str) -> None:
        """Repaired."""
        self._add(code, path, Severity.REPAIRED, params)

    def malformed(self, reason: str, path: str, **params: int | str) -> None:
        """The header cannot be read in one way only.

        Raises:
            SenderError: `envelope.malformed` in a strict reading.
        """
        if self.strict:
            raise SenderError("envelope.malformed", reason=reason, element=_element(path))
        if self.is_missing(path):
            return
        self._add(reason, path, Severity.ERROR, params)
        if reason == "missing":
            self._missing.add(path)

    def namespace(self, path: str, found: str) -> None:
        """The envelope is of another namespace: files of before the regulation, and of makers who left it out.

        Raises:
            SenderError: `envelope.malformed` in a strict reading.
        """
        if self.strict:
            raise SenderError("envelope.malformed", reason="namespace", element=_element(path))
        self.repaired("namespace", path, namespace=found)

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

    @property
    def full(self) -> bool:
        """Nothing more is taken."""
        return len(self._found) > FINDINGS_MAX

    def errs_at(self, path: str) -> bool:
        """Whether an error has been noted of that place, or of one around it."""
        return self.is_missing(path) or not self._wrong.isdisjoint(_around(path))

    def is_missing(self, path: str) -> bool:
        """Whether that place, or one around it, has been noted as missing."""
        return not self._missing.isdisjoint((*_around(path), *HEADERS))

    def result(self) -> tuple[Finding, ...]:
        """All of them, in the order of the reading."""
        return tuple(self._found)

    def _add(self, code: str, path: str, severity: Severity, params: Mapping[str, int | str]) -> None:
        if self.full or (code, path) in self._known:
            return
        if len(self._found) == FINDINGS_MAX:
            code, path, severity, params = "more", "", Severity.ERROR, {"limit": FINDINGS_MAX}
        short = {name: value[:VALUE_CHARS_MAX] if isinstance(value, str) else value for name, value in params.items()}
        self._found.append(Finding(code=code, path=path, severity=severity, params=short))
        self._known.add((code, path))
        if severity is Severity.ERROR:
            self._wrong.add(path)


def _around(path: str) -> list[str]:
    """The path itself and those of the elements around it."""
    steps = path.split("/")
    return ["/".join(steps[:length]) for length in range(1, len(steps) + 1)]


def _element(path: str) -> str:
    """The name at the end of a path."""
    return path.rpartition("/")[2].partition("[")[0]
