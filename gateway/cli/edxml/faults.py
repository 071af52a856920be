"""What is wrong with a form, field by field, in words: of the wrong type, or what the regulation does not allow."""

from collections.abc import Iterable

from gateway.cli.errors import FieldSaid, FormFailure
from gateway.core.fields import TEXT_OF, FieldFault
from gateway.edxml import Violation
from gateway.observe import text


def faults_of_violations(violations: Iterable[Violation]) -> tuple[FieldFault, ...]:
    """Violations as faults of the form, whose paths are the same."""
    return tuple(
        FieldFault(path=violation.path, code=TEXT_OF[violation.code], params=dict(violation.params))
        for violation in violations
    )


def form_failure(path: str, faults: Iterable[FieldFault]) -> FormFailure:
    """The failure that tells all of them."""
    fields = tuple(FieldSaid(path=one.path, code=one.code, words=text(one.code, one.params)) for one in faults)
    return FormFailure("cli.edxml.form", fields, path=path, count=len(fields))
