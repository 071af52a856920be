"""The reference page (`/docs`): server-rendered, one language at a time, no script, nothing from anywhere else; it prints."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

from gateway.api.language import Language
from gateway.api.markup import Column, code, link, page, table
from gateway.api.openapi import (
    FAMILIES,
    RESPONSE_HEADERS,
    SECURITY,
    Json,
    examples,
    field_id,
    header_names,
    request_header_text,
    schemas,
)
from gateway.api.operation import PATH_PARAMETERS, Operation
from gateway.api.problem_page import again
from gateway.api.sample import curl
from gateway.core.errors import CATALOGUE

_SECTIONS: Final = {
    "access": "api.page.access",
    "examples": "api.page.examples",
    "lists": "api.page.lists",
    "request_headers": "api.page.request_headers",
    "answer_headers": "api.page.answer_headers",
    "operations": "api.page.operations",
    "schemas": "api.page.schemas",
    "errors": "api.page.errors",
}
"""Anchors, and the ids of their headings."""
_COMMON: Final = ("Content-Digest", "If-None-Match", "X-Request-Id", "traceparent")
"""Headers of requests that mean the same everywhere: explained once, named at each operation."""
_MEANING: Final = Column("api.page.meaning")
_HEADERS: Final = (Column("api.page.header", "name"), _MEANING)
_PARAMETERS: Final = (Column("api.page.parameter", "name"), Column("api.page.place", "name"), _MEANING)
_MEMBERS: Final = (Column("api.page.member", "name"), Column("api.page.kind", "short"), _MEANING)
_ERRORS: Final = (
    Column("api.page.code", "name"),
    Column("api.page.status", "short"),
    Column("api.page.turn", "short"),
    Column("api.page.what"),
    Column("api.page.todo"),
)


def reference_page(rows: Sequence[Operation], language: Language) -> bytes:
    """The whole page."""
    return page(language, language.text("api.title"), _Page(rows, language).body(), switch="/docs")


class _Page:
    """The reference in one language."""

    def __init__(self, rows: Sequence[Operation], language: Language) -> None:
        self._rows, self._language = rows, language
        self._schemas = schemas()
        self._codes = sorted({code for row in rows for code in row.codes} | {"request.method"})

    def body(self) -> str:
        """Contents first, then section by section."""
        headers = [[code(name), self._say(about)] for name, (about, _) in RESPONSE_HEADERS.items()]
        common = [[code(name), self._say(request_header_text(name))] for name in _COMMON]
        errors = [self._error(name) for name in self._codes]
        return "".join(
            (
                f"<h1>{self._say('api.title')}</h1>",
                self._paragraph("api.about"),
                self._contents(),
                self._section("access", *(self._paragraph(about) for about, _ in SECURITY.values())),
                self._section("examples", self._paragraph("api.page.variables")),
                self._section("lists", self._paragraph("api.page.lists_about")),
                self._section("request_headers", table(self._language, _HEADERS, common)),
                self._section("answer_headers", table(self._language, _HEADERS, headers)),
                self._section("operations", *map(self._operation, self._rows)),
                self._section("schemas", *map(self._schema, sorted(self._schemas))),
                self._section(
                    "errors", self._paragraph("api.page.errors_about"),
                    table(self._language, _ERRORS, errors, self._codes),
                ),
            )
        )  # fmt: skip

    def _contents(self) -> str:
        """Operations are what most people look for; the names of the others are folded up."""
        plain = "".join(
            f"<li>{self._to(name)}" for name in ("access", "examples", "lists", "request_headers", "answer_headers")
        )
        operations = _links((row.name, self._say(row.title)) for row in self._rows)
        names = {"schemas": sorted(self._schemas), "errors": self._codes}
        folded = "".join(
            f"<li>{self._to(section)}<details><summary>{self._say('api.page.unfold', count=len(found))}</summary>"
            f"{_links((name, code(name)) for name in found)}</details>"
            for section, found in names.items()
        )
        head = f"<h2>{self._say('api.page.contents')}</h2>"
        return f"<nav>{head}<ul>{plain}<li>{self._to('operations')}{operations}{folded}</ul></nav>"

    def _to(self, section: str) -> str:
        return link(f"#{section}", self._say(_SECTIONS[section]))

    def _section(self, name: str, *parts: str) -> str:
        return f'<section id="{name}"><h2>{self._say(_SECTIONS[name])}</h2>{"".join(parts)}{self._top()}</section>'

    def _top(self) -> str:
        return f'<p class="top">{link("#top", "↑ " + self._say("api.page.top"))}</p>'

    def _say(self, message_id: str, **params: object) -> str:
        return escape(self._language.text(message_id, **params))

    def _paragraph(self, message_id: str) -> str:
        return f"<p>{self._say(message_id)}</p>"

    def _operation(self, row: Operation) -> str:
        scope = self._say("api.page.public") if row.scope is None else code(row.scope.value)
        parts = [
            f'<section id="{row.name}"><h3>{self._say(row.title)}</h3>',
            f"<p>{code(f'{row.method} {row.path}')}</p>",
            self._paragraph(row.about),
            f"<p>{self._say('api.page.scope')}: {scope}</p>",
            self._parameters(row),
        ]
        for kind, model in row.takes.items():
            parts.append(f"<p>{self._say('api.page.body')}: {code(kind)}{_model(model)}</p>")
        parts.append(f"<p>{self._say('api.page.answer')}: {row.status}, {code(row.produces)}{_model(row.answer)}</p>")
        parts.append(f"<h4>{self._say('api.page.example')}</h4><pre>{escape(curl(row))}</pre>")
        if (shown := examples().get(row.name, {}).get("answer")) is not None:
            said = escape(json.dumps(shown, ensure_ascii=False, indent=1))
            parts.append(f"<details><summary>{self._say('api.page.answer')}</summary><pre>{said}</pre></details>")
        codes = "".join(f"<li>{self._error_link(name)}" for name in row.codes)
        summary = f"<summary>{self._say('api.page.errors')} ({len(row.codes)})</summary>"
        return "".join([*parts, f"<details>{summary}<ul class='codes'>{codes}</ul></details>{self._top()}</section>"])

    def _error_link(self, name: str) -> str:
        facts = CATALOGUE[name]
        return f"{link(f'#{name}', code(name))} {facts.status}, {escape(self._language.label(f'turn.{facts.turn}'))}"

    def _parameters(self, row: Operation) -> str:
        lines = [[code(name), "path", self._say(PATH_PARAMETERS[name].about)] for name in row.steps]
        lines += [[code(one.name), "query", f"{self._say(one.about)} {_bounds(one.schema)}"] for one in row.query]
        own = [name for name in header_names(row) if name not in _COMMON]
        lines += [[code(name), "header", self._say(request_header_text(name))] for name in own]
        common = ", ".join(code(name) for name in header_names(row) if name in _COMMON)
        rest = f"<p>{self._to('request_headers')}: {common}</p>"
        return (table(self._language, _PARAMETERS, lines) if lines else "") + rest

    def _schema(self, name: str) -> str:
        schema = self._schemas[name]
        head = f'<section id="{name}"><h3>{code(name)}</h3>'
        if "properties" not in schema:
            return f"{head}<ul>{''.join(f'<li>{self._value(name, value)}' for value in schema['enum'])}</ul></section>"
        lines = [self._member(name, member, inner) for member, inner in schema["properties"].items()]
        return f"{head}{table(self._language, _MEMBERS, lines)}{self._top()}</section>"

    def _member(self, name: str, member: str, schema: Json) -> list[str]:
        optional = member not in self._schemas[name].get("required", ())
        said = f"<small>{self._say('api.page.optional')}</small>" if optional else ""
        return [f"{code(member)}{said}", f"{_kind(schema)} {_bounds(schema)}", self._say(field_id(name, member))]

    def _value(self, name: str, value: str) -> str:
        family = FAMILIES.get(name)
        return code(value) + (f": {escape(self._language.label(f'{family}.{value}'))}" if family else "")

    def _error(self, name: str) -> list[str]:
        facts = CATALOGUE[name]
        return [
            code(name),
            f"{facts.status}{again(self._language) if facts.retryable else ''}",
            escape(self._language.label(f"turn.{facts.turn}")),
            escape(self._language.what(name)),
            escape(self._language.todo(name)),
        ]


def _links(found: Iterable[tuple[str, str]]) -> str:
    return f"<ul>{''.join('<li>' + link(f'#{name}', shown) for name, shown in found)}</ul>"


def _model(model: type[Any] | None) -> str:
    return "" if model is None else f": {link(f'#{model.__name__}', model.__name__)}"


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return link(f"#{name}", name)
    if "anyOf" in schema:
        return " | ".join(_kind(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"[{_kind(schema.get('items', {}))}]"
    return escape(str(schema.get("format") or schema.get("type", "")))


def _bounds(schema: Json) -> str:
    known: list[tuple[str, Any]] = [
        (name, schema[name])
        for name in ("default", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "enum")
        if name in schema
    ]
    return " ".join(f"<code>{name}={escape(json.dumps(value, ensure_ascii=False))}</code>" for name, value in known)
