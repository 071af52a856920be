"""The table of threats to signatures (docs/TESTING.md): every row is there, and every test that it names."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "TESTING.md"
THREATS = 23
"""As many as the validation page of the design has."""


def rows() -> dict[int, tuple[str, list[str]]]:
    """Number, threat, tests."""
    table = PAGE.read_text(encoding="utf-8").partition("\n## Threats to signatures")[2].partition("\n## ")[0]
    found = re.findall(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", table, re.MULTILINE)
    return {int(number): (threat.strip(), re.findall(r"`([^`]+)`", tests)) for number, threat, tests in found}


@cache
def collected(path: Path) -> frozenset[str]:
    """The tests of a file, as pytest finds them: at the top, or in a class whose name begins with Test."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test")]
    return frozenset(
        node.name
        for body in (tree.body, *(one.body for one in classes))
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def absent(test: str) -> str:
    """Why there is no such test; empty where there is."""
    path, found, name = test.partition("::")
    file = ROOT / path
    if not found or not file.name.startswith("test_") or not file.is_file():
        return f"{test}: no such file"
    return "" if name in collected(file) else f"{test}: no such test"


def test_every_threat_has_its_row() -> None:
    assert list(rows()) == list(range(1, THREATS + 1))


def test_every_row_names_tests_that_exist() -> None:
    assert [number for number, (threat, tests) in rows().items() if not threat or not tests] == []
    assert [why for _, tests in rows().values() for test in tests if (why := absent(test))] == []


def test_no_row_names_a_test_twice() -> None:
    assert [number for number, (_, tests) in rows().items() if len(tests) != len(set(tests))] == []


@pytest.mark.parametrize(
    "test",
    [
        "tests/architecture/test_threats.py::absent",
        "tests/architecture/test_threats.py::test_that_nobody_wrote",
        "tests/architecture/test_gone.py::test_every_threat_has_its_row",
        "tests/architecture/test_threats.py",
    ],
)
def test_a_test_that_is_not_there_is_missed(test: str) -> None:
    assert absent(test)
