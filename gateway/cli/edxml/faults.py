"""What is wrong with a form, field by field, in words: of the wrong type, or what the regulation does not allow."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from gateway.cli.errors import FieldSaid, FormFailure
from gateway.core.fields import FieldFault
from gateway.edxml import Violation
from gateway.observe import text

VIOLATION_TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "required": "field.required",
        "length": "field.too_long",
        "count": "field.too_long",
        "character": "field.characters",
        "value": "field.value",
        "duplicate": "field.duplicate",
        "future": "field.future",
        "past": "field.past",
    }
)
"""The text of each violation: those of the office API (`gateway.exchange`, which is too heavy to be loaded for them)."""

FAULTS_TOLD: Final = 500
"""As many as findings of a file: a form of 4 MiB can have 200,000, and telling them takes longer than anybody waits."""


def faults_of_violations(violations: Iterable[Violation]) -> tuple[FieldFault, ...]:
    """Violations as faults of the form, whose paths are the same."""
    return tuple(
        FieldFault(path=violation.path, code=VIOLATION_TEXTS[violation.code], params=dict(violation.params))
        for violation in violations
    )


def form_failure(path: str, faults: Iterable[FieldFault]) -> FormFailure:
    """The failure that counts all of them, and tells so many that somebody may still read them."""
    found = tuple(faults)
    told = found[:FAULTS_TOLD]
    fields = tuple(FieldSaid(path=one.path, code=one.code, words=text(one.code, one.params)) for one in told)
    return FormFailure("cli.edxml.form", fields, path=path, count=len(found))
