"""docs/DELIVERY.md says what the program does: diagrams and figures are its own, proofs exist, no line is left out."""

import re

import pytest

from gateway.core import events
from gateway.evidence.invariants.breach import Invariant
from tests.architecture.test_threats import absent
from tests.kit.delivery_page import BLOCKS, PAGE, amount, filled
from tests.kit.lab.faults import FAULTS
from tests.kit.seeded.mutants import MUTANTS

TEXT = PAGE.read_text(encoding="utf-8")
LINE = re.compile(r"^\| \*\*([A-Z]\d+)\*\* \|(.+)\|$", re.MULTILINE)
"""A row of a walk: its name in bold, then what happens, what is there, what follows, and what shows it."""
COLUMNS = 7
WALKS = {"S": 18, "R": 11, "O": 7, "W": 3, "A": 5, "L": 6}
"""The sender's gateway, the receiver's; order; what an office says of a document, what its sender says later; large files."""


def rows() -> dict[str, list[str]]:
    return {name: [cell.strip() for cell in cells.split(" | ")] for name, cells in LINE.findall(TEXT)}


def faults_of(text: str) -> set[str]:
    return set(re.findall(r"\bF-\d\d\b", text))


def mutants_of(text: str) -> set[str]:
    return set(re.findall(r"bug `(\w+)`", text))


def named_tests(text: str) -> set[str]:
    return set(re.findall(r"`(tests/[^`]+::[^`]+)`", text))


def test_diagrams_and_figures_are_the_program_s() -> None:
    assert filled(TEXT) == TEXT, "run `python -m tests.kit.delivery_page`"
    assert [name for name in BLOCKS if f"<!-- from the program: {name} -->" not in TEXT] == []


def test_a_changed_limit_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (amount("DELIVERY_DEADLINE_DAYS_DEFAULT"), amount("BACKOFF_CAP_SECONDS"), amount("WINDOW_MAX")) == (
        "14 days",
        "15 min",
        "16",
    )
    monkeypatch.setattr("gateway.core.limits.WINDOW_MAX", 17)
    assert filled(TEXT) != TEXT


def test_no_line_of_a_walk_is_left_out_and_each_tells_everything() -> None:
    found = rows()
    assert list(found) == [f"{walk}{n}" for walk, most in WALKS.items() for n in range(1, most + 1)]
    assert [name for name, cells in found.items() if len(cells) != COLUMNS - 1 or not all(cells)] == []


def test_every_line_is_shown_by_something_that_exists() -> None:
    for name, cells in rows().items():
        shown = cells[-1]
        assert named_tests(shown) or faults_of(shown) or mutants_of(shown), f"{name} is shown by nothing"


def test_what_the_page_names_is_there() -> None:
    assert [why for test in sorted(named_tests(TEXT)) if (why := absent(test))] == []
    assert faults_of(TEXT) - set(FAULTS) == set()
    assert mutants_of(TEXT) - set(MUTANTS) == set()
    kinds = {kind.value for kind in events.EventKind}
    told = re.findall(r"lea(?:f|ves)(?: for each:)? `([\w.]+)`(?: or `([\w.]+)`)?", TEXT)
    assert {name for names in told for name in names if name} <= kinds
    assert len(told) > 5


def test_every_planted_bug_and_every_invariant_has_its_place() -> None:
    assert set(MUTANTS) - mutants_of(TEXT) == set()
    assert re.findall(r"^\| (I\d+) \|", TEXT, re.MULTILINE) == [one.value.upper() for one in Invariant]
