"""What offices may write: strict models, every error listed with its pointer, nothing unknown let through."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from aiohttp import web
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from gateway.api.body import SMALL_BODY_BYTES_MAX, Body, require_type
from gateway.api.problems import FieldError, InvalidRequest
from gateway.api.text import PLAIN_LINE, PLAIN_LINES
from gateway.core import large_limits, limits
from gateway.core.errors import SenderError
from gateway.core.ids import DIGEST, ORGAN_ID, OrganId
from gateway.core.message import (
    CODE_NOTATION,
    CODE_NUMBER,
    Business,
    BusinessKind,
    Code,
    DocumentChanges,
    Priority,
    Replacement,
    ResponseFor,
    SignerInfo,
)
from gateway.core.model import Metadata
from gateway.core.plain_text import first_unseen, is_blank

_LINE_BREAKS: Final = re.compile("\r\n?")


@dataclass(frozen=True, slots=True)
class Checked:
    """A check of ours, and what the document says of it: the same bounds, in JSON Schema."""

    check: Callable[[str], str]
    schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's hook."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Pydantic's hook."""
        return {**handler(core), **self.schema}


def _lines(limit: int) -> Checked:
    """Running text in NFC: line breaks (one kind of them) and tabs are welcome."""

    def check(value: str) -> str:
        text = _LINE_BREAKS.sub("\n", unicodedata.normalize("NFC", value))
        if len(text) > limit:
            raise PydanticCustomError("field.too_long", "too long", {"limit": limit})
        _only_plain(text, lines=True)
        return text

    return Checked(check, {"maxLength": limit, "pattern": PLAIN_LINES})


def _line(limit: int, *, required: bool = False, form: re.Pattern[str] | None = None) -> Checked:
    """A line of text in NFC, at most `limit` characters (after NFC: the same words count the same however typed)."""

    def check(value: str) -> str:
        text = unicodedata.normalize("NFC", value)
        if required and is_blank(text):
            raise PydanticCustomError("field.required", "blank")
        if len(text) > limit:
            raise PydanticCustomError("field.too_long", "too long", {"limit": limit})
        _only_plain(text)
        if form is not None and not form.fullmatch(text):
            raise PydanticCustomError("field.value", "form")
        return text

    schema: dict[str, Any] = {"maxLength": limit, "pattern": PLAIN_LINE}
    if required:
        schema["minLength"] = 1
    if form is not None:
        schema["pattern"] = f"^{form.pattern}$"
    return Checked(check, schema)


def _only_plain(text: str, *, lines: bool = False) -> None:
    if unseen := first_unseen(text, lines=lines):
        raise PydanticCustomError("field.characters", "characters", {"codepoint": unseen})


def _organ_id(value: str) -> str:
    if len(value) > limits.ORGAN_ID_CHARS_MAX or not ORGAN_ID.fullmatch(value):
        raise PydanticCustomError("field.organ_id", "identification code")
    return value


def _no_code_twice(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise PydanticCustomError("field.duplicate", "duplicate")
    return values


OrganCode = Annotated[
    str,
    Checked(_organ_id, {"maxLength": limits.ORGAN_ID_CHARS_MAX, "pattern": f"^{ORGAN_ID.pattern}$"}),
]
Short = Annotated[str, _line(limits.TYPE_NAME_CHARS_MAX)]
FullName = Annotated[str, _line(limits.FULL_NAME_CHARS_MAX)]
AnsweredCode = Annotated[str, _line(limits.ANSWERED_CODE_CHARS_MAX)]
TypeName = Annotated[str, _line(limits.TYPE_NAME_CHARS_MAX, required=True)]
Subject = Annotated[str, _line(limits.SUBJECT_CHARS_MAX, required=True)]
Place = Annotated[str, _line(limits.PLACE_CHARS_MAX, required=True)]
DocumentId = Annotated[str, _line(limits.DOCUMENT_ID_CHARS_MAX, required=True)]
Number = Annotated[str, _line(limits.CODE_NUMBER_CHARS_MAX, required=True, form=CODE_NUMBER)]
Notation = Annotated[str, _line(limits.CODE_NOTATION_CHARS_MAX, required=True, form=CODE_NOTATION)]
Content = Annotated[str, _lines(limits.CONTENT_CHARS_MAX)]
ReasonText = Annotated[str, _lines(limits.REASON_CHARS_MAX)]
AnswerText = Annotated[str, _lines(limits.ANSWER_WORDS_CHARS_MAX)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CodeIn(_Strict):
    """Số, ký hiệu."""

    number: Number
    notation: Notation


class SignerIn(_Strict):
    """Who signed the paper."""

    competence: Short = ""
    position: Short = ""
    full_name: FullName = ""


class ResponseForIn(_Strict):
    """The document that this one answers."""

    organ_id: OrganCode
    document_id: DocumentId
    code: AnsweredCode = ""
    promulgation_date: date | None = None


class BusinessIn(_Strict):
    """What the document does to earlier ones of the same sender."""

    kind: Literal["recall", "update", "replace"]
    documents: Annotated[
        tuple[DocumentId, ...],
        Field(min_length=1, max_length=limits.AMENDED_DOCUMENTS_MAX),
        AfterValidator(_no_code_twice),
    ]
    reason: ReasonText = ""

    @model_validator(mode="after")
    def _one_unless_it_replaces(self) -> Self:
        if self.kind != "replace" and len(self.documents) > 1:
            raise PydanticCustomError("field.too_long", "one document", {"limit": 1})
        return self

    def business(self) -> Business:
        """The value of the regulation's block."""
        if self.kind == "replace":
            replaced = tuple(Replacement(document_id=one) for one in self.documents)
            return Business(kind=BusinessKind.REPLACE, reason=self.reason, replacements=replaced)
        if self.kind == "recall":
            return Business(kind=BusinessKind.REVOKE, reason=self.reason)
        changes = DocumentChanges(metadata=True)
        return Business(kind=BusinessKind.UPDATE, reason=self.reason, document_id=self.documents[0], changes=changes)


class MetadataIn(_Strict):
    """The part `metadata` of a submission."""

    sender: OrganCode
    recipients: Annotated[
        tuple[OrganCode, ...],
        Field(min_length=1, max_length=limits.RECIPIENTS_MAX),
        AfterValidator(_no_code_twice),
    ]
    code: CodeIn
    promulgation_place: Place
    promulgation_date: date
    subject: Subject
    type_name: TypeName = "Công văn"
    document_type: Literal[1, 2] = 2
    type_detail: Annotated[int, Field(ge=1, le=99)] = 18
    content: Content = ""
    signer: SignerIn = SignerIn()
    priority: Literal["normal", "urgent", "very_urgent", "immediate", "immediate_at_time"] = "normal"
    page_amount: Annotated[int, Field(ge=1, le=65_535)] | None = None
    response_for: Annotated[tuple[ResponseForIn, ...], Field(max_length=100)] = ()
    secrecy: Short = ""
    business: BusinessIn | None = None

    def metadata(self) -> Metadata:
        """The value the desks know."""
        return Metadata(
            sender=OrganId(self.sender),
            recipients=tuple(OrganId(code) for code in self.recipients),
            code=Code(number=self.code.number, notation=self.code.notation),
            promulgation_place=self.promulgation_place,
            promulgation_date=self.promulgation_date,
            subject=self.subject,
            type_name=self.type_name,
            document_type=self.document_type,
            type_detail=self.type_detail,
            content=self.content,
            signer=SignerInfo(**self.signer.model_dump()),
            priority=Priority[self.priority.upper()],
            page_amount=self.page_amount,
            business=None if self.business is None else self.business.business(),
            response_for=self._recalled()
            + tuple(
                ResponseFor(
                    organ_id=OrganId(answered.organ_id),
                    document_id=answered.document_id,
                    code=answered.code,
                    promulgation_date=answered.promulgation_date,
                )
                for answered in self.response_for
            ),
            secrecy=self.secrecy,
        )

    def _recalled(self) -> tuple[ResponseFor, ...]:
        """What a document recalls it names as what it answers, too: there the vendor's software looks for it."""
        said = self.business.documents if self.business and self.business.kind == "recall" else ()
        known = {answered.document_id for answered in self.response_for if answered.organ_id == self.sender}
        return tuple(ResponseFor(organ_id=OrganId(self.sender), document_id=one) for one in said if one not in known)


class RecallIn(_Strict):
    """The body of `:recall`. A blank reason is the desk's to refuse: it has its own code."""

    reason: ReasonText = ""


class AgreementIn(_Strict):
    """The body of `:agree`."""

    forwarded: bool = False


class DeclineIn(_Strict):
    """The body of `:decline`. A blank reason is the desk's to refuse: it has its own code."""

    reason: AnswerText = ""
    forwarded: bool = False


class RefusalIn(_Strict):
    """The body of `:refuse`. A blank reason is the desk's to refuse: it has its own code."""

    reason: ReasonText = ""


class UploadIn(_Strict):
    """The body that begins an upload."""

    size: Annotated[int, Field(ge=1, le=large_limits.LARGE_FILE_MIB_MAX * limits.MIB)]
    sha256: Annotated[str, _line(64, required=True, form=DIGEST)]


Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], data: bytes) -> Model:
    """A model from JSON bytes.

    Raises:
        SenderError: `request.malformed` when it is no JSON, or names a member twice.
        InvalidRequest: fields are wrong; all of them are listed.
    """
    try:
        found = model.model_validate_json(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        if any(detail["type"] == "json_invalid" for detail in details):
            raise SenderError("request.malformed", reason="JSON") from None
        raise InvalidRequest([_field_error(detail) for detail in details if not _follows(detail, details)]) from None
    # Only now, because what the model has accepted is known to be shallow.
    json.loads(data, object_pairs_hook=_no_member_twice)
    return found


async def read_json(request: web.Request, model: type[Model]) -> Model:
    """The small body of an action.

    Raises:
        SenderError: `request.media_type`, and as `parse`.
    """
    require_type(request, "application/json")
    return parse(model, await Body(request, limit=SMALL_BODY_BYTES_MAX).whole())


def _no_member_twice(pairs: Iterable[tuple[str, object]]) -> None:
    """Two members of one name: readers differ in which they believe (RFC 8259 section 4)."""
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise SenderError("request.malformed", reason="a JSON member given twice")


def _follows(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether a list is too short only because something in it is wrong: pydantic counts what it could read."""
    depth, among = len(detail["loc"]), [other["loc"] for other in details]
    return detail["type"] == "too_short" and any(loc[:depth] == detail["loc"] and len(loc) > depth for loc in among)


_Finding = tuple[str, Callable[[dict[str, object]], object]]
_BY_TYPE: Final[dict[str, _Finding]] = {
    "missing": ("field.required", lambda _: None),
    "extra_forbidden": ("field.unknown", lambda _: None),
    "too_long": ("field.too_long", lambda context: context.get("max_length")),
    "too_short": ("field.too_short", lambda context: context.get("min_length")),
    "greater_than_equal": ("field.range", lambda context: context.get("ge")),
    "less_than_equal": ("field.range", lambda context: context.get("le")),
}


def _field_error(detail: ErrorDetails) -> FieldError:
    """One finding of pydantic in our words."""
    kind, context = detail["type"], detail.get("ctx", {})
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in detail["loc"])
    if kind.startswith("field."):
        return FieldError(pointer=pointer, code=kind, params=context)
    if kind == "literal_error":
        allowed = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        return FieldError(pointer=pointer, code="field.value", params={"allowed": allowed})
    if kind in _BY_TYPE:
        code, read = _BY_TYPE[kind]
        limit = read(context)
    elif kind.startswith("date_"):
        code, limit = "field.date", None
    else:
        code, limit = ("field.type" if kind.endswith("_type") else "field.value"), None
    return FieldError(pointer=pointer, code=code, params={} if limit is None else {"limit": limit})
