"""What is wrong with a form, field by field, in words: of the wrong type, or what the regulation does not allow."""

from collections.abc import Iterable
from typing import Final

from gateway.cli.errors import FieldSaid, FormFailure
from gateway.core.fields import TEXT_OF, FieldFault
from gateway.edxml import Violation
from gateway.observe import text

_PARTS: Final = frozenset({"sender.organ_id", "promulgation_date", "code.number", "code.notation"})
"""What a DocumentId is made of where the form does not say it."""

FAULTS_TOLD: Final = 500
"""As many as findings of a file: a form of 4 MiB can have 200,000, and telling them takes longer than anybody waits."""


def faults_of_violations(violations: Iterable[Violation]) -> tuple[FieldFault, ...]:
    """Violations as faults of the form, whose paths are the same. An id that only lacks its parts is none of its own."""
    found = tuple(violations)
    missing = {violation.path for violation in found if violation.code == "required"}
    told = (one for one in found if not (one.path == "document_id" and one.code == "required" and missing & _PARTS))
    return tuple(FieldFault(path=one.path, code=TEXT_OF[one.code], params=_params(one)) for one in told)


def _params(violation: Violation) -> dict[str, object]:
    params: dict[str, object] = dict(violation.params)
    if violation.code == "value" and "lowest" in params:
        params["allowed"] = f"{params['lowest']}–{params['highest']}"
    return params


def form_failure(path: str, faults: Iterable[FieldFault]) -> FormFailure:
    """The failure that counts all of them, and tells so many that somebody may still read them."""
    found = tuple(faults)
    told = found[:FAULTS_TOLD]
    fields = tuple(FieldSaid(path=one.path, code=one.code, words=text(one.code, one.params)) for one in told)
    return FormFailure("cli.edxml.form", fields, path=path, count=len(found))
