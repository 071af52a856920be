"""A whole message outside edXML: read from TOML or JSON with everything that is wrong said at once, and written as JSON."""

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import date, datetime
from enum import Enum
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.cli.edxml.form import (
    AnyOrgan,
    Array,
    Business,
    Code,
    Day,
    Form,
    Moment,
    Organ,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    TraceHeader,
    vocabulary,
    word_of,
)
from gateway.core import message as nouns
from gateway.core.clock import rfc3339
from gateway.core.fields import FieldFault
from gateway.core.limits import MIB
from gateway.core.message import NO_TIME, DocumentMessage, Message, StatusMessage, regular_document_id
from gateway.core.states import BusinessStatus, MessageKind

META_BYTES_MAX: Final = 4 * MIB
"""A thousand recipients with every field full."""
VALUES_MAX: Final = 200_000
"""Values and names in a form: a file with more elements is none that anybody reads (`XML_NODES_MAX`)."""
_DEPTH_MAX: Final = 16
_LONG_KEY: Final = re.compile(r"""(?<![\w"'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}""")
"""A key of TOML with more steps than any form has: reading one takes time and memory of the square of their number."""
_NEVER_TOLD: Final = frozenset({"claims"})
"""What only a receiving gateway adds to a message."""
_TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "field.required",
        "extra_forbidden": "cli.edxml.meta.unknown",
        "string_type": "why.string_type",
        "string_unicode": "field.characters",
        "int_type": "why.int_type",
        "bool_type": "why.bool_type",
        "tuple_type": "why.tuple_type",
        "model_type": "why.model_type",
        "model_attributes_type": "why.model_type",
        "enum": "why.enum",
        "literal_error": "why.enum",
        "date_type": "field.date",
        "datetime_type": "why.datetime_type",
        "timezone_aware": "why.timezone_aware",
    }
)
"""The text for each kind of mistake, in pydantic's words."""


class DocumentForm(Form):
    """A document."""

    noun = DocumentMessage
    type: Literal["edoc"] = "edoc"
    sender: AnyOrgan = Organ()
    recipients: Array[AnyOrgan] = ()
    document_id: str = ""
    code: Code = Code()
    promulgation_place: str = ""
    promulgation_date: Day | None = None
    document_type: int = 2
    type_detail: int = 18
    type_name: str = "Công văn"
    subject: str = ""
    content: str = ""
    signer: SignerInfo = SignerInfo()
    priority: Annotated[nouns.Priority, *vocabulary(nouns.Priority)] = nouns.Priority.NORMAL
    page_amount: int | None = None
    response_for: Array[ResponseFor] = ()
    created_at: Moment | None = None
    due_date: Day | None = None
    to_places: Array[str] = ()
    steering_type: Annotated[nouns.SteeringType, *vocabulary(nouns.SteeringType)] | None = None
    sphere: str = ""
    typist: str = ""
    copies: int | None = None
    appendixes: Array[str] = ()
    reply_fors: str = ""
    direction: bool | None = None
    reference_codes: str = ""
    task_codes: Array[str] = ()
    application_type: str = ""
    business: Business | None = None
    hops: Array[TraceHeader] = ()

    def message(self, now: datetime) -> DocumentMessage:
        """The document; its time and its DocumentId are made where the form does not say them."""
        built: DocumentMessage = self.build()
        built = built if self.created_at else replace(built, created_at=now)
        return built if self.document_id else replace(built, document_id=regular_id(built))


class StatusForm(Form):
    """A status message."""

    noun = StatusMessage
    type: Literal["status"]
    sender: AnyOrgan = Organ()
    response_for: ResponseFor = ResponseFor()
    status: Annotated[BusinessStatus, *vocabulary(BusinessStatus)]
    description: str = ""
    timestamp: Moment | None = None
    staff: StaffInfo | None = None

    def message(self, now: datetime) -> StatusMessage:
        """The status message; its time is made where the form does not say it."""
        built: StatusMessage = self.build()
        return built if self.timestamp else replace(built, timestamp=now)


AnyForm = DocumentForm | StatusForm


class Unreadable(Exception):  # noqa: N818 - what the file is
    """A file that is neither TOML nor JSON; the reason is the parser's."""


class Faulty(Exception):  # noqa: N818 - what the form is
    """A form with faults, all of them that its fields have by themselves."""

    def __init__(self, faults: tuple[FieldFault, ...], sound: AnyForm | None = None, /) -> None:
        super().__init__(faults)
        self.faults: Final = faults
        self.sound: Final = sound
        """What is left without the fields at fault, where that is a form."""


def regular_id(message: DocumentMessage) -> str:
    """The one that the regulation gives a document; empty while a part of it is."""
    day, code = message.promulgation_date, message.code
    if not (day and message.sender.organ_id and code.number and code.notation):
        return ""
    return regular_document_id(message.sender.organ_id, day, code)


def read_form(data: bytes, *, json_named: bool) -> AnyForm:
    """The form in a file: JSON where its name says so or it begins with a brace, else TOML.

    Raises:
        Unreadable: neither.
        Faulty: fields are missing, unknown or of another type.
    """
    try:
        text = data.decode("utf-8-sig")
        tree = _json(text) if json_named or text.lstrip().startswith("{") else _toml(text)
        _bound(tree)
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error) or type(error).__name__) from error
    if not isinstance(tree, dict):
        raise Faulty((FieldFault(path="", code="why.model_type"),))
    kind: type[AnyForm] = StatusForm if tree.get("type") == MessageKind.STATUS else DocumentForm
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        faults = tuple(_fault(one) for one in error.errors(include_input=False))
        raise Faulty(faults, _sound(kind, tree, {field_of(fault) for fault in faults})) from error


def field_of(fault: FieldFault) -> str:
    """The field of the form itself in which a fault lies: `recipients` of `recipients[3].name`."""
    return re.split(r"[.[]", fault.path, maxsplit=1)[0]


def _sound(kind: type[AnyForm], tree: dict[str, Any], wrong: Collection[str]) -> AnyForm | None:
    if "type" in wrong:  # whoever misnames the kind of form has perhaps not the one in mind that was tried
        return None
    try:
        return kind.model_validate({name: value for name, value in tree.items() if name not in wrong})
    except ValidationError:  # one of them is a field without which there is no form
        return None


def place_in(reason: str) -> dict[str, int]:
    """The line and column of which a parser speaks, where it does."""
    found = re.search(r"line (\d{1,9}),? column (\d{1,9})", reason)
    return {"line": int(found[1]), "column": int(found[2])} if found else {}


def form_of(message: Message) -> dict[str, Any]:
    """The form of a message, as JSON has it; what need not be said and is not is left out."""
    kind = MessageKind.STATUS if isinstance(message, StatusMessage) else MessageKind.DOCUMENT
    return {"type": kind.value, **_told(message)}


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once)


def _toml(text: str) -> Any:
    if _LONG_KEY.search(text):
        raise ValueError("a key of too many steps")
    return tomllib.loads(text)


def _bound(tree: Any) -> None:
    """See that a tree is no larger than a form can be: of each value that is none, there would be something to be said."""
    level, count = [tree], 0
    for _ in range(_DEPTH_MAX):
        level = [one for value in level for one in _inside(value)]
        count += len(level)
        if count > VALUES_MAX:
            raise ValueError(f"more than {VALUES_MAX} values")
    if level:
        raise ValueError(f"more than {_DEPTH_MAX} levels")


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name!r} stands twice")
        found[name] = value
    return found


def _fault(one: ErrorDetails) -> FieldFault:
    kind, context = one["type"], one.get("ctx", {})
    params = {"detail": one["msg"]} if kind not in _TEXTS else {}
    if kind == "literal_error":
        params["expected"] = ", ".join(MessageKind)
    elif "expected" in context:
        params["expected"] = str(context["expected"]).replace(" or ", ", ")
    return FieldFault(path=_path(one["loc"]), code=_TEXTS.get(kind, "why.other"), params=params)


def _path(place: tuple[int | str, ...]) -> str:
    """`recipients[3].name`, as the regulation's faults name it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def _told(value: Any) -> Any:
    if is_dataclass(value):
        inside = {field.name: (getattr(value, field.name), field.default) for field in fields(value)}
        return {
            name: _told(one)
            for name, (one, default) in inside.items()
            if name not in _NEVER_TOLD and (default is MISSING or one != default)
        }
    if isinstance(value, tuple):
        return [_told(one) for one in value]
    if isinstance(value, Enum):
        return word_of(value)
    if isinstance(value, datetime):
        return None if value == NO_TIME else rfc3339(value)
    return value.isoformat() if isinstance(value, date) else value
