"""The blocks of a message outside edXML: what `pack` takes, in TOML or JSON, and what `unpack` and `inspect` give back.

Names are those of `gateway.core.message`. A form says what it was told and no more: what is missing or too long is the
regulation's to say (`gateway.edxml.validate`), all of it at once.
"""

from dataclasses import MISSING, fields
from datetime import date, datetime
from enum import Enum, IntEnum
from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.core import message as nouns
from gateway.core.clock import parse_rfc3339

T = TypeVar("T")
_DAY_FORMS: Final = ("%Y-%m-%d", "%d/%m/%Y", "%Y/%m/%d")


def word_of(member: Enum) -> str:
    """How a form names a member of a vocabulary: `very_urgent`; codes (`03`) as they are."""
    return member.name.lower() if isinstance(member, IntEnum) else str(member.value)


def vocabulary(kind: type[Enum]) -> tuple[BeforeValidator, WithJsonSchema]:
    """What reads the words of a vocabulary, and what says which they are."""
    words = {word_of(member): member for member in kind}

    def read(value: object) -> Enum:
        if isinstance(value, str) and value in words:
            return words[value]
        raise PydanticCustomError("enum", "enum", {"expected": ", ".join(words)})

    return BeforeValidator(read), WithJsonSchema({"enum": list(words)})


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    for form in _DAY_FORMS:
        try:
            return datetime.strptime(value.strip(), form).date()  # noqa: DTZ007 - a day on paper has no zone
        except ValueError:
            continue
    raise PydanticCustomError("date_type", "date_type")


def _moment(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo is None:
        raise PydanticCustomError("timezone_aware", "timezone_aware")
    if not isinstance(value, str):
        return value
    try:
        return parse_rfc3339(value.strip())
    except (ValueError, OverflowError) as error:
        raise PydanticCustomError("datetime_type", "datetime_type") from error


def _organ(value: object) -> object:
    """A body of which only the code is told."""
    return {"organ_id": value} if isinstance(value, str) else value


Array = Annotated[tuple[T, ...], Field(strict=False)]
"""TOML and JSON have no tuples: a list."""
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]


class Form(BaseModel):
    """What all forms have in common."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    noun: ClassVar[type[Any]]
    """What it becomes; fields have the same names."""

    def build(self) -> Any:
        """The noun."""
        said = {
            field.name: _built(value)
            for field in fields(self.noun)
            if (value := getattr(self, field.name, None)) is not None or field.default is MISSING
        }
        return self.noun(**said)


def _built(value: object) -> Any:
    if isinstance(value, tuple):
        return tuple(_built(one) for one in value)
    return value.build() if isinstance(value, Form) else value


class Organ(Form):
    """`From`, `To`."""

    noun = nouns.Organ
    organ_id: str = ""
    name: str = ""
    in_charge: str = ""
    address: str = ""
    email: str = ""
    telephone: str = ""
    fax: str = ""
    website: str = ""


class Code(Form):
    """`Code`."""

    noun = nouns.Code
    number: str = ""
    notation: str = ""


class ResponseFor(Form):
    """`ResponseFor`."""

    noun = nouns.ResponseFor
    organ_id: str = ""
    document_id: str = ""
    code: str = ""
    promulgation_date: Day | None = None


class SignerInfo(Form):
    """`SignerInfo`."""

    noun = nouns.SignerInfo
    competence: str = ""
    position: str = ""
    full_name: str = ""


class StaffInfo(Form):
    """`StaffInfo`."""

    noun = nouns.StaffInfo
    department: str = ""
    department_id: str = ""
    staff: str = ""
    staff_id: str = ""
    email: str = ""
    mobile: str = ""


class Receiver(Form):
    """`Receiver`."""

    noun = nouns.Receiver
    organ_id: str = ""
    change: Annotated[nouns.ReceiverChange, *vocabulary(nouns.ReceiverChange)]


class DocumentChanges(Form):
    """`BussinessDocumentInfo`."""

    noun = nouns.DocumentChanges
    metadata: bool = False
    recipients: bool = False
    receivers: Array[Receiver] = ()


class Replacement(Form):
    """`ReplacementInfo`."""

    noun = nouns.Replacement
    document_id: str = ""
    holders: Array[str] = ()


class Business(Form):
    """`Bussiness`."""

    noun = nouns.Business
    kind: Annotated[nouns.BusinessKind, *vocabulary(nouns.BusinessKind)] = nouns.BusinessKind.NEW
    reason: str = ""
    paper: bool = False
    document_id: str = ""
    changes: DocumentChanges | None = None
    replacements: Array[Replacement] = ()
    staff: Array[StaffInfo] = ()


class TraceHeader(Form):
    """`TraceHeader`."""

    noun = nouns.TraceHeader
    organ_id: str = ""
    timestamp: Moment | None = None


AnyOrgan = Annotated[Organ, BeforeValidator(_organ)]
