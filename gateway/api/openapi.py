"""The office API as an OpenAPI 3.1 document, made from the registry: the models that answer are the schemas."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.api import models
from gateway.api.operation import HTML, JSON, PATH_PARAMETERS, Operation
from gateway.api.schemas import AgreementIn, DeclineIn, MetadataIn, RecallIn, RefusalIn, UploadIn
from gateway.api.submission import FORM
from gateway.core import limits
from gateway.core.amendments import AmendmentKind
from gateway.core.directory import BodyStatus
from gateway.core.errors import CATALOGUE, Turn
from gateway.core.states import AmendmentState, BusinessStatus, DeliveryState, DocumentState, Evidence, MessageKind
from gateway.http import PROBLEM_TYPE, WAITS
from gateway.observe import explain, label, text

Json = dict[str, Any]

VERSION: Final = "1.0.0"
"""Of the interface, not of the program: the first number is the one in the path."""
_SCHEMAS: Final = "#/components/schemas/"
_ENUMS: Final[Mapping[type[StrEnum], str]] = {
    DocumentState: "document",
    DeliveryState: "delivery",
    BusinessStatus: "business",
    Evidence: "evidence",
    MessageKind: "kind",
    BodyStatus: "body",
    Turn: "turn",
    AmendmentKind: "amendment.kind",
    AmendmentState: "amendment",
}
"""Vocabularies, and under which name the catalogue keeps their words."""
FAMILIES: Final[Mapping[str, str]] = {vocabulary.__name__: family for vocabulary, family in _ENUMS.items()}
"""The same, by the name of the schema."""


def describe(rows: Iterable[Operation]) -> Json:
    """The whole document."""
    paths: Json = defaultdict(dict)
    for row in rows:
        paths[row.path][row.method.lower()] = _operation(row)
    return {
        "openapi": "3.1.0",
        "info": {"title": both("api.title"), "version": VERSION, "description": both("api.about")},
        "servers": [{"url": "/"}],
        "paths": dict(paths),
        "components": {
            "schemas": schemas(),
            "headers": {name: _header(name, *said) for name, said in RESPONSE_HEADERS.items()},
            "parameters": {name: _parameter(name, "header", *said) for name, said in _REQUEST_HEADERS.items()},
            "securitySchemes": {name: {**kind, "description": both(about)} for name, (about, kind) in SECURITY.items()},
        },
    }


def both(message_id: str) -> str:
    """A text in both languages, Vietnamese first."""
    said = text(message_id)
    return f"{said.vi}\n\n{said.en}"


@cache
def examples() -> Mapping[str, Any]:
    """What was really asked and answered, by operation (tests replay every one of them)."""
    found: Mapping[str, Any] = json.loads(Path(__file__).with_name("examples.json").read_text(encoding="utf-8"))
    return found


# =====================================================================================================================
# Schemas
# =====================================================================================================================


def schemas() -> dict[str, Json]:
    """Every model by name, its members explained."""
    wanted: list[tuple[type[BaseModel], Any]] = [(model, "serialization") for model in models.ALL]
    wanted += [
        (MetadataIn, "validation"),
        *((model, "validation") for model in (RefusalIn, UploadIn, RecallIn, AgreementIn, DeclineIn)),
    ]
    found: dict[str, Json] = models_json_schema(wanted, ref_template=f"{_SCHEMAS}{{model}}")[1]["$defs"]
    found["Problem"]["examples"] = [shown["answer"] for shown in [examples().get("problem")] if shown]
    for name, schema in found.items():
        schema.pop("title", None)
        schema.pop("description", None)
        if name in FAMILIES:
            schema["description"] = "\n".join(_value(FAMILIES[name], value) for value in schema["enum"])
        for member, inner in schema.get("properties", {}).items():
            inner.pop("title", None)
            inner["description"] = both(field_id(name, member))
    return found


def field_id(model: str, member: str) -> str:
    """Where the catalogue explains a member: under its own name, unless this model means something else by it."""
    return f"api.field.{model}.{member}" if (model, member) in _OWN_MEANING else f"api.field.{member}"


_OWN_MEANING: Final = frozenset(
    {
        ("Me", "name"),
        ("Organization", "name"),
        ("Organization", "status"),
        ("Organ", "name"),
        ("Reason", "code"),
        ("Timestamp", "state"),
        ("Problem", "code"),
        ("Problem", "detail"),
        ("Problem", "errors"),
        ("FieldProblem", "code"),
        ("ResponseFor", "code"),
        ("ResponseForIn", "code"),
        ("ResponseFor", "document_id"),
        ("ResponseForIn", "document_id"),
        ("Event", "position"),
        ("Event", "document"),
        ("Event", "recipient"),
        ("Event", "organ_id"),
        ("Event", "subject"),
        ("HistoryEvent", "subject"),
        ("HistoryEvent", "recipient"),
        ("RefusalIn", "reason"),
        ("RecallIn", "reason"),
        ("DeclineIn", "reason"),
        ("Business", "kind"),
        ("Business", "reason"),
        ("BusinessIn", "kind"),
        ("BusinessIn", "reason"),
        ("Amendment", "kind"),
        ("Amendment", "document_id"),
        ("Amendment", "reason"),
        ("Recall", "document"),
        ("Recall", "counts"),
        ("Message", "sender"),
    }
)


def _value(family: str, value: str) -> str:
    words = label(f"{family}.{value}")
    return f"- `{value}`: {words.vi} / {words.en}"


# =====================================================================================================================
# Operations
# =====================================================================================================================


def _operation(row: Operation) -> Json:
    said: Json = {
        "operationId": row.name,
        "summary": text(row.title).vi,
        "description": f"{text(row.about).vi}\n\n**{text(row.title).en}.** {text(row.about).en}",
        "security": [] if row.scope is None else [{name: [row.scope.value]} for name in SECURITY],
        "parameters": _parameters(row),
        "responses": _responses(row),
    }
    if row.takes:
        said["requestBody"] = {
            "required": True,
            "content": {kind: _content(kind, model, row) for kind, model in row.takes.items()},
        }
    return said


def _parameters(row: Operation) -> list[Json]:
    shown = examples().get(row.name, {}).get("path", {})
    found = []
    for name in row.steps:
        known = PATH_PARAMETERS[name]
        schema = {"type": "string", "pattern": f"^{known.pattern.pattern}$", "maxLength": known.chars_max}
        found.append(_parameter(name, "path", known.about, schema, example=shown.get(name)))
    found += [_parameter(one.name, "query", one.about, one.schema) for one in row.query]
    return found + [{"$ref": f"#/components/parameters/{name}"} for name in header_names(row)]


def header_names(row: Operation) -> tuple[str, ...]:
    """Headers of the request that mean something to this operation."""
    names = []
    if row.idempotent:
        names.append("Idempotency-Key")
    if row.placed:
        names.append("Upload-Offset")
    if row.tagged:
        names.append("If-None-Match")
    if row.ranged:
        names += ["Range", "If-Range"]
    if not row.reads:
        names.append("Content-Digest")
    if row.conditional:
        names.append("If-Match")
    return (*names, "X-Request-Id", "traceparent")


def request_header_text(name: str) -> str:
    """Id of the text that explains a header of the request."""
    return _REQUEST_HEADERS[name][0]


def _parameter(name: str, place: str, about: str, schema: Json, *, example: object = None) -> Json:
    said: Json = {"name": name, "in": place, "description": both(about), "schema": schema}
    if place == "path" or name in {"Idempotency-Key", "Upload-Offset"}:
        said["required"] = True
    if example is not None:
        said["example"] = example
    return said


def _header(name: str, about: str, schema: Json) -> Json:
    """A header of an answer; where it is named it is always there, but for those whose text says when."""
    return {"description": both(about), "required": name not in _SOMETIMES, "schema": schema}


def _content(kind: str, model: type[BaseModel] | None, row: Operation) -> Json:
    shown = examples().get(row.name, {})
    if kind == FORM:
        assert model is not None
        return {
            "schema": {
                "type": "object",
                "properties": {
                    "metadata": {"$ref": f"{_SCHEMAS}{model.__name__}"},
                    "file": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "minItems": 1,
                        "maxItems": limits.FILES_MAX,
                        "description": both("api.field.file"),
                    },
                    "upload": {
                        "type": "array",
                        "items": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                        "maxItems": limits.FILES_MAX,
                        "description": both("api.field.upload"),
                    },
                },
                "required": ["metadata"],
            },
            "encoding": {"metadata": {"contentType": JSON}},
        }
    if model is None:
        return {"schema": {"type": "string", "format": "binary"}}
    return {"schema": {"$ref": f"{_SCHEMAS}{model.__name__}"}, **({"example": shown["body"]} if shown else {})}


def _responses(row: Operation) -> Json:
    found: Json = {str(row.status): _success(row)}
    if row.tagged:
        names = ("ETag", "X-Request-Id", *_rate(row, HTTPStatus.NOT_MODIFIED))
        found["304"] = {"description": both("api.answer.unchanged"), "headers": _headers(*names)}
    if row.ranged:
        found["206"] = _part(row)
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in row.codes:
        by_status[CATALOGUE[code].status].append(code)
    for status, codes in sorted(by_status.items()):
        found[str(status)] = _refusal(row, status, codes)
    return found


def _part(row: Operation) -> Json:
    names = ("Content-Range", "Repr-Digest", "Content-Disposition", "ETag", "X-Request-Id")
    status = HTTPStatus.PARTIAL_CONTENT
    headers = _headers(*names, *_rate(row, status))
    return {"description": both("api.answer.part"), "headers": headers, "content": {row.produces: {}}}


def _success(row: Operation) -> Json:
    names = ["X-Request-Id", *_rate(row, row.status)]
    if row.tagged:
        names.append("ETag")
    if row.idempotent:
        names += ["Location", "Idempotent-Replay"]
    if row.status == HTTPStatus.FOUND:
        names.append("Location")
    if row.ranged:
        names += ["Content-Digest", "Content-Disposition", "Accept-Ranges"]
    said: Json = {"description": HTTPStatus(row.status).phrase, "headers": _headers(*names)}
    if row.answer is not None:
        shown = examples().get(row.name, {}).get("answer")
        content: Json = {"schema": {"$ref": f"{_SCHEMAS}{row.answer.__name__}"}}
        said["content"] = {row.produces: content if shown is None else {**content, "example": shown}}
    else:
        said["content"] = {row.produces: {}}
    return said


def _refusal(row: Operation, status: int, codes: list[str]) -> Json:
    names = ["X-Request-Id", *_rate(row, status)]
    if status == HTTPStatus.UNAUTHORIZED:
        names.append("WWW-Authenticate")
    if status in WAITS:
        names.append("Retry-After")
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        names.append("Content-Range")
    lines = [f"- `{code}`: {explain(code).what_vi} / {explain(code).what_en}" for code in codes]
    return {
        "description": "\n".join(lines),
        "headers": _headers(*names),
        "content": {PROBLEM_TYPE: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}, **({HTML: {}} if row.for_people else {})},
    }


def _rate(row: Operation, status: int) -> tuple[str, ...]:
    """How a bucket stands is told to a caller who is known, and to whoever is told to come back."""
    told = status == HTTPStatus.TOO_MANY_REQUESTS or (row.scope is not None and status not in _BEFORE_THE_KEY)
    return ("RateLimit-Policy", "RateLimit") if told else ()


def _headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


SECURITY: Final[Mapping[str, tuple[str, Json]]] = {
    "apiKey": ("api.security.about", {"type": "http", "scheme": "bearer"}),
    "clientCertificate": ("api.security.certificate", {"type": "mutualTLS"}),
}
"""Either of them opens; id of the text that explains it."""
_BEFORE_THE_KEY: Final = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.EXPECTATION_FAILED, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE}
)
"""Statuses that are answered before the gate looks at the caller, and never after."""
_POLICY: Final = '^"[a-z]+";q=[0-9]+(;qu="content-bytes")?;w=[0-9]+$'
_SOMETIMES: Final = frozenset({"Idempotent-Replay", "RateLimit", "RateLimit-Policy"})
_TAGS: Final[Json] = {"type": "string", "maxLength": 400}
_REQUEST_HEADERS: Final[Mapping[str, tuple[str, Json]]] = {
    "Idempotency-Key": (
        "api.header.idempotency_key",
        {"type": "string", "minLength": 1, "maxLength": limits.IDEMPOTENCY_KEY_CHARS_MAX, "pattern": "^[!-~]+$"},
    ),
    "Upload-Offset": ("api.header.upload_offset", {"type": "string", "pattern": "^[0-9]{1,15}$"}),
    "Content-Digest": ("api.header.content_digest", {"type": "string", "maxLength": 400}),
    "If-Match": ("api.header.if_match", _TAGS),
    "If-None-Match": ("api.header.if_none_match", _TAGS),
    "Range": ("api.header.range", {"type": "string", "maxLength": 100}),
    "If-Range": ("api.header.if_range", _TAGS),
    "X-Request-Id": (
        "api.header.request_id",
        {"type": "string", "maxLength": 128, "pattern": "^[A-Za-z0-9._:/+=@-]*$"},
    ),
    "traceparent": (
        "api.header.traceparent",
        {"type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
    ),
}
RESPONSE_HEADERS: Final[Mapping[str, tuple[str, Json]]] = {
    "ETag": ("api.header.etag", {"type": "string", "pattern": '^"[!#-~]+"$'}),
    "Location": ("api.header.location", {"type": "string", "format": "uri-reference"}),
    "Idempotent-Replay": ("api.header.idempotent_replay", {"type": "string", "enum": ["true"]}),
    "Content-Digest": ("api.header.content_digest", {"type": "string", "pattern": "^sha-256=:[A-Za-z0-9+/=]{44}:$"}),
    "Content-Disposition": ("api.header.content_disposition", {"type": "string"}),
    "Accept-Ranges": ("api.header.accept_ranges", {"type": "string", "enum": ["bytes"]}),
    "Content-Range": ("api.header.content_range", {"type": "string", "pattern": "^bytes ([0-9]+-[0-9]+|[*])/[0-9]+$"}),
    "Repr-Digest": ("api.header.repr_digest", {"type": "string", "pattern": "^sha-256=:[A-Za-z0-9+/=]{44}:$"}),
    "X-Request-Id": ("api.header.request_id", {"type": "string", "minLength": 1}),
    "Retry-After": ("api.header.retry_after", {"type": "string", "pattern": "^[0-9]+$"}),
    "RateLimit": ("api.header.rate_limit", {"type": "string", "pattern": '^"[a-z]+";r=[0-9]+;t=[0-9]+$'}),
    "RateLimit-Policy": ("api.header.rate_limit_policy", {"type": "string", "pattern": _POLICY}),
    "WWW-Authenticate": ("api.header.www_authenticate", {"type": "string"}),
}
