"""Every field of every noun of an envelope says where it stands, how often, and how long it may be; every noun its source."""

import ast
import re
from inspect import getsource

import pytest

from gateway.core import message
from gateway.edxml.wire import WIRE

ELEMENT_AND_COUNT = re.compile(r"`[A-Za-z/]+`[^:]*: (?:0|1)(?:\.\.(?:1|n))?\b", re.DOTALL)
NOUNS = {
    node.name: node
    for node in ast.parse(getsource(message)).body
    if isinstance(node, ast.ClassDef) and node.name in {noun.__name__ for noun in WIRE}
}


def said(noun: ast.ClassDef) -> dict[str, tuple[str, str]]:
    """Type and docstring of each field; an empty one where there is none."""
    found = {}
    for node, after in zip(noun.body, [*noun.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            found[node.target.id] = ast.unparse(node.annotation), str(text)
    return found


@pytest.mark.parametrize("name", sorted(NOUNS))
def test_every_field_says_its_element_its_cardinality_and_its_limit(name: str) -> None:
    assert "facts 1." in (ast.get_docstring(NOUNS[name]) or "")
    for field, (kind, text) in said(NOUNS[name]).items():
        if field == "claims":  # never on the wire
            continue
        assert ELEMENT_AND_COUNT.search(text), f"{field}: {text}"
        if kind in {"str", "OrganId", "tuple[str, ...]"}:
            assert "at most" in text, f"{field}: {text}"


def test_every_noun_is_looked_at() -> None:
    assert len(NOUNS) == len(WIRE) == 12
