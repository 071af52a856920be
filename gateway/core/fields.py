"""What is wrong with the fields of something that was handed in: all of it at once, each with its name and the reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gateway.core.errors import GatewayError, SenderError
from gateway.core.reasons import Reason, because

TEXT_OF: Final = MappingProxyType(
    {
        "required": "field.required",
        "length": "field.too_long",
        "count": "field.too_long",
        "character": "field.characters",
        "value": "field.value",
        "duplicate": "field.duplicate",
        "future": "field.future",
        "past": "field.past",
        "secrecy": "field.secrecy",
    }
)
"""The text of each violation (`gateway.edxml.Violation`)."""
_NAMED_MAX: Final = 5
"""Fields that the short text names; the list has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFault:
    """One thing that is wrong with one field."""

    path: str
    """Dotted: `code.number`, `recipients[3].name`."""
    code: str
    """Id of the text: `field.required` ... `recipient.unknown`."""
    params: Mapping[str, object] = field(default_factory=dict)


def wrong_fields(faults: Iterable[FieldFault]) -> SenderError:
    """The error to raise when some fields are wrong."""
    found = tuple(faults)
    return SenderError("request.field", field=naming(fault.path for fault in found), faults=found)


def naming(paths: Iterable[str]) -> str | Reason:
    """The first of some fields, and how many more there are."""
    named = list(dict.fromkeys(paths))
    shown, more = ", ".join(named[:_NAMED_MAX]), len(named) - _NAMED_MAX
    return because("fields", field=shown, count=more) if more > 0 else shown


def beyond(newest: int) -> SenderError:
    """The error to raise when a reader asks to go on `after` a position that was never given: another database gave it.

    Led back in silence, or left to wait, he would never hear of what stands at the positions that he has passed.
    """
    return wrong_fields([FieldFault(path="query.after", code="field.beyond", params={"limit": newest})])


def faults_of(error: GatewayError) -> tuple[FieldFault, ...]:
    """The faults of such an error; none of any other."""
    found = error.params.get("faults", ())
    return tuple(fault for fault in found if isinstance(fault, FieldFault)) if isinstance(found, tuple) else ()
