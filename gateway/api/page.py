"""The reference page (`/docs`): server-rendered, Vietnamese first, no script, nothing from anywhere else; it prints."""

import json
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from gateway.api.openapi import (
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
from gateway.api.sample import curl
from gateway.core.errors import CATALOGUE
from gateway.observe import explain, label, text

STYLE: Final = """
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem }
h1 { font-size: 1.6rem }
h2 { font-size: 1.25rem; margin-top: 2.5rem; border-top: 1px solid; padding-top: .6rem }
h3 { font-size: 1rem; margin-bottom: .2rem }
code, pre { font-family: ui-monospace, monospace; font-size: .875rem }
pre { padding: .6rem; border: 1px solid; border-radius: .3rem; white-space: pre-wrap; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { border: 1px solid; padding: .25rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere }
nav ul, .codes { columns: 18rem }
.en { opacity: .75 }
@media (max-width: 40rem) {
  thead { display: none }
  tr, td { display: block }
  tr { border: 1px solid; margin-bottom: .5rem }
  td { border: 0; padding: .1rem .5rem }
}
@media print {
  body { max-width: none }
  nav { display: none }
  tr, pre { break-inside: avoid }
  a { color: inherit; text-decoration: none }
}
"""


def reference_page(rows: Sequence[Operation]) -> str:
    """The whole page."""
    known = schemas()
    links = "".join(f'<li><a href="#{row.name}">{_say(row.title)}</a>' for row in rows)
    return _page(
        "api.title",
        f"<h1>{_say('api.title')}</h1>",
        _paragraphs("api.about"),
        f"<h2>{_say('api.page.access')}</h2>",
        *(_paragraphs(about) for about, _ in SECURITY.values()),
        _paragraphs("api.page.variables"),
        f"<h2>{_say('api.page.lists')}</h2>",
        _paragraphs("api.page.lists_about"),
        f"<h2>{_say('api.page.answer_headers')}</h2>",
        _table(
            ("api.page.header", "api.page.meaning"),
            [[f"<code>{name}</code>", _say(about)] for name, (about, _) in RESPONSE_HEADERS.items()],
        ),
        f"<nav><h2>{_say('api.page.operations')}</h2><ul>{links}</ul></nav>",
        *(_operation(row) for row in rows),
        f"<h2>{_say('api.page.schemas')}</h2>",
        *(_schema(name, known[name]) for name in sorted(known)),
        f"<h2 id='errors'>{_say('api.page.errors')}</h2>",
        _paragraphs("api.page.errors_about"),
        _errors(sorted({code for row in rows for code in row.codes} | {"request.method"})),
    )


def error_page(code: str) -> str:
    """What one error code means."""
    return _page(
        code,
        f"<h1><code>{escape(code)}</code></h1>",
        _errors([code]),
        f'<p><a href="/docs">{_say("api.title")}</a></p>',
    )


def _page(title: str, *parts: str) -> str:
    shown = text(title).vi if title not in CATALOGUE else title
    return (
        f'<!doctype html><html lang="vi"><head><meta charset="utf-8"><title>{escape(shown)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>"
    )


def _say(message_id: str) -> str:
    """A text in both languages, in one line."""
    said = text(message_id)
    return f'{escape(said.vi)} <span class="en" lang="en">{escape(said.en)}</span>'


def _paragraphs(message_id: str) -> str:
    said = text(message_id)
    return f'<p>{escape(said.vi)}</p><p class="en" lang="en">{escape(said.en)}</p>'


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{_say(head)}</th>" for head in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in lines)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _operation(row: Operation) -> str:
    scope = _say("api.page.public") if row.scope is None else f"<code>{row.scope.value}</code>"
    parts = [
        f'<section id="{row.name}"><h2>{_say(row.title)}</h2>',
        f"<p><code>{row.method} {escape(row.path)}</code></p>",
        _paragraphs(row.about),
        f"<p>{_say('api.page.scope')}: {scope}</p>",
        _parameters(row),
    ]
    for kind, model in row.takes.items():
        link = "" if model is None else f': <a href="#{model.__name__}">{model.__name__}</a>'
        parts.append(f"<p>{_say('api.page.body')}: <code>{escape(kind)}</code>{link}</p>")
    link = "" if row.answer is None else f': <a href="#{row.answer.__name__}">{row.answer.__name__}</a>'
    parts.append(f"<p>{_say('api.page.answer')}: {row.status}, <code>{escape(row.produces)}</code>{link}</p>")
    parts.append(f"<h3>{_say('api.page.example')}</h3><pre>{escape(curl(row))}</pre>")
    if (shown := examples().get(row.name, {}).get("answer")) is not None:
        parts.append(f"<pre>{escape(json.dumps(shown, ensure_ascii=False, indent=1))}</pre>")
    codes = "".join(f"<li>{_error_link(code)}" for code in row.codes)
    return "".join([*parts, f"<h3>{_say('api.page.errors')}</h3><ul class='codes'>{codes}</ul></section>"])


def _error_link(code: str) -> str:
    facts = CATALOGUE[code]
    turn = escape(label(f"turn.{facts.turn}").vi)
    return f'<a href="#{code}"><code>{code}</code></a> {facts.status}, {turn}'


def _parameters(row: Operation) -> str:
    lines = [[f"<code>{name}</code>", "path", _say(PATH_PARAMETERS[name].about)] for name in row.steps]
    lines += [[f"<code>{one.name}</code>", "query", f"{_say(one.about)} {_bounds(one.schema)}"] for one in row.query]
    lines += [[f"<code>{name}</code>", "header", _say(request_header_text(name))] for name in header_names(row)]
    return _table(("api.page.parameter", "api.page.place", "api.page.meaning"), lines)


def _schema(name: str, schema: Json) -> str:
    head = f'<section id="{name}"><h3>{name}</h3>'
    if "properties" not in schema:
        lines = [line.removeprefix("- ") for line in str(schema.get("description", "")).split("\n")]
        values = lines if "description" in schema else [str(value) for value in schema.get("enum", ())]
        return head + "<ul>" + "".join(f"<li>{escape(value.replace('`', ''))}" for value in values) + "</ul></section>"
    needed = set(schema.get("required", ()))
    lines_ = [
        [
            f"<code>{member}</code>{'' if member in needed else ' ?'}",
            f"{_kind(inner)} {_bounds(inner)}",
            _say(field_id(name, member)),
        ]
        for member, inner in schema["properties"].items()
    ]
    return head + _table(("api.page.member", "api.page.kind", "api.page.meaning"), lines_) + "</section>"


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{name}</a>'
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


def _errors(codes: Sequence[str]) -> str:
    return _table(
        ("api.page.code", "api.page.status", "api.page.turn", "api.page.what", "api.page.todo"),
        [_error(code) for code in codes],
    )


def _error(code: str) -> list[str]:
    facts, said, turn = CATALOGUE[code], explain(code), label(f"turn.{CATALOGUE[code].turn}")
    return [
        f'<code id="{code}">{code}</code>',
        f"{facts.status}{' ↻' if facts.retryable else ''}",
        f'{escape(turn.vi)} <span class="en" lang="en">{escape(turn.en)}</span>',
        f'{escape(said.what_vi)} <span class="en" lang="en">{escape(said.what_en)}</span>',
        f'{escape(said.todo_vi)} <span class="en" lang="en">{escape(said.todo_en)}</span>',
    ]
