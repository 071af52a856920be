"""Fuzzing in small: the same few thousand files every time, and mistakes planted on purpose, which it must find."""

from pathlib import Path

import pytest

from tests.kit.fuzz.parent import Run, run

pytestmark = pytest.mark.slow

SECONDS = 120.0
"""Far more than these runs take: it is the number of executions that ends them, the same on every machine."""


def fuzzed(folder: Path, *, executions: int, only: str = "", plant: str = "") -> tuple[Run, str]:
    asked = Run(folder=folder, seconds=SECONDS, executions=executions, seed=1, only=only, plant=plant, failures_max=1)
    run(asked, say=lambda _: None)
    return asked, "\n".join(path.with_suffix(".txt").read_text(encoding="utf-8") for path in asked.failures)


def test_a_short_run_finds_nothing(tmp_path: Path) -> None:
    done, stories = fuzzed(tmp_path, executions=500)
    assert stories == ""
    assert done.done == 500
    assert done.corpus > 150, "the vectors alone reach as much"
    assert done.branches > 500
    assert any((tmp_path / "corpus").iterdir()), "a change of a vector reached something new"


@pytest.mark.parametrize(
    ("plant", "says"),
    [("key", "KeyError: 3"), ("hang", "TooSlowError: stopped after"), ("memory", "MemoryError"), ("death", "exit -6")],
)
def test_a_planted_mistake_is_found(tmp_path: Path, plant: str, says: str) -> None:
    """Three of an element of which no vector has more than two: a table without it, and what else a reader can do wrong."""
    done, stories = fuzzed(tmp_path, executions=5_000, only="kinds/new-full", plant=plant)
    assert says in stories
    found = done.failures[0].read_bytes()
    assert found.count(b"<edXML:Appendix>") >= 3
    assert f"replay {done.failures[0]}" in stories


def test_it_makes_the_same_files_every_time(tmp_path: Path) -> None:
    corpora = []
    for name in ("a", "b"):
        fuzzed(tmp_path / name, executions=300, only="files/zip")
        corpora.append(sorted(path.name for path in (tmp_path / name / "corpus").iterdir()))
    assert corpora[0] == corpora[1] != []
