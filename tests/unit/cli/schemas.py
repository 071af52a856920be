"""The documented forms of what commands print, for tests: strictly, so that nothing is printed that is not documented."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

FILE = Path(__file__).parents[3] / "docs" / "cli.schema.json"
SCHEMAS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
FORMS: frozenset[str] = frozenset(SCHEMAS["$defs"])
RESOURCES = {"document", "delivery", "entry", "event", "file", "reason", "org_show"}
"""Forms of the office API: members that the API adds are not documented here."""


def check(form: str, value: object) -> None:
    """The value has the documented form, and no member that is not documented."""
    Draft202012Validator({**_strict(SCHEMAS), "$ref": f"#/$defs/{form}"}).validate(value)


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    closed = {name: form if name in RESOURCES else _closed(form) for name, form in schema["$defs"].items()}
    return {**schema, "$defs": closed}


def _closed(form: Any) -> Any:
    if isinstance(form, list):
        return [_closed(one) for one in form]
    if not isinstance(form, dict):
        return form
    inner = {name: _closed(value) for name, value in form.items()}
    return {**inner, "additionalProperties": False} if "properties" in form and form.get("type") == "object" else inner
